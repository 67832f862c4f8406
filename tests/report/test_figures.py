import pytest

from assay.report import figures


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (float("nan"), "–"), (0.0, "< 0.001"), (0.003, "0.003"), (0.5, "0.50"),
     (0.968, "0.97"), (0.9968, "0.997"), (1.0, "> 0.999")],
)  # fmt: skip
def test_score_never_rounds_to_certainty(value: float | None, text: str) -> None:
    assert figures.score(value) == text


def test_clock() -> None:
    assert figures.clock(0) == "0:00"
    assert figures.clock(61.25) == "1:01"
    assert figures.clock(59.97, tenths=True) == "1:00.0"
    assert figures.clock(3725) == "1:02:05"


def test_rate_and_bytes() -> None:
    assert figures.rate(0.01) == "1\u00a0%"
    assert figures.rate(0.00098) == "0.098\u00a0%"
    assert figures.n_bytes(2_500_000) == "2.5\u00a0MB"


def test_lists_and_counts() -> None:
    assert figures.listed(["a"]) == "a"
    assert figures.listed(["a", "b", "c"]) == "a, b and c"
    assert figures.counted(1, "frame") == "1\u00a0frame"
    assert figures.counted(2, "frame") == "2\u00a0frames"


def test_a_cut_that_no_score_reaches_is_none() -> None:
    assert figures.usable_cut(1.0) is figures.usable_cut(None) is figures.usable_cut(-3.2) is None
    assert figures.cut_score(1.0) == "–"
    assert figures.usable_cut(0.62) == 0.62
