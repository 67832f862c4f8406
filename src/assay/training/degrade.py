"""The same degradation for a genuine picture and its forgery: one draw, applied to both."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from assay.media.resample import resaved
from assay.types import Array

Step = Callable[[Array], Array]


@dataclass(frozen=True, slots=True)
class Degradation:
    """A drawn list of steps; call it on each picture of a pair. `scale` is the resize it holds."""

    steps: tuple[Step, ...]
    scale: float

    def __call__(self, rgb: Array) -> Array:
        """The degraded copy."""
        for step in self.steps:
            rgb = step(rgb)
        return rgb


@dataclass(frozen=True, slots=True)
class Odds:
    """How often a step is drawn, and the lowest JPEG quality."""

    resize: float
    jpeg: float
    jpeg_from: int
    h264: float
    round_trip: float = 0.0
    webp: float = 0.0


def draw_degradation(rng: np.random.Generator, side_px: float) -> Degradation:
    """Draw colour, noise, blur, resize, JPEG and H.264 steps for one pair of faces.

    `side_px` is the face's size: it is never shrunk below 56 px.
    """
    least = min(1.0, max(0.25, 56 / max(side_px, 1.0)))
    return _drawn(rng, (least, 1.0), Odds(resize=0.45, jpeg=0.6, jpeg_from=35, h264=0.2))


def draw_picture_degradation(
    rng: np.random.Generator, scales: tuple[float, float], jpeg_share: float
) -> Degradation:
    """The same for a pair of whole pictures, resized by a factor within `scales`; some as WebP,
    which is what many pages show now."""
    odds = Odds(resize=0.5, jpeg=jpeg_share, jpeg_from=45, h264=0.08, round_trip=0.15, webp=0.12)
    return _drawn(rng, scales, odds)


def _drawn(rng: np.random.Generator, scales: tuple[float, float], odds: Odds) -> Degradation:
    steps: list[Step] = [_colour(rng)]
    if rng.random() < 0.08:
        steps.append(_grey)
    if rng.random() < 0.2:
        steps.append(_blur(float(rng.uniform(0.3, 1.4))))
    scale = 1.0
    if rng.random() < odds.round_trip:
        steps.append(_round_trip(float(rng.uniform(0.3, 0.8)), rng))
    if rng.random() < odds.resize:
        scale = float(rng.uniform(*scales))
        steps.append(_resize(scale, rng))
    if rng.random() < 0.15:
        steps.append(_noise(float(rng.uniform(1, 8)), int(rng.integers(1 << 31))))
    if rng.random() < 0.1:
        steps.append(_sharpen(float(rng.uniform(0.2, 0.8))))
    if rng.random() < odds.h264:
        steps.append(_h264(int(rng.integers(18, 38))))
    # Where it is off nothing is drawn either: faces are degraded as they always were.
    if odds.webp and rng.random() < odds.webp:
        steps.append(_webp(int(rng.integers(40, 96))))
    if rng.random() < odds.jpeg:
        steps.append(_jpeg(int(rng.integers(odds.jpeg_from, 99))))
    return Degradation(tuple(steps), scale)


def _colour(rng: np.random.Generator) -> Step:
    table = np.arange(256, dtype=np.float64)
    if rng.random() < 0.5:
        gain, offset = rng.uniform(0.75, 1.25), rng.uniform(-30, 30)
        table = (table - 128) * gain + 128 + offset
    if rng.random() < 0.3:
        table = 255 * (np.clip(table, 0, 255) / 255) ** rng.uniform(0.7, 1.4)
    shift = rng.uniform(-15, 15, 3) if rng.random() < 0.3 else np.zeros(3)
    tables = np.clip(table[:, None] + shift, 0, 255).astype(np.uint8)

    def apply(rgb: Array) -> Array:
        return np.stack([tables[rgb[..., c], c] for c in range(3)], axis=-1)

    return apply


def _grey(rgb: Array) -> Array:
    import cv2

    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    return np.repeat(np.asarray(grey, np.uint8)[..., None], 3, axis=2)


def _blur(sigma: float) -> Step:
    import cv2

    return lambda rgb: np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma), np.uint8)


def _resize(scale: float, rng: np.random.Generator) -> Step:
    import cv2

    way = int(rng.choice([cv2.INTER_AREA, cv2.INTER_LINEAR, cv2.INTER_CUBIC], p=[0.6, 0.2, 0.2]))

    def apply(rgb: Array) -> Array:
        size = (max(8, round(rgb.shape[1] * scale)), max(8, round(rgb.shape[0] * scale)))
        return np.asarray(cv2.resize(rgb, size, interpolation=way), np.uint8)

    return apply


def _round_trip(scale: float, rng: np.random.Generator) -> Step:
    """Shrunk and enlarged again by plain filters: soft, and yet no network drew it."""
    import cv2

    up = int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4]))

    def apply(rgb: Array) -> Array:
        size = (max(8, round(rgb.shape[1] * scale)), max(8, round(rgb.shape[0] * scale)))
        small = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA)
        whole = (rgb.shape[1], rgb.shape[0])
        return np.asarray(cv2.resize(small, whole, interpolation=up), np.uint8)

    return apply


def _noise(sigma: float, seed: int) -> Step:
    def apply(rgb: Array) -> Array:
        # The same grain on both pictures of the pair.
        grain = np.random.default_rng(seed).normal(0, sigma, rgb.shape).astype(np.float32)
        return np.asarray(np.clip(rgb + grain, 0, 255), np.uint8)

    return apply


def _sharpen(amount: float) -> Step:
    import cv2

    def apply(rgb: Array) -> Array:
        smooth = cv2.GaussianBlur(rgb, (0, 0), 1.2)
        return np.asarray(cv2.addWeighted(rgb, 1 + amount, smooth, -amount, 0), np.uint8)

    return apply


def _jpeg(quality: int) -> Step:
    return lambda rgb: resaved(rgb, quality)


def _webp(quality: int) -> Step:
    import cv2

    def apply(rgb: Array) -> Array:
        bgr = np.ascontiguousarray(rgb[..., ::-1])
        _, data = cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, quality])
        back = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        return np.ascontiguousarray(np.asarray(back, np.uint8)[..., ::-1])

    return apply


def _h264(crf: int) -> Step:
    return lambda rgb: h264_round_trip(rgb, crf)


def h264_round_trip(rgb: Array, crf: int) -> Array:
    """One picture through H.264 at that constant rate factor, as a key frame."""
    import av

    height, width = rgb.shape[0] & ~1, rgb.shape[1] & ~1
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height = width, height
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = Fraction(1, 25)
    encoder.thread_count = 1
    encoder.options = {"crf": str(crf), "preset": "veryfast", "tune": "zerolatency"}
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb[:height, :width]), format="rgb24")
    packets = encoder.encode(frame) + encoder.encode(None)
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    frames = [f for packet in packets for f in decoder.decode(packet)] + decoder.decode(None)
    out = rgb.copy()
    out[:height, :width] = frames[0].to_ndarray(format="rgb24")
    return out
