"""Measure the geometry and the light of one face: a few numbers, each with a unit and a meaning.

One hand measures, for training and inference alike. A cue that cannot be measured is not a
number (NaN) with a reason code, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from assay.inputs.recipe import fingerprint_of
from assay.media.resample import resized
from assay.subjects.eyes import Eye, IrisPatch, find_eyes, iris_patches
from assay.subjects.irises import colours, highlights, likeness, outline
from assay.subjects.light import FaceFrame, SkinLight, face_frame, skin_light
from assay.types import Array, FaceView, FloatArray

NOSE_TIP = 1
BAND_REACH = 1.5  # in eye distances: both eyes with their patches, in any tilt
# Points of the mesh that mirror each other, the viewer's left one first: brows, eyes, nose,
# mouth, cheeks and the outline of the face.
MIRRORED = (
    *((33, 263), (133, 362), (159, 386), (145, 374), (70, 300), (63, 293), (105, 334), (107, 336)),
    *((98, 327), (48, 278), (64, 294), (61, 291), (40, 270), (50, 280), (205, 425), (54, 284)),
    *((103, 332), (127, 356), (234, 454), (132, 361), (58, 288), (172, 397), (136, 365)),
    (150, 379),
)


@dataclass(frozen=True, slots=True)
class CueKind:
    """One cue: its name, its unit, and what a high value would mean in plain words."""

    name: str
    unit: str
    meaning: str


CUES = (
    CueKind("highlights_differ", "share", "the reflections in the two eyes differ in shape"),
    CueKind("highlights_apart", "iris radii", "the reflections stand at different places"),
    CueKind("irises_unlike", "share", "the two irises' patterns of light do not match"),
    CueKind("iris_sizes_differ", "log ratio", "one iris is larger than the other"),
    CueKind("irises_rough", "share of the radius", "the rims of the irises are not round"),
    CueKind("iris_colours_differ", "log ratio", "the irises differ in hue"),
    CueKind("iris_brightness_differs", "log ratio", "one iris is brighter than the other"),
    CueKind("gaze_differs", "eye widths", "the eyes do not look the same way"),
    CueKind("asymmetry", "eye distances", "the face's halves do not mirror each other"),
    CueKind("light_on_rim", "log per eye distance", "cheeks and rim of the face are lit apart"),
    CueKind("light_on_neck", "log per eye distance", "face and neck are lit from different sides"),
    CueKind("light_in_eyes", "product", "the reflections lie away from the lit side of the face"),
)
NAMES = tuple(cue.name for cue in CUES)


@dataclass(frozen=True, slots=True)
class CueInput:
    """How a face is measured. Larger faces are shrunk until the eyes are `eye_distance_px`
    apart, so that a portrait and a face in a crowd are measured alike; below
    `min_eye_distance_px` an iris has under nine pixels and the eyes are not measured."""

    eye_distance_px: int = 84
    min_eye_distance_px: int = 50
    min_light_distance_px: int = 24
    max_turn: float = 0.18
    min_openness: float = 0.2
    min_chroma: float = 6.0
    cues: tuple[str, ...] = NAMES

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change when any field changes."""
        return fingerprint_of(self)


@dataclass(frozen=True, slots=True)
class FaceCues:
    """`values` (12,) float32 in the order of CUES, NaN where `reasons` holds a code.

    `turn` is how far the nose stands from the middle, in eye distances; `eye_distance_px` is
    measured in the view.
    """

    values: FloatArray
    reasons: tuple[str | None, ...]
    turn: float
    eye_distance_px: float


@dataclass(slots=True)
class _Sheet:
    """Fills in values and reasons by name."""

    values: dict[str, float] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def put(self, name: str, value: float | None, otherwise: str) -> None:
        if value is None or not np.isfinite(value):
            self.reasons[name] = otherwise
        else:
            self.values[name] = float(value)

    def finished(self, turn: float, eye_distance_px: float, otherwise: str) -> FaceCues:
        values = [self.values.get(name, np.nan) for name in NAMES]
        reasons = [
            None if name in self.values else self.reasons.get(name, otherwise) for name in NAMES
        ]
        return FaceCues(np.asarray(values, np.float32), tuple(reasons), turn, eye_distance_px)


def measure_cues(view: FaceView, recipe: CueInput) -> FaceCues:
    """All cues of one view. Codes of what is missing: `face_too_small`, `eyes_too_small`,
    `face_turned`, `eyes_closed`, `no_highlights`, `eyes_covered`, `no_colour`, `skin_covered`,
    `neck_not_seen`, `landmarks_uncertain`."""
    if not np.isfinite(view.landmarks_px).all():
        return _Sheet().finished(0.0, 0.0, "landmarks_uncertain")
    frame = face_frame(view.landmarks_px)
    points, distance = frame.inward(view.landmarks_px), frame.eye_distance_px
    turn, sheet = float(points[NOSE_TIP, 0]), _Sheet()
    if distance < recipe.min_light_distance_px:
        return sheet.finished(turn, distance, "face_too_small")
    if abs(turn) > recipe.max_turn:
        return sheet.finished(turn, distance, "face_turned")
    sheet.put("asymmetry", asymmetry(points), "landmarks_uncertain")
    light = skin_light(view.rgb, view.landmarks_px)
    _put_light(sheet, light)
    if distance < recipe.min_eye_distance_px:
        return sheet.finished(turn, distance, "eyes_too_small")
    rgb, landmarks = _eye_band(view.rgb, view.landmarks_px, frame, recipe.eye_distance_px)
    eyes = find_eyes(rgb, landmarks)
    if min(eye.openness for eye in eyes) < recipe.min_openness:
        return sheet.finished(turn, distance, "eyes_closed")
    _put_eyes(sheet, eyes, iris_patches(rgb, eyes), light, recipe)
    return sheet.finished(turn, distance, "eyes_covered")


def _eye_band(
    rgb: Array, landmarks_px: FloatArray, frame: FaceFrame, wanted_px: int
) -> tuple[Array, FloatArray]:
    """The part of the picture around both eyes and the landmarks in it, shrunk by area where
    the eyes are farther apart than `wanted_px`."""
    reach = BAND_REACH * frame.eye_distance_px
    limit = np.array([rgb.shape[1], rgb.shape[0]])
    low = np.clip(np.floor(frame.origin_px - reach), 0, limit - 1).astype(int)
    high = np.clip(np.ceil(frame.origin_px + reach), low + 1, limit).astype(int)
    part, landmarks = rgb[low[1] : high[1], low[0] : high[0]], landmarks_px - low
    scale = min(1.0, wanted_px / frame.eye_distance_px)
    size = [max(1, round(n * scale)) for n in (part.shape[1], part.shape[0])]
    factor = np.array([size[0] / part.shape[1], size[1] / part.shape[0]])
    return resized(part, (size[0], size[1])), np.asarray(landmarks * factor, np.float32)


def asymmetry(points: FloatArray) -> float:
    """How far mirrored points (468, 2), in eye distances, are from being mirrored.

    In any turn of a symmetric head the lines that join mirrored points stay parallel (weak
    perspective); what is measured is their root mean square departure from one direction.
    """
    left, right = np.array(MIRRORED).T
    lines = points[right] - points[left]
    axis = np.linalg.svd(lines, full_matrices=False)[2][0]
    return float(np.sqrt(((lines @ np.array([-axis[1], axis[0]])) ** 2).mean()))


def _put_light(sheet: _Sheet, light: SkinLight | None) -> None:
    if light is None:
        sheet.put("light_on_rim", None, "skin_covered")
        sheet.put("light_on_neck", None, "skin_covered")
        return
    rim = None if light.rim is None else abs(light.cheeks - light.rim)
    neck = None if light.neck is None else abs(light.cheeks - light.neck)
    sheet.put("light_on_rim", rim, "skin_covered")
    sheet.put("light_on_neck", neck, "neck_not_seen")


def _put_eyes(
    sheet: _Sheet,
    eyes: tuple[Eye, Eye],
    patches: tuple[IrisPatch, IrisPatch],
    light: SkinLight | None,
    recipe: CueInput,
) -> None:
    sheet.put("gaze_differs", abs(eyes[0].position + eyes[1].position - 1.0), "eyes_covered")
    seen = highlights(patches)
    sheet.put("highlights_differ", None if seen is None else 1 - seen.overlap, "no_highlights")
    sheet.put("highlights_apart", None if seen is None else seen.apart, "no_highlights")
    against = None if seen is None or light is None else -float(seen.at[0]) * light.cheeks
    sheet.put("light_in_eyes", against, "no_highlights")
    like = likeness(patches)
    sheet.put("irises_unlike", None if like is None else 1 - like, "eyes_covered")
    rims = [outline(patch) for patch in patches]
    if rims[0] is not None and rims[1] is not None:
        radii = [rim.radius * eye.radius_px for rim, eye in zip(rims, eyes, strict=True) if rim]
        sheet.put("iris_sizes_differ", abs(float(np.log(radii[0] / radii[1]))), "eyes_covered")
        sheet.put("irises_rough", (rims[0].roughness + rims[1].roughness) / 2, "eyes_covered")
    both = colours(patches)
    if both is not None:
        _put_colours(sheet, both, patches, recipe)


def _put_colours(
    sheet: _Sheet, both: FloatArray, patches: tuple[IrisPatch, IrisPatch], recipe: CueInput
) -> None:
    apart = both[0] - both[1]
    sheet.put("iris_brightness_differs", abs(float(apart.mean())), "eyes_covered")
    chroma = float(np.mean([np.ptp(p.rgb.astype(np.int16), axis=2).mean() for p in patches]))
    # A grey picture has irises of one hue whatever they were.
    hue = float(np.abs(apart - apart.mean()).max()) if chroma >= recipe.min_chroma else None
    sheet.put("iris_colours_differ", hue, "no_colour")
