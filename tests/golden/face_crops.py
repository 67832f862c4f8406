"""Face crops as they were when checked; a difference means that training and cards are void.

`python -m tests.golden.face_crops` writes them anew: only together with new bundles.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from assay.inputs.face import FaceInput, crop_face
from assay.types import Array, FloatArray

STORED = Path(__file__).with_suffix(".npz")
RECIPES = {
    "default": FaceInput(),
    "face_blending": FaceInput(size_px=224, scale=1.25),
    "small": FaceInput(size_px=64, scale=1.0),
}
BOXES: dict[str, tuple[float, float, float, float]] = {
    "shrunk": (60, 80, 360, 400),
    "enlarged": (200, 150, 260, 215),
    "as_it_is": (120.4, 130.6, 280.1, 290.3),
    "leaves_the_top_left": (-40, -30, 110, 130),
    "leaves_the_bottom_right": (430, 480, 560, 640),
    "wide": (20, 300, 500, 340),
    "larger_than_the_picture": (-200, -100, 700, 700),
}


def synthetic_picture() -> Array:
    """600 x 512 px: gradients, stripes of growing fineness, blocks and seeded grain."""
    ys, xs = np.mgrid[0:600, 0:512].astype(np.float64)
    red = 255 * xs / 511
    green = 127 + 120 * np.sin(xs * ys / 9000)
    blue = 255 * ((xs // 16 + ys // 16) % 2)
    grain = np.random.default_rng(11).integers(-12, 13, (600, 512, 3))
    return np.clip(np.stack([red, green, blue], axis=2) + grain, 0, 255).astype(np.uint8)


@lru_cache(maxsize=1)
def crops() -> dict[str, Array]:
    """Every eighth row and column of each crop, by "recipe/box"."""
    rgb = synthetic_picture()
    return {
        f"{recipe_name}/{box_name}": sampled(rgb, np.array(box, np.float32), recipe)
        for recipe_name, recipe in RECIPES.items()
        for box_name, box in BOXES.items()
    }


def sampled(rgb: Array, box_px: FloatArray, recipe: FaceInput) -> Array:
    return np.ascontiguousarray(crop_face(rgb, box_px, recipe)[3::8, 3::8])


if __name__ == "__main__":
    np.savez_compressed(STORED, **crops())
