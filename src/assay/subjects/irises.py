"""What the two irises of one face show: lamps reflected in them, their outline, their colour.

Both eyes look at the same lamps from nearly the same place, so the reflections agree in a
photograph (Hu, Li and Lyu, "Exposing GAN-generated faces using inconsistent corneal specular
highlights", ICASSP 2021). An iris is round (Guo, Hu, Li and Lyu, "Eyes tell all: irregular pupil
shapes reveal GAN-generated faces", ICASSP 2022; theirs is the pupil, which has no more than six
pixels here). Two irises are of one colour (Matern, Riess and Stamminger, 2019).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assay.media.resample import gaussian_kernel, luma, smoothed
from assay.subjects.eyes import PATCH_PX, PATCH_REACH, IrisPatch
from assay.types import Array, FloatArray

RADIUS_PX = PATCH_PX // 2 / PATCH_REACH
DISC, RIM = 0.85, 0.95
MIN_SEEN_PX = 200  # of the 640 px of a disc: less is a narrow slit between the lids
MIN_HIGHLIGHT = 0.08  # of full white, above the iris
MAX_SHIFT_PX = 4
MIN_CONTRAST = 0.004  # one of 255 levels: less is rounding
# The rim is looked for between these, in iris radii, away from the lids.
RIM_FROM, RIM_TO, RIM_STEPS, RIM_TURNS = 0.6, 1.45, 35, 48
MIN_RIM_STEP, MIN_RIM_POINTS = 0.04, 10
SMOOTHING = gaussian_kernel(1.0)


@dataclass(frozen=True, slots=True)
class Highlights:
    """How the reflections agree: `overlap` in [0, 1] (intersection over union at the best shift
    of up to a quarter radius), `apart` in iris radii (distance of their centroids), `at` (2,)
    their mean place from the iris centre, in radii, x to the viewer's right, y down."""

    overlap: float
    apart: float
    at: FloatArray


def highlights(pair: tuple[IrisPatch, IrisPatch]) -> Highlights | None:
    """Compare the reflections of both eyes; None where an eye shows none, or too little iris."""
    found = [_highlight(patch) for patch in pair]
    if found[0] is None or found[1] is None:
        return None
    (mask, weight), (other_mask, other_weight) = found[0], found[1]
    centres = _centroid(weight), _centroid(other_weight)
    return Highlights(
        overlap=_best_overlap(mask, other_mask),
        apart=float(np.linalg.norm(centres[0] - centres[1])),
        at=np.asarray((centres[0] + centres[1]) / 2, np.float32),
    )


def _highlight(patch: IrisPatch) -> tuple[Array, FloatArray] | None:
    """Where the iris is at least half as bright as its brightest, above its own darker part."""
    grey, disc = luma(patch.rgb), patch.open & (patch.radii < DISC)
    if disc.sum() < MIN_SEEN_PX:
        return None
    above = np.clip(grey - np.quantile(grey[disc], 0.4), 0, None)
    peak = float(np.quantile(above[disc], 0.99))
    if peak < MIN_HIGHLIGHT:
        return None
    mask = (above > peak / 2) & disc
    return mask, np.where(mask, above, 0).astype(np.float32)


def _centroid(weight: FloatArray) -> FloatArray:
    ys, xs = np.mgrid[:PATCH_PX, :PATCH_PX] - PATCH_PX // 2
    total = max(float(weight.sum()), 1e-9)
    place = np.array([(xs * weight).sum(), (ys * weight).sum()]) / total
    return np.asarray(place / RADIUS_PX, np.float32)


def _best_overlap(mask: Array, other: Array) -> float:
    return max(
        float((mask & moved).sum()) / max(float((mask | moved).sum()), 1.0)
        for moved in (np.roll(other, shift, (0, 1)) for shift in _shifts())
    )


def _shifts() -> list[tuple[int, int]]:
    reach = range(-MAX_SHIFT_PX, MAX_SHIFT_PX + 1, 2)
    return [(y, x) for y in reach for x in reach]


def likeness(pair: tuple[IrisPatch, IrisPatch]) -> float | None:
    """The correlation of the two irises' brightness in [-1, 1] at the best shift.

    None where too little of both is seen, or where one has no contrast.
    """
    seen = pair[0].open & pair[1].open & (pair[0].radii < RIM)
    if seen.sum() < MIN_SEEN_PX:
        return None
    first, second = (_smooth(luma(patch.rgb)) for patch in pair)
    wanted = first[seen] - first[seen].mean()
    others = np.stack([np.roll(second, shift, (0, 1))[seen] for shift in _shifts()])
    others -= others.mean(axis=1, keepdims=True)
    if min(float(wanted.std()), float(others.std(axis=1).min())) < MIN_CONTRAST:
        return None
    sizes = np.sqrt((wanted**2).sum() * (others**2).sum(axis=1))
    return float((others @ wanted / sizes).max())


def _smooth(grey: FloatArray) -> FloatArray:
    return smoothed(smoothed(grey, SMOOTHING, 0), SMOOTHING, 1)


@dataclass(frozen=True, slots=True)
class Outline:
    """The circle fitted to an iris's rim: `radius` in the network's iris radii, `roughness` the
    median distance of the rim from it, as a share of the radius."""

    radius: float
    roughness: float


def outline(patch: IrisPatch) -> Outline | None:
    """Fit a circle to where brightness rises most along each ray (Kåsa, 1976), lids left out.

    None where fewer than ten rays show a rise.
    """
    turns = np.linspace(0, 2 * np.pi, RIM_TURNS, endpoint=False)
    steps = np.linspace(RIM_FROM, RIM_TO, RIM_STEPS)
    directions = np.stack([np.cos(turns), np.sin(turns)], axis=1)
    places = directions[:, None] * steps[:, None] * RADIUS_PX + PATCH_PX // 2
    xs, ys = np.clip(np.rint(places), 0, PATCH_PX - 1).astype(int).transpose(2, 0, 1)
    grey, seen = _smooth(luma(patch.rgb))[ys, xs], patch.open[ys, xs]
    rise = np.where(seen[:, 4:] & seen[:, :-4], grey[:, 4:] - grey[:, :-4], -1.0)
    kept = (rise.max(axis=1) > MIN_RIM_STEP) & (np.abs(directions[:, 0]) > 0.5)
    if kept.sum() < MIN_RIM_POINTS:
        return None
    points = directions[kept] * steps[rise.argmax(axis=1) + 2][kept, None]
    system = np.column_stack([points, np.ones(len(points))])
    a, b, c = np.linalg.lstsq(system, (points**2).sum(axis=1), rcond=None)[0]
    radius = float(np.sqrt(max(c + (a * a + b * b) / 4, 1e-6)))
    off = np.abs(np.hypot(points[:, 0] - a / 2, points[:, 1] - b / 2) - radius)
    return Outline(radius, float(np.median(off)) / radius)


def colours(pair: tuple[IrisPatch, IrisPatch]) -> FloatArray | None:
    """The mean log colours (2, 3) of both irises, pupil and reflections left out; None where too
    little iris is seen."""
    means = []
    for patch in pair:
        seen = patch.open & (patch.radii > 0.45) & (patch.radii < DISC)
        if seen.sum() < MIN_SEEN_PX // 4:
            return None
        grey = luma(patch.rgb)
        seen &= grey <= np.quantile(grey[seen], 0.8)
        means.append(np.log(patch.rgb[seen].astype(np.float64).mean(axis=0) + 4.0))
    return np.asarray(means, np.float32)
