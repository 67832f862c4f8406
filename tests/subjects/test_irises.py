from __future__ import annotations

import numpy as np
import pytest

from assay.subjects.eyes import PATCH_PX, IrisPatch
from assay.subjects.irises import RADIUS_PX, colours, highlights, likeness, outline
from assay.types import Array

YS, XS = (np.mgrid[:PATCH_PX, :PATCH_PX] - PATCH_PX // 2) / RADIUS_PX
RADII = np.hypot(XS, YS).astype(np.float32)


def patch(
    spots: tuple[tuple[float, float, float], ...] = ((0.3, -0.3, 0.15),),
    iris: tuple[int, int, int] = (70, 60, 50),
    opened: Array | None = None,
    stretch: float = 1.0,
) -> IrisPatch:
    """A drawn eye: white sclera, an iris `stretch` times as wide as high, white spots (x, y, r)."""
    rgb = np.full((PATCH_PX, PATCH_PX, 3), 210, np.uint8)
    rgb[np.hypot(XS / stretch, YS) < 1] = iris
    rgb[RADII < 0.35] = 20
    for x, y, radius in spots:
        rgb[np.hypot(XS - x, YS - y) < radius] = 255
    everything = np.ones((PATCH_PX, PATCH_PX), bool)
    return IrisPatch(rgb, everything if opened is None else opened, RADII)


def test_the_same_lamp_in_both_eyes_agrees() -> None:
    found = highlights((patch(), patch()))
    assert found is not None
    assert found.overlap == 1.0
    assert found.apart == 0.0
    assert found.at == pytest.approx([0.3, -0.3], abs=0.05)


def test_lamps_at_different_places_are_told_apart() -> None:
    left, right = patch(((-0.5, -0.3, 0.15),)), patch(((0.5, -0.3, 0.15),))
    found = highlights((left, right))
    assert found is not None
    assert found.apart == pytest.approx(1.0, abs=0.08)
    assert found.overlap < 0.1
    assert found.at == pytest.approx([0.0, -0.3], abs=0.05)


def test_a_small_shift_is_forgiven_and_another_shape_is_not() -> None:
    shifted = highlights((patch(), patch(((0.42, -0.3, 0.15),))))
    larger = highlights((patch(), patch(((0.3, -0.3, 0.3),))))
    assert shifted is not None
    assert larger is not None
    assert shifted.overlap > 0.6
    assert larger.overlap < 0.45


def test_eyes_without_reflection_or_behind_lids_are_not_compared() -> None:
    slit = np.abs(YS) < 0.1
    assert highlights((patch(), patch(()))) is None
    assert highlights((patch(), patch(opened=slit))) is None
    assert likeness((patch(), patch(opened=slit))) is None
    assert colours((patch(), patch(opened=slit))) is None


def test_likeness_is_one_for_equal_irises_and_less_for_others() -> None:
    same, other = patch(), patch(((-0.5, 0.5, 0.25),))
    assert likeness((same, same)) == pytest.approx(1.0)
    brighter = IrisPatch((same.rgb // 2 + 60).astype(np.uint8), same.open, RADII)
    assert likeness((same, brighter)) == pytest.approx(1.0, abs=1e-3)
    found = likeness((same, other))
    assert found is not None
    assert found < 0.8


def test_flat_irises_have_no_likeness() -> None:
    flat = IrisPatch(np.full((PATCH_PX, PATCH_PX, 3), 90, np.uint8), patch().open, RADII)
    assert likeness((flat, patch())) is None
    assert outline(flat) is None


def test_the_rim_of_a_round_iris_is_round() -> None:
    found, oval = outline(patch()), outline(patch(stretch=1.25))
    assert found is not None
    assert oval is not None
    assert found.radius == pytest.approx(1.0, abs=0.06)
    assert found.roughness < 0.03
    assert oval.roughness > 1.5 * found.roughness


def test_the_rim_has_the_irises_size() -> None:
    small = IrisPatch(patch().rgb.copy(), patch().open, RADII)
    small.rgb[...] = 210
    small.rgb[RADII < 0.8] = 60
    found = outline(small)
    assert found is not None
    assert found.radius == pytest.approx(0.8, abs=0.05)


def test_colours_leave_pupil_and_reflection_out() -> None:
    both = colours((patch(iris=(60, 70, 110)), patch(((0.0, 0.6, 0.2),), iris=(90, 70, 50))))
    assert both is not None
    assert np.exp(both) - 4 == pytest.approx(np.array([[60, 70, 110], [90, 70, 50]]), abs=1.0)


@pytest.mark.parametrize("value", [0, 255])
def test_black_and_white_patches_say_nothing(value: int) -> None:
    plain = IrisPatch(np.full((PATCH_PX, PATCH_PX, 3), value, np.uint8), patch().open, RADII)
    assert highlights((plain, plain)) is None
    assert likeness((plain, plain)) is None
    assert outline(plain) is None
