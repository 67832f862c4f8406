from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("sklearn", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.evaluation.metrics import rate_interval  # noqa: E402
from assay.evaluation.robustness import robustness_table  # noqa: E402
from assay.evaluation.scores import Row  # noqa: E402

from .made_rows import collection, sigmoid  # noqa: E402


def changed(rows: list[Row], variant: str, shift: float) -> list[Row]:
    found = []
    for row in rows:
        if row.logit is None:
            found.append(replace(row, variant=variant))
            continue
        logit = row.logit + shift
        found.append(
            replace(
                row, variant=variant, logit=logit, p_fake=sigmoid(0.7 * logit), fired=logit >= 1
            )
        )
    return found


def test_what_changes_nothing_flips_nothing() -> None:
    rows = collection()
    table = robustness_table([*rows, *changed(rows, "same", 0.0)], n_draws=50)["blend"]
    assert table[0]["flips"]["value"] == 0
    assert table[0]["n"] == 177
    assert table[0]["lost"] == 0
    assert table[0]["auc_change"]["value"] == 0
    assert table[0]["median_change"] == 0


def test_flips_are_counted_both_ways_and_the_worst_variant_stands_first() -> None:
    rows = collection()
    both = [*rows, *changed(rows, "crop_10", -0.1), *changed(rows, "resize_0.5", 2.0)]
    table = robustness_table(both, n_draws=50)["blend"]
    assert [entry["variant"] for entry in table] == ["resize_0.5", "crop_10"]
    worst = table[0]
    turned = sum(row.logit is not None and -1 <= row.logit < 1 for row in rows)
    assert worst["flips"]["to_fired"] == turned
    assert worst["flips"]["to_silent"] == 0
    assert worst["flips"]["value"] == pytest.approx(turned / 177)
    assert (worst["flips"]["low"], worst["flips"]["high"]) == rate_interval(turned, 177)
    assert worst["median_change"] == pytest.approx(2.0)
    assert worst["false_alarms_after"]["value"] > worst["false_alarms_before"]["value"]
    # Moving every score alike breaks the cut and leaves the order as it was.
    assert worst["auc_after"]["value"] == worst["auc_before"]["value"]
    assert worst["text"] == "halving its size"


def test_a_face_that_is_no_longer_found_is_lost_and_no_flip() -> None:
    rows = collection()
    after = changed(rows, "crop_10", 0.0)
    silent = {"status": "abstained", "logit": None, "p_fake": None, "fired": None}
    after[:10] = [replace(row, **silent) for row in after[:10]]  # type: ignore[arg-type]
    table = robustness_table([*rows, *after], n_draws=50)["blend"][0]
    assert (table["n"], table["lost"]) == (167, 10)
    assert table["flips"]["value"] == 0


def test_a_worse_order_shows_as_a_change_of_the_area() -> None:
    rows = collection()
    fakes = [row for row in rows if row.label == "fake"]
    reals = [row for row in rows if row.label == "real"]
    after = [*changed(fakes, "screenshot", -2.0), *changed(reals, "screenshot", 0.0)]
    entry = robustness_table([*rows, *after], n_draws=200)["blend"][0]
    assert entry["auc_change"]["value"] < 0
    assert entry["auc_change"]["high"] < 0
    gap = entry["auc_after"]["value"] - entry["auc_before"]["value"]
    assert entry["auc_change"]["value"] == pytest.approx(gap)


def test_few_files_say_so() -> None:
    rows = [row for row in collection() if row.method in ("few", "odd")]
    entry = robustness_table([*rows, *changed(rows, "crop_10", 1.0)], n_draws=20)["blend"][0]
    assert "too_small" in entry["auc_after"]
    assert "too_small" in entry["false_alarms_after"]
    assert entry["flips"]["value"] is not None
    assert robustness_table(collection()) == {}
