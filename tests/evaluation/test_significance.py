from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("scipy", reason="the train extra is not installed")
pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.evaluation.measures import Scored, scored_of  # noqa: E402
from assay.evaluation.significance import (  # noqa: E402
    compare,
    compare_all,
    delong,
    holm,
    mcnemar,
)

from .made_models import made_rows  # noqa: E402


def files(model: str, **more: object) -> Scored:
    return scored_of(model, [r for r in made_rows(model, **more) if r.level == "file"])  # type: ignore[arg-type]


def two(seed: int, n: int = 150, gain: float = 0.6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    fake = np.r_[np.ones(n, bool), np.zeros(n, bool)]
    shared = rng.normal(size=2 * n)
    one = shared + rng.normal(size=2 * n) + fake * (1 + gain)
    other = shared + rng.normal(size=2 * n) + fake * 1.0
    return one, other, fake


def by_pairs(one: np.ndarray, other: np.ndarray, fake: np.ndarray) -> tuple[float, float]:
    """DeLong's difference and standard error by the kernel of all pairs, as the paper defines."""
    kernels = []
    for s in (one, other):
        gap = s[fake][:, None] - s[~fake][None]
        kernels.append((gap > 0) + 0.5 * (gap == 0))
    a, b = kernels
    v10 = np.cov(np.stack([a.mean(1), b.mean(1)]))
    v01 = np.cov(np.stack([a.mean(0), b.mean(0)]))
    s = v10 / fake.sum() + v01 / (~fake).sum()
    return float(a.mean() - b.mean()), float(np.sqrt(s[0, 0] + s[1, 1] - 2 * s[0, 1]))


@pytest.mark.parametrize("rounded", [False, True])
def test_delong_is_the_papers(rounded: bool) -> None:
    one, other, fake = two(0)
    if rounded:  # ties
        one, other = one.round(), other.round()
    gap, error, p = delong(one, other, fake)
    assert (gap, error) == pytest.approx(by_pairs(one, other, fake))
    from scipy.stats import norm

    assert p == pytest.approx(2 * norm.sf(abs(gap) / error))


def test_delong_agrees_with_a_bootstrap_of_independent_items() -> None:
    one, other, fake = two(1)
    gap, error, _ = delong(one, other, fake)
    from sklearn.metrics import roc_auc_score

    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(120):
        at = rng.integers(len(fake), size=len(fake))
        drawn.append(roc_auc_score(fake[at], one[at]) - roc_auc_score(fake[at], other[at]))
    assert np.mean(drawn) == pytest.approx(gap, abs=0.01)
    assert np.std(drawn) == pytest.approx(error, rel=0.25)


def test_one_model_against_itself_shows_nothing() -> None:
    one, _, fake = two(2)
    assert delong(one, one, fake) == (0.0, 0.0, 1.0)
    rows = compare(files("a"), files("b"), "overall", n_draws=200)
    assert [row["metric"] for row in rows] == ["auc", "accuracy"]
    assert all(row["p"] == row["p_test"] == 1.0 and row["difference"] == 0.0 for row in rows)


def test_a_better_model_is_found_and_the_order_of_the_pair_turns_the_sign() -> None:
    good, poor = files("good", n=60, shift=3.0, seed=1), files("poor", n=60, shift=0.3, seed=2)
    row = compare(good, poor, "overall", n_draws=300)[0]
    back = compare(poor, good, "overall", n_draws=300)[0]
    assert row["p"] < 0.01
    assert row["low"] > 0
    assert row["difference"] == pytest.approx(-back["difference"])
    assert row["p"] == pytest.approx(back["p"], abs=0.02)
    assert row["p_test"] < 1e-3


def test_groups_are_drawn_not_items() -> None:
    """The same rows as a few large groups say less than as many small ones."""
    good, poor = files("good", n=60, shift=1.6, seed=1), files("poor", n=60, shift=0.9, seed=2)
    small = compare(good, poor, "overall", n_draws=400)[0]
    for part in (good, poor):
        part.group[:] = [f"g{i // 20}" for i in range(len(part.group))]
    large = compare(good, poor, "overall", n_draws=400)[0]
    assert large["n_groups"] == 6 < small["n_groups"]
    assert large["high"] - large["low"] != pytest.approx(small["high"] - small["low"])
    for part in (good, poor):
        part.group[:] = "one"
    few = compare(good, poor, "overall", n_draws=50)[0]
    assert few["p"] is None
    assert "1 groups are too few" in few["why"]


def test_only_shared_items_count_and_too_few_say_so() -> None:
    a, b = files("a", n=20), files("b", n=30)
    assert compare(a, b, "overall", n_draws=50)[0]["n"] == 40
    row = compare(files("a", n=4), b, "overall", n_draws=50)[0]
    assert row["difference"] is None
    assert "too small: 4 fakes" in row["why"]


def test_mcnemar_is_scipys_binomial_test() -> None:
    from scipy.stats import binomtest

    rng = np.random.default_rng(3)
    for n in (9, 40, 3000):
        one, other = rng.random(n) < 0.8, rng.random(n) < 0.75
        b, c = int((one & ~other).sum()), int((~one & other).sum())
        assert mcnemar(one, other) == pytest.approx(binomtest(b, b + c).pvalue)
    same = np.ones(5, bool)
    assert mcnemar(same, same) == 1.0


def test_holm_by_hand_and_over_all_pairs() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []
    models = [files(name, n=30, shift=s, seed=i) for i, (name, s) in enumerate([("a", 3.0), ("b", 1.0), ("c", 0.2)])]  # fmt: skip  # noqa: E501
    rows = compare_all(models, "overall", n_draws=100)
    assert len(rows) == 6
    assert all(row["p_holm"] >= row["p"] for row in rows)
