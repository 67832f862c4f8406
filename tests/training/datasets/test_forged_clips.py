from __future__ import annotations

import csv
import json
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assay.media.probe import probe
from assay.media.resample import resized
from assay.media.video import read_frames
from assay.training.datasets.forged_clips import MORE_COLUMNS, main, make, softened
from assay.training.datasets.forged_clips_plan import Config
from assay.training.video_marks import Encoding, encode_video
from assay.types import Waveform
from tests.real_faces import portrait
from tests.training.datasets.test_forged_clips_plan import (  # noqa: F401
    config,
    row,
    write_rows,
)
from tests.training.makers import needs_opencv
from tests.training.moving_faces import face_sequence

pytestmark = [pytest.mark.train, needs_opencv]


@pytest.fixture
def small(config: Config) -> Config:  # noqa: F811
    """Two clips of a portrait: one paired, with brighter right halves, one with sound."""
    folder = config.folders[0][1]
    frames = np.stack([np.roll(resized(portrait(), (176, 208)), i, axis=1) for i in range(12)])
    bright = np.clip(frames.astype(int) + 40, 0, 255).astype(np.uint8)
    both, times_s = np.concatenate([frames, bright], axis=2), np.arange(12) / 25
    sound = Waveform(np.zeros(8000, np.float32), 16_000)
    (folder / "v-x_1.mp4").write_bytes(encode_video(both, times_s, None, Encoding()))
    (folder / "a1.mp4").write_bytes(encode_video(frames, times_s, sound, Encoding()))
    write_rows(
        folder,
        [
            row("v-x_1.mp4", "paired", "swap", "dfl-x", "train"),
            row("a1.mp4", "real", "one", "anna", "train"),
            row("gone.mp4", "real", "one", "ben", "train"),
        ],
    )
    return replace(config, forgers=("face_flicker", "steady_swap"))


def pixels(path: Path) -> np.ndarray:
    times_s = tuple(np.arange(12) / 25)
    return np.stack([f.rgb for f in read_frames(probe(str(path)), times_s, lambda: None)])


def test_forgeries_stand_beside_their_twins_and_nothing_else_differs(
    small: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    rows = make(small, out)
    assert "gone" in capsys.readouterr().err
    with (out / "manifest.csv").open(newline="", encoding="utf-8") as file:
        assert list(csv.DictReader(file)) == rows
    assert tuple(rows[0]) == MORE_COLUMNS
    by_method = {(r["footage"][0], r["method"]): r for r in rows}
    assert {m for f, m in by_method if f == "v"} == {
        *("swap-left", "swap", "face_flicker", "steady_swap", "softened-swap-left"),
    }
    for one in rows:
        twin, file = out / one["twin"], probe(str(out / one["path"]))
        facts = probe(str(twin))
        for name in ("size_px", "fps", "codec", "n_frames", "audio_codec", "duration_s"):
            assert getattr(file, name) == getattr(facts, name), name
        assert (one["label"] == "fake") == bool(one["spans"])
        assert one["split"] == "train"
    real, swap = (pixels(out / by_method["v", m]["path"]) for m in ("swap-left", "swap"))
    assert (swap.astype(int) - real).mean() > 25
    assert by_method["a", "steady_swap"]["note"].count("donor v-x_1.mp4:left@0s") == 1


IN_A_PROCESS = """
import json, pickle, sys
from pathlib import Path
from assay.training.datasets.forged_clips import make
config = pickle.loads(Path(sys.argv[1]).read_bytes())
print(json.dumps(make(config, Path(sys.argv[2]))))
"""


def made_by_a_run(config: Config, out: Path) -> list[dict[str, str]]:  # noqa: F811
    """The rows that a run of its own makes: nothing of an earlier one is left in memory."""
    plan = out.parent / "config.pickle"
    plan.write_bytes(pickle.dumps(config))
    command = [sys.executable, "-c", IN_A_PROCESS, str(plan), str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    rows: list[dict[str, str]] = json.loads(done.stdout.splitlines()[-1])
    return rows


def test_a_second_run_keeps_what_is_there_and_mends_what_is_gone(
    small: Config, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    rows = made_by_a_run(small, out)
    first, second = (out / r["path"] for r in rows[:2])
    stamp = second.stat().st_mtime_ns
    data = first.read_bytes()
    first.unlink()
    assert made_by_a_run(small, out) == rows
    assert second.stat().st_mtime_ns == stamp
    assert first.read_bytes() == data
    fewer = make(replace(small, forgers=("face_flicker",)), out)
    assert {r["method"] for r in rows} - {r["method"] for r in fewer} == {"steady_swap"}


def test_a_softened_clip_is_the_same_clip_with_less_detail() -> None:
    sequence = face_sequence(8)
    frames, note = softened(sequence, np.random.default_rng(0))
    assert frames.shape == sequence.rgb.shape
    assert "px a head" in note
    error = np.abs(frames.astype(int) - sequence.rgb).mean()
    assert 0.2 < error < 25


def test_a_wrong_configuration_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "c.toml"
    path.write_text("seed = 1", encoding="utf-8")
    assert main([str(path), "--out", str(tmp_path / "out")]) == 2
    assert "describes no forged clips" in capsys.readouterr().err
