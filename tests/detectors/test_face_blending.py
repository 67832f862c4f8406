from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from assay.bundles import Card, bundle_names
from assay.case import Case
from assay.detectors import face_blending
from assay.detectors.face_blending import BATCH, MAX_HEATMAPS, FaceBlending, score_views
from assay.errors import BundleMismatchError, BundleMissingError, TimeLimitError
from assay.inputs.face import FaceInput, prepare
from assay.media.probe import probe
from assay.options import Options
from assay.subjects.tracks import TrackBuilder
from assay.types import Evidence, FaceView
from tests.real_faces import frame, golden_landmarks, portrait, portrait_of_size, textured
from tests.verdict.doubles import MadeCase, make_media, make_view, write_card

RECIPE = FaceBlending.input
shipped = pytest.mark.skipif(
    "face_blending" not in bundle_names(), reason="the bundle face_blending is not installed"
)


class Brightness:
    """A network that scores the mean brightness and draws where the crop is bright."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def run(self, array: np.ndarray) -> dict[str, np.ndarray]:
        self.batches.append(len(array))
        assert array.dtype == np.uint8
        grey = array.astype(np.float32).mean(axis=3) / 255
        small = grey.reshape(-1, 28, 8, 28, 8).mean(axis=(2, 4))
        return {"logit": grey.mean(axis=(1, 2)) * 10 - 5, "mask": small}


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Brightness:
    """The detector with that network and a card whose limits are the defaults."""
    found, card = Brightness(), make_card(tmp_path)
    monkeypatch.setattr(face_blending, "open_network", lambda name, fingerprint: found)
    monkeypatch.setattr(face_blending, "load_card", lambda name: card)
    return found


def make_card(folder: Path, recipe: FaceInput = RECIPE, **changes: Any) -> Card:
    values = {
        "recipe": asdict(recipe),
        "recipe_fingerprint": recipe.fingerprint,
        "licence": "CC0",
        "heatmap": {"faithful": True},
    }
    return write_card(folder, "face_blending", **{**values, **changes})


def view_at(n: int, brightness: int = 0, **changes: Any) -> FaceView:
    """A judgeable view, brighter by `brightness`."""
    view = make_view(1, n, 0.1 * n, face_px=120.0, **changes)
    rgb = textured(*view.rgb.shape[:2], seed=n).astype(int) + brightness
    return replace(view, rgb=np.clip(rgb, 0, 255).astype(np.uint8))


def examined(*views: FaceView, options: Options | None = None) -> list[Evidence]:
    media = make_media("image" if len(views) == 1 else "video")
    return FaceBlending().examine(MadeCase({1: views}, options, media))


def test_a_face_gets_the_mean_of_its_frames_and_one_span_a_frame(network: Brightness) -> None:
    views = [view_at(n, 12 * n - 30) for n in range(6)]
    (found,) = examined(*views)
    crops = np.stack([prepare(view, RECIPE) for view in views])
    logits = Brightness().run(crops)["logit"]
    assert found.status == "scored"
    assert (found.subject, found.track_id, found.kind) == ("face 1", 1, "face_altered")
    assert found.logit == pytest.approx(float(logits.mean()), abs=1e-5)
    assert [span.logit for span in found.spans] == pytest.approx(logits.tolist(), abs=1e-5)
    assert [span.start_s for span in found.spans] == [view.time_s for view in views]
    assert all(span.start_s == span.end_s for span in found.spans)
    assert found.p_fake is None
    counted = {"n_frames_judged": 6, "n_frames_left_out": 0}
    assert found.details == {**counted, "heatmap": {"faithful": True}}
    assert (found.bundle_sha256, found.licence) == ("a" * 64, "CC0")


def test_each_person_gets_evidence_of_their_own(network: Brightness) -> None:
    views = {
        track_id: (replace(view_at(0, 40 * track_id - 80), track_id=track_id),)
        for track_id in (1, 2, 3)
    }
    found = FaceBlending().examine(MadeCase(views))
    assert [one.track_id for one in found] == [1, 2, 3]
    logits = [one.logit for one in found if one.logit is not None]
    assert len(logits) == 3
    assert logits == sorted(logits)


def test_nobody_is_an_abstention_for_the_whole_file(network: Brightness) -> None:
    (found,) = FaceBlending().examine(MadeCase({}))
    assert (found.status, found.subject, found.track_id) == ("abstained", "file", None)
    assert (found.reason or "").startswith("no_face:")
    assert network.batches == []


def test_a_face_of_20_px_is_not_judged(network: Brightness) -> None:
    (found,) = examined(view_at(0, frame_box_px=np.array([50, 50, 66, 70], np.float32)))
    assert found.status == "abstained"
    assert (found.reason or "").startswith("face_too_small:")
    assert found.logit is None
    assert network.batches == []


def test_a_found_face_of_20_px_is_not_judged(network: Brightness) -> None:
    canvas = np.full((288, 288, 3), 128, np.uint8)
    small = portrait_of_size(20)[0]
    canvas[100 : 100 + small.shape[0], 100 : 100 + small.shape[1]] = small
    builder = TrackBuilder()
    builder.add(frame(canvas))
    found_tracks, views = builder.finish()
    assert len(found_tracks) == 1
    (found,) = FaceBlending().examine(MadeCase(views))
    assert found.status == "abstained"
    assert (found.reason or "").startswith("face_too_small:")


def test_frames_that_cannot_be_judged_are_left_out_and_counted(network: Brightness) -> None:
    tiny = np.array([50, 50, 60, 60], np.float32)
    black = replace(view_at(2), rgb=np.zeros_like(view_at(2).rgb))
    good = [view_at(0), view_at(3), view_at(4)]
    (found,) = examined(good[0], view_at(1, frame_box_px=tiny), black, *good[1:])
    assert [span.start_s for span in found.spans] == pytest.approx([0.0, 0.3, 0.4])
    assert (found.details["n_frames_judged"], found.details["n_frames_left_out"]) == (3, 2)


def test_somebody_judged_in_too_few_frames_of_a_video_has_no_score(network: Brightness) -> None:
    black = [replace(view_at(i), rgb=np.zeros_like(view_at(i).rgb)) for i in range(2, 6)]
    (found,) = examined(view_at(0), view_at(1), *black)
    assert found.status == "abstained"
    assert (found.reason or "").startswith("too_short:")
    assert examined(view_at(0), view_at(1))[0].status == "scored"  # the video has no more frames


def test_the_limits_are_the_cards(
    network: Brightness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert examined(view_at(0))[0].status == "scored"
    strict = make_card(tmp_path, in_domain={"min_face_px": 300.0})
    monkeypatch.setattr(face_blending, "load_card", lambda name: strict)
    assert (examined(view_at(0))[0].reason or "").startswith("face_too_small:")


def test_many_frames_go_through_in_batches_with_a_look_at_the_clock(network: Brightness) -> None:
    views = [view_at(n) for n in range(2 * BATCH + 3)]
    looks: list[int] = []
    logits, maps = score_views(views, network, RECIPE, lambda: looks.append(1))  # type: ignore[arg-type]
    assert network.batches == [BATCH, BATCH, 3]
    assert len(looks) == 3
    assert logits.shape == (len(views),)
    assert maps.shape == (len(views), 28, 28)

    def late() -> None:
        raise TimeLimitError("late")

    with pytest.raises(TimeLimitError):
        score_views(views, network, RECIPE, late)  # type: ignore[arg-type]


def test_maps_are_those_of_the_highest_frames_in_time_order(network: Brightness) -> None:
    lift = [0, 30, -20, 40, 10, -40, 20, 35]
    views = [view_at(n, 2 * value) for n, value in enumerate(lift)]
    (found,) = examined(*views)
    highest = sorted(sorted(range(8), key=lambda n: -lift[n])[:MAX_HEATMAPS])
    assert [heat.time_s for heat in found.heatmaps] == [views[n].time_s for n in highest]
    for heat in found.heatmaps:
        assert heat.values.shape == (28, 28)
        assert 0.0 <= heat.values.min() <= heat.values.max() <= 1.0
        assert heat.faithful
    assert examined(*views, options=Options(heatmaps=False))[0].heatmaps == ()


def test_maps_that_were_not_found_faithful_say_so(
    network: Brightness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = make_card(tmp_path, heatmap={"faithful": False})
    monkeypatch.setattr(face_blending, "load_card", lambda name: card)
    assert not examined(view_at(0))[0].heatmaps[0].faithful


@pytest.mark.parametrize("view_scale", [1.0, 0.5])
def test_the_maps_box_is_the_square_around_the_face_in_frame_pixels(
    network: Brightness, view_scale: float
) -> None:
    view = view_at(0)
    # The same view as if cut at (300, 200) from a frame, and shrunk when the scale says so.
    box = (view.box_px / view_scale + np.array([300, 200, 300, 200])).astype(np.float32)
    (found,) = examined(replace(view, frame_box_px=box, scale=view_scale))
    x0, y0, x1, y1 = found.heatmaps[0].box_px
    side = float(max(box[2:] - box[:2]))
    assert x1 - x0 == pytest.approx(y1 - y0)
    assert x1 - x0 == pytest.approx(side * RECIPE.scale, abs=2 / view_scale)
    assert ((x0 + x1) / 2, (y0 + y1) / 2) == pytest.approx(
        ((box[0] + box[2]) / 2, (box[1] + box[3]) / 2), abs=1.5 / view_scale
    )
    assert x0 < box[0] < box[2] < x1
    assert y0 < box[1] < box[3] < y1


def test_a_network_trained_on_another_crop_is_refused_by_the_fields_names(
    network: Brightness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = make_card(tmp_path, FaceInput(size_px=224, scale=1.6))
    monkeypatch.setattr(face_blending, "load_card", lambda name: card)
    with pytest.raises(BundleMismatchError, match=r"scale: 1\.6 there, 1\.25 here"):
        examined(view_at(0))


def test_without_its_bundle_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from assay.bundles import card as card_module

    monkeypatch.setattr(card_module, "BUNDLES_FOLDER", tmp_path)
    with pytest.raises(BundleMissingError, match="face_blending"):
        examined(view_at(0))


def portrait_view(name: str = "grace_hopper") -> FaceView:
    builder = TrackBuilder()
    builder.add(frame(portrait(name)))
    found, views = builder.finish()
    return views[found[0].track_id][0]


def logit_of(view: FaceView) -> float:
    (found,) = examined(view, options=Options(heatmaps=False))
    assert found.status == "scored"
    assert found.logit is not None
    return found.logit


def brighter_mouth(view: FaceView) -> FaceView:
    """Another picture's patch over the mouth, with a hard edge: the coarsest of forgeries."""
    low, high = (f(axis=0).astype(int) for f in (view.landmarks_px.min, view.landmarks_px.max))
    rgb = view.rgb.copy()
    middle = (low[1] + high[1]) // 2
    part = np.s_[middle : high[1] - 8, low[0] + 20 : high[0] - 20]
    smooth = np.asarray(Image.fromarray(rgb[part]).filter(ImageFilter.GaussianBlur(3)), int)
    rgb[part] = np.clip(smooth + np.array([35, 10, -10]), 0, 255)
    return replace(view, rgb=rgb)


@shipped
@pytest.mark.parametrize("name", ["grace_hopper", "astronaut"])
def test_a_blended_part_raises_the_shipped_networks_score(name: str) -> None:
    view = portrait_view(name)
    assert logit_of(brighter_mouth(view)) > logit_of(view)


@shipped
def test_the_shipped_network_points_at_the_forged_part() -> None:
    view = portrait_view()
    (found,) = examined(brighter_mouth(view))
    heat = found.heatmaps[0]
    upper, lower = heat.values[4:12, 6:22].mean(), heat.values[15:24, 6:22].mean()
    assert lower > upper


@shipped
def test_the_shipped_network_says_the_same_twice_and_to_a_file(tmp_path: Path) -> None:
    path = tmp_path / "portrait.png"
    Image.fromarray(portrait()).save(path)
    first, second = (FaceBlending().examine(Case(probe(path))) for _ in range(2))
    assert first[0].logit == second[0].logit
    assert first[0].logit == pytest.approx(logit_of(portrait_view()), abs=1e-4)


def test_the_golden_mesh_is_the_portraits() -> None:
    view = portrait_view()
    back = view.landmarks_px / view.scale + (view.frame_box_px - view.box_px / view.scale)[:2]
    assert np.abs(back - golden_landmarks()).mean() < 2.0


class Whitened(Brightness):
    """Gives features too: 32 times the mean brightness, from 0 to 4."""

    def run(self, array: np.ndarray) -> dict[str, np.ndarray]:
        far = array.astype(np.float32).mean(axis=(1, 2, 3)) / 64
        return {**super().run(array), "features": np.repeat(far[:, None], 32, axis=1)}


def familiar_up_to(folder: Path, monkeypatch: pytest.MonkeyPatch, limit: float) -> None:
    features = {"max_distance": limit, "quantile": 0.995, "measured_on": "a straight line"}
    card = make_card(folder, in_domain={"features": features})
    monkeypatch.setattr(face_blending, "open_network", lambda name, fingerprint: Whitened())
    monkeypatch.setattr(face_blending, "load_card", lambda name: card)


def test_the_distance_of_a_face_is_the_median_over_its_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    familiar_up_to(tmp_path, monkeypatch, 3.0)
    views = [view_at(n, lift) for n, lift in enumerate((-60, 0, 40))]
    (found,) = examined(*views)
    (middle,) = examined(views[1])
    assert found.status == "scored"
    assert found.details["domain_distance"] == middle.details["domain_distance"]
    assert found.details["domain_limit"] == 3.0


def test_a_face_unlike_all_others_is_not_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    familiar_up_to(tmp_path, monkeypatch, 1.0)
    (found,) = examined(view_at(0))
    assert (found.status, found.subject, found.track_id) == ("abstained", "face 1", 1)
    assert (found.reason or "").startswith("unfamiliar: ")
    assert found.details["domain_distance"] > 1.5
    familiar_up_to(tmp_path, monkeypatch, 1.6)
    (found,) = examined(view_at(0))
    assert found.status == "scored"
    assert found.details["domain_distance"] > found.details["domain_limit"]


def test_without_features_a_face_is_judged_unchecked(network: Brightness) -> None:
    assert "domain_distance" not in examined(view_at(0))[0].details
