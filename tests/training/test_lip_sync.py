from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import json  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402

from assay.bundles.folder import load_bundle_folder  # noqa: E402
from assay.errors import ConfigError  # noqa: E402
from assay.training import clip_data  # noqa: E402
from assay.training.forgeries.video_forgery import FaceSequence  # noqa: E402
from assay.training.kinds import train_other  # noqa: E402
from assay.training.lip_sync import read_config, varied_mouths, varied_sound  # noqa: E402
from tests.training.clip_makers import clip_files  # noqa: E402
from tests.training.moving_faces import moving_landmarks  # noqa: E402

TEXT = """
kind = "lip_sync"
name = "lips"
version = "1"
[data]
manifest = "{folder}/clips/manifest.parquet"
methods = ["swapped_sound"]
cache = "{folder}/cache"
part_frames = 24
[input]
n_frames = 26
size_px = 16
[net]
n_features = 8
mouth_widths = [4, 8]
sound_widths = [16, 16, 16]
max_shift = 3
[fit]
steps = 6
batch = 4
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    torch.set_num_threads(1)
    monkeypatch.setattr(
        clip_data,
        "follow_face",
        lambda rgb, times_s: FaceSequence(rgb, moving_landmarks(len(rgb), 0.12), times_s),
    )
    clip_files(tmp_path / "clips", people=4, seconds=1.2)
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "lips.toml"
    path.write_text(TEXT.format(folder=tmp_path))
    return path


def test_a_run_trains_goes_on_measures_and_leaves_a_bundle(config: Path) -> None:
    train_other(config, resume=False)
    folder = config.parent / "runs" / "lips"
    report = json.loads((folder / "report.json").read_text())
    assert report["training"]["steps"] == 6
    assert report["held_out"]["auc"]["n_fake"] == 2
    assert report["held_out"]["auc"]["n_real"] == 4
    assert set(report["held_out"]["by_method"]) == {"swapped_sound"}
    assert len(json.loads((folder / "predictions.json").read_text())) == 6
    card, _ = load_bundle_folder(folder / "bundle")
    assert card.recipe["n_frames"] == 26
    config.write_text(config.read_text().replace("steps = 6", "steps = 8"))
    train_other(config, resume=True)
    assert json.loads((folder / "report.json").read_text())["training"]["steps"] == 8


def test_varied_examples_keep_their_shape_and_are_drawn_alike() -> None:
    mouths = np.random.default_rng(0).integers(0, 256, (5, 24, 24, 3)).astype(np.uint8)
    first = varied_mouths(mouths, np.random.default_rng(3))
    assert first.shape == mouths.shape
    assert first.dtype == np.uint8
    assert np.array_equal(first, varied_mouths(mouths, np.random.default_rng(3)))
    sound = np.sin(np.arange(2000) / 5).astype(np.float32)
    louder = varied_sound(sound, np.random.default_rng(3))
    assert louder.shape == sound.shape
    assert np.corrcoef(sound, louder)[0, 1] > 0.8
    assert varied_sound(sound[:0], np.random.default_rng(3)).shape == (0,)


def test_a_configuration_of_no_use_is_refused(config: Path) -> None:
    for old, new in (("size_px = 16", "size_px = 0"), ("steps = 6", "step = 6"), ("[fit]", "[x]")):
        text = TEXT.format(folder=config.parent).replace(old, new)
        config.write_text(text)
        with pytest.raises(ConfigError, match=r"lips\.toml"):
            read_config(config)
