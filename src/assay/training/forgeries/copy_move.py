"""A region of the picture copied to another place in the same picture.

Source: the oldest edit there is; its kinds follow Christlein et al., "An Evaluation of Popular
Copy-Move Forgery Detection Approaches", IEEE TIFS 2012 (turned, scaled, soft edges), with
Poisson blending after Perez et al., "Poisson Image Editing", SIGGRAPH 2003.
"""

from __future__ import annotations

import numpy as np

from assay.errors import InputError
from assay.training.forgeries.blending import blend, blend_poisson
from assay.training.forgeries.forgery import Forger, Forgery, Subject
from assay.training.forgeries.regions import draw_region, picture_of
from assay.types import Array, FloatArray

SIDES = (0.12, 0.38)
LARGEST_PX = 640
EDGES = ("hard", "soft", "poisson")
EDGE_ODDS = (0.25, 0.45, 0.3)
# The copy may cover this share of its own source: less is seen as a copy, more as a smear.
OVERLAP_LIMIT = 0.1
TRIES = 40


def copy_move(subject: Subject | None, donor: Subject | None, rng: np.random.Generator) -> Forgery:
    """Copy a region elsewhere, at times scaled, turned or mirrored, with one of three edges.

    The mask marks the pasted place alone: the source region stays as it was and is genuine.
    Raises InputError without a picture, below 96 px, or when no second place was found.
    """
    import cv2

    rgb = picture_of(subject)
    region = draw_region(rgb, rng, SIDES, LARGEST_PX)
    matrix, pasted = _second_place(region, rng)
    height, width = region.shape
    way = int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4]))
    moved = cv2.warpAffine(rgb, matrix, (width, height), flags=way, borderMode=cv2.BORDER_REFLECT)
    edge = str(rng.choice(EDGES, p=EDGE_ODDS))
    fake, mask = _paste(np.asarray(moved, np.uint8), rgb, pasted, edge, rng)
    return Forgery(fake, rgb, mask, f"copy_move/{edge}")


def _second_place(region: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """The matrix (2, 3) from source to pasted place, and that place, (h, w) float32 of 0 and 1."""
    import cv2

    height, width = region.shape
    for _ in range(TRIES):
        matrix = _movement(region, rng)
        place = cv2.warpAffine(region, matrix, (width, height), flags=cv2.INTER_NEAREST)
        whole = _lies_within(matrix, region)
        if whole and (place * region).sum() <= OVERLAP_LIMIT * place.sum():
            return matrix, np.asarray(place, np.float32)
    raise InputError("No second place was found for the copied region.")


def _movement(region: FloatArray, rng: np.random.Generator) -> FloatArray:
    import cv2

    rows, columns = np.nonzero(region)
    x, y = float(columns.mean()), float(rows.mean())
    # Not below 0.85: a warp has no area filter, and would sharpen the copy.
    scale = float(rng.uniform(0.85, 1.25)) if rng.random() < 0.4 else 1.0
    angle = float(rng.uniform(-15, 15)) if rng.random() < 0.4 else 0.0
    matrix = np.asarray(cv2.getRotationMatrix2D((x, y), angle, scale), np.float64)
    if rng.random() < 0.15:
        matrix = matrix @ np.array([[-1, 0, 2 * x], [0, 1, 0], [0, 0, 1]])
    # Whole pixels: a copy that is neither turned nor scaled is exact.
    target = np.array([rng.integers(0, region.shape[1]), rng.integers(0, region.shape[0])])
    matrix[:, 2] += target - np.rint([x, y])
    return np.asarray(matrix, np.float32)


def _lies_within(matrix: FloatArray, region: FloatArray) -> bool:
    rows, columns = np.nonzero(region)
    xs, ys = (columns.min(), columns.max()), (rows.min(), rows.max())
    corners = np.array([(a, b, 1) for a in xs for b in ys]) @ matrix.T
    limit = np.array(region.shape[::-1]) - 3
    return bool((corners >= 2).all() and (corners <= limit).all())


def _paste(
    moved: Array, rgb: Array, place: FloatArray, edge: str, rng: np.random.Generator
) -> tuple[Array, FloatArray]:
    """The forged picture and the mask of what was pasted."""
    import cv2

    if edge == "soft":
        sigma = float(rng.uniform(0.8, 4.0))
        inner = cv2.GaussianBlur(cv2.erode(place, np.ones((3, 3))), (0, 0), sigma)
        place = np.asarray(np.minimum(inner, 1), np.float32) * place
    if edge == "poisson":
        return blend_poisson(moved, rgb, place, is_mixed=False)
    return blend(moved, rgb, place), place


FORGER = Forger(
    name="copy_move",
    title="A region copied elsewhere in the same picture",
    kind="edited",
    needs="picture",
    source="Christlein et al., IEEE TIFS 2012; Perez et al., SIGGRAPH 2003",
    make=copy_move,
)
