"""Statistics of the finest detail, named and in groups: spectra, repeats, colour.

What is measured follows Durall et al. (CVPR 2020, azimuthal spectrum), Frank et al. (ICML 2020,
log-DCT), Marra et al. (MIPR 2019) and Zhang et al. (WIFS 2019, repeats in the residual that
up-sampling leaves), Gallagher and Chen (CVPRW 2008, demosaicing).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.inputs.patch import PatchInput
from assay.inputs.recipe import fingerprint_of
from assay.types import Array, FloatArray

Numbers = NDArray[Any]

GROUPS = {
    "spectrum": "how fast detail falls off towards the finest",
    "cosine": "how detail is shared out among fine patterns",
    "repeats": "patterns that repeat every 2 or 4 pixels, as enlarging leaves them",
    "grain": "how the grain of neighbouring pixels hangs together",
    "colour": "how the grain of the three colours hangs together, as a camera's sensor ties it",
    "jpeg_grid": "the 8-pixel grid of JPEG, which genuine pictures have too; it has no weight",
}
RING_EDGES = np.linspace(0.05, 0.65, 17)
COLOUR_EDGES = (0.05, 0.15, 0.25, 0.35, 0.5)
BLOCK, POOLED = 16, 8
# Rounding to whole levels adds noise of this variance; below it there is nothing to measure.
ROUNDING = 1 / 12
LAGS = ((0, 1), (1, 1), (0, 2), (1, 2), (2, 2), (0, 3), (0, 4))
# Places on the eight-by-eight lattice of periods, each class by (lower, higher) eighth.
LATTICE = {
    "half_axis": ((0, 4),),
    "half_corner": ((4, 4),),
    "quarter_axis": ((0, 2),),
    "quarter_inner": ((2, 2), (2, 4)),
    "grid_axis": ((0, 1), (0, 3)),
    "grid_inner": ((1, 1), (1, 2), (1, 3), (1, 4), (2, 3), (3, 3), (3, 4)),
}
# JPEG's grid lifts all eighths alike: of these, what the others do not have is taken.
APART_FROM = {
    "half_axis": "grid_axis",
    "quarter_axis": "grid_axis",
    "half_corner": "grid_inner",
    "quarter_inner": "grid_inner",
}
GREY_LEVELS = 1.0


class Feature(NamedTuple):
    """One number of a window: its name and the group that it speaks for."""

    name: str
    group: str


def _features() -> tuple[Feature, ...]:
    cells = [(a, b) for a in range(POOLED) for b in range(a, POOLED) if b]
    names = [("spectrum", f"ring_{f:.3f}") for f in RING_EDGES[1:-1]]
    names += [("cosine", f"dct_{a}_{b}") for a, b in cells]
    for kind in ("value", "step"):
        names += [("repeats", f"{kind}_{name}") for name in APART_FROM]
        names += [("jpeg_grid", f"{kind}_{name}") for name in ("grid_axis", "grid_inner")]
    names += [("grain", f"lag_{a}_{b}") for a, b in LAGS]
    names += [("colour", f"tie_{pair}") for pair in ("rg", "gb", "br")]
    names += [("colour", f"grain_{c}_to_g") for c in "rb"]
    names += [("colour", f"mosaic_{c}") for c in "rgb"]
    bands = [f"{low:.2f}" for low, _ in pairwise(COLOUR_EDGES)]
    names += [("colour", f"colour_{pair}_{band}") for pair in ("rg", "bg") for band in bands]
    return tuple(Feature(name, group) for group, name in names)


FEATURES = _features()
NAMES = tuple(feature.name for feature in FEATURES)


@dataclass(frozen=True, slots=True)
class SpectrumInput:
    """How a picture is read: up to `n_windows` windows of `size_px` at its own resolution.

    A picture whose shorter side is under a window is not read: mirroring its edges would add
    repeats of its own. `clip` bounds the residual, in mean absolute values: an edge of the
    scene is not grain. `features` are the numbers, in their order.
    """

    size_px: int = 128
    n_windows: int = 9
    video_frames: int = 6
    video_windows: int = 4
    min_texture: float = 1.0
    clip: float = 2.5
    features: tuple[str, ...] = NAMES

    @property
    def windows(self) -> PatchInput:
        """The recipe that the windows are cut by."""
        return PatchInput(
            size_px=self.size_px,
            n_patches=self.n_windows,
            min_texture=self.min_texture,
            video_frames=self.video_frames,
            video_patches=self.video_windows,
        )

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change when any field changes."""
        return fingerprint_of(self)


def measure_spectrum(windows: Array, recipe: SpectrumInput) -> FloatArray:
    """The features (n, k) of n windows (n, s, s, 3) uint8; NaN where a window has none.

    A grey window has no colour features; one without any grain has none at all.
    """
    if not len(windows):
        return np.zeros((0, len(FEATURES)), np.float32)
    # One window at a time stays in the processor's cache.
    return np.stack([_of_window(window, recipe) for window in windows])


def _of_window(window: Array, recipe: SpectrumInput) -> FloatArray:
    channels = np.ascontiguousarray(window.transpose(2, 0, 1), np.float32)
    residual = _residual(channels, recipe.clip)
    if residual is None:
        return np.full(len(FEATURES), np.nan, np.float32)
    green, grain = channels[1], residual.values[1]
    power = _power(_tapered(green))
    parts = [
        _rings(power),
        _cosines(green),
        _repeats(grain),
        (_repeats(_steps(green, recipe.clip)) + _repeats(_steps(green.T, recipe.clip))) / 2,
        _lags(grain),
        _colours(channels, residual, power),
    ]
    return np.asarray(np.concatenate(parts), np.float32)


class _Residual(NamedTuple):
    """`values` (3, s, s), bounded, in units of each channel's mean; `means` (3,) in levels."""

    values: Numbers
    means: Numbers


def _residual(channels: Numbers, clip: float) -> _Residual | None:
    """What a pixel differs from its neighbourhood by; None where nothing does."""
    across = channels[:, :, 2:] + channels[:, :, :-2] + 2 * channels[:, :, 1:-1]
    around = across[:, 2:] + across[:, :-2] + 2 * across[:, 1:-1]
    inner = channels[:, 1:-1, 1:-1] - around / 16
    means = np.abs(inner).mean(axis=(1, 2))
    if means[1] <= 0:
        return None
    inner = np.clip(inner / np.maximum(means, 1e-3)[:, None, None], -clip, clip)
    values = np.zeros_like(channels)
    values[:, 1:-1, 1:-1] = inner
    return _Residual(values, means)


def _tapered(picture: Numbers) -> Numbers:
    """Faded out towards the edges, which would pass for steps otherwise."""
    return np.asarray((picture - picture.mean()) * _taper(picture.shape[0]))


@lru_cache(maxsize=4)
def _taper(side: int) -> Numbers:
    line = np.hanning(side + 1)[:-1].astype(np.float32)
    return np.asarray(np.outer(line, line))


def _power(picture: Numbers) -> Numbers:
    """Power spectrum (s, s / 2 + 1) per pixel, on top of what rounding adds."""
    found = np.fft.rfft2(picture)
    return np.asarray((found.real**2 + found.imag**2) / picture.size + ROUNDING * 0.14)


@lru_cache(maxsize=8)
def _ring_shares(side: int, edges: tuple[float, ...]) -> Numbers:
    """(s · (s / 2 + 1), n) shares with which a frequency counts in a ring; the lattice of eighths
    is left out, so that grids do not pass for detail."""
    down, across = np.fft.fftfreq(side)[:, None], np.fft.rfftfreq(side)[None]
    off = [np.abs(f * side - np.rint(f * 8) * side / 8) > 1 for f in (down, across)]
    usable = (off[0] | off[1]).ravel()
    radius = np.hypot(down, across).ravel()
    shares = np.zeros((radius.size, len(edges) - 1), np.float32)
    for n, (low, high) in enumerate(pairwise(edges)):
        inside = usable & (radius >= low) & (radius < high)
        shares[inside, n] = 1 / max(inside.sum(), 1)
    return shares


def _rings(power: Numbers) -> Numbers:
    """Mean log power of rings, coarse to fine, against the coarsest (15,)."""
    found = np.log10(power).ravel() @ _ring_shares(power.shape[0], tuple(RING_EDGES))
    return np.asarray(found[1:] - found[0])


@lru_cache(maxsize=1)
def _cosine_basis() -> Numbers:
    k, x = np.arange(BLOCK)[:, None], np.arange(BLOCK)[None]
    basis = np.cos(np.pi * k * (2 * x + 1) / (2 * BLOCK)) * np.sqrt(2 / BLOCK)
    basis[0] /= np.sqrt(2)
    return np.asarray(basis, np.float32)


def _cosines(green: Numbers) -> Numbers:
    """Mean log coefficient of a block's cosine transform in 35 cells of fineness, against their
    mean; both directions count alike."""
    n, basis = green.shape[0] // BLOCK, _cosine_basis()
    blocks = green[: n * BLOCK, : n * BLOCK].reshape(n, BLOCK, n, BLOCK).transpose(0, 2, 1, 3)
    found = np.log(np.abs(basis @ blocks @ basis.T) + 0.5).mean(axis=(0, 1))
    step = BLOCK // POOLED
    cells = (found + found.T).reshape(POOLED, step, POOLED, step).mean(axis=(1, 3)) / 2
    rows, columns = np.triu_indices(POOLED)
    chosen = cells[rows, columns][1:]
    return np.asarray(chosen - chosen.mean())


def _repeats(grain: Numbers) -> Numbers:
    """How far the lattice of eighths stands out of its surroundings, by class (6,): halves and
    quarters as far as JPEG's grid of eights does not explain them, then that grid itself."""
    power = np.log10(_power(grain - grain.mean()))
    points, around = _lattice(grain.shape[0])
    flat = power.ravel()
    excess = flat[points] - flat[around].mean(axis=1)
    found = {name: excess[members].mean() for name, members in _members().items()}
    apart = [found[name] - found[grid] for name, grid in APART_FROM.items()]
    return np.array([*apart, found["grid_axis"], found["grid_inner"]])


def _steps(green: Numbers, clip: float) -> Numbers:
    """How far each pixel lies from its right neighbour, bounded: enlarging makes every other step
    unlike the rest, even where each pixel is as strong as the next (Tan et al., CVPR 2024)."""
    found = np.zeros_like(green)
    found[:, :-1] = np.abs(np.diff(green, axis=1))
    mean = float(found.mean())
    return np.asarray(np.minimum(found / max(mean, 1e-3), clip))


@lru_cache(maxsize=4)
def _lattice(side: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Flat places of the 39 points of the lattice, and of 40 neighbours each."""
    width, step = side // 2 + 1, side // 8
    near = range(-3, 4)
    offsets = [(a, b) for a in near for b in near if max(abs(a), abs(b)) > 1]
    points, around = [], []
    for a, b in _eighths():
        points.append(a * step * width + b * step)
        # The half spectrum goes on mirrored beyond its last column and before its first.
        places = [((a * step + i) % side, b * step + j) for i, j in offsets]
        places = [(y, x) if 0 <= x < width else (-y % side, -x % side) for y, x in places]
        around.append([y * width + x for y, x in places])
    return np.array(points), np.array(around)


def _eighths() -> list[tuple[int, int]]:
    return [(a, b) for a in range(8) for b in range(5) if (a, b) != (0, 0)]


@lru_cache(maxsize=1)
def _members() -> dict[str, NDArray[np.intp]]:
    folded = [(min(a, 8 - a), b) for a, b in _eighths()]
    places = [(min(pair), max(pair)) for pair in folded]
    return {
        name: np.array([i for i, place in enumerate(places) if place in wanted])
        for name, wanted in LATTICE.items()
    }


def _lags(grain: Numbers) -> Numbers:
    """Correlation of the grain with itself, moved by some pixels; mean of the directions (7,)."""
    scale = (grain**2).mean()
    found = [
        np.mean([_moved(grain, a, b), _moved(grain, b, a), _moved(grain, a, -b)]) for a, b in LAGS
    ]
    return np.asarray(np.array(found) / max(scale, 1e-9))


def _moved(grain: Numbers, down: int, across: int) -> float:
    one = grain[down:, max(0, across) : grain.shape[1] + min(0, across)]
    rows = grain.shape[0] - down
    other = grain[:rows, max(0, -across) : grain.shape[1] - max(0, across)]
    return float(np.einsum("ij,ij->", one, other) / one.size)


def _colours(channels: Numbers, residual: _Residual, power: Numbers) -> Numbers:
    """Ties, shares, mosaic and chroma of the three channels (16,); NaN for a grey window."""
    red, green, blue = channels
    differences = (red - green, blue - green)
    n = 3 + 2 + 3 + 2 * (len(COLOUR_EDGES) - 1)
    if max(float(np.std(d)) for d in differences) < GREY_LEVELS:
        return np.full(n, np.nan)
    flat = residual.values.reshape(3, -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    shared = (flat @ flat.T)[[0, 1, 2, 0, 1, 2], [0, 1, 2, 1, 2, 0]]
    ties = shared[3:] / np.sqrt(np.maximum(shared[:3] * shared[[1, 2, 0]], 1e-9))
    means = np.log(np.maximum(residual.means, 1e-3))
    mosaic = [_mosaic(values) for values in residual.values]
    shares = _ring_shares(power.shape[0], COLOUR_EDGES)
    own = np.log10(power).ravel() @ shares
    bands = [np.log10(_power(_tapered(d))).ravel() @ shares - own for d in differences]
    ties = np.arctanh(np.clip(ties, -0.999, 0.999))
    return np.concatenate([ties, means[[0, 2]] - means[1], mosaic, *bands])


def _mosaic(values: Numbers) -> float:
    """How unlike the grain is on the four kinds of place of a two-by-two mosaic, log."""
    strength = np.abs(values[2:-2, 2:-2])
    means = [strength[a::2, b::2].mean() for a in (0, 1) for b in (0, 1)]
    return float(np.log(np.std(means) / max(np.mean(means), 1e-9) + 1e-3))
