"""What `make demo` shows: every forged example above the untouched one it was made of."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

import assay
from assay.types import Verdict

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
FORGED_FROM = {
    "grace_hopper_swapped.jpg": "grace_hopper.jpg",
    "astronaut_self_blended.jpg": "astronaut.jpg",
    "portrait_in_motion_swapped.mp4": "portrait_in_motion.mp4",
    "kennedy_vocoded.flac": "kennedy.flac",
}
FIRED = ("strong_evidence", "some_evidence")


@cache
def verdict(name: str) -> Verdict:
    return assay.detect(EXAMPLES / name, time_limit_s=300)


@pytest.mark.parametrize(("forged", "untouched"), FORGED_FROM.items())
def test_the_forged_one_scores_higher(forged: str, untouched: str) -> None:
    above, below = verdict(forged).p_fake, verdict(untouched).p_fake
    assert above is not None
    assert below is not None
    assert above > below


@pytest.mark.parametrize("untouched", sorted(set(FORGED_FROM.values())))
def test_no_untouched_one_is_called_manipulated(untouched: str) -> None:
    assert verdict(untouched).label not in FIRED


def test_forgeries_cross_the_default_cut_and_some_are_found_at_the_looser_one() -> None:
    above = {
        name
        for name in FORGED_FROM
        if any(reason.code == "score_above_cut" for reason in verdict(name).reasons)
    }
    assert above
    looser = [assay.detect(EXAMPLES / name, operating_point="far_5") for name in sorted(above)]
    assert any(one.label in FIRED for one in looser)


@pytest.mark.parametrize("spoken", ["spoken.wav", "spoken_by_network.flac"])
def test_voices_of_programs_are_found(spoken: str) -> None:
    found = verdict(spoken)
    assert found.label in FIRED
    assert "voice_generated" in found.kind
    assert found.coverage.seconds_examined is not None


def test_ribbons_that_are_there_twice_are_shown_where_they_lie() -> None:
    found, untouched = verdict("grace_hopper_copied.jpg"), verdict("grace_hopper.jpg")
    (told,) = (
        finding
        for one in found.evidence
        for finding in one.findings
        if finding.code == "copy_move_region"
    )
    assert told.region is not None
    assert told.region.source_px is not None
    tops = sorted((told.region.box_px or told.region.source_px, told.region.source_px))
    assert [box[1] for box in tops] == pytest.approx([484, 534], abs=8)
    assert found.label == "inconclusive"
    assert found.reasons[0].code == "file_findings"
    marked = {
        finding.code for one in untouched.evidence for finding in one.findings if finding.region
    }
    assert marked == set()
