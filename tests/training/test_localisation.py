from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import json  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402

import assay  # noqa: E402
from assay.bundles.folder import load_bundle_folder  # noqa: E402
from assay.errors import ConfigError  # noqa: E402
from assay.inputs.clip import ClipInput  # noqa: E402
from assay.inputs.clip_scores import suppression_of  # noqa: E402
from assay.inputs.proposals import Suppression  # noqa: E402
from assay.training.clip_data import chosen_records, stored_clips  # noqa: E402
from assay.training.kinds import train_other  # noqa: E402
from assay.training.localisation import Batches, read_config, varied  # noqa: E402
from assay.types import Evidence  # noqa: E402
from tests.real_faces import ROOT  # noqa: E402
from tests.training.clip_makers import clip_files  # noqa: E402

TEXT = """
kind = "localisation"
name = "small"
version = "1"
[data]
manifest = "{folder}/clips/manifest.parquet"
methods = ["sound_span"]
cache = "{folder}/cache"
[input]
n_frames = 24
size_px = 48
[net]
name = "ba_tfd"
stride = 2
max_duration = 6
video_widths = [2, 2, 4, 4]
audio_widths = [4, 4, 8]
boundary_widths = [8, 4]
n_samples = 4
[fit]
steps = {steps}
batch = 4
learning_rate = 5e-3
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    torch.set_num_threads(1)
    clip_files(tmp_path / "clips", people=4)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small.toml"
    path.write_text(TEXT.format(folder=tmp_path, steps=12))
    return path


def detect_with(bundle: Path, path: Path) -> list[Evidence]:
    verdict = assay.detect(path, bundles=(str(bundle),), detectors=("error_level",))
    return [one for one in verdict.evidence if one.detector == "bundle_small"]


def test_a_run_trains_goes_on_measures_and_leaves_a_bundle(config: Path) -> None:
    assert train_other(config, resume=False)
    folder = config.parent / "runs" / "small"
    report = json.loads((folder / "report.json").read_text())
    assert report["training"]["steps"] == 12
    assert (report["n_train"], report["train_people"], report["test_people"]) == (6, 2, 2)
    assert set(report["localisation"]) == {"full", "visual_only", "audio_only"}
    assert 0 <= report["localisation"]["full"]["ap@0.5"]["value"] <= 1
    answers = json.loads((folder / "predictions.json").read_text())
    assert set(answers) == {f"p{p}/{n}.mp4" for p in (1, 3) for n in (0, 1, 2)}
    card, network = load_bundle_folder(folder / "bundle")
    assert card.calibration is None
    assert network.output_names == ("logit", "boundary_map")
    assert suppression_of(card) == Suppression()
    path = config.parent / "clips" / "p1" / "2.mp4"
    (said,) = detect_with(folder / "bundle", path)
    assert (said.status, said.logit) == ("reported", None)
    assert said.details["raw_logit"] == pytest.approx(answers["p1/2.mp4"]["logit"], abs=2e-3)
    stored = answers["p1/2.mp4"]["proposals"][0]
    assert said.findings[1].values["proposals"][0]["raw_score"] == pytest.approx(
        stored[0], abs=1e-3
    )
    assert ClipInput.from_card(card.recipe) == ClipInput(n_frames=24, size_px=48)

    config.write_text(config.read_text().replace("steps = 12", "steps = 16"))
    train_other(config, resume=True)
    assert json.loads((folder / "report.json").read_text())["training"]["steps"] == 16


def test_a_varied_clip_keeps_its_spans_where_they_are(config: Path) -> None:
    read = read_config(config)
    manifest = chosen_records(Path(read.raw["data"]["manifest"]), "", ("sound_span",))
    clips = stored_clips(manifest, read.recipe, Path(read.raw["data"]["cache"]))
    fake = next(clip for clip in clips if clip.fake)
    for seed in range(6):
        frames, samples, spans = varied(fake, read.recipe, np.random.default_rng(seed))
        skipped = len(fake.frames) - len(frames)
        assert 0 <= skipped <= 5
        assert spans[0].start_s == pytest.approx(max(0, 0.24 - skipped / 25))
        assert abs(len(fake.samples) - len(samples) - skipped * 640) < 2
    batches = Batches(clips, read)
    inputs, wanted = batches.draw(np.random.default_rng(1))
    again, _ = batches.draw(np.random.default_rng(1))
    assert torch.equal(inputs[0], again[0])
    assert inputs[0].shape == (4, 24, 48, 48, 3)
    assert inputs[1].shape == (4, 64, 96)
    assert wanted.fused_map.shape == (4, 6, 12)
    assert (wanted.n_valid <= 10).all()
    assert 0 < int(wanted.genuine.sum()) < 4 or not wanted.genuine.all()


def test_the_shipped_configuration_can_be_read() -> None:
    read = read_config(ROOT / "configs" / "ba_tfd_small.toml")
    assert read.rate_hz == 12.5
    assert read.arguments["n_frames"] == 64


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "ba_tfd"', 'name = "xception"'),
        ("n_frames = 24", "n_frames = 25"),
        ("n_frames = 24", 'n_frames = "many"'),
        ("steps = 12", "steps = 0"),
        ("[fit]", "[proposals]\nspeed = 1\n[fit]"),
        ('version = "1"', ""),
        ("[net]", "[nets]"),
        ("kind", "kind = ["),
    ],
)
def test_a_configuration_of_no_use_is_refused(config: Path, old: str, new: str) -> None:
    config.write_text(config.read_text().replace(old, new, 1))
    with pytest.raises(ConfigError, match=r"small\.toml"):
        read_config(config)


def test_clips_that_are_not_there_are_a_clear_error(config: Path) -> None:
    config.write_text(config.read_text().replace("manifest.parquet", "nowhere.parquet"))
    with pytest.raises(ConfigError, match=r"nowhere\.parquet"):
        train_other(config, resume=False)
