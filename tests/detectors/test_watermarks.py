"""Watermarks: what is told of a mark, and that nothing is told of a picture without one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.detectors import Detector, watermarks
from assay.inputs.wavelet_watermark import MESSAGES
from assay.types import Evidence
from tests.inputs.made_watermarks import scene, with_message, with_sparkle, with_squares
from tests.media.tag_makers import media_at
from tests.verdict.doubles import PictureCase

DARK = (scene(512) * 0.5).astype(np.uint8)


def examined(*frames: np.ndarray) -> Evidence:
    (evidence,) = watermarks.DETECTOR().examine(PictureCase(*frames))
    assert evidence.subject == "file"
    return evidence


def codes(evidence: Evidence) -> dict[str, str]:
    return {one.code.removeprefix("watermarks_"): one.severity for one in evidence.findings}


def test_it_is_a_detector() -> None:
    assert isinstance(watermarks.DETECTOR(), Detector)


def test_without_a_mark_only_that_is_said() -> None:
    evidence = examined(DARK)
    assert codes(evidence) == {"none": "info"}
    assert "says nothing" in evidence.findings[0].meaning
    assert evidence.views == ()
    assert evidence.details["raw_logit"] < 3


def test_an_invisible_message_is_strong_with_its_chance() -> None:
    evidence = examined(with_message(DARK, MESSAGES[4].bits, floats=True))
    assert codes(evidence) == {"invisible": "strong"}
    (finding,) = evidence.findings
    assert finding.values["bits_agreeing"] == finding.values["bits"] == 48
    assert finding.values["chance"] < 1e-6
    assert "48 of 48 bits" in finding.meaning
    assert "probability" in finding.meaning
    assert finding.innocent_causes
    assert evidence.details["raw_logit"] > 6


@pytest.mark.parametrize(
    ("marked", "generator"),
    [(with_sparkle(DARK), "Google Gemini"), (with_squares(DARK), "OpenAI DALL-E 2")],
)
def test_a_visible_mark_is_notable_with_its_place(marked: np.ndarray, generator: str) -> None:
    evidence = examined(marked)
    assert codes(evidence) == {"visible": "notable"}
    (finding,) = evidence.findings
    assert finding.values["generator"] == generator
    assert finding.innocent_causes
    assert finding.region is not None
    assert finding.region.box_px is not None
    x0, y0, x1, y1 = finding.region.box_px
    assert 0 <= x0 < x1 <= 512
    assert 0 <= y0 < y1 <= 512
    assert min(x0, y0) > 350
    (view,) = evidence.views
    assert view.rgb is not None
    assert not view.over


def test_both_kinds_stand_side_by_side() -> None:
    marked = with_sparkle(with_message(DARK, MESSAGES[0].bits))
    assert codes(examined(marked)) == {"visible": "notable", "invisible": "strong"}


def test_of_a_video_the_frame_that_shows_it_is_named() -> None:
    evidence = examined(DARK, DARK, with_sparkle(DARK))
    assert codes(evidence) == {"visible": "notable"}
    region = evidence.findings[0].region
    assert region is not None
    assert region.start_s == region.end_s
    assert region.start_s == PictureCase(DARK, DARK, DARK).picture_views[2].time_s
    hidden = examined(DARK, with_message(DARK, MESSAGES[4].bits))
    assert codes(hidden) == {"invisible": "strong"}


def test_a_saved_jpeg_is_read_by_its_stored_colour(tmp_path: Path) -> None:
    marked = Image.fromarray(with_message(scene(512), MESSAGES[4].bits, floats=True))
    path = tmp_path / "a.jpg"
    marked.save(path, quality=95)
    decoded = np.asarray(Image.open(path))
    case = PictureCase(decoded, media=media_at(path, size_px=(512, 512)))
    (evidence,) = watermarks.DETECTOR().examine(case)
    assert codes(evidence) == {"invisible": "strong"}
    # The control: the decoded picture alone, whose colour was enlarged smoothly, is not enough.
    assert codes(examined(decoded)) == {"none": "info"}


def test_small_pictures_are_declined_or_told_of() -> None:
    evidence = examined(np.zeros((63, 400, 3), np.uint8))
    assert evidence.status == "abstained"
    assert (evidence.reason or "").startswith("too_small: ")
    assert "were not looked for" in examined(scene(200)).findings[0].meaning


def test_a_video_without_frames_is_declined() -> None:
    (evidence,) = watermarks.DETECTOR().examine(PictureCase())
    assert (evidence.reason or "").startswith("no_frame: ")


def test_the_picture_is_left_as_it_is() -> None:
    marked = with_sparkle(DARK)
    before = marked.copy()
    examined(marked)
    assert (marked == before).all()
