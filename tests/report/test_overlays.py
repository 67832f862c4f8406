import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from assay import types as t
from assay.report import overlays
from assay.report.overlays import illustrations


def decoded(jpeg: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(jpeg)).convert("RGB")).astype(int)


def is_like(pixels: np.ndarray, rgb: tuple[int, int, int], within: int = 40) -> np.ndarray:
    return np.abs(pixels - np.array(rgb)).max(axis=-1) <= within


def test_picture_gets_a_scene_a_face_pair_and_a_face(make: dict) -> None:
    made = illustrations(make["image"]())
    assert [one.kind for one in made] == ["scene", "face", "heatmap", "face"]
    assert "face 1, p_fake 0.97" in made[0].alt
    assert made[0].alt.endswith("face 2, p_fake 0.12.") or "face 2" in made[0].alt
    assert made[0].size_px == (640, 420)


def test_boxes_lie_where_the_faces_are(make: dict) -> None:
    verdict = make["image"]()
    pixels = decoded(illustrations(verdict)[0].jpeg)
    for mark, rgb in zip(verdict.faces, (overlays.ABOVE_RGB, overlays.BELOW_RGB), strict=True):
        x0, y0, x1, y1 = (round(side) for side in mark.box_px)
        edge = pixels[y1 - 2, x0 + 10 : x1 - 10]
        assert is_like(edge, rgb).mean() > 0.8
        assert is_like(pixels[y0 + 20 : y1 - 20, x0 + 20 : x1 - 20], rgb).mean() < 0.05


def test_boxes_follow_the_pictures_scale(make: dict) -> None:
    rgb = make["image"]().pictures[0].rgb
    verdict = make["image"](
        pictures=(t.Picture(0, 0.0, rgb, 0.5),),
        faces=(t.FaceMark(1, 0.0, (200.0, 200.0, 480.0, 480.0), 0.9),),
    )
    pixels = decoded(illustrations(verdict)[0].jpeg)
    assert is_like(pixels[238, 110:230], overlays.ABOVE_RGB).mean() > 0.8


def test_unscored_and_uncut_faces_are_grey(make: dict) -> None:
    for change in ({"faces": (t.FaceMark(1, 0.0, (100, 100, 300, 300), None),)},
                   {"operating_point": None}):  # fmt: skip
        pixels = decoded(illustrations(make["image"](**change))[0].jpeg)
        assert is_like(pixels, overlays.ABOVE_RGB, 20).mean() < 1e-3
        assert is_like(pixels, overlays.UNSCORED_RGB, 12).any()


def test_only_measured_maps_are_drawn(make: dict) -> None:
    assert "heatmap" not in [one.kind for one in illustrations(make["clear"]())]
    assert overlays.faithful_heatmaps(make["clear"]()) == []
    assert len(overlays.faithful_heatmaps(make["image"]())) == 1


def test_heat_is_warm_where_the_map_is_high(make: dict) -> None:
    heat = next(one for one in illustrations(make["image"]()) if one.kind == "heatmap")
    pixels = decoded(heat.jpeg)
    warmth = pixels[..., 0] - pixels[..., 2]
    middle = len(pixels) // 2
    on_ring = round(middle + 0.6 * (len(pixels) / 1.25) / 2)
    assert warmth[middle, on_ring] > 80
    assert abs(warmth[middle, middle]) < 25  # the map is zero there: greyed only
    assert abs(warmth[5, 5]) < 12
    assert heat.alt.startswith("The same view of face 1 with the heat map")


def test_video_shows_each_person_at_the_highest_score(make: dict) -> None:
    made = illustrations(make["video"]())
    assert made[0].kind == "scene"
    assert "0:13.1" in made[0].caption
    assert len(made) <= overlays.MAX_PICTURES


@pytest.mark.parametrize("box", [(10, 10, 10, 10), (50, 50, 20, 20), (-900, -900, -800, -800),
                                 (float("nan"), 0, 10, 10), (-50, -50, 9000, 9000)])  # fmt: skip
def test_odd_boxes_do_no_harm(make: dict, box: tuple) -> None:
    heatmap = t.Heatmap(0.0, box, np.full((4, 4), np.nan, np.float32), True)
    evidence = t.Evidence(
        "d", "1", "f", "face 1", "scored", logit=0.0, track_id=1, heatmaps=(heatmap,)
    )
    verdict = make["image"](faces=(t.FaceMark(1, 0.0, box, 0.9),), evidence=(evidence,))
    assert decoded(illustrations(verdict)[0].jpeg).shape == (420, 640, 3)


@pytest.mark.parametrize("shape", [(1, 1), (1, 1280), (1280, 2)])
def test_tiny_pictures(make: dict, shape: tuple[int, int]) -> None:
    picture = t.Picture(0, 0.0, np.zeros((*shape, 3), np.uint8), 1.0)
    faces = (t.FaceMark(1, 0.0, (0.0, 0.0, 1.0, 1.0), 0.9),)
    assert illustrations(make["image"](pictures=(picture,), faces=faces))


def test_no_pictures_no_illustrations(make: dict) -> None:
    assert illustrations(make["audio"]()) == ()


def test_pictures_stay_within_the_budget(make: dict) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (960, 1280, 3), dtype=np.uint8)
    pictures = tuple(t.Picture(i, float(i), noise, 1.0) for i in range(8))
    faces = tuple(
        t.FaceMark(i, float(i % 8), (10.0 * i, 20.0, 10.0 * i + 200, 300.0), 0.5) for i in range(40)
    )
    made = illustrations(make["video"](pictures=pictures, faces=faces))
    assert len(made) == overlays.MAX_PICTURES
    assert sum(len(one.jpeg) for one in made) <= overlays.MAX_JPEG_BYTES


def test_a_picture_without_a_face_shows_its_windows_and_its_map(make: dict) -> None:
    windows, heat = illustrations(make["landscape"]())
    assert (windows.kind, heat.kind) == ("scene", "scene_heatmap")
    assert windows.size_px == heat.size_px == (640, 420)
    assert "3\xa0windows read by synthetic picture" in windows.caption
    assert "p_fake 0.95" in windows.alt
    pixels = decoded(windows.jpeg)
    for (x0, _, x1, y1), rgb in (
        ((40, 60, 200, 220), overlays.ABOVE_RGB),
        ((440, 240, 600, 400), overlays.BELOW_RGB),
    ):
        edge = pixels[y1 - 1 : y1 + 1, x0 + 10 : x1 - 10]
        assert is_like(edge, rgb).any(axis=0).mean() > 0.8
    warm = decoded(heat.jpeg)
    assert np.ptp(warm, axis=-1).max() > 60 > np.ptp(warm[:20, :20], axis=-1).max()


def test_a_map_of_the_picture_is_not_shown_unmeasured_nor_as_a_faces(make: dict) -> None:
    verdict = make["landscape"]()
    (whole, _) = verdict.evidence
    unmeasured = replace(whole, heatmaps=(replace(whole.heatmaps[0], faithful=False),))
    made = illustrations(replace(verdict, evidence=(unmeasured,)))
    assert [one.kind for one in made] == ["scene"]
    assert overlays.faithful_heatmaps(verdict, 1) == []
    assert len(overlays.faithful_heatmaps(verdict)) == 1


def test_windows_are_drawn_beside_faces(make: dict) -> None:
    (whole, _) = make["landscape"]().evidence
    image = make["image"]()
    made = illustrations(replace(image, evidence=(*image.evidence, whole)))
    assert [one.kind for one in made][:3] == ["scene", "scene", "scene_heatmap"]
    assert len(made) <= overlays.MAX_PICTURES


@pytest.mark.parametrize("box", [(5, 5, 1, 1), (float("nan"), 0, 9, 9), (-900, -900, 9e6, 9e6)])
def test_odd_windows_are_no_failure(make: dict, box: tuple[float, ...]) -> None:
    verdict = make["landscape"]()
    (whole, _) = verdict.evidence
    odd = replace(whole, patches=(replace(whole.patches[0], box_px=box),), heatmaps=())
    assert len(illustrations(replace(verdict, evidence=(odd,)))) == 1
