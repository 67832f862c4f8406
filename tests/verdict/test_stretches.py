import math

import pytest

from assay.timeline import Shot
from assay.types import Evidence, Finding, Span
from assay.verdict.stretches import (
    joined_seconds,
    log_odds,
    marks_of,
    runs_of,
    samples_of,
    shot_at,
)


def scored(
    *scores: float, step_s: float = 0.2, cut: float | None = 0.7, length_s: float = 0.0
) -> Evidence:
    """One face scored at 0, 1, 2 ... steps."""
    spans = tuple(Span(i * step_s, i * step_s + length_s, 0.0, p) for i, p in enumerate(scores))
    return Evidence(
        "face_blending", "1", "faces", "face 1", "scored", logit=0.0, p_fake=0.5, threshold=cut,
        track_id=1, spans=spans,
    )  # fmt: skip


def reported(detector: str = "optical_flow", **more: object) -> Evidence:
    return Evidence(detector, "1", "flow", "face 1", "reported", track_id=1, **more)


def extents(*evidence: Evidence, shots: tuple[Shot, ...] = ()) -> list[tuple[float, float]]:
    held = [run.stretch for run in runs_of(evidence, shots)]
    return [(round(one.start_s, 3), round(one.end_s, 3)) for one in held]


def test_a_stretch_runs_from_where_the_score_nears_the_cut_to_where_it_falls_clearly() -> None:
    rising = scored(0.1, 0.1, 0.65, 0.8, 0.65, 0.75, 0.1, 0.1)
    assert extents(rising) == [(0.3, 1.1)]
    (run,) = runs_of([rising], ())
    assert (run.stretch.peak_s, run.stretch.p_fake) == (pytest.approx(0.6), 0.8)
    assert run.stretch.threshold == 0.7
    assert not run.stretch.fires, "the face as a whole is at 0.5"


def test_what_only_nears_the_cut_is_no_stretch() -> None:
    assert extents(scored(0.1, 0.66, 0.69, 0.1)) == []


def test_stretches_near_each_other_are_joined_and_others_are_not() -> None:
    assert extents(scored(0.1, 0.9, 0.1, 0.9, 0.1, step_s=0.15)) == [(0.075, 0.525)]
    assert extents(scored(0.9, 0.1, 0.1, 0.1, 0.9)) == [(0.0, 0.1), (0.7, 0.9)]


def test_a_stretch_ends_at_a_cut_of_the_film() -> None:
    shots = (Shot(0.0, 0.7), Shot(0.7, 2.0))
    even = scored(0.9, 0.9, 0.9, 0.9, 0.9, 0.9)
    assert extents(even) == [(0.0, 1.1)]
    assert extents(even, shots=shots) == [(0.0, 0.7), (0.7, 1.1)]
    assert [run.stretch.shot for run in runs_of([even], shots)] == [0, 1]


def test_a_stretch_ends_where_the_face_is_out_of_sight() -> None:
    spans = tuple(Span(t, t, 0.0, 0.9) for t in (0.0, 0.2, 0.4, 3.0, 3.2, 3.4))
    one = Evidence("d", "1", "f", "face 1", "scored", logit=0, p_fake=0.9, threshold=0.5,
                   track_id=1, spans=spans)  # fmt: skip
    assert extents(one) == [(0.0, 0.5), (2.9, 3.5)]
    assert all(run.stretch.fires for run in runs_of([one], ()))


def test_one_frame_of_a_dense_series_is_noise_and_of_a_sparse_one_is_not() -> None:
    flash = [0.1] * 30
    flash[15] = 0.95
    assert extents(scored(*flash, step_s=0.04)) == []
    assert extents(scored(*flash, step_s=0.5)) == [(7.25, 7.75)]


def test_overlapping_windows_stand_for_their_share_of_the_time() -> None:
    sliding = scored(0.1, 0.1, 0.9, 0.1, 0.1, step_s=0.5, length_s=2.0)
    assert extents(sliding) == [(1.75, 2.25)]


def test_without_a_cut_or_of_a_voice_there_is_no_stretch() -> None:
    assert extents(scored(0.9, 0.9, cut=None)) == []
    assert extents(scored(0.9, 0.9, cut=1.0)) == []
    spans = (Span(0.0, 1.0, 0.0, 0.9),)
    voice = Evidence("v", "1", "f", "voice 1", "scored", logit=0, p_fake=0.9, threshold=0.5,
                     speaker_id=1, spans=spans)  # fmt: skip
    assert extents(voice) == []


def test_hostile_numbers_are_passed_over() -> None:
    spans = (
        Span(math.nan, 1.0, 0.0, 0.9),
        Span(0.0, math.inf, 0.0, 0.9),
        Span(2.0, 1.0, 0.0, 0.9),
        Span(-3.0, -2.0, 0.0, 0.9),
        Span(1.0, 1.0, 0.0, math.nan),
        Span(1.0, 1.0, 0.0, None),
        Span(4.0, 4.0, 0.0, 0.9),
    )
    assert [sample.middle_s for sample in samples_of(spans)] == [4.0]
    many = scored(*[0.9, 0.1, 0.1, 0.1] * 20_000)
    assert 0 < len(runs_of([many], ())) <= 400


def test_findings_with_seconds_are_marks() -> None:
    there = Finding("break", "The flow breaks", "m", "notable", {"start_s": [1.0], "end_s": [1.5]})
    nowhere = Finding("rate", "Few blinks", "m", "strong", {"rate": 3.0})
    (mark,) = marks_of([reported(findings=(there, nowhere))], (Shot(0.0, 9.0),))
    assert (mark.start_s, mark.end_s, mark.title, mark.severity) == (
        1.0,
        1.5,
        there.title,
        "notable",
    )
    assert (mark.track_id, mark.shot, mark.family) == (1, 0, "flow")


def test_reported_spans_are_marks_unless_they_are_all_of_the_time() -> None:
    few = tuple(Span(t, t + 0.2, 0.0) for t in (1.0, 4.0, 8.0))
    found = marks_of([reported("identity_jumps", spans=few)], ())
    assert [(mark.title, mark.severity) for mark in found] == [("Identity jumps", "info")] * 3
    windows = tuple(Span(float(t), t + 2.0, 0.0) for t in range(10))
    assert marks_of([reported(spans=windows)], ()) == []


def test_moments_listed_beside_a_curve_are_bare_facts() -> None:
    plot = {
        "times_s": [0.0, 1.0, 2.0, 3.0],
        "opening_ratio": [0.3] * 4,
        "blinks_s": [0.5, "x", 1.5],
    }
    found = marks_of([reported("blinking", details={"plot": plot})], ())
    assert [(m.start_s, m.title, m.severity) for m in found] == [
        (0.5, "Blinks", "info"),
        (1.5, "Blinks", "info"),
    ]
    for odd in (7, {"times_s": 3, "blinks_s": [1.0]}, {"times_s": [1], 5: [1.0, 2.0]}):
        assert marks_of([reported(details={"plot": odd})], ()) == []


def test_of_too_many_marks_the_gravest_stay_in_time_order() -> None:
    bare = Finding("b", "b", "m", "info", {"times_s": list(range(200))})
    grave = Finding("g", "g", "m", "strong", {"times_s": [500.0, 3.5]})
    found = marks_of([reported(findings=(bare, bare, bare, grave))], ())
    assert len(found) == 400
    assert [mark.start_s for mark in found if mark.severity == "strong"] == [3.5, 500.0]
    assert found == sorted(found, key=lambda mark: (mark.start_s, mark.end_s))


def test_shots_hold_their_start_and_the_last_its_end() -> None:
    shots = (Shot(1.0, 2.0), Shot(2.0, 3.0))
    assert [shot_at(shots, t) for t in (0.5, 1.0, 2.0, 3.0, 3.1)] == [None, 0, 1, 1, None]
    assert shot_at((), 1.0) is None


def test_odds_and_joined_seconds() -> None:
    assert log_odds(0.5) == 0.0
    assert log_odds(1.0) == pytest.approx(13.8, abs=0.1)
    assert log_odds(0.0) == pytest.approx(-13.8, abs=0.1)
    assert joined_seconds([(3.0, 4.0), (0.0, 1.0), (1.0, 2.0)]) == [(0.0, 2.0), (3.0, 4.0)]
