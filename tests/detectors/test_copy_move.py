from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

from assay.detectors.copy_move import CopyMove
from assay.types import Array, Evidence
from tests.inputs.made_copies import resaved, scene, windows, with_copy, with_turned_copy
from tests.verdict.doubles import PictureCase


def examined(rgb: Array) -> Evidence:
    before = rgb.copy()
    (evidence,) = CopyMove().examine(PictureCase(rgb))
    assert (rgb == before).all()
    assert (evidence.subject, evidence.logit, evidence.p_fake) == ("file", None, None)
    return evidence


def overlap(box: tuple[float, ...], other: tuple[float, ...]) -> float:
    width = min(box[2], other[2]) - max(box[0], other[0])
    height = min(box[3], other[3]) - max(box[1], other[1])
    shared = max(0.0, width) * max(0.0, height)
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (box, other)]
    return shared / (sum(areas) - shared)


def test_an_untouched_scene_gets_no_finding() -> None:
    evidence = examined(scene())
    assert evidence.status == "reported"
    assert evidence.findings == ()
    assert evidence.views == ()
    assert evidence.details["raw_logit"] <= -2


def test_a_plain_copy_is_told_with_both_places_and_its_offset() -> None:
    evidence = examined(with_copy(scene(), (60, 80), (350, 250), 90))
    (finding,) = evidence.findings
    assert (finding.code, finding.severity) == ("copy_move_region", "strong")
    assert finding.values["equal_share"] > 0.95
    assert [abs(one) for one in finding.values["offset_px"]] == pytest.approx([290, 170], abs=3)
    assert finding.region is not None
    places = sorted([finding.region.box_px or (), finding.region.source_px or ()])
    assert overlap(places[0], (60, 80, 150, 170)) > 0.8
    assert overlap(places[1], (350, 250, 440, 340)) > 0.8
    assert finding.innocent_causes
    assert evidence.details["raw_logit"] > 1


def test_the_map_marks_both_places_and_joins_them() -> None:
    (view,) = examined(with_copy(scene(), (60, 80), (350, 250), 90)).views
    assert view.values is not None
    assert view.values.shape == (420, 520)
    assert view.values[90:160, 70:140].mean() > 0.9
    assert view.values[260:330, 360:430].mean() > 0.9
    assert view.values[:60].max() == 0
    x0, y0, x1, y1 = view.links_px[0]
    assert (abs(x1 - x0), abs(y1 - y0)) == (pytest.approx(290, abs=1), pytest.approx(170, abs=1))


def test_a_copy_outlives_compression_as_notable() -> None:
    evidence = examined(resaved(with_copy(scene(), (60, 80), (350, 250), 90), 75))
    (finding,) = evidence.findings
    assert finding.severity == "notable"
    assert finding.values["off_grid_px"] < 0.12


def test_a_turned_and_enlarged_copy_is_told_with_its_turn() -> None:
    evidence = examined(resaved(with_turned_copy(scene(), (120, 140), (380, 260), 70, 15.0), 95))
    (finding,) = evidence.findings
    assert finding.code == "copy_move_region"
    assert abs(finding.values["rotation_deg"]) == pytest.approx(15, abs=0.5)
    scale = finding.values["scale"]
    assert max(scale, 1 / scale) == pytest.approx(1.2, abs=0.02)


@pytest.mark.parametrize("quality", [101, 80])
def test_equal_windows_are_no_copies(quality: int) -> None:
    rgb = windows()
    assert examined(rgb if quality > 100 else resaved(rgb, quality)).findings == ()


def test_letters_that_repeat_are_a_bare_fact() -> None:
    page = Image.new("RGB", (600, 400), "white")
    pen = ImageDraw.Draw(page)
    for row in range(4):
        pen.text((30 + 7 * row, 30 + 87 * row), "Repeated", fill="black", font_size=64)
    evidence = examined(np.asarray(page))
    assert {finding.severity for finding in evidence.findings} <= {"info"}


def test_a_copy_in_a_large_picture_is_told_in_its_own_pixels() -> None:
    big = np.asarray(
        Image.fromarray(scene(700, 900)).resize((2700, 2100), Image.Resampling.LANCZOS)
    )
    noise = np.random.default_rng(5).normal(0, 3, big.shape)
    big = np.clip(big + noise, 0, 255).astype(np.uint8)
    evidence = examined(with_copy(big, (301, 404), (1700, 1203), 400))
    (finding,) = evidence.findings
    assert evidence.details["shrunk_by"] > 1
    assert [abs(one) for one in finding.values["offset_px"]] == pytest.approx([1399, 799], abs=8)
    assert finding.values["equal_share"] > 0.95


@pytest.mark.parametrize(
    ("rgb", "code"),
    [
        (np.zeros((1, 1, 3), np.uint8), "too_small"),
        (np.zeros((3, 90_000, 3), np.uint8), "too_small"),
        (np.zeros((300, 300, 3), np.uint8), "too_flat"),
        (np.full((300, 300, 3), 255, np.uint8), "too_flat"),
    ],
)
def test_it_abstains_where_there_is_nothing_to_compare(rgb: Array, code: str) -> None:
    evidence = examined(rgb)
    assert evidence.status == "abstained"
    assert str(evidence.reason).startswith(f"{code}: ")


def test_hard_pictures_are_answered() -> None:
    random = np.random.default_rng(8)
    stripes = np.tile(np.uint8([0, 255]).repeat(4), (300, 50))[..., None].repeat(3, -1)
    tile = random.integers(0, 256, (40, 40, 3), dtype=np.uint8)
    for rgb in (
        stripes,
        np.tile(tile, (8, 9, 1)),
        random.integers(0, 256, (260, 3000, 3), dtype=np.uint8),
        random.integers(0, 2, (300, 300, 3), dtype=np.uint8) * 255,
    ):
        assert examined(np.ascontiguousarray(rgb)).status == "reported"
