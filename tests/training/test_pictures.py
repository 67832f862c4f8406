from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.training import pictures
from assay.training.datasets.manifest import read_manifest
from assay.training.pictures import FRAMES_PER_CLIP, cached_pictures
from tests.real_faces import textured
from tests.training.makers import write_manifest
from tests.training.test_cache import write_clip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    Image.fromarray(textured(64, 80, 1)).save(folder / "real.png")
    Image.fromarray(textured(64, 80, 2)).save(folder / "made.png")
    Image.fromarray(textured(64, 80, 3)).save(
        folder / "made.genuine.jpg", quality=97, subsampling=0
    )
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(40))
    left, right = textured(64, 96, 4), 255 - textured(64, 96, 4)
    write_clip(folder / "clip.mp4", [left, right] * 6)
    write_clip(folder / "train-Ann_Bee_0.mp4", [np.concatenate([left, right], axis=1)] * 3)
    write_manifest(
        folder,
        [
            {"path": "real.png", "identity": "p"},
            {"path": "made.png", "label": "fake", "method": "gan", "split": "val"},
            {"path": "broken.png"},
            {"path": "clip.mp4", "modality": "video", "label": "fake", "method": "talker"},
            {"path": "train-Ann_Bee_0.mp4", "modality": "video", "label": "paired"},
        ],
    )
    return folder


def of(name: str, data: Path, folder: Path) -> list[pictures.CachedPicture]:
    items = [item for item in read_manifest(data) if item.path.name == name]
    return cached_pictures(items, folder)


def test_a_picture_is_kept_as_it_is(data: Path, tmp_path: Path) -> None:
    (picture,) = of("real.png", data, tmp_path)
    assert np.array_equal(picture.rgb, textured(64, 80, 1))
    assert (picture.group, picture.method, picture.split) == ("p", "made", "train")
    assert (picture.fake, picture.twin) == (False, None)
    assert isinstance(picture.rgb, np.memmap)


def test_the_genuine_picture_beside_a_forgery_is_its_twin(data: Path, tmp_path: Path) -> None:
    (picture,) = of("made.png", data, tmp_path)
    assert (picture.fake, picture.method, picture.split) == (True, "gan", "val")
    assert np.array_equal(picture.rgb, textured(64, 80, 2))
    assert picture.twin is not None
    assert np.abs(picture.twin.astype(int) - textured(64, 80, 3)).mean() < 5


def test_of_a_video_some_frames_are_kept(data: Path, tmp_path: Path) -> None:
    frames = of("clip.mp4", data, tmp_path)
    assert len(frames) == FRAMES_PER_CLIP
    assert {frame.rgb.shape for frame in frames} == {(64, 96, 3)}
    assert all(frame.fake and frame.twin is None for frame in frames)


def test_of_a_paired_clip_the_genuine_half_is_kept(data: Path, tmp_path: Path) -> None:
    halves = of("train-Ann_Bee_0.mp4", data, tmp_path)
    assert halves
    for half in halves:
        assert not half.fake
        assert half.rgb.shape == (64, 96, 3)
        assert np.abs(half.rgb.astype(int) - textured(64, 96, 4)).mean() < 16  # H.264


def test_what_cannot_be_read_gives_nothing(data: Path, tmp_path: Path) -> None:
    assert of("broken.png", data, tmp_path) == []


def test_the_second_time_nothing_is_decoded_again(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = cached_pictures(read_manifest(data), tmp_path)
    monkeypatch.setattr(pictures, "_decoded", lambda item: pytest.fail(f"{item} was decoded"))
    again = cached_pictures(read_manifest(data), tmp_path)
    assert len(again) == len(first) >= FRAMES_PER_CLIP + 3
    for old, new in zip(first, again, strict=True):
        assert np.array_equal(old.rgb, new.rgb)
        assert (old.twin is None) == (new.twin is None)


def test_the_same_file_twice_is_decoded_without_harm(data: Path, tmp_path: Path) -> None:
    items = [i for i in read_manifest(data) if i.path.name == "made.png"] * 6
    found = cached_pictures(items, tmp_path)
    assert len(found) == 6
    assert all(np.array_equal(found[0].rgb, other.rgb) for other in found)
    assert len(list(tmp_path.iterdir())) == 1
