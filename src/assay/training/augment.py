"""What training does to a face before it is cut, by the chains that the papers name.

A chain draws its steps from a generator and applies them to the loose view, so that
`inputs.face.prepare` stays the one hand that cuts; it never learns the label. The steps are written
anew on numpy and OpenCV; their ranges are those of the papers' published settings.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from difflib import get_close_matches

import numpy as np

from assay.errors import ConfigError
from assay.media.resample import resaved
from assay.types import Array, FaceView

Random = np.random.Generator
Chain = Callable[[FaceView, Random], FaceView]
LEAST_PX = 8


def chain_named(name: str) -> Chain:
    """The chain of that name. Raises ConfigError naming the nearest."""
    if name not in CHAINS:
        near = get_close_matches(name, CHAINS, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else ""
        raise ConfigError(
            f"There is no chain of augmentation {name!r}; there are: {', '.join(CHAINS)}.",
            remedy=hint,
        )
    return CHAINS[name]


def unchanged(view: FaceView, rng: Random) -> FaceView:
    """The view as it is."""
    return view


def flipped_at_random(view: FaceView, rng: Random) -> FaceView:
    """Mirrored every second time."""
    return mirrored(view) if rng.random() < 0.5 else view


def icpr2020(view: FaceView, rng: Random) -> FaceView:
    """Bonettini et al., "Video Face Manipulation Detection Through Ensemble of CNNs", ICPR 2020:
    half size, mirror, brightness or hue, grain or noise, smaller and back, JPEG 50 to 99."""
    rgb = view.rgb
    if rng.random() < 0.5:
        rgb = coarsened(rgb, 0.5)
    view = flipped_at_random(replace(view, rgb=rgb), rng)
    rgb = _one_of(view.rgb, rng, (_brightness_contrast, _hue_saturation))
    rgb = _one_of(rgb, rng, (_grain, _noise))
    if rng.random() < 0.5:
        rgb = coarsened(rgb, float(rng.uniform(0.7, 0.9)))
    if rng.random() < 0.5:
        rgb = resaved(rgb, int(rng.integers(50, 100)))
    return replace(view, rgb=rgb)


def coccomini(view: FaceView, rng: Random) -> FaceView:
    """Coccomini et al., "Combining EfficientNet and Vision Transformers for Video Deepfake
    Detection", ICIAP 2022: JPEG 60 to 100, noise, mirror, colour, grey, moved and turned.

    Its isotropic resize with padding is the crop's own resize here.
    """
    rgb = view.rgb
    if rng.random() < 0.2:
        rgb = resaved(rgb, int(rng.integers(60, 101)))
    if rng.random() < 0.3:
        rgb = _noise(rgb, rng)
    view = flipped_at_random(replace(view, rgb=rgb), rng)
    rgb = view.rgb
    if rng.random() < 0.4:
        rgb = _one_of(rgb, rng, (_brightness_contrast, _main_colours, _hue_saturation))
    if rng.random() < 0.2:
        rgb = np.repeat(_grey(rgb)[..., None], 3, axis=2)
    view = replace(view, rgb=rgb)
    if rng.random() < 0.5:
        shift, scale = rng.uniform(-0.1, 0.1, 2).tolist(), 1 + rng.uniform(-0.2, 0.2)
        return moved(view, shift, scale, rng.uniform(-5, 5))
    return view


def deepfakebench(view: FaceView, rng: Random) -> FaceView:
    """Yan et al., "DeepfakeBench", NeurIPS 2023: mirror, blur, brightness and contrast each every
    second time, JPEG 40 to 100."""
    view = flipped_at_random(view, rng)
    rgb = view.rgb
    if rng.random() < 0.5:
        rgb = _blur(rgb, rng)
    if rng.random() < 0.5:
        rgb = _brightness_contrast(rgb, rng, 0.1)
    if rng.random() < 0.5:
        rgb = resaved(rgb, int(rng.integers(40, 101)))
    return replace(view, rgb=rgb)


CHAINS: dict[str, Chain] = {
    "none": unchanged,
    "flip": flipped_at_random,
    "icpr2020": icpr2020,
    "coccomini": coccomini,
    "deepfakebench": deepfakebench,
    "sound": unchanged,  # of voices: training.sound_degrade
}


def mirrored(view: FaceView) -> FaceView:
    """Left and right exchanged, with the box; landmarks keep their numbers, so that the left eye's
    then lie on the right."""
    width = view.rgb.shape[1]
    box = view.box_px.copy()
    box[[0, 2]] = width - view.box_px[[2, 0]]
    landmarks = view.landmarks_px.copy()
    landmarks[:, 0] = width - landmarks[:, 0]
    rgb = np.ascontiguousarray(view.rgb[:, ::-1])
    return replace(view, rgb=rgb, box_px=box, landmarks_px=landmarks)


def moved(view: FaceView, shift: Sequence[float], scale: float, turn_degrees: float) -> FaceView:
    """The view turned, scaled and shifted (in shares of its face's side) about its face; the box
    stays where it was, so that the face moves in the crop. Edges repeat."""
    import cv2

    box = view.box_px
    centre = ((float(box[0]) + float(box[2])) / 2, (float(box[1]) + float(box[3])) / 2)
    matrix = np.array(cv2.getRotationMatrix2D(centre, turn_degrees, scale), np.float64)
    matrix[:, 2] += np.array(shift, np.float64) * float(max(box[2:] - box[:2]))
    size = (view.rgb.shape[1], view.rgb.shape[0])
    rgb = cv2.warpAffine(view.rgb, matrix, size, borderMode=cv2.BORDER_REPLICATE)
    landmarks = view.landmarks_px @ matrix[:, :2].T + matrix[:, 2]
    return replace(view, rgb=np.asarray(rgb, np.uint8), landmarks_px=landmarks.astype(np.float32))


def coarsened(rgb: Array, scale: float) -> Array:
    """Shrunk by `scale` and enlarged again to its size: fine detail is gone."""
    import cv2

    height, width = rgb.shape[:2]
    small = (max(LEAST_PX, round(width * scale)), max(LEAST_PX, round(height * scale)))
    shrunk = cv2.resize(rgb, small, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(shrunk, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


Step = Callable[[Array, Random], Array]


def _one_of(rgb: Array, rng: Random, steps: tuple[Step, ...]) -> Array:
    """One of the steps, every second time."""
    step = steps[int(rng.integers(len(steps)))]
    return step(rgb, rng) if rng.random() < 0.5 else rgb


def _brightness_contrast(rgb: Array, rng: Random, most: float = 0.2) -> Array:
    gain, offset = 1 + rng.uniform(-most, most), 255 * rng.uniform(-most, most)
    table = np.clip(np.arange(256) * gain + offset, 0, 255).astype(np.uint8)
    return np.asarray(table[rgb], np.uint8)


def _hue_saturation(rgb: Array, rng: Random) -> Array:
    """Up to 10 of 180 in hue, 30 in saturation, 20 in value."""
    import cv2

    shifts = rng.uniform(-1, 1, 3) * (10, 30, 20)
    hsv = np.asarray(cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2HSV), np.int16)
    shifted = hsv + np.rint(shifts).astype(np.int16)
    shifted[..., 0] %= 180
    legal = np.clip(shifted, 0, 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(legal, cv2.COLOR_HSV2RGB), np.uint8)


def _main_colours(rgb: Array, rng: Random) -> Array:
    """A shift along the main axes of the picture's colours (Krizhevsky et al., 2012)."""
    pixels = rgb.reshape(-1, 3)[::7].astype(np.float64) / 255
    if len(pixels) < 4:
        return rgb
    values, axes = np.linalg.eigh(np.cov(pixels.T))
    # In units of the spread, so that a flat picture is hardly shifted.
    shift = axes @ (rng.normal(0, 0.1, 3) * np.sqrt(np.maximum(values, 0)))
    return np.asarray(np.clip(rgb + 255 * shift, 0, 255), np.uint8)


def _noise(rgb: Array, rng: Random) -> Array:
    """Gaussian noise of 1 to 3 % of full scale."""
    sigma = 255 * rng.uniform(0.01, 0.03)
    noise = rng.normal(0, sigma, rgb.shape).astype(np.float32)
    return np.asarray(np.clip(rgb + noise, 0, 255), np.uint8)


def _grain(rgb: Array, rng: Random) -> Array:
    """A sensor's: more in the dark (Poisson), and a little in colour."""
    strength = rng.uniform(0.1, 0.5)
    grey = rgb.mean(axis=2, dtype=np.float32)
    light = rng.poisson(np.maximum(grey, 1)) - np.maximum(grey, 1)
    colour = rng.normal(0, 255 * 0.02 * strength, rgb.shape)
    return np.asarray(np.clip(rgb + strength * light[..., None] + colour, 0, 255), np.uint8)


def _blur(rgb: Array, rng: Random) -> Array:
    import cv2

    side = int(rng.choice([3, 5, 7]))
    return np.asarray(cv2.GaussianBlur(rgb, (side, side), 0), np.uint8)


def _grey(rgb: Array) -> Array:
    import cv2

    return np.asarray(cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY), np.uint8)
