"""Windows of a whole picture at its own resolution: one recipe, one cutter, for training too."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from assay.errors import BundleMismatchError, EmptyBoxError
from assay.inputs.recipe import fingerprint_of
from assay.media.resample import resized
from assay.types import Array, FloatArray

SAMPLED_EVERY = 4
CANDIDATES_ACROSS = 3
# Neighbouring windows overlap by two fifths of a side at most.
LEAST_STEP = 0.6
MOST_OVERLAP = 0.25
LEVEL_FACTOR = 1.6


@dataclass(frozen=True, slots=True)
class PatchInput:
    """How a whole picture is read: up to `n_patches` windows of `size_px`, never resampled.

    A generator's traces lie in the finest detail, which any change of size blurs away. `edges`:
    a picture smaller than a window is mirrored outwards; one whose shorter side is under
    `size_px` / 2 is not read. `min_texture` is the standard deviation (in 8-bit levels) of the
    second difference below which a window counts as flat. `levels` are shorter sides (px): of a
    picture 1.6 times larger than one, an area-shrunk copy of that size is read as well.
    `video_frames` of a video are read, `video_patches` windows in each.
    """

    size_px: int = 224
    n_patches: int = 9
    min_texture: float = 1.0
    edges: str = "mirror"
    shrink: str = "area"
    levels: tuple[int, ...] = ()
    video_frames: int = 6
    video_patches: int = 4

    @classmethod
    def from_card(cls, stored: Mapping[str, Any]) -> PatchInput:
        """The recipe that a bundle's card states; a field that it lacks keeps its default.

        Raises BundleMismatchError on a field or a value that this cutter does not know.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(stored) - known)
        if unknown:
            raise BundleMismatchError(f"The recipe holds unknown fields: {', '.join(unknown)}.")
        values = dict(stored)
        try:
            values["levels"] = tuple(int(level) for level in values.get("levels", ()))
            recipe = cls(**values)
            usable = min(recipe.size_px, recipe.n_patches, recipe.video_patches, 1 << 12) > 0
        except (TypeError, ValueError) as error:
            raise BundleMismatchError(f"The recipe cannot be used: {error}.") from error
        if not usable or (recipe.edges, recipe.shrink) != ("mirror", "area"):
            raise BundleMismatchError(f"The recipe cannot be used: {asdict(recipe)}.")
        return recipe

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change when any field changes."""
        return fingerprint_of(self)

    def require(self, stored: Mapping[str, Any]) -> None:
        """Raise BundleMismatchError naming every field in which `stored` differs."""
        own = json.loads(json.dumps(asdict(self)))
        there = json.loads(json.dumps(dict(stored)))
        differing = [f.name for f in fields(self) if there.get(f.name) != own[f.name]]
        if differing:
            named = ", ".join(f"{n}: {there.get(n)!r} there, {own[n]!r} here" for n in differing)
            raise BundleMismatchError(f"The recipe differs in {named}.")


def cut_patch(rgb: Array, left: int, top: int, recipe: PatchInput) -> Array:
    """One window whose upper left corner lies at (left, top), pixels as they are.

    `rgb` is (h, w, 3) uint8; returns a copy, (size, size, 3) uint8. Where the window leaves the
    picture, the picture is mirrored. Raises EmptyBoxError when it lies wholly outside.
    """
    side = recipe.size_px
    height, width = rgb.shape[:2]
    x0, y0, x1, y1 = max(0, left), max(0, top), min(width, left + side), min(height, top + side)
    if x0 >= x1 or y0 >= y1:
        raise EmptyBoxError(f"The window at {left}, {top} lies outside the picture.")
    part = rgb[y0:y1, x0:x1]
    borders = ((y0 - top, top + side - y1), (x0 - left, left + side - x1), (0, 0))
    if any(map(any, borders)):
        part = np.pad(part, borders, mode="reflect")
    return np.array(part, order="C")


def cut_patches(
    rgb: Array, recipe: PatchInput, n_patches: int | None = None
) -> tuple[Array, FloatArray]:
    """The windows that stand for a picture: (n, size, size, 3) uint8, and boxes_px (n, 4) xyxy.

    Boxes are in the pixels of `rgb`, clipped to it. At most `n_patches` (the recipe's where None)
    a level, fewer of a small picture; none of one that is too small or flat everywhere, which
    `too_small` tells apart. The same picture gives the same windows.
    """
    n = recipe.n_patches if n_patches is None else n_patches
    patches, boxes = [], []
    for level, scale in _levels(rgb, recipe):
        height, width = level.shape[:2]
        for left, top in choose_windows(level, recipe, n):
            patches.append(cut_patch(level, left, top, recipe))
            right, bottom = min(width, left + recipe.size_px), min(height, top + recipe.size_px)
            boxes.append(np.array([max(0, left), max(0, top), right, bottom]) / scale)
    if not patches:
        side = recipe.size_px
        return np.zeros((0, side, side, 3), np.uint8), np.zeros((0, 4), np.float32)
    return np.stack(patches), np.stack(boxes).astype(np.float32)


def too_small(rgb: Array, recipe: PatchInput) -> bool:
    """Whether the shorter side is under half a window: mirroring would invent most of it."""
    return bool(2 * min(rgb.shape[:2]) < recipe.size_px)


def choose_windows(rgb: Array, recipe: PatchInput, n_patches: int) -> list[tuple[int, int]]:
    """Left and top of up to n windows: spread over the picture, texture before flat sky.

    The picture is divided into cells, at most n, and in each the most textured of nine places
    counts; places left over go to the most textured of the rest. The places are moved by a few
    pixels that depend on the picture's size alone, so that they fit no grid of a codec.
    """
    if too_small(rgb, recipe):
        return []
    places = _places(rgb.shape[1], rgb.shape[0], recipe.size_px, n_patches)
    best, others = [], []
    for cell in places:
        rated = sorted(((_texture(rgb, x, y, recipe), x, y) for x, y in cell), reverse=True)
        rated = [place for place in rated if place[0] >= recipe.min_texture]
        best += rated[:1]
        others += rated[1:]
    chosen = [(x, y) for _, x, y in best]
    for _, x, y in sorted(others, reverse=True):
        if len(chosen) >= n_patches:
            break
        if all(_overlap((x, y), other, recipe.size_px) <= MOST_OVERLAP for other in chosen):
            chosen.append((x, y))
    return chosen


def _levels(rgb: Array, recipe: PatchInput) -> Iterator[tuple[Array, float]]:
    """The picture, then each shrunken copy with its scale."""
    yield rgb, 1.0
    height, width = rgb.shape[:2]
    for side in recipe.levels:
        scale = side / min(height, width)
        if scale * LEVEL_FACTOR < 1:
            yield resized(rgb, (round(width * scale), round(height * scale))), scale


def _places(width: int, height: int, side: int, n: int) -> list[list[tuple[int, int]]]:
    """For each cell of the picture, the corners of its candidate windows."""
    n_across = max(1, min(n, _fitting(width, side), round((n * width / height) ** 0.5)))
    n_down = max(1, min(n // n_across, _fitting(height, side)))
    random = np.random.default_rng([width, height])
    across = _corners(width, side, n_across, random)
    down = _corners(height, side, n_down, random)
    return [[(x, y) for y in ys for x in xs] for ys in down for xs in across]


def _fitting(length: int, side: int) -> int:
    return 1 + max(0, int((length - side) / (LEAST_STEP * side)))


def _corners(length: int, side: int, n_cells: int, random: np.random.Generator) -> list[list[int]]:
    """Along one axis, for each cell up to three corners within [0, length - side].

    Those of neighbouring cells lie at least LEAST_STEP of a window apart.
    """
    room = length - side
    if room <= 0:
        return [[-((side - length) // 2)]]
    middles = np.linspace(0, room, n_cells) if n_cells > 1 else np.array([room / 2])
    step = room / (n_cells - 1) if n_cells > 1 else room + LEAST_STEP * side
    slack = max(0.0, (step - LEAST_STEP * side) / 2)
    cells = []
    for middle in middles:
        low, high = max(0.0, middle - slack), min(float(room), middle + slack)
        steps = (np.arange(CANDIDATES_ACROSS) + random.uniform(0.2, 0.8)) / CANDIDATES_ACROSS
        cells.append(sorted({int(low + step * (high - low)) for step in steps}))
    return cells


def _texture(rgb: Array, left: int, top: int, recipe: PatchInput) -> float:
    """Standard deviation of green's second difference, the weaker of both directions.

    Every fourth line is read: a thousand lines of a large picture would cost more than the
    network. Smooth shading has no second difference, however steep it is.
    """
    x0, y0 = max(0, left), max(0, top)
    green = rgb[y0 : top + recipe.size_px, x0 : left + recipe.size_px, 1]
    found = []
    for lines in (green[::SAMPLED_EVERY], green[:, ::SAMPLED_EVERY].T):
        values = lines.astype(np.int16)
        bent = 2 * values[:, 1:-1] - values[:, :-2] - values[:, 2:]
        found.append(float(bent.std()) if bent.size else 0.0)
    return min(found)


def _overlap(one: tuple[int, int], other: tuple[int, int], side: int) -> float:
    """The share of a window that another one covers."""
    shares = [max(0, side - abs(a - b)) / side for a, b in zip(one, other, strict=True)]
    return shares[0] * shares[1]
