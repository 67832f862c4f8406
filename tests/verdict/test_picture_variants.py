from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assay.case import Case
from assay.detectors.synthetic_picture import cut_windows
from assay.inputs.patch import PatchInput
from assay.media.resample import resaved
from assay.types import Evidence, Patch, Span, Stability
from assay.verdict import picture_variants as module
from assay.verdict.calibrate import calibrate
from assay.verdict.fuse import fuse
from assay.verdict.picture_variants import MAX_PATCHES, part_around, reading_of, shift_of
from assay.verdict.stability import VARIANTS, measure_stability
from tests.detectors.tiny_networks import landscape
from tests.verdict.doubles import (
    FaceDetector,
    PictureCase,
    make_patch,
    make_picture_evidence,
    make_view,
    write_card,
)

RECIPE = PatchInput(size_px=64)


class WholePicture:
    """Scores each window by the mean of its green; needs no face."""

    name, version, family, needs = "other", "1", "picture_test", "picture"
    kinds = ("image", "video")
    looks_at, fails_on, licence = "Green.", "Everything else.", "CC0"
    bundle: str | None = "test_bundle"
    n_read = 0

    def examine(self, case: Case) -> list[Evidence]:
        windows = cut_windows(case.picture_views, RECIPE, case.media.kind == "video")
        type(self).n_read += len(windows.pictures)
        logits = [self.score(window) for window in windows.pictures]
        patches = tuple(
            replace(place, logit=logit) for place, logit in zip(windows.places, logits, strict=True)
        )
        spans = (Span(0.0, 0.0, float(np.mean(logits))),)
        return [make_picture_evidence(float(np.mean(logits)), patches=patches, spans=spans)]

    def score(self, window: np.ndarray) -> float:
        return (float(window[..., 1].mean()) - 100) / 10


class Fragile(WholePicture):
    """Says 3 of grain and -3 of what is smoother: as brittle as a trace detector can be."""

    def score(self, window: np.ndarray) -> float:
        return 3.0 if float(np.diff(window[..., 1].astype(int), axis=1).std()) > 30 else -3.0


def view_and_patches(rgb: np.ndarray) -> tuple[PictureCase, Evidence]:
    case = PictureCase(rgb)
    return case, WholePicture().examine(case)[0]


def test_a_part_is_read_where_its_patch_was() -> None:
    rgb = landscape(500, 700)
    case, evidence = view_and_patches(rgb)
    for patch in evidence.patches:
        part = part_around(case.picture_views[0], patch)
        assert max(part.rgb.shape[:2]) <= 2.5 * RECIPE.size_px
        again = cut_windows([part], RECIPE, False).pictures[0]
        x0, y0, x1, y1 = (int(side) for side in patch.box_px)
        assert (again == rgb[y0:y1, x0:x1]).all()


def test_a_part_is_resaved_as_the_whole_picture_would_be() -> None:
    rgb = landscape(500, 700)
    case, evidence = view_and_patches(rgb)
    whole = resaved(rgb, module.RESAVE_QUALITY)
    for patch in evidence.patches:
        part = module.resave(part_around(case.picture_views[0], patch))
        found = cut_windows([part], RECIPE, False).pictures[0].astype(int)
        x0, y0, x1, y1 = (int(side) for side in patch.box_px)
        assert np.abs(found - whole[y0:y1, x0:x1]).mean() < 0.01


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("size", [(500, 700), (64, 64), (40, 300), (32, 32)])
def test_each_variant_changes_the_part_and_leaves_a_window(
    name: str, size: tuple[int, int]
) -> None:
    case, evidence = view_and_patches(landscape(*size))
    reading = reading_of(case, evidence)
    assert reading is not None
    before = cut_windows(reading.case.picture_views, RECIPE, False).pictures
    after = cut_windows(VARIANTS[name].vary(reading.case).picture_views, RECIPE, False).pictures
    shrunk = 0.75 * min(size) if name == "resize" else min(size)
    if shrunk > RECIPE.size_px // 2:
        assert after.shape == before.shape
    if min(size) > RECIPE.size_px:
        assert (after != before).any()


def test_a_lower_and_a_higher_patch_stand_for_all() -> None:
    patches = tuple(make_patch(float(i), (8 * i, 0, 8 * i + 64, 64)) for i in range(9))
    large = replace(patches[0], scale=0.5, logit=99.0)
    elsewhere = replace(patches[0], time_s=7.0)
    evidence = make_picture_evidence(4.0, patches=(*patches, large, elsewhere))
    reading = reading_of(PictureCase(landscape()), evidence)
    assert reading is not None
    assert [patch.logit for patch in reading.patches] == [2.0, 6.0]
    assert len(reading.case.picture_views) == MAX_PATCHES
    assert reading.case.tracks == ()
    assert not reading.case.options.heatmaps
    assert reading_of(PictureCase(landscape()), make_picture_evidence(patches=(large,))) is None


def test_a_shift_is_the_median_over_the_same_windows() -> None:
    case, evidence = view_and_patches(landscape(500, 700))
    reading = reading_of(case, evidence)
    assert reading is not None

    def after(*changes: float) -> Evidence:
        moved = [p.logit + c for p, c in zip(reading.patches, changes, strict=False)]
        patches = tuple(Patch(0.0, (0, 0, 1, 1), logit) for logit in moved)
        return make_picture_evidence(float(np.mean(moved)), patches=patches)

    assert shift_of(reading, after(0.1, -0.5)) == pytest.approx(-0.2)
    mean = np.mean([patch.logit for patch in reading.patches])
    fewer = after(1.0)
    assert fewer.logit is not None
    assert shift_of(reading, fewer) == pytest.approx(fewer.logit - mean)
    silent = replace(fewer, status="abstained", logit=None, reason="x", patches=())
    assert shift_of(reading, silent) is None


def stability_of(case: Case, folder: Path, *detectors: type) -> Stability | None:
    cards = {"test_detector": write_card(folder), "other": write_card(folder)}
    evidence = [one for detector in detectors for one in detector().examine(case)]
    fused = fuse(calibrate(evidence, "far_1", cards), "far_1", cards)
    assert fused is not None
    return measure_stability(case, fused, {d.name: d for d in detectors}, "far_1", cards)


def test_a_pictures_score_that_stands_has_no_flips(tmp_path: Path) -> None:
    case = PictureCase(landscape(500, 700, green=130))
    read_before = WholePicture.n_read
    found = stability_of(case, tmp_path, WholePicture)
    assert found is not None
    assert list(found.scores) == ["as_is", *VARIANTS]
    assert (found.flips, found.spread) == (0, pytest.approx(0.0, abs=0.02))
    assert WholePicture.n_read - read_before == 9 + len(VARIANTS) * MAX_PATCHES


def test_a_pictures_score_that_falls_flips(tmp_path: Path) -> None:
    found = stability_of(PictureCase(landscape(500, 700)), tmp_path, Fragile)
    assert found is not None
    assert found.scores["soften"] < 0.1 < 0.9 < found.scores["as_is"]
    assert found.scores["crop"] == pytest.approx(found.scores["as_is"])
    assert found.flips == 3  # re-saved, shrunk and softened


def test_a_face_and_the_picture_are_tried_together(tmp_path: Path) -> None:
    views = {1: (make_view(),)}
    case = PictureCase(landscape(500, 700), views=views)
    found = stability_of(case, tmp_path, FaceDetector, Fragile)
    assert found is not None
    assert len(found.scores) == 1 + len(VARIANTS)
    # The picture fires, softened it does not; then the face has the highest score.
    assert found.scores["soften"] > 0.5
    assert found.flips == 3
