from itertools import combinations

from assay.timeline import Shot
from assay.types import Evidence, Finding, Span
from assay.verdict.moments import APART_S, MAX_MOMENTS, PER_SUBJECT, Moment, moments_of
from assay.verdict.stretches import marks_of, runs_of


def face(
    track_id: int, *scores: tuple[float, float], detector: str = "face_blending", whole: float = 0.9
) -> Evidence:
    """A face with (time, p_fake) and a cut of 0.7."""
    spans = tuple(Span(time_s, time_s, 0.0, p) for time_s, p in scores)
    return Evidence(
        detector, "1", f"family of {detector}", f"face {track_id}", "scored", logit=0.0,
        p_fake=whole, threshold=0.7, track_id=track_id, spans=spans,
    )  # fmt: skip


def hill(at_s: float, top: float) -> list[tuple[float, float]]:
    """Ten seconds with one hill."""
    times = [i / 5 for i in range(51)]
    return [(t, top if abs(t - at_s) < 0.25 else 0.1) for t in times]


def found(*evidence: Evidence, shots: tuple[Shot, ...] = ()) -> tuple[Moment, ...]:
    return moments_of(runs_of(evidence, shots), marks_of(evidence, shots), shots)


def test_the_moment_lies_where_the_scores_are_high() -> None:
    (moment,) = found(face(1, *hill(4.0, 0.95)))
    assert moment.start_s <= moment.peak_s <= moment.end_s
    assert abs(moment.peak_s - 4.0) <= 0.25
    assert moment.p_fake == 0.95
    assert moment.detectors == ("face_blending",)
    assert moment.fires


def test_nothing_above_its_cut_is_no_moment() -> None:
    assert found(face(1, *hill(4.0, 0.69))) == ()
    assert found() == ()


def test_several_families_that_meet_come_before_one_that_is_higher() -> None:
    here = face(1, *hill(2.0, 0.95), detector="a"), face(1, *hill(2.0, 0.9), detector="b")
    alone = face(2, *hill(7.0, 0.98), detector="a")
    first, second = found(*here, alone)
    assert first.families == ("family of a", "family of b")
    assert second.subject == "face 2"
    assert first.evidence > second.evidence


def test_two_detectors_of_one_family_count_once() -> None:
    a = face(1, *hill(2.0, 0.95), detector="a")
    twin = Evidence(
        "b", "1", a.family, "face 1", "scored", logit=0.0, p_fake=0.9, threshold=0.7, track_id=1,
        spans=a.spans,
    )  # fmt: skip
    (once,), (both,) = found(a), found(a, twin)
    assert both.evidence == once.evidence
    assert both.detectors == ("a", "b")


def test_a_face_that_fires_as_a_whole_comes_first() -> None:
    low = face(1, *hill(2.0, 0.99), whole=0.2)
    first, second = found(low, face(2, *hill(7.0, 0.75)))
    assert (first.subject, first.fires) == ("face 2", True)
    assert (second.subject, second.fires) == ("face 1", False)


def test_moments_of_one_face_never_overlap_and_stay_few() -> None:
    everywhere = [(i / 30, 0.9 + 0.05 * (i % 7) / 7) for i in range(360)]
    held = found(*(face(n, *everywhere) for n in range(1, 9)))
    assert len(held) == MAX_MOMENTS
    for n in range(1, 9):
        own = [moment for moment in held if moment.track_id == n]
        assert len(own) <= PER_SUBJECT
        for a, b in combinations(own, 2):
            assert abs(a.peak_s - b.peak_s) >= APART_S
            assert a.end_s <= b.start_s or b.end_s <= a.start_s


def test_a_moment_stays_within_its_shot() -> None:
    shots = (Shot(0.0, 4.1), Shot(4.1, 10.0))
    (moment,) = found(face(1, *hill(4.0, 0.95)), shots=shots)
    assert (moment.shot, moment.end_s) == (0, 4.1)


def test_what_is_reported_adds_and_a_bare_fact_does_not() -> None:
    scored = face(1, *hill(4.0, 0.9))
    (plain,) = found(scored)
    for severity, adds in (("strong", 1.0), ("notable", 0.5), ("info", 0.0)):
        told = Finding("c", "The flow breaks", "m", severity, {"times_s": [4.1]})
        flow = Evidence(
            "optical_flow", "1", "flow", "face 1", "reported", track_id=1, findings=(told,)
        )
        (moment,) = found(scored, flow)
        assert round(moment.evidence - plain.evidence, 6) == adds
        alone = found(flow)
        assert len(alone) == bool(adds)
        assert all(one.p_fake is None and not one.fires for one in alone)


def test_a_mark_belongs_to_one_moment() -> None:
    told = Finding("c", "Jump", "m", "strong", {"start_s": [0.0], "end_s": [9.0]})
    long = Evidence("identity", "1", "id", "face 1", "reported", track_id=1, findings=(told,))
    everywhere = [(i / 5, 0.9) for i in range(51)]
    held = found(face(1, *everywhere), long)
    assert sum("identity" in moment.detectors for moment in held) == 1
