from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

for name in ("sklearn", "matplotlib", "pyarrow", "scipy"):
    pytest.importorskip(name, reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.evaluation.model_plots import correlations, write_model_plots  # noqa: E402
from assay.evaluation.models import About  # noqa: E402
from assay.evaluation.protocol_runs import Scores  # noqa: E402

from .made_models import made_rows  # noqa: E402

CELLS = [
    {"model": "a", "generator": "g1", "state": "seen", "value": None},
    {"model": "a", "generator": "g2", "state": "unknown", "value": 0.8},
    {"model": "b", "generator": "g2", "state": "unseen", "value": None},
]


def scores(name: str, **more: Any) -> Scores:
    return Scores(About(name, "h", "s", "probability"), tuple(made_rows(name, n=20, **more)))


def test_every_plot_shows_something(tmp_path: Path) -> None:
    models = [scores("a"), scores("\x1b$\\frac{" + "n" * 99, seed=1, shift=0.5)]
    written = write_model_plots(models, {"matrix": CELLS}, tmp_path)
    assert [p.stem for p in written] == [
        "roc", "det", "reliability", "risk_coverage", "generalisation", "correlation",
    ]  # fmt: skip
    for path in written:
        with Image.open(path) as picture:
            rgb = np.asarray(picture.convert("RGB"))
        assert min(rgb.shape[:2]) > 150
        assert len(np.unique(rgb.reshape(-1, 3), axis=0)) > 50


def test_what_cannot_be_drawn_is_left_out_and_old_plots_go(tmp_path: Path) -> None:
    (tmp_path / "det.png").write_bytes(b"old")
    one = scores("a")
    only = replace(one, rows=tuple(r for r in one.rows if r.label == "real"))
    assert write_model_plots([only], {"matrix": []}, tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_correlation_is_within_labels() -> None:
    """Two models that know the label and nothing else in common do not correlate."""
    a, b = scores("a", shift=9.0), scores("b", shift=9.0, seed=5)
    parts = [one.part(lambda r: True) for one in (a, b)]
    values, counts = correlations(parts)
    assert values[0, 0] == pytest.approx(1.0)
    assert abs(values[0, 1]) < 0.45
    assert values[0, 1] == pytest.approx(values[1, 0])
    assert counts.tolist() == [[40, 40], [40, 40]]
