import re
from dataclasses import replace
from itertools import pairwise

import pytest

from assay import types as t
from assay.report import video_chart as module
from assay.report.video_chart import NOT_HELD, VideoChart, video_chart
from assay.timeline import Timeline


def chart(verdict: t.Verdict) -> VideoChart:
    drawn = video_chart(verdict)
    assert drawn is not None
    return drawn


def test_only_a_video_with_a_timeline_has_a_chart(make: dict) -> None:
    for kind in ("image", "audio", "failed", "video", "voices"):
        assert video_chart(make[kind]()) is None
    bare = make["timeline"](evidence=(), timeline=Timeline(0.0, 4.0, pieces_s=((0.0, 4.0),)))
    assert video_chart(bare) is None


def test_each_person_has_their_own_lanes(make: dict) -> None:
    first, second = chart(make["timeline"]()).people
    assert (first.title, second.title) == ("Face 1", "Face 2")
    assert [lane.title for lane in first.scores] == ["Temporal consistency"]
    assert [curve.title for curve in first.curves] == ["Eye opening ratio, face 1, blinking"]
    assert second.curves == ()
    assert "as a whole 0.40, highest 0.90 at 0:01.2" in first.scores[0].summary
    assert "0 of 100\u00a0scores reach the threshold 0.62" in second.scores[0].summary


def test_stretches_and_marks_stand_at_their_seconds(make: dict) -> None:
    first, second = chart(make["timeline"]()).people
    (hit,) = first.scores[0].hits
    assert hit.x0 < 100 * 1.2 / 4 < hit.x0 + hit.width
    assert hit.kind == "over"
    assert "temporal consistency reaches its threshold, highest 0.90" in hit.text
    assert [(round(mark.x0, 1), mark.kind) for mark in first.marks] == [
        (20.0, "info"),
        (27.5, "strong"),
        (72.5, "info"),
    ]
    assert second.scores[0].hits == second.marks == ()
    assert all(mark.at_s is not None for mark in first.marks)


def test_cards_follow_the_ranking(make: dict) -> None:
    verdict = make["timeline"]()
    drawn = chart(verdict)
    assert [card.number for card in drawn.cards] == list(range(1, len(drawn.cards) + 1))
    first = drawn.cards[0]
    assert (first.subject, first.score) == ("face 1", "0.90")
    assert first.at_s == pytest.approx(verdict.timeline.moments[0].peak_s)
    assert first.crop is not None
    assert first.crop.startswith("data:image/jpeg;base64,")
    many = replace(verdict.timeline, moments=verdict.timeline.moments[:1] * 9)
    assert chart(replace(verdict, timeline=many)).n_moments_left_out == 3


def test_curves_break_at_gaps_between_pieces(make: dict) -> None:
    verdict = make["timeline"]()
    pieces = ((0.0, 1.0), (2.0, 3.0))
    drawn = chart(replace(verdict, timeline=replace(verdict.timeline, pieces_s=pieces)))
    assert len(drawn.people[0].scores[0].paths) == 2
    assert len(drawn.people[0].curves[0].paths) == 2
    ((x0, width),) = drawn.gaps
    for path in drawn.people[0].scores[0].paths:
        places = [float(x) for x in re.findall(r"[ML]([\d.]+) ", path)]
        assert not any(x0 < x < x0 + width for x in places)
    assert not drawn.whole
    assert drawn.film is not None
    assert len(drawn.film.pieces) == 2
    assert "0:00.0–0:01.0 and 0:02.0–0:03.0 of the video" in drawn.held


def test_the_cut_of_the_film_is_drawn_and_told(make: dict) -> None:
    drawn = chart(make["timeline"]())
    assert drawn.cuts == (50.0,)
    assert "2\u00a0shots in the 4.0\u00a0s followed frame by frame; cuts at 0:02.0." in drawn.shots


def test_without_a_film_nothing_can_be_jumped_to_and_the_page_says_why(make: dict) -> None:
    verdict = make["timeline"]()
    for why in ("not_wanted", "nothing_examined"):
        held = replace(verdict.timeline, footage=None, not_shown=why)
        drawn = chart(replace(verdict, timeline=held))
        assert drawn.film is None
        assert drawn.source is None
        assert drawn.held == NOT_HELD[why]
        assert drawn.faces_data == drawn.pieces_data == "[]"
        hits = [hit for one in drawn.people for lane in one.scores for hit in lane.hits]
        assert all(one.at_s is None for one in (*hits, *drawn.cards))


def test_a_file_that_is_gone_costs_the_film_only(make: dict) -> None:
    verdict = make["timeline"]()
    gone = replace(verdict.timeline.footage, path="/nowhere/gone.mp4")
    drawn = chart(replace(verdict, timeline=replace(verdict.timeline, footage=gone)))
    assert drawn.film is None
    assert drawn.held == NOT_HELD["not_encoded"]
    assert len(drawn.people) == 2


def test_hostile_amounts_stay_bounded(make: dict) -> None:
    verdict = make["timeline"]()
    spans = tuple(t.Span(i / 5000, i / 5000, 0.0, (i % 9) / 9) for i in range(20_000))
    times = [i / 50 for i in range(200)]
    plot = {"times_s": times, **{f"q{i}_px": times for i in range(15)}}
    evidence = [
        replace(verdict.evidence[0], detector=f"d{k}", subject=f"face {n}", track_id=n, spans=spans,
                details={"plot": plot})
        for n in range(1, 20) for k in range(12)
    ]  # fmt: skip
    drawn = chart(replace(verdict, evidence=tuple(evidence)))
    assert len(drawn.people) == module.MAX_PEOPLE
    assert drawn.n_people_left_out == 13
    for person in drawn.people:
        assert len(person.scores) == module.MAX_SCORES
        assert len(person.curves) == module.MAX_CURVES
        for lane in person.scores:
            assert sum(path.count("L") + 1 for path in lane.paths) <= module.MAX_POINTS
            assert lane.below.count("M") + lane.above.count("M") <= module.MAX_POINTS


def test_evidence_that_cannot_be_drawn_is_passed_over(make: dict) -> None:
    verdict = make["timeline"]()
    odd = (t.Span(float("nan"), 1.0, 0.0, 0.5), t.Span(1.0, 1.0, 0.0, float("nan")))
    broken = replace(verdict.evidence[0], spans=odd, details={"plot": {"times_s": "x"}})
    drawn = chart(replace(verdict, evidence=(broken, verdict.evidence[1])))
    assert [person.scores[0].title for person in drawn.people if person.scores] == [
        "Temporal consistency"
    ]


def test_the_script_fetches_nothing_and_writes_no_markup() -> None:
    script = module.player_script()
    for word in ("fetch", "XMLHttp", "innerHTML", "eval", "import", "http", "</", "document.write"):
        assert word not in script


def test_ticks_run_along_the_axis(make: dict) -> None:
    ticks = chart(make["timeline"]()).ticks
    assert ticks[0] == (0.0, "0:00")
    assert all(a < b for (a, _), (b, _) in pairwise(ticks))
