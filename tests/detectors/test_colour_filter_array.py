from __future__ import annotations

import numpy as np
import pytest

from assay.detectors.colour_filter_array import ColourFilterArray
from assay.types import Array, Evidence
from tests.inputs.made_copies import scene
from tests.inputs.test_colour_filter import noisy, seen_through_a_mosaic
from tests.verdict.doubles import PictureCase


def examined(rgb: Array) -> Evidence:
    (evidence,) = ColourFilterArray().examine(PictureCase(rgb))
    assert (evidence.subject, evidence.logit) == ("file", None)
    return evidence


def codes(evidence: Evidence) -> list[str]:
    return [finding.code for finding in evidence.findings]


def test_an_untouched_mosaic_is_a_bare_fact() -> None:
    evidence = examined(seen_through_a_mosaic(scene()))
    assert codes(evidence) == ["colour_filter_present"]
    assert evidence.findings[0].severity == "info"
    assert evidence.details["raw_logit"] < 0


@pytest.mark.parametrize(
    ("other", "code"),
    [(seen_through_a_mosaic(scene(), 1), "shifted"), (noisy(), "missing")],
)
def test_a_part_put_in_is_notable_with_its_place(other: Array, code: str) -> None:
    rgb = seen_through_a_mosaic(scene())
    rgb[128:288, 160:352] = other[128:288, 160:352]
    evidence = examined(rgb)
    assert codes(evidence) == ["colour_filter_present", f"colour_filter_{code}"]
    finding = evidence.findings[1]
    assert finding.severity == "notable"
    assert finding.innocent_causes
    assert finding.region is not None
    assert finding.region.box_px == pytest.approx((160, 128, 352, 288), abs=40)
    (view,) = evidence.views
    assert view.values is not None
    assert view.values[10:16, 12:20].mean() > view.values[:5].mean() + 0.3
    assert evidence.details["raw_logit"] > 0


@pytest.mark.parametrize(
    ("rgb", "code"),
    [
        (np.zeros((1, 1, 3), np.uint8), "too_small"),
        (np.zeros((3, 90_000, 3), np.uint8), "too_small"),
        (np.full((300, 300, 3), 255, np.uint8), "too_flat"),
        (noisy(), "no_trace"),
    ],
)
def test_it_abstains_with_a_reason(rgb: Array, code: str) -> None:
    evidence = examined(rgb)
    assert evidence.status == "abstained"
    assert str(evidence.reason).startswith(f"{code}: ")


def test_grey_and_checkered_pictures_are_answered() -> None:
    checkered = (np.indices((300, 300)).sum(axis=0) % 2 * 200).astype(np.uint8)
    assert examined(np.repeat(checkered[..., None], 3, -1)).status in ("reported", "abstained")
    grey = np.repeat(scene()[..., :1], 3, -1)
    assert examined(np.ascontiguousarray(grey)).status == "abstained"
