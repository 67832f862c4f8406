from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from assay.findings import FileView, Finding, Region


def test_a_region_is_a_place_or_a_stretch() -> None:
    assert Region(box_px=(0, 0, 4, 2), source_px=(5, 5, 9, 7)).start_s is None
    assert Region(start_s=1.0, end_s=1.0).box_px is None


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"source_px": (0, 0, 1, 1)},
        {"box_px": (2, 0, 2, 4)},
        {"start_s": 1.0},
        {"start_s": 2.0, "end_s": 1.0},
        {"box_px": (0, 0, 1, 1), "end_s": 1.0},
    ],
)
def test_a_region_that_is_nowhere_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"region|box|stretch|ends"):
        Region(**fields)


def test_an_unknown_severity_is_refused() -> None:
    with pytest.raises(ValueError, match="severity"):
        Finding("c", "t", "m", "warning")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"values": np.zeros((2, 2), np.float32), "rgb": np.zeros((2, 2, 3), np.uint8)},
        {"values": np.full((2, 2), 1.5, np.float32)},
        {"values": np.full((2, 2), np.nan, np.float32)},
        {"values": np.zeros((2, 2, 1), np.float32)},
        {"rgb": np.zeros((2, 2, 3), np.float32)},
        {"rgb": np.zeros((2, 2), np.uint8)},
        {"values": np.zeros((2, 2), np.float32), "weakness": ""},
    ],
)
def test_a_view_that_cannot_be_shown_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"view|map|picture"):
        FileView(**{"name": "n", "title": "t", "caption": "c", "weakness": "w", **fields})


def test_a_map_and_a_picture_are_views() -> None:
    over = FileView("n", "t", "c", "w", values=np.ones((2, 2), np.float32))
    beside = FileView("n", "t", "c", "w", rgb=np.zeros((2, 2, 3), np.uint8), over=False)
    assert (over.over, beside.over) == (True, False)
