"""A small folder of real and fake portraits that can be told apart by their colour."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tests.real_faces import portrait, scaled

N_PEOPLE = 8


def write_folder(folder: Path, n_people: int = N_PEOPLE, each: int = 1) -> Path:
    """`real/pN/` and `fake/tinted/pN/`: a portrait in another light for everyone; fakes are red."""
    names = ("grace_hopper", "astronaut")
    for person in range(n_people):
        small = scaled(portrait(names[person % 2]), 0.42).astype(np.int16)
        for k in range(each):
            light = small + 6 * person - 20 + 4 * k
            _save(light, folder / "real" / f"p{person}" / f"{k}.png")
            red = light + np.array([70, 0, 0], np.int16)
            _save(red, folder / "fake" / "tinted" / f"p{person}" / f"{k}.png")
    return folder


def _save(pixels: np.ndarray, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(path)
