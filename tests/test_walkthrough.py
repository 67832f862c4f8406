"""docs/walkthrough.md is run as it stands, on a tiny folder of videos."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("lightning", reason="the train extra is not installed")
pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = [pytest.mark.train, pytest.mark.slow]

from assay.cli import run  # noqa: E402
from assay.media.resample import resized  # noqa: E402
from assay.training.video_marks import Encoding, encode_video  # noqa: E402
from assay.types import Array  # noqa: E402
from tests.real_faces import ROOT, portrait  # noqa: E402

PAGE = ROOT / "docs" / "walkthrough.md"
N_PEOPLE, N_FRAMES = 12, 10


def clip(person: int, red: int) -> bytes:
    """A portrait that goes sideways in a light of its own; forgeries are red."""
    name = ("grace_hopper", "astronaut")[person % 2]
    small = resized(portrait(name), (224, 266)).astype(np.int16) + 5 * person - 30
    small = small + np.array([red, 0, 0], np.int16)
    frames: list[Array] = [
        np.roll(np.clip(small, 0, 255).astype(np.uint8), i, axis=1) for i in range(N_FRAMES)
    ]
    return encode_video(np.stack(frames), np.arange(N_FRAMES) / 25, None, Encoding())


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for person in range(N_PEOPLE):
        for kind, red in (("real", 0), ("fake/swap", 70)):
            path = tmp_path / "my_videos" / kind / f"p{person}" / "clip.mp4"
            path.parent.mkdir(parents=True)
            path.write_bytes(clip(person, red))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def commands() -> list[list[str]]:
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    lines = [line for block in blocks for line in block.splitlines() if line.strip()]
    assert all(line.startswith("assay ") for line in lines)
    return [shlex.split(line)[1:] for line in lines]


def test_every_command_of_the_page_works_in_its_order(folder: Path) -> None:
    listed = commands()
    assert len(listed) == 11
    for command in listed:
        assert run(command) == 0, command
    result = json.loads((folder / "work/results/test/result.json").read_text(encoding="utf-8"))
    assert result["final"] is True
    assert (folder / "work/sealed_log.jsonl").read_text(encoding="utf-8").count("\n") >= 1
    board = (folder / "work/board/leaderboard.md").read_text(encoding="utf-8")
    assert "simple_cnn" in board
    assert "meso4" in board
    assert "the sealed test" in board
