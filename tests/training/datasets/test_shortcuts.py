from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from sklearn.metrics import roc_auc_score  # noqa: E402

from assay.training.datasets.looking import Seen  # noqa: E402
from assay.training.datasets.shortcuts import as_json, balance, shortcuts  # noqa: E402
from tests.training.datasets.media_sets import record  # noqa: E402

N = 200
RNG = np.random.default_rng(0)
FAKE = np.arange(N) % 2 == 1
LABELS = ["fake" if fake else "real" for fake in FAKE]
ROWS = [record(f"{k}.png", label, method="made") for k, label in enumerate(LABELS)]


def told(**facts: list[object]) -> dict[str, dict[str, object]]:
    seen = [
        Seen(**{name: values[k] for name, values in facts.items()})  # type: ignore[arg-type]
        for k in range(N)
    ]
    return {str(row["fact"]): row for row in as_json(shortcuts(ROWS, seen, n_draws=50))}


def test_a_fact_that_is_the_label_is_named() -> None:
    rows = told(codec=["png" if fake else "jpeg" for fake in FAKE])
    assert rows["codec"]["shortcut"] is True
    assert rows["codec"]["auc"] == 1.0
    assert (rows["codec"]["fake"], rows["codec"]["real"]) == ("png 100%", "jpeg 100%")


def test_chance_is_not_called_a_shortcut() -> None:
    codecs = [("png", "jpeg", "webp")[k] for k in RNG.integers(0, 3, N)]
    rows = told(codec=codecs, sharpness=RNG.normal(size=N).tolist())
    assert {row["shortcut"] for row in rows.values()} == {False}
    assert all(0.3 < row["auc"] < 0.7 for row in rows.values())  # type: ignore[operator]


def test_the_auc_is_that_of_scikit_learn_and_has_a_direction() -> None:
    loud = RNG.normal(size=N) - 0.8 * FAKE
    row = told(loudness_db=loud.tolist())["loudness_db"]
    assert row["fakes_have"] == "less"
    assert row["auc"] == pytest.approx(roc_auc_score(FAKE, -loud))
    assert row["low"] < row["auc"] < row["high"]  # type: ignore[operator]


def test_fakes_between_the_real_ones_are_found() -> None:
    sizes = np.where(FAKE, 256.0, RNG.choice([128.0, 512.0], N))
    row = told(width_px=sizes.tolist())["width_px"]
    assert row["fakes_have"] == "other"
    assert row["auc"] == 1.0


def test_what_few_items_have_is_not_judged() -> None:
    assert told(jpeg_quality=[75.0 if k < 10 else None for k in range(N)]) == {}
    assert shortcuts([], []) == []


def test_what_all_have_says_nothing() -> None:
    row = told(codec=["flac"] * N)["codec"]
    assert (row["auc"], row["low"], row["shortcut"]) == (0.5, None, False)


def test_one_person_is_not_proof() -> None:
    """All fakes are of two people, who differ in loudness: learned on one it fails on the other."""
    rows = [
        record(f"{k}.wav", label, identity=f"{label}{k // 2 % 2}") for k, label in enumerate(LABELS)
    ]
    seen = [Seen(codec=f"{label}{k // 2 % 2}") for k, label in enumerate(LABELS)]
    (row,) = as_json(shortcuts(rows, seen, n_draws=20))
    assert row["shortcut"] is False


def test_eyes_are_told_by_their_state() -> None:
    rows = [record(f"{k}.png", eye="closed" if fake else "open") for k, fake in enumerate(FAKE)]
    seen = [Seen(brightness=float(fake)) for fake in FAKE]
    (one,) = shortcuts(rows, seen, n_draws=20)
    assert (one.kind, one.is_one) == ("eye", True)


def test_the_balance_counts_items_people_and_footage() -> None:
    rows = [
        record("a.png", identity="ann", source="s", split="train"),
        record("b.png", identity="ann", split="train"),
        record("c.png", "fake", method="swap", identity="ann"),
    ]
    first, second = balance(rows)
    assert (first["label"], first["items"], first["people"], first["footages"]) == (
        "fake", 1, 1, 0,
    )  # fmt: skip
    assert (second["split"], second["items"], second["people"], second["footages"]) == (
        "train", 2, 1, 1,
    )  # fmt: skip
