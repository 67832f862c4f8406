from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from assay.training.voice_cue_measuring import VoiceTable
from assay.training.voice_cue_worth import (
    against,
    balance,
    by_generator,
    by_source,
    cue_table,
    fold_of,
    found_at_one_percent,
    generators,
    pooled,
    sources,
    weigh,
    without_each_generator,
    without_each_source,
)

pytest.importorskip("sklearn", reason="the train extra is not installed")
pytestmark = pytest.mark.train

FIT: dict[str, Any] = {
    "folds": 4,
    "c": 1.0,
    "bound": 3.0,
    "either_side": True,
    "balance": 0.5,
    "draws": 60,
    "seed": 1,
}


def made_table(
    shifts: dict[str, float], n: int = 60, n_cues: int = 3, seed: int = 0, copies: int = 1
) -> tuple[VoiceTable, np.ndarray]:
    """Two genuine sets around 0, and makers whose first cue lies `shifts` away."""
    rng = np.random.default_rng(seed)
    sets = {"here": 0.0, "there": 0.0, **shifts}
    names = np.repeat(list(sets), n)
    cues = rng.normal(size=(len(names), n_cues))
    cues[:, 0] += np.repeat(list(sets.values()), n)
    fake = np.isin(names, list(shifts))
    copy = np.array(["found", "degraded"] * (len(names) // 2))
    group = np.array([f"{name}-{i // (2 * copies)}" for i, name in enumerate(names)])
    split = np.where(np.arange(len(names)) % 6 < 4, "train", "val")
    nothing = np.zeros((len(names), 1))
    return VoiceTable(nothing, nothing, copy, fake, names, group, split, names), cues


def test_a_cue_that_tells_gets_the_weight() -> None:
    table, cues = made_table({"maker": 2.0})
    weighing = weigh(table, cues, FIT)
    assert weighing.weight[0] > 3 * np.abs(weighing.weight[1:]).max()
    assert pooled(table, weighing.logits(cues), FIT)["auc"]["value"] > 0.85


def test_either_side_tells_what_lies_off_in_both_directions() -> None:
    table, cues = made_table({"low": -2.5, "high": 2.5})
    both = weigh(table, cues, FIT)
    one = weigh(table, cues, {**FIT, "either_side": False})
    assert both.either_side[0] > 0.5
    assert not one.either_side.any()
    aucs = [pooled(table, w.logits(cues), FIT)["auc"]["value"] for w in (both, one)]
    assert aucs[0] > aucs[1] + 0.2


def test_a_cue_that_is_missing_or_wild_is_bounded() -> None:
    table, cues = made_table({"maker": 2.0})
    weighing = weigh(table, cues, FIT)
    rows = np.array([[np.nan] * 3, [1e9, 0, 0], [np.inf, 0, 0]])
    logits = weighing.logits(rows)
    assert logits[0] == pytest.approx(weighing.bias)
    assert np.isfinite(logits).all()
    assert logits[1] <= 3 * (abs(weighing.weight[0]) + abs(weighing.either_side[0])) + 5


def test_a_cue_that_was_never_measured_does_no_harm() -> None:
    table, cues = made_table({"maker": 2.0})
    cues[:, 2] = np.nan
    weighing = weigh(table, cues, FIT)
    assert np.isfinite(weighing.logits(cues)).all()
    assert weighing.weight[2] == 0


def test_labels_weigh_alike_and_sets_by_the_root_of_their_size() -> None:
    table, _ = made_table({"maker": 1.0})
    part = table.rows(np.flatnonzero((table.method != "there") | (np.arange(len(table)) % 4 == 0)))
    weights = balance(part, 0.5)
    assert weights[part.fake].sum() == pytest.approx(weights[~part.fake].sum())
    here, there = (weights[part.source == name].sum() for name in ("here", "there"))
    assert here / there == pytest.approx(2.0, rel=0.05)


def test_a_group_is_never_divided() -> None:
    table, _ = made_table({"maker": 1.0}, copies=3)
    fold = fold_of(table, 4)
    for group in set(table.group.tolist()):
        assert len(set(fold[table.group == group].tolist())) == 1


def test_what_is_left_out_is_not_learnt_from() -> None:
    table, cues = made_table({"usual": 2.0, "odd": -3.0})
    learnt = np.ones(len(table), bool)
    fit = {**FIT, "either_side": False}
    unseen = without_each_generator(table, cues, learnt, {}, fit)
    assert set(unseen) == {"usual", "odd"} == set(generators(table))
    found = by_generator(table, unseen, fit, found_at_one_percent, matched=False)
    # Weights that only saw the other maker point the wrong way.
    assert found["odd"]["value"] < 0.05


def test_a_family_is_left_out_together() -> None:
    table, cues = made_table({"usual": 2.0, "twin": 2.0, "third": -2.0})
    learnt = np.ones(len(table), bool)
    families = {"usual": "one", "twin": "one"}
    together = without_each_generator(table, cues, learnt, families, FIT)
    apart = without_each_generator(table, cues, learnt, {}, FIT)
    assert np.array_equal(together["usual"], together["twin"])
    assert not np.array_equal(apart["usual"], apart["twin"])
    own = table.method == "usual"
    assert apart["usual"][own].mean() > together["usual"][own].mean()


def test_a_set_of_genuine_voices_can_be_left_out() -> None:
    table, cues = made_table({"maker": 2.0})
    found = without_each_source(table, cues, np.ones(len(table), bool), FIT)
    assert set(found) == {"here", "there"} == set(sources(table))
    told = by_source(table, found, FIT)
    assert told["here"]["value"] > 0.8
    assert told["mean"]["low"] < told["mean"]["value"] < told["mean"]["high"]


def test_copies_are_compared_with_the_sets_of_their_sentences() -> None:
    table, _ = made_table({"maker": 1.0})
    source = np.where(table.method == "maker", "here", table.source)
    copied = VoiceTable(
        *(source if n == "source" else getattr(table, n) for n in measured_columns())
    )
    rows = against(copied, "maker")
    assert set(copied.source[rows]) == {"here"}
    assert set(table.source[against(table, "maker")]) == {"here", "there", "maker"}


def measured_columns() -> tuple[str, ...]:
    return tuple(VoiceTable.__slots__)


def test_the_worth_of_a_cue_has_an_interval() -> None:
    table, cues = made_table({"maker": 2.0})
    cues[::7, 0] = np.nan
    told = cue_table(table, cues[:, 0], FIT)
    assert told["maker"]["low"] > 0.8
    nothing = cue_table(table, cues[:, 1], FIT)
    assert nothing["maker"]["low"] < 0.5 < nothing["maker"]["high"]


def test_too_few_rows_give_no_number() -> None:
    table, cues = made_table({"maker": 2.0}, n=4)
    assert cue_table(table, cues[:, 0], FIT) == {}
