from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assay.inputs.face_cues import CUES, MIRRORED, NAMES, CueInput, asymmetry, measure_cues
from assay.media.resample import resized
from assay.subjects.light import face_frame
from assay.types import Array, FaceView, FloatArray
from tests.real_faces import golden_landmarks, portrait

RECIPE = CueInput()


def view_of(rgb: Array, landmarks: FloatArray) -> FaceView:
    box = np.concatenate([landmarks.min(axis=0), landmarks.max(axis=0)]).astype(np.float32)
    return FaceView(1, 0, 0.0, rgb, box, landmarks.astype(np.float32), box, 1.0, 1.0)


def shrunk(factor: float) -> FaceView:
    rgb = portrait()
    size = (round(rgb.shape[1] * factor), round(rgb.shape[0] * factor))
    return view_of(resized(rgb, size), golden_landmarks() * factor)


def cue(view: FaceView, name: str, recipe: CueInput = RECIPE) -> float:
    return float(measure_cues(view, recipe).values[NAMES.index(name)])


def reason(view: FaceView, name: str, recipe: CueInput = RECIPE) -> str | None:
    return measure_cues(view, recipe).reasons[NAMES.index(name)]


LOOSE = CueInput(min_eye_distance_px=30, max_turn=0.5)


def test_a_portrait_is_measured() -> None:
    found = measure_cues(view_of(portrait(), golden_landmarks()), LOOSE)
    assert found.values.shape == (len(CUES),)
    assert found.values.dtype == np.float32
    n_seen = int(np.isfinite(found.values).sum())
    assert n_seen >= 8, dict(zip(NAMES, found.reasons, strict=True))
    for value, why in zip(found.values, found.reasons, strict=True):
        assert np.isfinite(value) == (why is None)
    assert 0 < found.values[NAMES.index("asymmetry")] < 0.05
    assert found.values[NAMES.index("irises_unlike")] < 0.6


def test_measuring_changes_nothing_and_says_the_same_twice() -> None:
    view = view_of(portrait().copy(), golden_landmarks())
    before = view.rgb.copy(), view.landmarks_px.copy()
    first, second = (measure_cues(view, LOOSE) for _ in range(2))
    assert np.array_equal(first.values, second.values, equal_nan=True)
    assert first.reasons == second.reasons
    assert (view.rgb == before[0]).all()
    assert (view.landmarks_px == before[1]).all()


def test_small_faces_abstain_cue_by_cue() -> None:
    distance = face_frame(golden_landmarks()).eye_distance_px
    medium = shrunk(40 / distance)
    assert reason(medium, "irises_rough", replace(LOOSE, min_eye_distance_px=50)) == (
        "eyes_too_small"
    )
    assert np.isfinite(cue(medium, "asymmetry", LOOSE))
    tiny = measure_cues(shrunk(15 / distance), LOOSE)
    assert set(tiny.reasons) == {"face_too_small"}


def test_a_turned_face_abstains() -> None:
    landmarks = golden_landmarks()
    frame = face_frame(landmarks)
    landmarks[1] += 0.4 * frame.along_px
    assert set(measure_cues(view_of(portrait(), landmarks), RECIPE).reasons) == {"face_turned"}


def test_grey_pictures_have_no_hue_to_compare() -> None:
    grey = np.repeat(portrait().mean(axis=2, keepdims=True), 3, axis=2).astype(np.uint8)
    assert reason(view_of(grey, golden_landmarks()), "iris_colours_differ", LOOSE) == "no_colour"


def test_dark_eyes_show_no_reflections() -> None:
    dark = np.full_like(portrait(), 30)
    view = view_of(dark, golden_landmarks())
    loose = replace(LOOSE, min_openness=0.0)
    assert reason(view, "highlights_differ", loose) == "no_highlights"
    assert reason(view, "irises_rough", loose) == "eyes_covered"


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_landmarks_that_are_no_numbers_abstain(bad: float) -> None:
    landmarks = golden_landmarks()
    landmarks[17] = bad
    found = measure_cues(view_of(portrait(), landmarks), RECIPE)
    assert set(found.reasons) == {"landmarks_uncertain"}
    assert np.isnan(found.values).all()


@pytest.mark.parametrize("shift", [-2000.0, 2000.0])
def test_a_face_outside_of_the_picture_does_not_raise(shift: float) -> None:
    found = measure_cues(view_of(portrait(), golden_landmarks() + shift), LOOSE)
    assert np.isnan(found.values[NAMES.index("light_on_rim")])


def mirrored_points(seed: int = 0) -> FloatArray:
    """468 points of which the mirrored pairs mirror each other."""
    rng = np.random.default_rng(seed)
    points = rng.normal(0, 1, (468, 3))
    for left, right in MIRRORED:
        points[right] = points[left] * (-1, 1, 1)
    return points


def test_a_symmetric_head_is_symmetric_in_any_turn() -> None:
    head = mirrored_points()
    for yaw, pitch in ((0.0, 0.0), (0.3, 0.0), (0.2, -0.3)):
        turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
        nod = np.array(
            [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
        )
        flat = (head @ turn.T @ nod.T)[:, :2]
        assert asymmetry(flat) < 1e-6


def test_a_crooked_head_is_not() -> None:
    flat = mirrored_points()[:, :2]
    crooked = flat.copy()
    for left, _ in MIRRORED[:8]:
        crooked[left, 1] += 0.1
    assert asymmetry(crooked) > 0.03


def test_the_fingerprint_follows_the_recipe() -> None:
    assert CueInput().fingerprint == CueInput().fingerprint
    assert len({CueInput().fingerprint, CueInput(eye_distance_px=80).fingerprint}) == 2
    assert CueInput(cues=NAMES[:-1]).fingerprint != CueInput().fingerprint


def test_every_cue_has_a_name_of_its_own_and_a_meaning() -> None:
    assert len(set(NAMES)) == len(CUES)
    assert all(one.unit and one.meaning for one in CUES)
    assert len({left for left, _ in MIRRORED} & {right for _, right in MIRRORED}) == 0
