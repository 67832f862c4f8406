from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.errors import ConfigError
from assay.training.datasets.edited_sources import (
    AS_SAVED,
    SHRUNK,
    Config,
    maker_of,
    originals,
    read_config,
    start,
)
from tests.real_faces import textured

pytestmark = pytest.mark.train
MAKERS = ("Canon", "NIKON CORPORATION", "SONY", "Apple", "Ricoh", "Pentax")
COLUMNS = ("path", "method", "identity", "make", "model", "size", "pristine")


def camera_folder(tmp_path: Path) -> Path:
    """A crop of each of six makers, and a large file of the first four; one is no camera's own."""
    folder = tmp_path / "cameras"
    folder.mkdir()
    rows = []
    for n, maker in enumerate(MAKERS):
        name = f"train-camera-photos_{n:04}.jpg"
        Image.fromarray(textured(256, 320, n)).save(folder / name, quality=90 + n)
        rows.append((name, "camera-photos", f"camera-photos-{maker.lower()}", "", "", "", ""))
    for n, maker in enumerate(MAKERS[:4]):
        name = f"large-{n}.png"
        Image.fromarray(textured(512, 960, 20 + n)).save(folder / name)
        pristine = "no" if n == 3 else "yes"
        rows.append((name, "camera-files", maker, maker, "M 1", "960 512", pristine))
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow((*COLUMNS, "source", "licence", "sha256"))
        for number, row in enumerate(rows):
            writer.writerow((*row, "somewhere", "CC0", f"{number:x}".rjust(16, "a")))
    return folder


def written_config(tmp_path: Path, folder: Path) -> Path:
    path = tmp_path / "edited.toml"
    path.write_text(
        f'seed = 5\nfolders = ["{folder}"]\n'
        '[crops]\nmethods = ["camera-photos"]\ncount = 6\n'
        "[windows]\ncount = 9\nwindow_px = 448\nleast_px = 400\na_file = 2\n"
        "qualities = [86, 97]\n[saving]\nqualities = [[60, 78], [79, 95]]\npng_share = 0.2\n"
        '[split]\nval_share = 0.5\nsalt = "s"\n'
    )
    return path


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return read_config(written_config(tmp_path, camera_folder(tmp_path)))


def test_crops_are_as_saved_and_windows_are_shrunk(config: Config) -> None:
    found = originals(config)
    crops = [one for one in found if one.treatment == AS_SAVED]
    windows = [one for one in found if one.treatment == SHRUNK]
    assert {one.camera for one in crops} == {"canon", "nikon", "sony", "apple", "ricoh", "pentax"}
    assert [one.first for one in crops] == [f"q{90 + n} 4:2:0" for n in range(6)]
    assert {one.camera for one in windows} == {"canon", "nikon", "sony"}  # the fourth is not one
    assert len(windows) == 6
    assert len({one.name for one in found}) == len(found)


def test_the_bytes_of_a_crop_are_its_files_own_and_a_window_is_saved_once(config: Config) -> None:
    for one in originals(config):
        data, saving = start(one)
        image = Image.open(io.BytesIO(data))
        if one.box_px is None:
            assert saving is None
            assert data == one.path.read_bytes()
        else:
            assert saving is not None
            assert saving.words == one.first
            assert image.size == (one.box_px[2] // 2, one.box_px[3] // 2) == (224, 224)


def test_a_window_is_its_place_shrunk_by_area(config: Config) -> None:
    one = next(one for one in originals(config) if one.box_px)
    x, y, w, h = one.box_px or (0, 0, 0, 0)
    whole = np.asarray(Image.open(one.path), np.float32)[y : y + h, x : x + w]
    expected = whole.reshape(h // 2, 2, w // 2, 2, 3).mean(axis=(1, 3))
    shown = np.asarray(Image.open(io.BytesIO(start(one)[0])), np.float32)
    assert np.abs(shown - expected).mean() < 12


def test_a_maker_is_in_one_split_only(config: Config) -> None:
    found = originals(config)
    splits = {one.camera: one.split for one in found}
    assert all(splits[one.camera] == one.split for one in found)
    assert set(splits.values()) == {"train", "val"}


def test_makers_are_known_by_their_first_word() -> None:
    assert maker_of("NIKON CORPORATION") == maker_of("nikon corpor") == "nikon"
    assert maker_of("EASTMAN KODAK COMPANY") == maker_of("Kodak") == "kodak"
    assert maker_of("?") == ""


def test_what_describes_nothing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("seed = 1\n")
    with pytest.raises(ConfigError, match="describes no edited pictures"):
        read_config(path)
    good = written_config(tmp_path, tmp_path).read_text()
    for old, new in (("[86, 97]", "[97, 86]"), ("0.2", "1.0"), ("[[60, 78], ", "[")):
        path.write_text(good.replace(old, new))
        with pytest.raises(ConfigError):
            read_config(path)
    path.write_text(good)
    with pytest.raises(ConfigError, match="No genuine"):
        originals(read_config(path))


def test_a_black_a_blown_out_and_a_flat_picture_are_left_out(tmp_path: Path) -> None:
    folder = camera_folder(tmp_path)
    for number, level in enumerate((0, 255, 120)):
        flat = np.full((256, 320, 3), level, np.uint8)
        path = folder / f"train-camera-photos_{number:04}.jpg"
        Image.fromarray(flat).save(path, quality=90)
    found = originals(read_config(written_config(tmp_path, folder)))
    assert {one.camera for one in found if one.treatment == AS_SAVED} == {
        "apple",
        "ricoh",
        "pentax",
    }
