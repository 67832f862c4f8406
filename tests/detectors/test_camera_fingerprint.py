"""A picture against the camera given: match, no match, crop, a part without the pattern."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from assay.case import Deadline
from assay.detectors.camera_fingerprint import DETECTOR
from assay.media.image import read_image
from assay.media.probe import probe
from assay.options import Options
from assay.types import Evidence, PictureView
from tests.inputs.sensors import folder_of, saved, sensor, shot


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folder_of(sensor(1), tmp_path_factory.mktemp("camera"))


def examined(path: Path, camera: Path | None) -> Evidence:
    media = probe(path)
    view = PictureView(0, 0.0, read_image(media, 200).rgb)
    case: Any = SimpleNamespace(
        media=media,
        picture_views=(view,),
        options=Options(camera=str(camera) if camera else None),
        deadline=Deadline.after(60),
    )
    (one,) = DETECTOR().examine(case)
    assert (one.subject, one.logit) == ("file", None)
    return one


def codes(one: Evidence) -> list[str]:
    return [finding.code for finding in one.findings]


def mixed() -> np.ndarray:
    picture = shot(sensor(1), 7)
    picture[96:320, 128:400] = shot(sensor(2), 8)[96:320, 128:400]
    return picture


def test_a_picture_of_the_camera_matches(camera: Path, tmp_path: Path) -> None:
    one = examined(saved(shot(sensor(1), 7), tmp_path / "a.jpg"), camera)
    assert codes(one) == ["camera_fingerprint_match"]
    (told,) = one.findings
    assert told.severity == "info"
    assert told.values["pce"] > 60
    assert told.values["n_pictures"] == 6
    assert one.views[0].values is not None


def test_another_camera_of_the_same_size_is_notable_with_its_causes(
    camera: Path, tmp_path: Path
) -> None:
    one = examined(saved(shot(sensor(2), 7), tmp_path / "a.jpg"), camera)
    assert codes(one) == ["camera_fingerprint_no_match"]
    assert one.findings[0].severity == "notable"
    assert one.findings[0].innocent_causes
    assert not one.views


def test_a_crop_is_found_with_its_place(camera: Path, tmp_path: Path) -> None:
    one = examined(saved(shot(sensor(1), 7)[24:344, 63:463], tmp_path / "a.png"), camera)
    assert codes(one)[0] == "camera_fingerprint_match"
    assert one.findings[0].values["crop_at_px"] == [63, 24]


def test_a_smaller_picture_without_a_match_is_a_bare_fact(camera: Path, tmp_path: Path) -> None:
    one = examined(saved(shot(sensor(2), 7)[24:344, 63:463], tmp_path / "a.jpg"), camera)
    assert codes(one) == ["camera_fingerprint_no_match"]
    assert one.findings[0].severity == "info"


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_part_without_the_pattern_is_told_with_its_place(
    camera: Path, tmp_path: Path, orientation: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / "a.jpg"
    Image.fromarray(mixed()).save(path, quality=94, exif=exif)
    one = examined(path, camera)
    assert codes(one) == ["camera_fingerprint_match", "camera_fingerprint_local_gap"]
    region = one.findings[1].region
    assert region is not None
    there = {
        1: (128, 96, 400, 320),
        3: (112, 64, 384, 288),
        6: (64, 128, 288, 400),
        8: (96, 112, 320, 384),
    }[orientation]
    assert region.box_px is not None
    assert np.abs(np.subtract(region.box_px, there)).max() <= 64
    assert one.views[0].values is not None
    tall = one.views[0].values.shape[0] > one.views[0].values.shape[1]
    assert tall == (orientation in (6, 8))


def test_a_picture_from_the_folder_is_not_compared_with_itself(tmp_path: Path) -> None:
    camera = folder_of(sensor(1), tmp_path / "camera", 6)
    strange = saved(shot(sensor(5), 9), camera / "strange.jpg")
    one = examined(strange, camera)
    assert codes(one) == ["camera_fingerprint_no_match"]
    few = folder_of(sensor(1), tmp_path / "few", 5)
    assert str(examined(few / "0.jpg", few).reason).startswith("in_the_folder: ")


def test_it_abstains_where_nothing_can_be_compared(camera: Path, tmp_path: Path) -> None:
    picture = saved(shot(sensor(1), 7), tmp_path / "a.jpg")
    assert str(examined(picture, None).reason).startswith("no_camera_folder: ")
    few = folder_of(sensor(1), tmp_path / "few", 3)
    assert str(examined(picture, few).reason).startswith("too_few_reference_pictures: ")
    assert str(examined(picture, tmp_path / "none").reason).startswith("wrong_usage: ")
    large = saved(np.full((400, 600, 3), 90, np.uint8), tmp_path / "large.jpg")
    assert str(examined(large, camera).reason).startswith("other_size: ")
    small = saved(np.full((100, 400, 3), 90, np.uint8), tmp_path / "small.jpg")
    assert str(examined(small, camera).reason).startswith("too_small: ")


def test_pictures_of_several_cameras_are_no_camera(tmp_path: Path) -> None:
    folder = tmp_path / "mixed"
    folder.mkdir()
    for scene in range(6):
        saved(shot(sensor(30 + scene), scene), folder / f"{scene}.jpg")
    one = examined(saved(shot(sensor(1), 7), tmp_path / "a.jpg"), folder)
    assert str(one.reason).startswith("no_common_fingerprint: ")
