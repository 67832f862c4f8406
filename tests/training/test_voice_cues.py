from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from assay.bundles import load_card, verify
from assay.bundles.network import Network
from assay.errors import ConfigError
from assay.inputs.spectrum_cues import NAMES as SPECTRUM
from assay.inputs.voice_cues import NAMES as PROSODY
from assay.training import voice_cues
from assay.training.datasets.manifest import Item
from assay.training.voice_cue_measuring import VoiceTable
from assay.training.voice_cue_worth import Weighing
from tests.real_faces import ROOT

pytest.importorskip("onnx", reason="the train extra is not installed")
pytest.importorskip("sklearn", reason="the train extra is not installed")
pytestmark = pytest.mark.train


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> voice_cues.FitConfig:
    monkeypatch.chdir(tmp_path)
    text = (ROOT / "configs" / "voice_spectrum.toml").read_text()
    text = text.replace('folders = ["", ', f'folders = ["{tmp_path}", ')
    path = tmp_path / "a.toml"
    path.write_text(text.replace("draws = 200", "draws = 40"))
    return voice_cues.read_config(path)


def made_table(shift: float, n: int = 120) -> VoiceTable:
    """Speech of two genuine sets and two makers, whose phase coherence lies `shift` higher."""
    rng = np.random.default_rng(0)
    names = np.repeat(["here", "there", "one", "other"], n)
    fake = np.isin(names, ["one", "other"])
    spectrum = rng.normal(size=(len(names), len(SPECTRUM)))
    spectrum[fake, 0] += shift
    prosody = rng.normal(size=(len(names), len(PROSODY)))
    number = np.arange(len(names))
    copy = np.where(number % 2, "degraded", "found")
    group = np.array([f"{name}{i // 2}" for i, name in zip(number, names, strict=True)])
    split = np.where(number % 10 < 7, "train", "val")
    return VoiceTable(prosody, spectrum, copy, fake, names, group, split, names)


ITEMS = [
    Item(Path(name), "audio", label, name, name, "train", "free", name * 8)
    for name, label in (("here", "real"), ("one", "fake"))
]


def test_cues_that_tell_let_the_detector_score(config: voice_cues.FitConfig) -> None:
    card = voice_cues.finished(made_table(4.0), ITEMS, config)
    assert card["scores"]
    assert card["why_no_score"] == ""
    assert card["held_out"]["found_at_1_percent"]["mean"]["low"] > 0.5
    assert card["cues"]["phase_coherence"]["auc_as_found"]["mean"]["value"] > 0.95
    assert card["held_out"]["val"]["together"]["auc"]["value"] > 0.95
    strict, loose = (point["threshold"] for point in card["operating_points"])
    assert strict >= loose


def test_cues_that_tell_nothing_do_not(config: voice_cues.FitConfig) -> None:
    card = voice_cues.finished(made_table(0.0), ITEMS, config)
    assert not card["scores"]
    assert "too few for a score" in card["why_no_score"]
    assert card["held_out"]["all"]["found"]["auc"]["value"] == pytest.approx(0.5, abs=0.15)
    assert card["calibration"]["scale"] > 0


def test_the_bundle_is_whole(config: voice_cues.FitConfig) -> None:
    voice_cues.finished(made_table(3.0), ITEMS, config)
    folder = config.run_folder / "bundle"
    card = load_card("voice_spectrum", folder)
    assert verify("voice_spectrum", folder) == card.network_sha256
    assert card.recipe_fingerprint == config.recipe.fingerprint
    assert card.calibration is not None
    assert list(card.calibration.bona_fide_logits) == sorted(card.calibration.bona_fide_logits)
    assert set(card.raw["cues"]) == set(SPECTRUM)
    assert json.loads(json.dumps(card.raw["trained_on"]))[0]["licence"] == "free"


def test_the_network_is_the_weighing(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    k = len(PROSODY)
    weighing = Weighing(
        *rng.normal(size=(1, k)), 1 + rng.random(k), *rng.normal(size=(2, k)), 0.3, 3
    )
    path = tmp_path / "network.onnx"
    voice_cues.export(weighing, path, {"recipe_fingerprint": "f"})
    cues = (5 * rng.normal(size=(20, k))).astype(np.float32)
    cues[rng.random(cues.shape) < 0.2] = np.nan
    network = Network(path)
    found = network.run(cues)
    assert network.metadata["recipe_fingerprint"] == "f"
    assert found["logit"] == pytest.approx(weighing.logits(cues.astype(float)), abs=1e-4)
    assert found["evidence"].sum(axis=1) + 0.3 == pytest.approx(found["logit"], abs=1e-4)
    assert not found["evidence"][np.isnan(cues)].any()


@pytest.mark.parametrize("name", ["voice_prosody", "voice_spectrum"])
def test_the_shipped_configurations_can_be_read(name: str, tmp_path: Path) -> None:
    text = (ROOT / "configs" / f"{name}.toml").read_text()
    path = tmp_path / "a.toml"
    path.write_text(text.replace('""', f'"{tmp_path}"'))
    config = voice_cues.read_config(path)
    assert config.raw["name"] == name
    assert config.run_folder == Path("runs") / name


@pytest.mark.parametrize(
    ("old", "new"),
    [('reads = "spectrum"', 'reads = "faces"'), ("folds = 5", "folds = 0"), ("c = ", "d = ")],
)
def test_what_is_wrong_with_a_configuration_is_said(old: str, new: str, tmp_path: Path) -> None:
    text = (ROOT / "configs" / "voice_spectrum.toml").read_text().replace('""', f'"{tmp_path}"')
    assert old in text
    path = tmp_path / "a.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(ConfigError, match=r"a\.toml"):
        voice_cues.read_config(path)


def test_folders_that_are_not_there_are_refused_when_none_is(config: voice_cues.FitConfig) -> None:
    with pytest.raises(ConfigError, match=r"manifest\.csv"):
        voice_cues.voices_of(config)
