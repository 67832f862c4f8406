from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.evaluation.comparing import diff  # noqa: E402
from assay.evaluation.predictions import Matrix, Prediction  # noqa: E402

from .made_models import chance, made_rows  # noqa: E402


def matrix(rows: list[Prediction]) -> Matrix:
    return Matrix(tuple(rows), {})


def test_the_same_is_identical_and_so_is_what_differs_by_less_than_the_tolerance() -> None:
    rows = made_rows(n=6)
    near = [replace(r, logit=(r.logit or 0) + 1e-8) for r in rows]
    pair = diff(matrix(rows), matrix(near))[0]
    assert pair.identical
    assert pair.n_same == len(rows)
    assert pair.significance == ()
    assert not diff(matrix(rows), matrix(near), tolerance=0.0)[0].identical


def test_changes_flips_and_missing_items_are_counted() -> None:
    rows = made_rows(n=20)
    top = max(range(len(rows)), key=lambda i: rows[i].logit if rows[i].level == "file" else -99)
    changed = list(rows)
    changed[top] = replace(rows[top], logit=-5.0, p_fake=chance(-5.0))
    at = next(i for i, r in enumerate(rows) if r.level == "file" and i != top)
    silent = {"logit": None, "p_fake": None, "status": "abstained", "reason": "no_face: none"}
    changed[at] = replace(rows[at], **silent)  # type: ignore[arg-type]
    pair = diff(matrix(rows), matrix(changed[:-4]), n_draws=50)[0]
    assert not pair.identical
    assert pair.n_changed == 2
    assert len(pair.only_a) == 4
    assert pair.only_b == ()
    assert {(f.before, f.after) for f in pair.flips} >= {("fires", "silent")}
    assert "abstained" in {f.after for f in pair.flips}
    assert pair.largest["logit"][0] == pytest.approx((rows[top].logit or 0) + 5)
    assert pair.significance[0]["metric"] == "auc"
    told = pair.as_result()
    assert told["n_flips"] == 2
    assert told["only_a"][0].startswith("made: real/19.mp4")


def test_models_are_paired_by_name_and_single_ones_whatever_they_are_called() -> None:
    a, b = made_rows("a", n=5), made_rows("b", n=5)
    assert [(p.a, p.b) for p in diff(matrix(a), matrix(b))] == [("a", "b")]
    both = matrix([*a, *b])
    pairs = diff(both, matrix([*b, *made_rows("c", n=5)]))
    assert [(p.a, p.b, p.identical) for p in pairs] == [
        ("a", "", False),
        ("b", "b", True),
        ("", "c", False),
    ]


def test_a_label_that_differs_is_told() -> None:
    rows = made_rows(n=5)
    other = [replace(r, label="real") if r.path == "fake/0.mp4" else r for r in rows]
    assert len(diff(matrix(rows), matrix(other))[0].relabelled) == 4
