"""Error level: a view of how much each place changes, with its weakness, and one bare fact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.case import Case
from assay.detectors.error_level import ErrorLevel, cell_means, change_when_resaved, contrast
from assay.media.probe import probe
from assay.types import Evidence
from tests.inputs.jpeg_pictures import resaved, textured, with_part


def examined(folder: Path, rgb: np.ndarray, name: str = "a.png") -> Evidence:
    path = folder / name
    Image.fromarray(rgb).save(path)
    (one,) = ErrorLevel().examine(Case(probe(path)))
    return one


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
def test_it_gives_one_view_and_one_fact(tmp_path: Path, name: str) -> None:
    one = examined(tmp_path, textured(), name)
    assert one.status == "reported"
    (finding,) = one.findings
    assert finding.severity == "info"
    (view,) = one.views
    assert view.over
    assert "proves nothing" in view.weakness
    assert view.rgb is not None
    assert view.rgb.shape == (512, 512, 3)
    assert np.isfinite(one.details["raw_logit"])


def test_a_fresh_part_in_a_saved_picture_glows() -> None:
    box = (192, 192, 320, 320)
    mixed = with_part(resaved(textured(), 90), textured(seed=6), box)
    cells = cell_means(change_when_resaved(mixed))
    inside = np.zeros(cells.shape, bool)
    inside[12:20, 12:20] = True
    assert cells[inside].mean() > 1.3 * cells[~inside].mean()
    even = contrast(change_when_resaved(resaved(textured(), 90)))
    assert contrast(change_when_resaved(mixed)) > even


def test_large_pictures_are_shrunk_for_the_view(tmp_path: Path) -> None:
    one = examined(tmp_path, np.tile(textured(), (3, 4, 1)))
    (view,) = one.views
    assert view.rgb is not None
    assert view.rgb.shape[0] * view.rgb.shape[1] <= 1_500_000
    assert view.box_px == (0, 0, 2048, 1536)


def test_small_and_flat_pictures_abstain(tmp_path: Path) -> None:
    assert (examined(tmp_path, textured()[:20, :20]).reason or "").startswith("too_small")
    grey = np.full((64, 64, 3), 128, np.uint8)
    assert (examined(tmp_path, grey).reason or "").startswith("too_flat")
