"""Ways to put a changed face into a picture; each returns the picture and where it changed.

Sources: Burt and Adelson, "A Multiresolution Spline With Application to Image Mosaics", 1983;
Pérez et al., "Poisson Image Editing", 2003; Reinhard et al., "Color Transfer between Images", 2001.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.types import Array, FloatArray

_PAD = 8


def blend(source: Array, target: Array, mask: FloatArray) -> Array:
    """mask * source + (1 - mask) * target, rounded to uint8."""
    weight = mask[..., None]
    mixed = source.astype(np.float32) * weight + target.astype(np.float32) * (1 - weight)
    return np.asarray(np.clip(mixed + 0.5, 0, 255), np.uint8)


def blend_somehow(
    source: Array, target: Array, mask: FloatArray, rng: np.random.Generator
) -> tuple[Array, FloatArray, str]:
    """By weights, by Poisson's equation or by a pyramid, as drawn: the picture, the mask of the
    change (h, w) in [0, 1], and the way's name."""
    way = rng.random()
    if way < 0.5:
        return blend(source, target, mask), mask, "alpha"
    if way < 0.72:
        return (*blend_poisson(source, target, mask, rng.random() < 0.3), "poisson")
    return (*blend_pyramid(source, target, mask, int(rng.integers(2, 6))), "pyramid")


def blend_poisson(
    source: Array, target: Array, mask: FloatArray, is_mixed: bool
) -> tuple[Array, FloatArray]:
    """The source's gradients with the target's colours at the edge of the mask.

    OpenCV solves over the mask's whole box and lets colours drift outside the mask; a feathered
    mask lays the target back there, so that nothing changes where the returned mask is zero.
    """
    import cv2

    hard = np.pad(np.asarray(mask > 0.3, np.uint8) * 255, _PAD)
    x, y, width, height = cv2.boundingRect(hard)
    if min(width, height) < 16:
        return blend(source, target, mask), mask
    around = ((_PAD, _PAD), (_PAD, _PAD), (0, 0))
    padded = [np.pad(picture, around, mode="symmetric") for picture in (source, target)]
    flag = cv2.MIXED_CLONE if is_mixed else cv2.NORMAL_CLONE
    centre = (x + width // 2, y + height // 2)
    # A copy of the mask: OpenCV 5 writes into the one it is given.
    cloned = cv2.seamlessClone(padded[0], padded[1], hard.copy(), centre, flag)
    inner = np.s_[_PAD:-_PAD, _PAD:-_PAD]
    sigma = max(1.0, 0.02 * max(width, height))
    soft = cv2.GaussianBlur(hard[inner].astype(np.float32) / 255, (0, 0), sigma)
    feather = np.asarray(np.where(soft < 0.004, 0, np.minimum(soft, 1)), np.float32)
    return blend(np.asarray(cloned[inner]), target, feather), feather


def blend_pyramid(
    source: Array, target: Array, mask: FloatArray, n_levels: int
) -> tuple[Array, FloatArray]:
    """Each band of fineness blended over its own width; the mask returned is the bands' mean."""
    import cv2

    # The coarsest band reaches over about an eighth of the picture.
    levels = min(n_levels, max(0, int(np.log2(min(mask.shape))) - 3))
    base = target.astype(np.float32)
    change: Any = source.astype(np.float32) - base
    # Bands of the difference, weighted and summed: the same as blending the bands of both.
    sizes: list[tuple[int, int]] = []
    bands: list[Any] = []
    weights: list[Any] = [np.asarray(mask, np.float32)]
    for _ in range(levels):
        size = (change.shape[1], change.shape[0])
        small = cv2.pyrDown(change)
        bands.append(change - cv2.pyrUp(small, dstsize=size))
        weights.append(cv2.pyrDown(weights[-1]))
        sizes.append(size)
        change = small
    total: Any = change * weights[-1][..., None]
    reach: Any = weights[-1].copy()
    for level in reversed(range(levels)):
        total = cv2.pyrUp(total, dstsize=sizes[level]) + bands[level] * weights[level][..., None]
        reach = cv2.pyrUp(reach, dstsize=sizes[level]) + weights[level]
    reach = np.clip(reach / (levels + 1), 0, 1)
    reach[reach < 0.01] = 0
    total[reach == 0] = 0
    return np.asarray(np.clip(base + total + 0.5, 0, 255), np.uint8), np.asarray(reach, np.float32)


def restore_detail(fake: Array, target: Array, mask: FloatArray, rng: np.random.Generator) -> Array:
    """Sharpen the fake within its mask to about the target's detail (0.5 to 2 times what was
    lost), so that "smoother" does not tell the label."""
    import cv2

    inside = np.asarray(mask > 0.5 * mask.max(), np.uint8)
    spreads = []
    for picture in (fake, target):
        edges = cv2.Laplacian(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), cv2.CV_32F)
        spreads.append(float(cv2.meanStdDev(edges, mask=inside)[1].item()))
    lost = float(np.clip(spreads[1] / max(spreads[0], 0.1) - 1, 0, 1.5))
    amount = lost * float(rng.uniform(0.5, 2.0))
    smooth = cv2.GaussianBlur(fake, (0, 0), 1.0)
    sharp = cv2.addWeighted(fake, 1 + amount, smooth, -amount, 0)
    return blend(np.asarray(sharp, np.uint8), fake, mask / max(float(mask.max()), 1e-6))


def match_colours(source: Array, target: Array, mask: FloatArray) -> Array:
    """Give `source` the target's mean and spread within the mask, in Lab (Reinhard, 2001)."""
    import cv2

    inside = np.asarray(mask > 0.5, np.uint8)
    if not inside.any():
        return source
    own = cv2.cvtColor(source, cv2.COLOR_RGB2LAB)
    wanted = cv2.cvtColor(target, cv2.COLOR_RGB2LAB)
    (mean_a, std_a), (mean_b, std_b) = (cv2.meanStdDev(p, mask=inside) for p in (own, wanted))
    gain = np.clip(std_b / np.maximum(std_a, 1.0), 0.5, 2.0)
    values = np.arange(256, dtype=np.float64)[None, :]
    table = np.clip((values - mean_a) * gain + mean_b + 0.5, 0, 255).astype(np.uint8)
    matched = cv2.LUT(own, np.ascontiguousarray(table.T[None]))
    return np.asarray(cv2.cvtColor(matched, cv2.COLOR_LAB2RGB), np.uint8)


def match_histograms(source: Array, target: Array, mask: FloatArray) -> Array:
    """Give each channel of `source` the target's distribution within the mask."""
    import cv2

    inside = mask > 0.5
    if not inside.any():
        return source
    table = np.empty((1, 256, 3), np.uint8)
    for channel in range(3):
        own, wanted = (
            np.cumsum(np.bincount(p[..., channel][inside], minlength=256)) for p in (source, target)
        )
        table[0, :, channel] = np.clip(np.searchsorted(wanted, own), 0, 255)
    return np.asarray(cv2.LUT(source, table), np.uint8)
