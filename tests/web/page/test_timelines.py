"""The drawing beside a player: in its place, and no more than can be seen."""

from __future__ import annotations

from typing import Any

import pytest

from assay.report.as_json import as_dict
from assay.web.page.timelines import MAX_BARS, MAX_LANES, Timeline, timeline
from tests.report import conftest as verdicts


def result(n: int = 4, **changes: Any) -> dict[str, Any]:
    segments = [
        {
            "start_s": 2.5 * i, "end_s": 2.5 * i + 1, "track": 1, "speaker": None,
            "detector": "face_blending", "p_fake": 0.2 * (i + 1),
        }
        for i in range(n)
    ]  # fmt: skip
    detector = {"name": "face_blending", "subject": "face 1", "threshold": 0.7}
    held = {
        "input": {"duration_s": 10.0},
        "segments": segments,
        "detectors": [detector],
        "timeline": None,
    }
    return held | changes


def drawn(held: dict[str, Any]) -> Timeline:
    found = timeline(held)
    assert found is not None
    return found


def test_bars_stand_where_their_seconds_are() -> None:
    lane = drawn(result()).lanes[0]
    assert [bar.x for bar in lane.bars] == [0, 25, 50, 75]
    assert [bar.width for bar in lane.bars] == [10] * 4
    assert [bar.height for bar in lane.bars] == [20, 40, 60, 80]
    assert [bar.above for bar in lane.bars] == [False, False, False, True]
    assert (lane.title, lane.subject, lane.cut) == ("Face blending", "face 1", 70)


def test_ticks_span_the_time() -> None:
    ticks = drawn(result()).ticks
    assert ticks[0] == (0, "0:00.0")
    assert ticks[-1] == (100, "0:10.0")


def test_a_recording_s_moments_are_what_lies_above_its_threshold() -> None:
    moments = drawn(result()).moments
    assert [(one.start_s, one.subject) for one in moments] == [(7.5, "face 1")]
    assert moments[0].end_s == pytest.approx(8.5)


def test_a_video_s_moments_are_those_of_the_result() -> None:
    held = as_dict(verdicts.timeline_verdict())
    told = held["timeline"]["moments"]
    assert told
    found = drawn(held).moments
    assert [one.start_s for one in found] == [one["start_s"] for one in told]
    assert len(drawn(held).cuts) == len(held["timeline"]["shots"]) - 1


def test_nothing_in_time_is_no_drawing() -> None:
    assert timeline(result(segments=[])) is None
    assert timeline(result(input={"duration_s": None})) is None
    assert timeline(as_dict(verdicts.image_verdict())) is None


def test_a_single_frame_can_be_seen_and_stays_inside() -> None:
    held = result()
    held["segments"] = [{**held["segments"][0], "start_s": 10.0, "end_s": 10.0}]
    bar = drawn(held).lanes[0].bars[0]
    assert bar.width > 0
    assert bar.x + bar.width <= 100


def test_a_long_film_is_thinned_to_the_highest_of_neighbours() -> None:
    held = result(3000, input={"duration_s": 7500.0})
    for i, one in enumerate(held["segments"]):
        one["p_fake"] = 0.99 if i == 1501 else 0.1
    bars = drawn(held).lanes[0].bars
    assert len(bars) <= MAX_BARS
    assert max(bar.height for bar in bars) == 99


def test_many_people_are_counted_where_they_are_not_drawn() -> None:
    held = result(20)
    for track, one in enumerate(held["segments"]):
        one["track"] = track
    found = drawn(held)
    assert (len(found.lanes), found.n_lanes_left_out) == (MAX_LANES, 20 - MAX_LANES)
    assert found.lanes[0].bars[0].height == max(bar.height for x in found.lanes for bar in x.bars)


def test_a_detector_without_a_usable_threshold_has_no_cut() -> None:
    held = result(detectors=[{"name": "face_blending", "subject": "face 1", "threshold": 1.0}])
    lane = drawn(held).lanes[0]
    assert lane.cut is None
    assert not any(bar.above for bar in lane.bars)
