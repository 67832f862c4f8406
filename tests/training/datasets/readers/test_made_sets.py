"""The made sets themselves: their media can be decoded where that is asked for."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from .made_sets import MADE
from .made_video_sets import deepfake_timit
from .small_media import write_medium


@pytest.mark.parametrize("name", ["a.mp4", "a.avi"])
def test_a_made_video_can_be_decoded(tmp_path: Path, name: str) -> None:
    write_medium(tmp_path / name, media=True, seed=3)
    with av.open(str(tmp_path / name)) as container:
        assert [stream.type for stream in container.streams] == ["video", "audio"]
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert np.shape(frames) == (6, 96, 96, 3)
    assert np.std(frames[0]) > 20


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_a_made_sound_can_be_decoded(tmp_path: Path, name: str) -> None:
    write_medium(tmp_path / name, media=True, seed=3, n_frames=10)
    with av.open(str(tmp_path / name)) as container:
        n = sum(frame.samples for frame in container.decode(audio=0))
    assert n == 16_000


def test_a_file_without_a_suffix_is_a_picture(tmp_path: Path) -> None:
    root = deepfake_timit(tmp_path, media=True)
    with Image.open(root / "VidTIMIT/fadg0/video/sa1/001") as image:
        assert (image.format, image.size) == ("JPEG", (96, 96))


@pytest.mark.parametrize("name", MADE)
def test_a_maker_gives_the_set_folder(name: str, tmp_path: Path) -> None:
    root = MADE[name](tmp_path / "set")
    assert root.is_dir()
    assert root.is_relative_to(tmp_path / "set")
