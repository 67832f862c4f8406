"""A folder of one camera: bounded, hostile files named and left out, wrong folders refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.errors import UsageError
from assay.inputs import camera_folder
from assay.inputs.camera_folder import (
    AGREE_PCE,
    TooFewPicturesError,
    agreement_of,
    pattern_of,
    read_camera,
)
from tests.inputs.sensors import folder_of, saved, sensor, shot


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(sensor(1), tmp_path_factory.mktemp("camera"))


def test_pictures_of_one_sensor_agree(camera: Path) -> None:
    folder = read_camera(str(camera), 60)
    assert folder.size_px == (512, 384)
    assert folder.box_px == (0, 0, 512, 384)
    assert folder.n_used == 6
    assert not folder.left_out
    assert agreement_of(folder) > 5 * AGREE_PCE
    assert np.corrcoef(pattern_of(folder).ravel(), sensor(1).ravel())[0, 1] > 0.5


def test_it_is_read_once(camera: Path) -> None:
    assert read_camera(str(camera), 60) is read_camera(str(camera), 60)


def test_pictures_of_many_sensors_do_not_agree(tmp_path: Path) -> None:
    for scene in range(6):
        saved(shot(sensor(20 + scene), scene), tmp_path / f"{scene}.jpg")
    assert agreement_of(read_camera(str(tmp_path), 60)) < AGREE_PCE / 2


def test_hostile_and_odd_files_are_named_and_left_out(tmp_path: Path) -> None:
    folder_of(sensor(1), tmp_path)
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "0.jpg").read_bytes()[:900])
    (tmp_path / "again.jpg").write_bytes((tmp_path / "1.jpg").read_bytes())
    Image.new("RGB", (300, 300)).save(tmp_path / "other.png")
    Image.new("RGB", (3, 60_000)).save(tmp_path / "ribbon.png")
    (tmp_path / "folder").mkdir()
    (tmp_path / ".hidden.jpg").write_bytes(b"x")
    read = read_camera(str(tmp_path), 60)
    assert read.n_used == 6
    left = {one.name: one.reason.code for one in read.left_out if one.reason}
    assert set(left) == {
        "text.jpg", "empty.jpg", "cut.jpg", "again.jpg", "other.png", "ribbon.png",
    }  # fmt: skip
    assert left["other.png"] == "other_size"
    assert left["ribbon.png"] == "too_small"
    assert left["again.jpg"] == "not_needed"


def test_no_more_than_the_most_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(camera_folder, "MOST_PICTURES", 5)
    read = read_camera(str(folder_of(sensor(1), tmp_path, 7)), 60)
    assert read.n_used == 5
    assert [one.name for one in read.left_out] == ["5.jpg", "6.jpg"]


def test_turned_pictures_are_turned_back(tmp_path: Path) -> None:
    folder_of(sensor(1), tmp_path, 5)
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(shot(sensor(1), 7)).save(tmp_path / "turned.jpg", quality=92, exif=exif)
    read = read_camera(str(tmp_path), 60)
    assert read.n_used == 6
    assert agreement_of(read) > AGREE_PCE


def test_too_few_pictures_are_refused(tmp_path: Path) -> None:
    folder = folder_of(sensor(1), tmp_path, 4)
    with pytest.raises(TooFewPicturesError, match="4 pictures") as caught:
        read_camera(str(folder), 60)
    assert caught.value.code == "too_few_reference_pictures"
    assert caught.value.exit_code == 2


def test_wrong_places_are_refused(tmp_path: Path) -> None:
    picture = saved(shot(sensor(1), 0), tmp_path / "a.jpg")
    (tmp_path / "empty").mkdir()
    for place in (picture, tmp_path / "none", tmp_path / "empty"):
        with pytest.raises(UsageError):
            read_camera(str(place), 60)
