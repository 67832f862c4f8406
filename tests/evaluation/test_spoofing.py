"""Against hand-computed cases and the published formulas, each written out trial by trial."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from assay.errors import ConfigError
from assay.evaluation import spoofing
from assay.evaluation.spoofing import AsvErrors, Trials


def made(seed: int = 0, n: int = 200) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    fake = np.r_[np.ones(3 * n, bool), np.zeros(n, bool)]
    return rng.normal(fake * 1.5, 1.0), fake


def rates(bona: np.ndarray, spoof: np.ndarray) -> list[tuple[float, float]]:
    """(miss, false acceptance) at each cut, as the challenge's programs walk them."""
    cuts = [-math.inf, *sorted([*bona, *spoof]), math.inf]
    return [(float(np.mean(bona < c)), float(np.mean(spoof >= c))) for c in cuts]


def test_a_case_done_by_hand() -> None:
    # Ours: higher = fake. Bona fide 0.1 0.2 0.6, spoof 0.4 0.8 0.9 1.0; ASV errors 5 %, 5 %, 60 %.
    trials = Trials.of([0.1, 0.2, 0.6, 0.4, 0.8, 0.9, 1.0], [0, 0, 0, 1, 1, 1, 1])
    asv = AsvErrors(miss=0.05, false_alarm=0.05, spoof_accepted=0.6)
    # The best cut passes all bona fide and one spoof of four: P_miss 0, P_fa 1/4;
    # or rejects 0.6 and no spoof passes: P_miss 1/3, P_fa 0.
    c0 = 0.9405 * 0.05 + 0.0095 * 10 * 0.05
    c1, c2 = 0.9405 - c0, 0.05 * 10 * 0.6
    expected = min(c0 + c2 / 4, c0 + c1 / 3) / (c0 + min(c1, c2))
    assert spoofing.min_tdcf(trials, asv) == pytest.approx(expected)
    old1 = 0.9405 * (1 - 0.05) - 0.0095 * 10 * 0.05
    assert spoofing.min_tdcf_2019(trials, asv) == pytest.approx(
        min(0.25 * c2, old1 / 3) / min(old1, c2)
    )
    assert spoofing.min_dcf(trials) == pytest.approx(min(0.5 * 0.25, 0.95 / 3) / 0.5)
    assert spoofing.equal_error_rate(trials) == pytest.approx((1 / 3 + 1 / 4) / 2)


def test_the_published_formulas_walked_over_every_cut() -> None:
    scores, fake = made()
    trials = Trials.of(scores, fake)
    walked = rates(-scores[~fake], -scores[fake])
    asv = AsvErrors(0.02, 0.03, 0.4)
    c0 = 0.9405 * 0.02 + 0.0095 * 10 * 0.03
    c1, c2 = 0.9405 - c0, 0.5 * 0.4
    tdcf = min(c0 + c1 * m + c2 * a for m, a in walked) / (c0 + min(c1, c2))
    assert spoofing.min_tdcf(trials, asv) == pytest.approx(tdcf)
    dcf = min(0.95 * m + 0.5 * a for m, a in walked) / 0.5
    assert spoofing.min_dcf(trials) == pytest.approx(dcf)
    nearest = min(walked, key=lambda one: abs(one[0] - one[1]))
    assert spoofing.equal_error_rate(trials) == pytest.approx(sum(nearest) / 2)


def test_what_does_nothing_costs_one_and_perfection_only_the_floor() -> None:
    asv = AsvErrors(0.02, 0.03, 0.4)
    rng = np.random.default_rng(1)
    fake = np.arange(4000) % 2 == 0
    # A countermeasure that passes or stops everybody costs 1 by definition; noise hardly less.
    assert spoofing.min_tdcf(Trials.of(rng.normal(size=4000), fake), asv) == pytest.approx(1, abs=0.01)  # fmt: skip  # noqa: E501
    perfect = Trials.of(fake + rng.random(4000) / 10, fake)
    c0 = 0.9405 * 0.02 + 0.0095 * 10 * 0.03
    assert spoofing.min_tdcf(perfect, asv) == pytest.approx(c0 / (c0 + 0.2))
    assert spoofing.min_tdcf_2019(perfect, asv) == 0
    assert spoofing.min_dcf(perfect) == 0


def test_eer_agrees_with_the_curve_of_scikit_learn() -> None:
    pytest.importorskip("sklearn", reason="the train extra is not installed")
    from assay.evaluation.metrics import equal_error_rate

    scores, fake = made(3)
    own = spoofing.equal_error_rate(Trials.of(scores, fake))
    assert own == pytest.approx(equal_error_rate(scores, fake), abs=1e-12)


def test_cllr_and_actual_cost_of_true_ratios() -> None:
    # Of N(-1, 1) and N(1, 1) the log-likelihood ratio of a value x is 2 x.
    rng = np.random.default_rng(4)
    fake = np.arange(20000) % 2 == 0
    x = rng.normal(np.where(fake, 1.0, -1.0), 1.0)
    trials = Trials.of(2 * x, fake)
    by_hand = [math.log2(1 + math.exp(s if f else -s)) for s, f in zip(-2 * x, fake, strict=True)]
    two = np.mean([v for v, f in zip(by_hand, fake, strict=True) if f])
    one = np.mean([v for v, f in zip(by_hand, fake, strict=True) if not f])
    assert spoofing.cllr(trials) == pytest.approx((one + two) / 2)
    # Ratios that are true are near their best cost at the cut that the priors ask for.
    assert spoofing.act_dcf(trials) == pytest.approx(spoofing.min_dcf(trials), abs=0.02)
    assert spoofing.act_dcf(Trials.of(2 * x + 4, fake)) > spoofing.min_dcf(trials) + 0.2
    assert spoofing.cllr(Trials.of(np.zeros(10), np.arange(10) < 5)) == pytest.approx(1.0)


def test_missing_labels_and_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="are needed"):
        Trials.of([0.1, 0.2], [1, 1])
    with pytest.raises(ValueError, match="finite"):
        Trials.of([0.1, math.nan], [1, 0])
    with pytest.raises(ValueError, match="are needed"):
        AsvErrors.of([1.0], [0.0], [])
    with pytest.raises(ValueError, match="weights"):
        spoofing.min_tdcf(Trials.of([0, 1], [0, 1]), AsvErrors(1.0, 1.0, 0.5))


def test_the_organisers_files_of_2019_and_2021(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    kinds = ["target"] * 50 + ["nontarget"] * 50 + ["spoof"] * 40
    scores = rng.normal([{"target": 2, "nontarget": -2, "spoof": 1}[k] for k in kinds], 1)
    old = tmp_path / "asv.txt"
    old.write_text("".join(f"A07 {k} {s}\r\n" for k, s in zip(kinds, scores, strict=True)))
    found = spoofing.read_asv_scores(old)
    t, n, s = (scores[[k == kind for k in kinds]] for kind in ("target", "nontarget", "spoof"))
    best = min(sorted([*t, *n]), key=lambda c: abs(np.mean(t <= c) - np.mean(n > c)))
    assert found == AsvErrors(
        float(np.mean(t < best)), float(np.mean(n >= best)), float(np.mean(s >= best))
    )
    keys = tmp_path / "ASV"
    (keys / "ASVTorch_Kaldi").mkdir(parents=True)
    lines = [f"LA_1 E_{i} alaw ita_tx A07 {k} notrim eval" for i, k in enumerate(kinds)]
    lines += ["LA_1 E_x alaw ita_tx A07 spoof notrim progress"]
    (keys / "trial_metadata.txt").write_text("\n".join(lines) + "\n")
    given = [f"LA_1 E_{i} {s}" for i, s in enumerate([*scores, 99.0])]
    (keys / "ASVTorch_Kaldi" / "score.txt").write_text("\n".join(given) + "\n")
    assert spoofing.read_asv_scores(keys) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("A07 target x\n", "line 1: the score 'x'"),
        ("A07 target 1\nA07 nobody 1\n", "line 2: expected"),
        ("A07 target 1\n", "are needed"),
        ("A07 target nan\n", "no number"),
    ],
)
def test_broken_files_name_their_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "asv.txt"
    path.write_text(text)
    with pytest.raises(ConfigError, match=said):
        spoofing.read_asv_scores(path)
    with pytest.raises(ConfigError, match="holds no trial_metadata"):
        spoofing.read_asv_scores(tmp_path)
