"""One local edit of a picture, of a known kind, with the place that it was copied from.

For measuring the file forensics: seven kinds of edit that each leave another trace. Sources:
Christlein et al., "An Evaluation of Popular Copy-Move Forgery Detection Approaches", IEEE TIFS
2012; Farid, "Exposing Digital Forgeries from JPEG Ghosts", IEEE TIFS 2009 (parts of another
quality or grid); Popescu and Farid, "Exposing Digital Forgeries by Detecting Traces of
Resampling", IEEE TSP 2005; Perez et al., "Poisson Image Editing", SIGGRAPH 2003.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from assay.errors import InputError
from assay.training.forgeries.blending import blend, blend_poisson
from assay.training.forgeries.forgery import Forger, Forgery, Subject
from assay.training.forgeries.inpainting import filled
from assay.training.forgeries.regions import draw_region, picture_of
from assay.types import Array, FloatArray

SIDES = (0.14, 0.5)
LARGEST_PX = 640
SHARES = (0.01, 0.2)
"""A region covers from 1 to 20 % of the picture."""
TRIES = 60
SCALES, TURNS_DEG = (1.05, 1.6), (3.0, 40.0)
QUALITIES = (35, 75)
PATCHES_LARGEST_PX = 110


@dataclass(frozen=True, slots=True)
class LocalEdit:
    """`fake` (h, w, 3) uint8; `mask` (h, w) float32 in [0, 1] of what was changed; `source` (h, w)
    of what was copied from within the picture, zero where nothing was; `note` says how."""

    fake: Array
    mask: FloatArray
    source: FloatArray
    note: str


Edit = Callable[[Array, Array | None, np.random.Generator], LocalEdit]


def splice(rgb: Array, donor: Array | None, rng: np.random.Generator) -> LocalEdit:
    """A region of another picture, with a hard, a soft or a Poisson edge.

    Raises InputError without another picture, or where it is smaller than the region.
    """
    if donor is None:
        raise InputError("A splice needs a second picture.")
    region = region_of(rgb, rng)
    y0, y1, x0, x1 = _bounds(region)
    (height, width), (rows, columns) = (y1 - y0, x1 - x0), donor.shape[:2]
    if height > rows or width > columns:
        raise InputError("The second picture is smaller than the region.")
    y, x = int(rng.integers(rows - height + 1)), int(rng.integers(columns - width + 1))
    pasted = rgb.copy()
    pasted[y0:y1, x0:x1] = donor[y : y + height, x : x + width]
    edge = str(rng.choice(("hard", "soft", "poisson"), p=(0.4, 0.4, 0.2)))
    fake, mask = _pasted(pasted, rgb, region, edge, rng)
    return _edit(fake, mask, f"{edge} edge")


def copy_move(rgb: Array, donor: Array | None, rng: np.random.Generator) -> LocalEdit:
    """A region copied elsewhere in the picture: as it is, turned or scaled; soft or hard edge.

    Raises InputError when no second place was found.
    """
    import cv2

    height, width = rgb.shape[:2]
    way = str(rng.choice(("plain", "rotated", "scaled"), p=(0.5, 0.25, 0.25)))
    for _ in range(TRIES):
        region = region_of(rgb, rng)
        matrix = _movement(region, way, rng)
        place = np.asarray(cv2.warpAffine(region, matrix, (width, height), flags=0), np.float32)
        whole = place[2:-2, 2:-2].sum() == place.sum() and _share_fits(place)
        # A place cut off by the picture's edge holds less than the region scaled by the matrix.
        grown = float(np.linalg.det(matrix[:, :2].astype(float)))
        if whole and place.sum() > 0.97 * grown * region.sum() and not (place * region).any():
            moved = cv2.warpAffine(rgb, matrix, (width, height), flags=cv2.INTER_CUBIC)
            edge = str(rng.choice(("hard", "soft")))
            fake, mask = _pasted(np.asarray(moved, np.uint8), rgb, place, edge, rng)
            return LocalEdit(fake, mask, region, f"{way}, {edge} edge")
    raise InputError("No second place was found for the copied region.")


def resave(rgb: Array, donor: Array | None, rng: np.random.Generator) -> LocalEdit:
    """A region saved as JPEG once more, at a low quality on the same grid or on a shifted one."""
    region = region_of(rgb, rng)
    quality = int(rng.integers(QUALITIES[0], QUALITIES[1] + 1))
    y, x = (int(step) for step in rng.integers(0, 8, 2)) if rng.random() < 0.5 else (0, 0)
    saved = rgb.copy()
    saved[y:, x:] = _through_jpeg(rgb[y:, x:], quality)
    return _edit(blend(saved, rgb, region), region, f"q{quality}, grid {x} {y}")


def inpainting(rgb: Array, donor: Array | None, rng: np.random.Generator) -> LocalEdit:
    """A region filled from its surroundings: fast marching, Navier-Stokes or patches."""
    way = str(rng.choice(("telea", "navier_stokes", "patches"), p=(0.4, 0.3, 0.3)))
    region = region_of(rgb, rng, PATCHES_LARGEST_PX if way == "patches" else 320)
    return _edit(filled(rgb, region, way, rng), region, way)


def resampled(rgb: Array, donor: Array | None, rng: np.random.Generator) -> LocalEdit:
    """What lies in a region enlarged 1.05 to 1.6 times or turned 3 to 40 degrees, in its place."""
    import cv2

    region = region_of(rgb, rng)
    rows, columns = np.nonzero(region)
    middle = float(columns.mean()), float(rows.mean())
    scale, angle = 1.0, 0.0
    if rng.random() < 0.65:
        scale = float(rng.uniform(*SCALES))
    else:
        angle = float(rng.uniform(*TURNS_DEG) * rng.choice((-1, 1)))
    flag = int(rng.choice([cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4]))
    matrix = cv2.getRotationMatrix2D(middle, angle, scale)
    size = (rgb.shape[1], rgb.shape[0])
    moved = cv2.warpAffine(rgb, matrix, size, flags=flag, borderMode=cv2.BORDER_REFLECT)
    edge = str(rng.choice(("hard", "soft")))
    fake, mask = _pasted(np.asarray(moved, np.uint8), rgb, region, edge, rng)
    return _edit(fake, mask, f"scale {scale:.3f}, turned {angle:.1f}, filter {flag}, {edge} edge")


def retouch(rgb: Array, donor: Array | None, rng: np.random.Generator) -> LocalEdit:
    """A region blurred, brightened or sharpened, with a soft or a hard edge."""
    import cv2

    region, way = region_of(rgb, rng), str(rng.choice(("blur", "brighten", "sharpen")))
    values = rgb.astype(np.float32)
    if way == "brighten":
        changed, amount = values, float(rng.uniform(1.12, 1.4))
        changed = values * amount + float(rng.uniform(0, 12))
    else:
        amount = float(rng.uniform(0.8, 2.4))
        smooth = np.asarray(cv2.GaussianBlur(values, (0, 0), amount), np.float32)
        changed = smooth if way == "blur" else values + amount * (values - smooth)
    edge = str(rng.choice(("hard", "soft")))
    whole = np.asarray(np.clip(changed + 0.5, 0, 255), np.uint8)
    fake, mask = _pasted(whole, rgb, region, edge, rng)
    return _edit(fake, mask, f"{way} {amount:.2f}, {edge} edge")


EDITS: dict[str, Edit] = {
    "splice": splice,
    "copy_move": copy_move,
    "resave": resave,
    "inpainting": inpainting,
    "resampled": resampled,
    "retouch": retouch,
}


def edit(kind: str, rgb: Array, donor: Array | None, rng: np.random.Generator) -> LocalEdit:
    """`rgb` (h, w, 3) uint8 with one edit of `EDITS`; `donor` lends a splice its region.

    Raises KeyError for an unknown kind, InputError where it cannot be done.
    """
    return EDITS[kind](rgb, donor, rng)


def region_of(rgb: Array, rng: np.random.Generator, largest_px: int = LARGEST_PX) -> FloatArray:
    """A region (h, w) of 0 and 1 that covers 1 to 20 % of the picture.

    Raises InputError where none is found: where `largest_px` is too little of a large picture.
    """
    for _ in range(TRIES):
        region = draw_region(rgb, rng, SIDES, largest_px)
        if _share_fits(region):
            return region
    raise InputError("No region of 1 to 20 % of the picture was found.")


def _share_fits(region: FloatArray) -> bool:
    return SHARES[0] <= float((region > 0).mean()) <= SHARES[1]


def _bounds(region: FloatArray) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero(region)
    return int(rows.min()), int(rows.max()) + 1, int(columns.min()), int(columns.max()) + 1


def _movement(region: FloatArray, way: str, rng: np.random.Generator) -> FloatArray:
    """The matrix (2, 3) that moves the region to a random place, turned or scaled about it."""
    import cv2

    rows, columns = np.nonzero(region)
    middle = np.array([columns.mean(), rows.mean()])
    scale = float(rng.uniform(1.05, 1.4)) if way == "scaled" else 1.0
    angle = float(rng.uniform(*TURNS_DEG)) if way == "rotated" else 0.0
    turned = cv2.getRotationMatrix2D((float(middle[0]), float(middle[1])), angle, scale)
    matrix = np.asarray(turned, np.float64)
    target = rng.integers(0, region.shape[::-1])
    # By whole pixels: a copy that is neither turned nor scaled is exact.
    matrix[:, 2] += target - np.rint(middle)
    return np.asarray(matrix, np.float32)


def _pasted(
    changed: Array, rgb: Array, region: FloatArray, edge: str, rng: np.random.Generator
) -> tuple[Array, FloatArray]:
    """`changed` in the region of `rgb`, and the mask of what was changed."""
    import cv2

    if edge == "poisson":
        return blend_poisson(changed, rgb, region, is_mixed=False)
    if edge == "soft":
        sigma = float(rng.uniform(0.8, 3.0))
        inner = cv2.GaussianBlur(cv2.erode(region, np.ones((3, 3))), (0, 0), sigma)
        region = np.asarray(np.minimum(inner, 1), np.float32) * region
    return blend(changed, rgb, region), region


def _edit(fake: Array, mask: FloatArray, note: str) -> LocalEdit:
    return LocalEdit(fake, mask, np.zeros_like(mask), note)


def _through_jpeg(rgb: Array, quality: int) -> Array:
    from PIL import Image

    store = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(rgb)).save(store, "JPEG", quality=quality, subsampling=0)
    with Image.open(store) as saved:
        return np.asarray(saved.convert("RGB"), np.uint8)


def local_edits(
    subject: Subject | None, donor: Subject | None, rng: np.random.Generator
) -> Forgery:
    """One edit of any kind, as drawn; a splice only where there is a donor.

    Raises InputError without a picture, below 96 px, or where the edit finds no place.
    """
    rgb = picture_of(subject)
    kinds = [kind for kind in EDITS if kind != "splice" or donor is not None]
    kind = str(rng.choice(kinds))
    made = edit(kind, rgb, None if donor is None else donor.rgb, rng)
    return Forgery(made.fake, rgb, made.mask, f"local_edits/{kind}: {made.note}")


FORGER = Forger(
    name="local_edits",
    title="One local edit: copied, saved again, filled, resampled or retouched",
    kind="edited",
    needs="picture",
    source="Christlein et al., IEEE TIFS 2012; Farid, IEEE TIFS 2009; Popescu and Farid, IEEE TSP "
    "2005; Perez et al., SIGGRAPH 2003",
    make=local_edits,
)
