import pytest

from assay import types as t
from assay.report.charts import MAX_POINTS, gauge, timeline


def spans(values: list[tuple[float, float]]) -> tuple[t.Span, ...]:
    return tuple(t.Span(time_s, time_s, 0.0, p_fake) for time_s, p_fake in values)


def with_spans(make: dict, held: tuple[t.Span, ...], threshold: float | None = 0.6) -> t.Verdict:
    evidence = t.Evidence(
        "d", "1", "f", "face 1", "scored", logit=0.0, p_fake=0.5, threshold=threshold, spans=held
    )
    return make["video"](evidence=(evidence,))


def test_gauge_places_score_band_and_threshold(make: dict) -> None:
    drawn = gauge(make["image"]())
    assert drawn is not None
    assert drawn.at == pytest.approx(96.8)
    assert drawn.band == pytest.approx((91.0, 8.0))
    assert drawn.threshold == pytest.approx(62.0)
    assert "p_fake 0.97" in drawn.text
    assert "0.91–0.99" in drawn.text
    assert gauge(make["faceless"]()) is None


def test_timeline_has_a_row_a_subject_and_readable_ticks(make: dict) -> None:
    drawn = timeline(make["video"]())
    assert drawn is not None
    assert [row.title for row in drawn.rows] == ["face 1, face blending", "face 2, face blending"]
    assert [label for _, label in drawn.ticks] == ["0:00", "0:05", "0:10", "0:15", "0:20", "0:25"]
    first, second = drawn.rows
    assert len(first.points) == 32
    assert len(first.paths) == 1
    assert len(second.paths) == 2  # out of sight for seven seconds
    assert sum(point.above for point in first.points) == 13
    assert "13 of 32 moments reach the threshold 0.62" in first.summary
    assert "0 of 24" in second.summary
    assert all(0 <= point.x0 <= point.x1 <= 100 and 0 <= point.y <= 100 for point in first.points)


def test_no_timeline_for_pictures_or_a_single_moment(make: dict) -> None:
    assert timeline(make["image"]()) is None
    assert timeline(make["failed"]()) is None
    assert timeline(with_spans(make, spans([(1.0, 0.5)]))) is None


def test_numbers_that_are_none_are_left_out(make: dict) -> None:
    held = (
        *spans([(1.0, 0.5), (2.0, 0.7)]),
        t.Span(3.0, 3.0, 1.0),
        t.Span(4.0, 4.0, 1.0, float("nan")),
    )
    drawn = timeline(with_spans(make, held))
    assert drawn is not None
    assert len(drawn.rows[0].points) == 2


def test_without_threshold_nothing_is_above(make: dict) -> None:
    drawn = timeline(with_spans(make, spans([(1.0, 0.9), (2.0, 0.7)]), threshold=1.0))
    assert drawn is not None
    assert drawn.rows[0].threshold_y is None
    assert not any(point.above for point in drawn.rows[0].points)


def test_thinning_keeps_the_peak(make: dict) -> None:
    many = [(i / 100, 0.9 if i == 4321 else 0.1) for i in range(10_000)]
    drawn = timeline(with_spans(make, spans(many)))
    assert drawn is not None
    assert len(drawn.rows[0].points) <= MAX_POINTS
    assert sum(point.above for point in drawn.rows[0].points) == 1


def test_spans_become_bars(make: dict) -> None:
    held = (t.Span(0.0, 4.0, 0.0, 0.2), t.Span(4.0, 8.0, 0.0, 0.8))
    drawn = timeline(with_spans(make, held))
    assert drawn is not None
    assert drawn.rows[0].points[1].x1 - drawn.rows[0].points[1].x0 == pytest.approx(100 * 4 / 29.68)
