"""A region removed and filled from what surrounds it.

Source: Telea, "An Image Inpainting Technique Based on the Fast Marching Method", JGT 2004;
Bertalmio et al., "Navier-Stokes, Fluid Dynamics, and Image and Video Inpainting", CVPR 2001 (both
as in OpenCV, Apache-2.0); exemplar patches after Wexler et al. and Barnes et al. (exemplar.py).
"""

from __future__ import annotations

import numpy as np

from assay.training.forgeries.exemplar import fill_by_patches
from assay.training.forgeries.forgery import Forger, Forgery, Subject
from assay.training.forgeries.regions import draw_region, picture_of
from assay.types import Array, FloatArray

WAYS = ("patches", "telea", "navier_stokes")
ODDS = (0.5, 0.25, 0.25)
SIDES = (0.1, 0.35)
# Filling takes time by the region's area: about 2 s for patches over 160 x 160 px.
LARGEST_PX = {"patches": 160, "telea": 400, "navier_stokes": 400}


def inpainting(subject: Subject | None, donor: Subject | None, rng: np.random.Generator) -> Forgery:
    """Remove a box, an ellipse or a blob and fill it in one of `WAYS`; the mask is that region.

    Raises InputError without a picture or below 96 px.
    """
    rgb = picture_of(subject)
    way = str(rng.choice(WAYS, p=ODDS))
    region = draw_region(rgb, rng, SIDES, LARGEST_PX[way])
    fake = filled(rgb, region, way, rng)
    return Forgery(fake, rgb, region, f"inpainting/{way}")


def filled(rgb: Array, region: FloatArray, way: str, rng: np.random.Generator) -> Array:
    """`rgb` (h, w, 3) uint8 with `region` (h, w), where it is above 0, filled anew."""
    import cv2

    hole = region > 0
    if way == "patches":
        return fill_by_patches(rgb, hole, rng)
    flag = {"telea": cv2.INPAINT_TELEA, "navier_stokes": cv2.INPAINT_NS}[way]
    radius = float(rng.uniform(2, 8))
    fake = cv2.inpaint(np.ascontiguousarray(rgb), hole.astype(np.uint8), radius, flag)
    return np.asarray(fake, np.uint8)


FORGER = Forger(
    name="inpainting",
    title="A region removed and filled from its surroundings",
    kind="edited",
    needs="picture",
    source="Telea, JGT 2004; Bertalmio et al., CVPR 2001; Wexler et al., CVPR 2004; "
    "Barnes et al., SIGGRAPH 2009",
    make=inpainting,
)
