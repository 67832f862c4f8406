from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

sklearn_metrics = pytest.importorskip("sklearn.metrics", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.evaluation.metrics import rate_interval  # noqa: E402
from assay.evaluation.protocols import held_out_tables  # noqa: E402
from assay.evaluation.scores import Row  # noqa: E402

from .made_rows import collection, rows_of  # noqa: E402

Table = dict[str, Any]


@pytest.fixture(scope="module")
def table() -> Table:
    return held_out_tables(collection(), n_draws=200)["blend"]


def slice_of(table: Table, kind: str, name: str = "all") -> Table:
    return next(s for s in table["slices"] if (s["kind"], s["name"]) == (kind, name))


def scored(**wanted: str) -> list[Row]:
    rows = [row for row in collection() if row.status == "scored"]
    return [row for row in rows if all(getattr(row, k) == v for k, v in wanted.items())]


def test_a_source_is_measured_against_all_of_the_other_label(table: Table) -> None:
    for kind, label, other, name in (
        ("fake_source", "fake", "real", "hard"),
        ("real_source", "real", "fake", "street"),
    ):
        rows = scored(label=label, method=name) + scored(label=other)
        wanted = sklearn_metrics.roc_auc_score(
            [row.label == "fake" for row in rows], [row.logit for row in rows]
        )
        found = slice_of(table, kind, name)["auc"]
        assert found["value"] == pytest.approx(wanted)
        assert found["low"] < found["value"] < found["high"]


def test_the_worst_source_stands_first_and_the_too_small_last(table: Table) -> None:
    names = [(one["kind"], one["name"]) for one in table["slices"]]
    assert names[0] == ("overall", "all")
    assert names[1] in (("fake_source", "hard"), ("real_source", "street"))
    assert {name for _, name in names[-2:]} == {"few", "odd"}
    values = [one["auc"]["value"] for one in table["slices"][1:-2]]
    assert values == sorted(values)


def test_a_cell_that_is_too_small_has_no_number(table: Table) -> None:
    few = slice_of(table, "fake_source", "few")
    assert few["auc"] == {"too_small": "3 fakes scored"}
    assert few["cuts"]["as_shipped"]["detection_rate"] == {"too_small": "3 fakes scored"}
    assert few["cuts"]["as_shipped"]["false_alarm_rate"]["value"] is not None
    odd = slice_of(table, "real_source", "odd")
    assert "too_small" in odd["auc"]
    assert "too_small" in odd["cuts"]["far_1"]["false_alarm_rate"]
    assert odd["cuts"]["far_1"]["detection_rate"]["value"] is not None


def test_one_cut_holds_everywhere(table: Table) -> None:
    fired = [row.logit is not None and row.logit >= 1 for row in scored(method="hard")]
    hard = slice_of(table, "fake_source", "hard")["cuts"]["as_shipped"]["detection_rate"]
    assert hard["value"] == pytest.approx(np.mean(fired))
    cut = table["cuts"]["far_5"]["value"]
    for name in ("easy", "hard"):
        wanted = np.mean([(row.logit or 0) >= cut for row in scored(method=name)])
        found = slice_of(table, "fake_source", name)["cuts"]["far_5"]["detection_rate"]
        assert found["value"] == pytest.approx(wanted)
    everything = slice_of(table, "overall")["cuts"]["far_5"]
    assert everything["false_alarm_rate"]["value"] <= 0.05
    both = everything["detection_rate"]["value"] + 1 - everything["false_alarm_rate"]["value"]
    assert everything["balanced_accuracy"]["value"] == pytest.approx(both / 2)


def test_false_alarms_of_each_real_source_worst_first(table: Table) -> None:
    assert next(row["name"] for row in table["false_alarms"]) == "street"
    street = table["false_alarms"][0]
    n_fired = sum(bool(row.fired) for row in scored(method="street"))
    assert street["cuts"]["as_shipped"]["value"] == pytest.approx(n_fired / 50)
    low, high = rate_interval(n_fired, 50)
    assert (street["cuts"]["as_shipped"]["low"], street["cuts"]["as_shipped"]["high"]) == (
        low,
        high,
    )
    # A cut fitted without the hard source lets more of it through than one fitted with it.
    unseen = street["cuts"]["threshold_without_it"]["value"]
    assert unseen > street["cuts"]["far_1"]["value"]
    others = [r.logit for r in scored(label="real") if r.method != "street"]
    cut = sorted(x for x in others if x is not None)[-1]  # one in a hundred of 64 is none
    assert unseen == pytest.approx(np.mean([(r.logit or 0) > cut for r in scored(method="street")]))


def test_none_of_many_is_not_certainty(table: Table) -> None:
    studio = slice_of(table, "real_source", "studio")["cuts"]["as_shipped"]["false_alarm_rate"]
    assert studio["value"] == 0.0
    assert studio["high"] == pytest.approx(rate_interval(0, 30)[1])  # thirty people, two files each


def test_abstentions_are_counted_and_not_scored(table: Table) -> None:
    easy = slice_of(table, "fake_source", "easy")
    assert (easy["n_fake"], easy["n_fake_scored"], easy["n_fake_abstained"]) == (34, 30, 4)
    overall = slice_of(table, "overall")
    assert overall["coverage"] == pytest.approx(177 / 183)
    assert table["confusion"]["fake"]["no_score"] == 4
    assert table["confusion"]["real"]["no_score"] == 2
    assert sum(table["confusion"]["real"].values()) == 116
    assert table["curves"]["risk_coverage"][-1]["coverage"] == pytest.approx(177 / 183)


def test_calibration_before_and_after(table: Table) -> None:
    rows = scored()
    fake = [row.label == "fake" for row in rows]
    found = slice_of(table, "overall")["calibration"]
    wanted = sklearn_metrics.brier_score_loss(fake, [row.p_fake for row in rows])
    assert found["after"]["as_found"]["brier"]["value"] == pytest.approx(wanted)
    raw = [1 / (1 + np.exp(-(row.logit or 0))) for row in rows]
    wanted = sklearn_metrics.log_loss(fake, raw)
    assert found["before"]["as_found"]["log_loss"]["value"] == pytest.approx(wanted)
    assert found["after"]["equal_odds"]["ece"]["low"] is not None


def test_the_intervals_are_over_groups() -> None:
    alone = [replace(row, group=row.path) for row in collection()]
    alike = [replace(row, group=f"{row.method}{i % 3}") for i, row in enumerate(collection())]
    widths = []
    for rows in (alone, alike):
        auc = held_out_tables(rows, n_draws=200)["blend"]["slices"][0]["auc"]
        widths.append((auc["value"], auc["high"] - auc["low"]))
    assert widths[0][0] == widths[1][0]
    assert widths[0][1] != widths[1][1]


def test_another_systems_scores_are_cut_at_the_rate_asked_for() -> None:
    rows = [
        replace(row, score=row.logit, logit=None, p_fake=None, threshold=None, fired=None)
        for row in scored()
    ]
    table = held_out_tables(rows, far=0.1, n_draws=50)["blend"]
    assert table["main_cut"] == "far_10"
    assert set(table["cuts"]) == {"far_10", "far_1", "far_5"}
    overall = table["slices"][0]
    assert overall["cuts"]["far_10"]["false_alarm_rate"]["value"] == pytest.approx(11 / 114)
    assert overall["calibration"]["before"]["as_found"]["ece"] == {
        "unknown": "there are no raw logits"
    }
    assert "unknown" in overall["calibration"]["after"]["as_found"]["ece"]


def test_the_tables_are_json() -> None:
    rows = [*collection(), Row("x", "fake", "m", "g", status="failed", reason="died")]
    tables = held_out_tables(rows, n_draws=30)
    assert json.loads(json.dumps(tables, allow_nan=False)) == tables


@pytest.mark.parametrize(
    "rows",
    [
        [Row("a", "fake", "m", "g", status="failed", reason="died")],
        rows_of("easy", "fake", 12, 1.0),
        rows_of("studio", "real", 12, 1.0),
        rows_of("studio", "real", 1, 1.0),
        [*rows_of("a", "real", 9, 0, group="one"), *rows_of("b", "fake", 9, 0, group="one")],
    ],
    ids=["nothing scored", "only fakes", "only reals", "one", "one group"],
)
def test_what_cannot_be_measured_says_so(rows: list[Row]) -> None:
    for table in held_out_tables(rows, n_draws=30).values():
        auc = table["slices"][0]["auc"]
        assert "too_small" in auc or auc["low"] is None
    assert held_out_tables([]) == {}


def test_the_same_rows_give_the_same_tables(table: Table) -> None:
    assert held_out_tables(collection(), n_draws=200)["blend"] == table
