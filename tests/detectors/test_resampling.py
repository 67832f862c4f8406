from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from assay.detectors.resampling import Resampling
from assay.types import Array, Evidence
from tests.inputs.made_copies import scene
from tests.verdict.doubles import PictureCase


def noisy(height: int = 448, width: int = 448, seed: int = 1) -> Array:
    noise = np.random.default_rng(seed).normal(0, 8, (height, width, 3))
    return np.clip(scene(height, width, seed) + noise, 0, 255).astype(np.uint8)


def enlarged(rgb: Array, factor: float) -> Array:
    size = round(rgb.shape[1] * factor), round(rgb.shape[0] * factor)
    return np.asarray(Image.fromarray(rgb).resize(size, Image.Resampling.BICUBIC))


def examined(rgb: Array) -> Evidence:
    (evidence,) = Resampling().examine(PictureCase(rgb))
    assert (evidence.subject, evidence.logit) == ("file", None)
    return evidence


def test_an_untouched_picture_has_a_dark_map_and_no_finding() -> None:
    evidence = examined(noisy())
    assert evidence.findings == ()
    assert evidence.details["raw_logit"] < 0
    (view,) = evidence.views
    assert view.values is not None
    assert view.values.mean() < 0.4


def test_a_resized_picture_is_a_bare_fact_with_its_factor() -> None:
    (finding,) = examined(enlarged(noisy(), 1.3)).findings
    assert (finding.code, finding.severity) == ("resampling_whole", "info")
    assert any(abs(one - 1.3) < 0.05 for one in finding.values["factors"])


def test_a_resized_part_is_notable_with_its_place() -> None:
    rgb = noisy(640, 640)
    rgb[128:320, 96:288] = enlarged(noisy(seed=2), 1.5)[:192, :192]
    evidence = examined(rgb)
    (finding,) = evidence.findings
    assert (finding.code, finding.severity) == ("resampling_local", "info")
    assert finding.innocent_causes
    assert finding.region is not None
    x0, y0, x1, y1 = finding.region.box_px or (0, 0, 0, 0)
    assert 96 <= (x0 + x1) / 2 <= 288
    assert 128 <= (y0 + y1) / 2 <= 320
    assert evidence.details["raw_logit"] > 0


@pytest.mark.parametrize(
    ("rgb", "code"),
    [
        (np.zeros((1, 1, 3), np.uint8), "too_small"),
        (np.zeros((3, 90_000, 3), np.uint8), "too_small"),
        (np.zeros((300, 300, 3), np.uint8), "too_flat"),
        (np.zeros((200, 90_000, 3), np.uint8), "too_small"),
    ],
)
def test_it_abstains_where_no_rhythm_could_show(rgb: Array, code: str) -> None:
    evidence = examined(rgb)
    assert evidence.status == "abstained"
    assert str(evidence.reason).startswith(f"{code}: ")


def test_of_a_large_picture_the_middle_is_examined() -> None:
    random = np.random.default_rng(0)
    evidence = examined(random.integers(0, 256, (1600, 2000, 3), dtype=np.uint8))
    assert evidence.details["searched_whole"] is False
    (view,) = evidence.views
    assert "middle" in view.caption
    assert view.box_px is not None
    assert view.box_px[0] > 0
