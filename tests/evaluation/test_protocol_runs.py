from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the train extra is not installed")
pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from sklearn.metrics import balanced_accuracy_score, roc_auc_score  # noqa: E402

from assay.errors import ConfigError  # noqa: E402
from assay.evaluation.models import About  # noqa: E402
from assay.evaluation.predictions import Prediction  # noqa: E402
from assay.evaluation.protocol_runs import (  # noqa: E402
    PROTOCOLS,
    Asked,
    Scores,
    best_cut,
    cross_dataset,
    leave_one_generator_out,
    robustness,
    within,
)

from .made_models import chance, made_rows  # noqa: E402

ASKED = Asked(n_draws=40)


def scores(name: str = "m", trained_on: Any = None, **more: Any) -> Scores:
    about = About(name, "h", "s", "probability", trained_on=trained_on)
    return Scores(about, tuple(made_rows(name, **more)))


def value(rows: list[dict[str, Any]], name: str, metric: str, level: str = "file") -> Any:
    found = [r for r in rows if (r["slice"], r["metric"], r["level"]) == (name, metric, level)]
    assert len(found) == 1, (name, metric, level, len(found))
    return found[0]["value"]


def moved(rows: tuple[Prediction, ...], dataset: str, shift: float) -> tuple[Prediction, ...]:
    """The same rows as another set, all scores moved: its AUC stays, its threshold does not."""
    return tuple(
        replace(
            r,
            dataset=dataset,
            group=f"{dataset} {r.group}",
            logit=(r.logit or 0) + shift,
            p_fake=chance((r.logit or 0) + shift),
        )
        for r in rows
    )


def test_within_measures_methods_against_all_reals_at_both_levels() -> None:
    one = scores(n=40, shift=1.0)
    found = within([one], ASKED)
    files = [r for r in one.rows if r.level == "file"]
    own = [r for r in files if r.label == "real" or r.method == "gan_a"]
    expected = roc_auc_score([r.label == "fake" for r in own], [r.logit for r in own])
    assert value(found.rows, "method: gan_a", "auc") == pytest.approx(expected)
    frames = [r for r in one.rows if r.level == "frame"]
    expected = roc_auc_score([r.label == "fake" for r in frames], [r.logit for r in frames])
    assert value(found.rows, "overall", "auc", "frame") == pytest.approx(expected)
    assert {r["slice"] for r in found.rows} == {"overall", "method: gan_a", "method: gan_b"}
    assert found.significance == []
    overall = next(r for r in found.rows if r["level"] == "frame" and r["metric"] == "auc")
    assert (overall["n_fake"], overall["n_groups"]) == (120, 40)


def test_two_models_are_tested_on_files_only() -> None:
    found = within([scores("a", shift=3.0), scores("b", shift=0.5, seed=1)], ASKED)
    assert {(r["level"], r["metric"]) for r in found.significance} == {("file", "auc"), ("file", "accuracy")}  # fmt: skip  # noqa: E501
    assert {r["n"] for r in found.significance} == {60}


def test_sets_that_need_other_thresholds_are_found_out() -> None:
    one = scores(n=40, shift=3.0)
    apart = Scores(one.about, one.rows + moved(one.rows, "other", 4.0))
    found = cross_dataset([apart], ASKED).rows
    auc = value(found, "set: made", "auc")
    assert value(found, "set: other", "auc") == pytest.approx(auc)
    assert value(found, "mean over sets", "auc") == pytest.approx(auc)
    assert value(found, "overall", "auc") < auc - 0.1
    own = value(found, "mean over sets", "balanced_accuracy_at_own_threshold")
    together = value(found, "mean over sets", "balanced_accuracy_at_one_threshold")
    others = value(found, "mean over sets", "balanced_accuracy_at_threshold_of_the_others")
    assert own > 0.9
    assert own - together > 0.1
    assert others <= together


def test_one_threshold_is_the_best_there_is() -> None:
    rng = np.random.default_rng(0)
    sets = []
    for shift in (0.0, 1.0):
        fake = np.arange(30) % 2 == 0
        sets.append((rng.normal(shift + 2 * fake, 1.0), fake))
    cut = best_cut(sets)

    def mean_at(at: float) -> float:
        return float(np.mean([balanced_accuracy_score(f, s >= at) for s, f in sets]))

    every = np.concatenate([s for s, _ in sets])
    assert mean_at(cut) == pytest.approx(max(mean_at(c) for c in every))
    with pytest.raises(ValueError, match="needs scores"):
        best_cut([])


def test_one_set_alone_is_told() -> None:
    assert [n.code for n in cross_dataset([scores()], ASKED).notices] == ["one_set"]


def test_generators_of_the_training_get_no_number() -> None:
    trained = ({"method": "gan_a"},)
    found = leave_one_generator_out(
        [
            scores("told", trained),
            scores("silent"),
            scores("all", ({"methods": ["gan_a", "gan_b"]},)),
        ],
        ASKED,
    )
    cells = {(c["model"], c["generator"]): (c["state"], c["value"] is None) for c in found.cells}
    assert cells == {
        ("told", "gan_a"): ("seen", True),
        ("told", "gan_b"): ("unseen", False),
        ("silent", "gan_a"): ("unknown", False),
        ("silent", "gan_b"): ("unknown", False),
        ("all", "gan_a"): ("seen", True),
        ("all", "gan_b"): ("seen", True),
    }
    told = [r for r in found.rows if r["model"] == "told"]
    assert {r["slice"] for r in told} == {"generator: gan_b", "overall"}
    assert value(told, "overall", "auc") == value(told, "generator: gan_b", "auc")
    assert [r for r in found.rows if r["model"] == "all"] == []
    codes = {n.code for n in found.notices}
    assert codes == {"training_unknown", "seen_in_training", "nothing_unseen"}


def test_robustness_lays_each_change_beside_the_items_themselves() -> None:
    one = scores(n=20, shift=3.0)
    files = [r for r in one.rows if r.level == "file"]
    weak = [
        replace(r, variant="resave_q60", logit=-2.0 + i / 100, p_fake=chance(-2.0 + i / 100))
        for i, r in enumerate(files)
    ]
    silent = {"logit": None, "p_fake": None, "status": "abstained", "reason": "no_face: none"}
    weak[0] = replace(weak[0], **silent)  # type: ignore[arg-type]
    found = robustness([Scores(one.about, (*one.rows, *weak))], ASKED).rows
    name = "variant: resave_q60"
    assert value(found, name, "lost") == 1.0
    assert value(found, name, "flips") > 0.3
    assert value(found, name, "auc_change") < 0
    assert value(found, name, "coverage") == pytest.approx(39 / 40)
    with pytest.raises(ConfigError, match="No item could be changed"):
        robustness([one], ASKED)


@pytest.mark.parametrize("name", ["within", "cross-dataset", "leave-one-generator-out"])
def test_one_label_and_nothing_scored_are_survived(name: str) -> None:
    one = scores(n=8)
    only = Scores(one.about, tuple(r for r in one.rows if r.label == "fake"))
    silent = {"logit": None, "p_fake": None, "status": "abstained", "reason": "no_face: none"}
    none = Scores(one.about, tuple(replace(r, **silent) for r in one.rows if r.level == "file"))
    for models in ([only], [none], [only, none]):
        rows = PROTOCOLS[name](models, ASKED).rows
        assert all(r["value"] is None for r in rows if r["metric"] == "auc")


def test_scores_of_two_scales_are_refused() -> None:
    one = scores(n=6)
    mixed = [replace(r, p_fake=None) if i % 2 else replace(r, logit=None) for i, r in enumerate(one.rows)]  # fmt: skip  # noqa: E501
    with pytest.raises(ConfigError, match="mixes"):
        within([Scores(one.about, tuple(mixed))], ASKED)
