"""How well one face can be seen: size, sharpness, light, compression, landmarks.

A detector calls `why_unusable` on each view and leaves those out that it cannot judge; the verdict
sums the same numbers up for the reader. Limits come from a bundle card's `in_domain` mapping.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from assay.errors import EmptyBoxError
from assay.media.resample import area_mean, gaussian_kernel, luma, smoothed
from assay.types import FaceView, Reason

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Grey = NDArray[np.float32]

MEASURED_PX = 128
BLUR_TAPS = 9
LEVEL_STEPS_SIGMA_PX = 1.0
BLOCK_PX = 8


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """What was measured on one view.

    `size_px` is the shorter side of the face box in frame pixels. `sharpness` (0 blurred … 1
    crisp), `brightness` and `contrast` (mean and standard deviation of luma) lie in [0, 1].
    `blockiness` is 0 where no 8-pixel grid shows and grows with it. `landmark_confidence` is
    the mesh's own score times the share of landmarks on the face box grown by a quarter.
    `score` in [0, 1] is the worst of these, each scaled from its default limit to a comfortable
    value.
    """

    size_px: float
    sharpness: float
    brightness: float
    contrast: float
    blockiness: float
    landmark_confidence: float
    score: float


@dataclass(frozen=True, slots=True)
class QualityLimits:
    """Where judging a face ends.

    Measured on some 400 faces of ten public sets: the softest untouched face has sharpness 0.22
    and 0.16 is a blur of sigma 3 on a face 128 px wide; brightness 0.16 and contrast 0.08 are the
    lowest seen, and the limits lie at half of that so that dark skin in dim light is still
    judged; blockiness 0.48 is the highest seen and 0.9 is JPEG quality 20. The most compressed
    of 75 clips has 0.04 bits a pixel. Below 48 px a detector's input is mostly interpolation.
    """

    min_face_px: float = 48.0
    min_sharpness: float = 0.16
    min_brightness: float = 0.08
    max_brightness: float = 0.92
    min_contrast: float = 0.035
    min_landmark_confidence: float = 0.60
    max_blockiness: float = 0.90
    min_frames: float = 3.0
    min_bits_per_pixel: float = 0.01

    @classmethod
    def from_card(cls, in_domain: Mapping[str, Any]) -> QualityLimits:
        """The limits of a bundle card; a limit that it does not state keeps its default."""
        known = {field.name for field in fields(cls)}
        stated = {name: value for name, value in in_domain.items() if name in known}
        return cls(**{name: float(value) for name, value in stated.items()})


DEFAULT_LIMITS = QualityLimits()


def measure(view: FaceView) -> FaceQuality:
    """Measure one view. Raises EmptyBoxError when the face box has no area inside the view."""
    grey = _face_luma(view)
    small = _shrunk(grey)
    x0, y0, x1, y1 = (float(value) for value in view.frame_box_px)
    size_px = max(0.0, min(x1 - x0, y1 - y0))
    sharpness = sharpness_of(small)
    brightness, contrast = float(small.mean()), float(small.std())
    landmark_confidence = _landmark_confidence(view)
    return FaceQuality(
        size_px=size_px,
        sharpness=sharpness,
        brightness=brightness,
        contrast=contrast,
        # A shrunken view has lost its grid: nothing is measured there.
        blockiness=blockiness_of(grey) if view.scale == 1.0 else 0.0,
        landmark_confidence=landmark_confidence,
        score=_score(size_px, sharpness, brightness, contrast, landmark_confidence),
    )


def unusable(quality: FaceQuality, limits: QualityLimits = DEFAULT_LIMITS) -> Reason | None:
    """Why a detector should leave this view out, None when it can be judged.

    Strong compression is no ground to leave a view out: it is stated with the verdict instead.
    """
    q, lim = quality, limits
    checks = (
        (
            q.landmark_confidence < lim.min_landmark_confidence,
            "landmarks_uncertain",
            "The points of the face could not be placed with confidence.",
        ),
        (
            q.size_px < lim.min_face_px,
            "face_too_small",
            f"The face is {q.size_px:.0f} pixels wide; {lim.min_face_px:.0f} are needed.",
        ),
        (q.brightness < lim.min_brightness, "face_too_dark", "The face is too dark to judge."),
        (q.brightness > lim.max_brightness, "face_too_bright", "The face is overexposed."),
        (q.contrast < lim.min_contrast, "face_too_flat", "The face shows hardly any contrast."),
        (q.sharpness < lim.min_sharpness, "face_too_blurred", "The face is too blurred to judge."),
    )
    for fails, code, text in checks:
        if fails:
            return Reason(code, text)
    return None


def why_unusable(view: FaceView, limits: QualityLimits = DEFAULT_LIMITS) -> Reason | None:
    """`unusable` of a view that is yet to be measured; a box without area is a reason too."""
    try:
        return unusable(measure(view), limits)
    except EmptyBoxError:
        return Reason("landmarks_uncertain", "The face has no area inside the frame.")


def _face_luma(view: FaceView) -> Grey:
    """The luma (h, w) in [0, 1] inside the face box."""
    import numpy as np

    height, width = view.rgb.shape[:2]
    if not np.isfinite(view.box_px).all():
        raise EmptyBoxError("The face box holds a value that is not a number.")
    x0, y0 = (max(0, math.floor(float(value))) for value in view.box_px[:2])
    x1, y1 = min(width, math.ceil(float(view.box_px[2]))), min(height, math.ceil(view.box_px[3]))
    if x1 - x0 < 2 or y1 - y0 < 2:
        raise EmptyBoxError("The face box has no area inside its view.")
    return luma(view.rgb[y0:y1, x0:x1])


def _shrunk(grey: Grey) -> Grey:
    """At most MEASURED_PX on the longer side, so that sharpness compares across sizes."""
    height, width = grey.shape
    scale = MEASURED_PX / max(height, width)
    if scale >= 1.0:
        return grey
    size = (max(2, round(width * scale)), max(2, round(height * scale)))
    return area_mean(area_mean(grey, size[1], axis=0), size[0], axis=1)


def sharpness_of(grey: Grey) -> float:
    """One minus the blur effect (Crete et al., 2007, "The blur effect", SPIE 6492).

    Blurring a sharp picture once more changes its neighbour differences much, blurring a blurred
    one changes them little; the ratio does not depend on contrast.
    """
    import numpy as np

    # The steps of 8-bit levels would pass for detail in a strongly blurred picture.
    kernel = gaussian_kernel(LEVEL_STEPS_SIGMA_PX)
    grey = smoothed(smoothed(grey, kernel, axis=0), kernel, axis=1)
    box = np.full(BLUR_TAPS, 1 / BLUR_TAPS, np.float32)
    found = []
    for axis in (0, 1):
        before = np.abs(np.diff(grey, axis=axis))
        after = np.abs(np.diff(smoothed(grey, box, axis), axis=axis))
        total = float(before.sum())
        found.append(float(np.maximum(0.0, before - after).sum()) / total if total > 0 else 0.0)
    return min(found)


def blockiness_of(grey: Grey) -> float:
    """How much the steps across an 8-pixel grid exceed the others; the grid's phase is searched.

    After Wang, Sheikh and Bovik (2002): here the excess of the strongest phase over the median
    phase, relative to the median, and the weaker of the two directions.
    """
    import numpy as np

    found = []
    for axis in (0, 1):
        steps = np.abs(np.diff(grey, axis=axis)).mean(axis=1 - axis)
        if len(steps) < 3 * BLOCK_PX:
            return 0.0
        phases = np.array([steps[phase::BLOCK_PX].mean() for phase in range(BLOCK_PX)])
        middle = float(np.median(phases))
        found.append((float(phases.max()) - middle) / middle if middle > 0 else 0.0)
    return min(found)


def _landmark_confidence(view: FaceView) -> float:
    import numpy as np

    box, points = view.box_px, view.landmarks_px
    margin = 0.25 * np.maximum(box[2:] - box[:2], 0.0)
    inside = (points >= box[:2] - margin) & (points <= box[2:] + margin)
    score = float(view.score) if math.isfinite(view.score) else 0.0
    return max(0.0, min(1.0, score)) * float(inside.all(axis=1).mean())


def _score(
    size_px: float, sharpness: float, brightness: float, contrast: float, landmarks: float
) -> float:
    lim = DEFAULT_LIMITS
    ramps = (
        (size_px, lim.min_face_px, 112.0),
        (sharpness, lim.min_sharpness, 0.30),
        (brightness, lim.min_brightness, 0.30),
        (1.0 - brightness, 1.0 - lim.max_brightness, 0.25),
        (contrast, lim.min_contrast, 0.12),
        (landmarks, lim.min_landmark_confidence, 0.95),
    )
    return min(max(0.0, min(1.0, (value - low) / (high - low))) for value, low, high in ramps)
