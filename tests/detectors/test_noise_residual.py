"""The noise of a picture: known truth is found, flat and small pictures are abstained from."""

from __future__ import annotations

import io
import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from assay.case import Deadline
from assay.detectors.noise_residual import DETECTOR
from assay.types import Evidence, PictureView


def examined(rgb: np.ndarray) -> Evidence:
    view = PictureView(0, 0.0, np.ascontiguousarray(rgb, np.uint8))
    case: Any = SimpleNamespace(picture_views=(view,), deadline=Deadline.after(60))
    (one,) = DETECTOR().examine(case)
    return one


def photograph(
    sigma: float = 2.0, seed: int = 1, height: int = 480, width: int = 640
) -> np.ndarray:
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:480, :640]
    base = 110 + 50 * np.sin(x / 150) + 30 * np.cos(y / 110)
    shades = np.stack([base, base * 0.9 + 8, base * 0.8 + 20], axis=-1)
    return np.round(shades + rng.normal(0, sigma, shades.shape)).clip(0, 255).astype(np.uint8)


def pasted() -> np.ndarray:
    picture = photograph()
    picture[160:320, 224:416] = photograph(9.0, 5)[160:320, 224:416]
    return picture


def codes(one: Evidence) -> list[str]:
    return [finding.code for finding in one.findings]


def test_a_region_with_other_noise_is_told_with_its_place() -> None:
    one = examined(pasted())
    assert (one.status, one.subject, one.family) == ("reported", "file", "noise")
    assert codes(one) == ["noise_residual_measured", "noise_residual_level"]
    told = one.findings[1]
    assert told.severity == "info"
    assert told.innocent_causes
    assert told.region is not None
    assert told.region.box_px is not None
    assert np.abs(np.subtract(told.region.box_px, (224, 160, 416, 320))).max() <= 32
    assert 3 < told.values["times_as_strong"] < 6


def test_an_even_picture_has_the_bare_figures_only() -> None:
    one = examined(photograph())
    assert codes(one) == ["noise_residual_measured"]
    assert one.findings[0].severity == "info"
    luma_sigma = 2.0 * math.sqrt(0.299**2 + 0.587**2 + 0.114**2)
    assert one.findings[0].values["noise_sigma"] == pytest.approx(luma_sigma, rel=0.2)


def test_the_map_shows_where_and_the_raw_logit_is_higher() -> None:
    edited, even = examined(pasted()), examined(photograph())
    grain, level = edited.views
    assert (grain.name, level.name) == ("noise_grain", "noise_level")
    assert grain.values is not None
    assert grain.box_px == (0.0, 0.0, 640.0, 480.0)
    inside, outside = grain.values[11:19, 15:25], grain.values.copy()
    outside[8:22, 12:28] = 0
    assert float(inside.min()) > float(outside.max())
    assert edited.details["raw_logit"] > even.details["raw_logit"]


def test_jpeg_keeps_an_even_picture_even() -> None:
    for quality in (95, 75, 60):
        held = io.BytesIO()
        Image.fromarray(photograph(3.0)).save(held, "JPEG", quality=quality)
        one = examined(np.asarray(Image.open(held)))
        assert "noise_residual_level" not in codes(one)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_it_abstains_from_flat_pictures(value: int) -> None:
    one = examined(np.full((300, 300, 3), value))
    assert one.status == "abstained"
    assert str(one.reason).startswith("too_flat: ")


@pytest.mark.parametrize("shape", [(1, 1), (199, 900), (3, 60_000)])
def test_it_abstains_from_small_pictures(shape: tuple[int, int]) -> None:
    one = examined(np.full((*shape, 3), 90))
    assert str(one.reason).startswith("too_small: ")


def test_of_a_large_picture_the_middle_is_looked_at() -> None:
    rng = np.random.default_rng(0)
    tile = rng.integers(90, 110, (450, 600, 3), dtype=np.uint8)
    one = examined(np.tile(tile, (10, 10, 1)))
    assert one.status == "reported"
    assert "only the middle" in one.findings[0].meaning
    box = one.views[0].box_px
    assert box is not None
    assert box[0] > 0
    assert box[2] < 6000
