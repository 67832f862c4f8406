from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.evaluation.metrics import (  # noqa: E402
    auc,
    average_precision,
    detection_rate_at,
    equal_error_rate,
    rate_interval,
    with_interval,
)

Draw = tuple[np.ndarray, np.ndarray]


def draws(n: int = 8) -> list[Draw]:
    """Scores and labels: apart, overlapping, tied, of unequal numbers."""
    rng = np.random.default_rng(4)
    out = []
    for i in range(n):
        fake = np.r_[True, False, rng.random(60 + 10 * i) < 0.2 + 0.08 * i]
        scores = rng.normal(0, 1, len(fake)) + fake * (0.3 * i)
        out.append((np.round(scores, 1) if i % 2 else scores, fake))
    return out


def cuts(scores: np.ndarray) -> np.ndarray:
    return np.r_[np.inf, np.unique(scores)[::-1]]


@pytest.mark.parametrize("draw", draws())
def test_auc_is_how_often_a_fake_scores_higher(draw: Draw) -> None:
    scores, fake = draw
    higher = scores[fake][:, None] - scores[~fake][None, :]
    assert auc(scores, fake) == pytest.approx(((higher > 0) + 0.5 * (higher == 0)).mean())


@pytest.mark.parametrize("draw", draws())
def test_auc_agrees_with_the_rank_sum_test(draw: Draw) -> None:
    stats = pytest.importorskip("scipy.stats", reason="another library's rank sum")
    scores, fake = draw
    u = stats.mannwhitneyu(scores[fake], scores[~fake]).statistic
    assert auc(scores, fake) == pytest.approx(u / (fake.sum() * (~fake).sum()))


@pytest.mark.parametrize("draw", draws())
def test_average_precision_by_its_definition(draw: Draw) -> None:
    scores, fake = draw
    total, before = 0.0, 0.0
    for cut in cuts(scores)[1:]:
        above = scores >= cut
        recall = fake[above].sum() / fake.sum()
        total += (recall - before) * fake[above].mean()
        before = recall
    assert average_precision(scores, fake) == pytest.approx(total)


@pytest.mark.parametrize("draw", draws())
def test_detection_rate_is_the_best_cut_within_the_rate(draw: Draw) -> None:
    scores, fake = draw
    for rate in (0.0, 0.01, 0.05, 0.3, 1.0):
        allowed = [cut for cut in cuts(scores) if (scores[~fake] >= cut).mean() <= rate]
        best = max((scores[fake] >= cut).mean() for cut in allowed)
        assert detection_rate_at(rate)(scores, fake) == pytest.approx(best)


@pytest.mark.parametrize("draw", draws())
def test_equal_error_rate_lies_where_both_errors_meet(draw: Draw) -> None:
    scores, fake = draw
    alarms = np.array([(scores[~fake] >= cut).mean() for cut in cuts(scores)])
    misses = np.array([(scores[fake] < cut).mean() for cut in cuts(scores)])
    found = equal_error_rate(scores, fake)
    at = np.abs(alarms - misses).argmin()
    step = np.abs(np.diff(alarms)).max() + np.abs(np.diff(misses)).max()
    assert abs(found - (alarms[at] + misses[at]) / 2) <= step
    assert 0.0 <= found <= 1.0


def test_the_direction_is_higher_means_fake() -> None:
    fake = np.array([False, False, True, True])
    scores = np.array([-2.0, -1.0, 1.0, 2.0])
    for metric, best, worst in (
        (auc, 1.0, 0.0),
        (detection_rate_at(0.01), 1.0, 0.0),
        (equal_error_rate, 0.0, 1.0),
    ):
        assert metric(scores, fake) == pytest.approx(best)
        assert metric(-scores, fake) == pytest.approx(worst)


def people(rng: np.random.Generator, n_groups: int = 40) -> tuple[np.ndarray, ...]:
    """Three alike scores a person: rows of one person say little more than one row."""
    groups = np.repeat(np.arange(n_groups), 3)
    fake = groups % 2 == 0
    scores = rng.normal(0, 1, n_groups)[groups] + rng.normal(0, 0.1, len(groups)) + fake
    return scores, fake, groups


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    truth, hits = 1.0, 0

    def apart(scores: np.ndarray, fake: np.ndarray) -> float:
        return float(scores[fake].mean() - scores[~fake].mean())

    for seed in range(100):
        scores, fake, groups = people(np.random.default_rng(seed))
        found = with_interval(apart, scores, fake, [str(g) for g in groups], 100, seed)
        assert found.low <= found.value <= found.high
        hits += found.low <= truth <= found.high
    assert 88 <= hits <= 99


def test_the_interval_is_drawn_over_groups_not_rows() -> None:
    scores, fake, groups = people(np.random.default_rng(1))
    by_person = with_interval(auc, scores, fake, [str(g) for g in groups], 300)
    by_row = with_interval(auc, scores, fake, [str(i) for i in range(len(scores))], 300)
    assert by_person.value == by_row.value
    assert by_person.high - by_person.low > 1.3 * (by_row.high - by_row.low)
    assert (by_person.n_groups, by_row.n_groups) == (40, 120)
    assert (by_person.n_fake, by_person.n_real) == (60, 60)


def test_the_interval_is_the_same_every_time() -> None:
    scores, fake, groups = people(np.random.default_rng(1))
    names = [str(g) for g in groups]
    assert with_interval(auc, scores, fake, names, 50) == with_interval(
        auc, scores, fake, names, 50
    )
    other = with_interval(auc, scores, fake, names, 50, seed=1)
    assert other != with_interval(auc, scores, fake, names, 50)


def test_draws_without_one_label_are_drawn_again() -> None:
    found = with_interval(auc, [0.0, 1.0, 2.0], [False, False, True], ["a", "b", "c"], 50)
    assert found.value == found.low == found.high == 1.0


@pytest.mark.parametrize(
    ("scores", "fake", "groups"),
    [
        ([1.0, 2.0], [True, True], ["a", "b"]),
        ([1.0, 2.0], [False, False], ["a", "b"]),
        ([1.0, 2.0], [True, False], ["a"]),
        ([1.0], [True, False], ["a", "b"]),
        ([], [], []),
        ([1.0, float("nan")], [True, False], ["a", "b"]),
    ],
)
def test_what_cannot_be_measured_is_refused(
    scores: list[float], fake: list[bool], groups: list[str]
) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (the reasons differ)
        with_interval(auc, scores, fake, groups, 10)


@pytest.mark.parametrize(("n_hits", "n"), [(0, 1), (0, 40), (3, 40), (20, 40), (40, 40), (7, 9)])
def test_the_rate_interval_is_wilsons(n_hits: int, n: int) -> None:
    stats = pytest.importorskip("scipy.stats", reason="another library's Wilson interval")
    wanted = stats.binomtest(n_hits, n).proportion_ci(0.95, method="wilson")
    assert rate_interval(n_hits, n) == pytest.approx((wanted.low, wanted.high), abs=1e-6)


@pytest.mark.parametrize("n", [0, -3])
def test_a_share_of_nothing_is_refused(n: int) -> None:
    with pytest.raises(ValueError, match="nothing"):
        rate_interval(0, n)


def test_every_metric_takes_plain_booleans_and_lists() -> None:
    metrics: list[Callable[..., float]] = [auc, average_precision, equal_error_rate]
    for metric in metrics:
        found = with_interval(metric, [0.1, 0.9, 0.4, 0.6], [0, 1, 0, 1], list("abcd"), 20)
        assert np.isfinite(found.value)
