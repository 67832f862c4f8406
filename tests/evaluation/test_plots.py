from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("matplotlib", reason="the train extra is not installed")
pytest.importorskip("sklearn", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.evaluation.plots import COLOURS, file_stem, write_plots  # noqa: E402
from assay.evaluation.protocols import held_out_tables  # noqa: E402
from assay.evaluation.scores import Row  # noqa: E402

from .made_rows import collection, rows_of  # noqa: E402


def test_every_plot_is_drawn_and_shows_something(tmp_path: Path) -> None:
    written = write_plots(held_out_tables(collection(), n_draws=30), tmp_path / "plots")
    stems = [path.stem for path in written]
    assert stems == [
        "roc",
        "risk_coverage",
        "reliability-blend",
        "sources-blend",
        "confusion-blend",
    ]
    for path in written:
        with Image.open(path) as picture:
            rgb = np.asarray(picture.convert("RGB"))
        assert min(rgb.shape[:2]) > 200
        assert len(np.unique(rgb.reshape(-1, 3), axis=0)) > 50


def test_hostile_names_neither_leave_the_folder_nor_break_a_plot(tmp_path: Path) -> None:
    names = ["../../up", "$\\frac{", "a" * 300, "é\n<b>"]
    rows = [
        row
        for name in names
        for row in (
            *rows_of("m$_{", "fake", 8, 1.0, detector=name),
            *rows_of("\x1b[2J" + "n" * 200, "real", 8, 0.0, detector=name),
        )
    ]
    folder = tmp_path / "in" / "plots"
    written = write_plots(held_out_tables(rows, n_draws=20), folder)
    assert len(set(written)) == len(written) == 2 + 3 * len(names)
    assert {path.parent for path in written} == {folder}
    assert [path for path in tmp_path.rglob("*.png") if path.parent != folder] == []


def test_what_was_never_scored_still_gets_its_plots(tmp_path: Path) -> None:
    rows = [Row(f"{i}", "fake", "m", f"{i}", status="failed", reason="died") for i in range(3)]
    assert [path.stem for path in write_plots(held_out_tables(rows), tmp_path)] == ["sources-file"]
    other = [Row(f"{i}", ("real", "fake")[i % 2], "m", f"{i}", score=9.0 * i) for i in range(20)]
    stems = [path.stem for path in write_plots(held_out_tables(other, n_draws=20), tmp_path)]
    assert "reliability-file" not in stems  # its scores are no probabilities
    assert "confusion-file" in stems


def test_stems_of_different_names_differ() -> None:
    assert file_stem("face_blending", 3) == "face_blending"
    assert file_stem("a/b", 1) != file_stem("a.b", 2)


def test_the_colours_are_far_apart_without_red_or_green() -> None:
    # How a protan or deutan eye sees them, roughly: red and green fall together.
    seen = []
    for colour in COLOURS[:5]:
        r, g, b = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
        seen.append(((0.35 * r + 0.65 * g), b, 0.3 * r + 0.59 * g + 0.11 * b))
    gaps = [np.linalg.norm(np.subtract(a, b)) for n, a in enumerate(seen) for b in seen[:n]]
    assert min(gaps) > 40
