from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from assay.case import Case, Deadline
from assay.detectors.synthetic_picture import BATCH, SyntheticPicture, cut_windows
from assay.errors import BundleMismatchError, BundleMissingError, TimeLimitError
from assay.inputs.patch import PatchInput, cut_patches
from assay.media.probe import probe
from assay.options import Options
from assay.types import Evidence, PictureView
from tests.detectors.tiny_networks import RECIPE, landscape, use_bundles, write_bundle
from tests.verdict.doubles import PictureCase, make_media

pytest.importorskip("onnx", reason="the stand-in network is written with onnx")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of bundles in place of the shipped ones, without this detector's."""
    return use_bundles(tmp_path / "bundles", monkeypatch)


def examined(*pictures: np.ndarray, options: Options | None = None) -> Evidence:
    (found,) = SyntheticPicture().examine(PictureCase(*pictures, options=options))
    return found


def test_the_picture_gets_the_mean_of_its_windows(folder: Path) -> None:
    card = write_bundle(folder)
    rgb = landscape(green=150)
    found = examined(rgb)
    patches, boxes = cut_patches(rgb, RECIPE)
    wanted = patches[..., 1].mean(axis=(1, 2)) / 8 - 16
    assert (found.status, found.subject, found.track_id) == ("scored", "picture", None)
    assert (found.kind, found.family) == ("generated", "picture_traces")
    assert found.logit == pytest.approx(wanted.mean(), abs=1e-4)
    assert [p.logit for p in found.patches] == pytest.approx(wanted.tolist(), abs=1e-4)
    assert [p.box_px for p in found.patches] == [tuple(box) for box in boxes.tolist()]
    assert [(span.start_s, span.end_s) for span in found.spans] == [(0.0, 0.0)]
    assert found.bundle_sha256 == card.network_sha256
    assert found.p_fake is None


def test_higher_green_means_a_higher_score(folder: Path) -> None:
    write_bundle(folder)
    low, high = (examined(landscape(green=green)).logit for green in (110, 140))
    assert low is not None
    assert high is not None
    assert high > low + 3


def test_a_video_is_read_in_a_few_windows_of_a_few_frames(folder: Path) -> None:
    write_bundle(folder)
    frames = [landscape(green=100 + 5 * i, seed=i) for i in range(6)]
    found = examined(*frames)
    assert len(found.spans) == 6
    assert len(found.patches) == 6 * RECIPE.video_patches
    logits = [span.logit for span in found.spans]
    assert logits == sorted(logits)
    assert found.logit == pytest.approx(np.mean(logits), abs=1e-5)


@pytest.mark.parametrize(
    ("rgb", "code"),
    [
        (landscape(15, 300), "too_small"),
        (np.full((200, 300, 3), 90, np.uint8), "too_flat"),
        (np.zeros((1, 1, 3), np.uint8), "too_small"),
    ],
)
def test_it_abstains_where_there_is_nothing_to_read(
    folder: Path, rgb: np.ndarray, code: str
) -> None:
    write_bundle(folder)
    found = examined(rgb)
    assert (found.status, found.subject) == ("abstained", "picture")
    assert (found.reason or "").startswith(f"{code}: ")
    assert found.logit is None


def test_no_frame_at_all_is_an_abstention(folder: Path) -> None:
    write_bundle(folder)
    (found,) = SyntheticPicture().examine(PictureCase(media=make_media("image")))
    assert (found.reason or "").startswith("no_picture: ")


def limited(max_distance: float) -> dict[str, Any]:
    return {"in_domain": {"features": {"max_distance": max_distance, "quantile": 0.995}}}


def test_features_within_the_limit_are_stated(folder: Path) -> None:
    write_bundle(folder, **limited(1.2))
    found = examined(landscape(red=128))
    assert found.status == "scored"
    assert found.details["domain_distance"] == pytest.approx(1.0, abs=0.05)
    assert found.details["domain_limit"] == 1.2


@pytest.mark.parametrize(("limit", "status"), [(0.8, "scored"), (0.6, "abstained")])
def test_unfamiliar_is_scored_up_to_half_as_far_again(
    folder: Path, limit: float, status: str
) -> None:
    write_bundle(folder, **limited(limit))
    found = examined(landscape(red=128))
    assert found.status == status
    assert found.details["domain_distance"] > found.details["domain_limit"]
    if status == "abstained":
        assert (found.reason or "").startswith("unfamiliar: ")
        assert found.patches == ()


@pytest.mark.parametrize("changes", [{"features": False, **limited(1.0)}, {}])
def test_without_features_or_limit_nothing_is_checked(
    folder: Path, changes: dict[str, Any]
) -> None:
    write_bundle(folder, **changes)
    found = examined(landscape(red=250))
    assert found.status == "scored"
    assert "domain_distance" not in found.details


def test_a_map_is_drawn_only_where_it_was_found_faithful(folder: Path) -> None:
    rgb = landscape(240, 480, green=90)
    rgb[:, 240:, 1] += 90
    write_bundle(folder)
    assert examined(rgb).heatmaps == ()
    write_bundle(folder, heatmap={"faithful": True, "n": 5})
    (heat,) = examined(rgb).heatmaps
    assert heat.faithful
    assert heat.box_px == (0, 0, 480, 240)
    rows, columns = heat.values.shape
    assert (rows, columns) == (12, 24)
    assert 0 <= heat.values.min() <= heat.values.max() <= 1
    assert heat.values[:, 12:].max() > 0.9 > 0.1 > heat.values[:, :10].max()
    assert examined(rgb, options=Options(heatmaps=False)).heatmaps == ()
    assert examined(rgb).details["heatmap"] == {"faithful": True, "n": 5}


def test_the_recipe_is_the_cards(folder: Path) -> None:
    write_bundle(folder, recipe=PatchInput(size_px=64, n_patches=2))
    assert [p.box_px[2] - p.box_px[0] for p in examined(landscape()).patches] == [64, 64]


@pytest.mark.parametrize(
    "changes", [{"recipe_fingerprint": "other"}, {"network_sha256": "b" * 64}, {"logit": "score"}]
)
def test_a_bundle_that_does_not_fit_is_refused(folder: Path, changes: dict[str, Any]) -> None:
    write_bundle(folder, **changes)
    with pytest.raises(BundleMismatchError):
        examined(landscape())


def test_without_its_bundle_it_says_so(folder: Path) -> None:
    with pytest.raises(BundleMissingError, match="synthetic_picture"):
        examined(landscape())


def test_a_part_gives_the_one_window_around_its_focus() -> None:
    rgb = landscape(100, 100)
    view = PictureView(0, 0.0, rgb, focus_px=(50.0, 40.0))
    windows = cut_windows([view], RECIPE, is_video=False)
    assert (windows.pictures == rgb[24:56, 34:66][None]).all()
    corner = PictureView(0, 0.0, rgb, focus_px=(99.0, -5.0))
    assert (cut_windows([corner], RECIPE, True).pictures == rgb[0:32, 68:100][None]).all()
    tiny = PictureView(0, 0.0, rgb[:10, :10], focus_px=(5.0, 5.0))
    assert cut_windows([tiny], RECIPE, False).places == ()


def test_it_looks_at_the_clock(folder: Path) -> None:
    write_bundle(folder)
    case = PictureCase(landscape())
    case.deadline = Deadline(0.0, 0.0)
    with pytest.raises(TimeLimitError):
        SyntheticPicture().examine(case)


def test_a_file_is_read_at_its_own_resolution_without_a_face(folder: Path, tmp_path: Path) -> None:
    write_bundle(folder)
    rgb = landscape(700, 900)
    path = tmp_path / "landscape.png"
    Image.fromarray(rgb).save(path)
    case = Case(probe(path))
    (found,) = SyntheticPicture().examine(case)
    assert case.tracks == ()
    assert found.logit == examined(rgb).logit
    assert len(found.patches) == 9 <= BATCH
