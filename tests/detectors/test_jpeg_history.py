"""The history of compression as findings: what is told, where, and when nothing is."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from assay.case import Case
from assay.detectors.jpeg_history import JpegHistory
from assay.media.probe import probe
from assay.types import Evidence
from tests.inputs.jpeg_pictures import resaved, textured, with_part

BOX = (160, 208, 288, 336)


def examined(path: Path) -> Evidence:
    (one,) = JpegHistory().examine(Case(probe(path)))
    assert one.status in ("reported", "abstained")
    assert one.subject == "file"
    return one


def save(folder: Path, rgb: np.ndarray, name: str = "a.jpg", **how: Any) -> Path:
    path = folder / name
    Image.fromarray(np.ascontiguousarray(rgb)).save(path, **how)
    return path


def codes(one: Evidence) -> set[str]:
    return {finding.code for finding in one.findings}


def test_a_fresh_jpeg_tells_only_how_it_was_saved(tmp_path: Path) -> None:
    one = examined(save(tmp_path, textured(), quality=88))
    assert codes(one) == {"jpeg_history_saved_with"}
    (finding,) = one.findings
    assert finding.severity == "info"
    assert finding.values["quality"] == 88
    assert finding.values["standard_table"]
    assert one.details["raw_logit"] < 0
    assert {view.name for view in one.views} >= {"jpeg_history_ghosts", "jpeg_history_grids"}


def test_two_savings_are_told_as_a_bare_fact(tmp_path: Path) -> None:
    one = examined(save(tmp_path, resaved(textured(), 70), quality=90))
    (twice,) = (f for f in one.findings if f.code == "jpeg_history_saved_twice")
    assert twice.severity == "info"
    assert twice.values["first_quality"] == [70, 70]
    assert twice.innocent_causes


@pytest.mark.parametrize("value", [1, 3, 6, 8])
def test_a_part_is_told_where_a_viewer_sees_it(tmp_path: Path, value: int) -> None:
    mixed = with_part(resaved(textured(384, 512), 75), textured(384, 512, seed=5), BOX)
    exif = Image.Exif()
    exif[0x0112] = value
    one = examined(save(tmp_path, mixed, quality=92, exif=exif))
    (place,) = (f for f in one.findings if f.code == "jpeg_history_place")
    assert place.severity == "notable"
    assert place.innocent_causes
    assert place.region is not None
    assert place.region.box_px is not None
    marked = np.zeros((384, 512), np.uint8)
    marked[BOX[1] : BOX[3], BOX[0] : BOX[2]] = 1
    turns = {1: 0, 3: 2, 6: 3, 8: 1}
    down, across = np.nonzero(np.rot90(marked, turns[value]))
    true = (across.min(), down.min(), across.max() + 1, down.max() + 1)
    assert np.abs(np.subtract(place.region.box_px, true)).max() <= 24
    assert one.details["raw_logit"] > 0
    (view,) = (v for v in one.views if v.name == "jpeg_history_places")
    assert view.values is not None
    assert view.over


def test_a_png_of_a_cropped_jpeg_tells_its_grid(tmp_path: Path) -> None:
    one = examined(save(tmp_path, resaved(textured(), 80)[3:, 6:], "a.png"))
    (was,) = one.findings
    assert was.code == "jpeg_history_was_jpeg"
    assert was.values["grid"] == [2, 5]
    assert was.values["first_quality"] == [80, 80]


def test_a_fresh_png_abstains(tmp_path: Path) -> None:
    one = examined(save(tmp_path, textured(), "a.png"))
    assert one.status == "abstained"
    assert (one.reason or "").startswith("no_jpeg_trace")


def test_bytes_after_the_end_are_told(tmp_path: Path) -> None:
    path = save(tmp_path, textured(128, 128))
    path.write_bytes(path.read_bytes() + b"x" * 1000)
    (after,) = (f for f in examined(path).findings if f.code == "jpeg_history_bytes_after")
    assert (after.severity, after.values["n_bytes"]) == ("info", 1000)


@pytest.mark.parametrize("mode", ["L", "CMYK", "1"])
@pytest.mark.parametrize("progressive", [False, True])
def test_odd_jpegs_are_examined(tmp_path: Path, mode: str, progressive: bool) -> None:
    path = tmp_path / "a.jpg"
    Image.fromarray(textured(256, 256)).convert(mode).save(path, progressive=progressive)
    one = examined(path)
    assert "jpeg_history_saved_with" in codes(one)
    assert not codes(one) & {"jpeg_history_place", "jpeg_history_grid_place"}


@pytest.mark.parametrize("value", [0, 128, 255])
def test_flat_pictures_have_no_places(tmp_path: Path, value: int) -> None:
    one = examined(save(tmp_path, np.full((300, 300, 3), value, np.uint8)))
    assert codes(one) == {"jpeg_history_saved_with"}


def test_small_and_truncated_files_abstain(tmp_path: Path) -> None:
    one = examined(save(tmp_path, textured()[:1, :1]))
    assert (one.reason or "").startswith("too_small")
    store = io.BytesIO()
    Image.fromarray(textured()).save(store, "JPEG")
    path = tmp_path / "half.jpg"
    path.write_bytes(store.getvalue()[: len(store.getvalue()) // 2])
    assert (examined(path).reason or "").startswith("not_readable")


def test_narrow_pictures_are_bounded(tmp_path: Path) -> None:
    path = save(tmp_path, np.tile(textured(64, 512), (1, 50, 1)))
    assert examined(path).status == "reported"


def test_a_brightened_png_accuses_no_part_more_than_as_a_bare_fact(tmp_path: Path) -> None:
    rgb = resaved(textured(), 80).astype(np.float64)
    brighter = np.clip(255 * (rgb / 255) ** 0.9, 0, 255).astype(np.uint8)
    one = examined(save(tmp_path, brighter, "a.png"))
    assert all(finding.severity == "info" for finding in one.findings)


def test_a_part_in_a_png_of_a_known_quality_is_notable(tmp_path: Path) -> None:
    mixed = with_part(resaved(textured(), 75), textured(seed=4), BOX)
    (place,) = (
        f
        for f in examined(save(tmp_path, mixed, "a.png")).findings
        if f.code == "jpeg_history_place"
    )
    assert place.severity == "notable"
    assert place.values["history_of_the_rest"] == "quality 74 to 75"
