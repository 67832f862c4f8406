"""Real faces for tests that need one: the examples' portraits, or the shared media."""

from __future__ import annotations

import csv
import os
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.subjects.faces import find_faces
from assay.subjects.landmarks import Mesh, find_landmarks
from assay.types import Array, FloatArray, Frame

ROOT = Path(__file__).resolve().parents[1]
BILINEAR = Image.Resampling.BILINEAR
GOLDEN = ROOT / "tests" / "golden"


def portrait_path(name: str) -> Path:
    """`grace_hopper` or `astronaut`, both public domain."""
    places = [ROOT / "examples" / f"{name}.jpg"]
    if not places[0].is_file() and name == "grace_hopper":
        matplotlib = pytest.importorskip("matplotlib", reason="its sample portrait is needed")
        places.append(Path(matplotlib.get_data_path()) / "sample_data" / "grace_hopper.jpg")
    for path in places:
        if path.is_file():
            return path
    pytest.skip(f"{name}.jpg is neither in examples/ nor in an installed package")


@lru_cache(maxsize=4)
def portrait(name: str = "grace_hopper") -> Array:
    """The picture, (h, w, 3) uint8; read-only, because tests share it."""
    rgb = read_rgb(portrait_path(name))
    rgb.flags.writeable = False
    return rgb


@lru_cache(maxsize=4)
def portrait_mesh(name: str = "grace_hopper") -> Mesh:
    rgb = portrait(name)
    return find_landmarks(rgb, find_faces(rgb, thorough=False)[0])


def golden_landmarks() -> FloatArray:
    """The mesh (468, 2) of the Grace Hopper portrait (512 x 600 px) as it was when checked."""
    return np.load(GOLDEN / "landmarks_grace_hopper.npy").astype(np.float32)


def textured(height: int = 600, width: int = 512, seed: int = 0) -> Array:
    """A picture with detail of every fineness and other colours in each channel; no face."""
    rng = np.random.default_rng(seed)
    total = np.zeros((height, width, 3), np.float32)
    for cells in (4, 16, 64, 200):
        coarse = rng.normal(0, 1, (3, cells, cells)).astype(np.float32)
        channels = [Image.fromarray(c).resize((width, height), BILINEAR) for c in coarse]
        total += np.stack([np.asarray(c) for c in channels], axis=2)
    return np.clip(128 + 28 * total, 0, 255).astype(np.uint8)


def portrait_of_size(face_px: float, name: str = "grace_hopper") -> tuple[Array, FloatArray]:
    """The portrait shrunk so that the face's longer side is `face_px`; and its box there."""
    box = portrait_mesh(name).box_px
    scale = face_px / float(max(box[2:] - box[:2]))
    rgb = portrait(name)
    return scaled(rgb, scale), box * scale


def scaled(rgb: Array, scale: float) -> Array:
    size = (round(rgb.shape[1] * scale), round(rgb.shape[0] * scale))
    return np.array(Image.fromarray(rgb).resize(size, BILINEAR))


def pasted(frame: Array, picture: Array, place: tuple[int, int]) -> Array:
    """A copy of `frame` with `picture`'s top left corner at `place` (x, y)."""
    out = frame.copy()
    out[place[1] : place[1] + picture.shape[0], place[0] : place[0] + picture.shape[1]] = picture
    return out


def grey(height: int = 1080, width: int = 1920, value: int = 128) -> Array:
    return np.full((height, width, 3), value, np.uint8)


def frame(rgb: Array, index: int = 0, fps: float = 5.0) -> Frame:
    return Frame(index, index / fps, rgb)


def read_rgb(path: Path) -> Array:
    return np.array(Image.open(path).convert("RGB"))


def shared_data() -> Path:
    """The labelled shared media; the test is skipped without them."""
    named = os.environ.get("ASSAY_SHARED")
    folder = Path(named) if named else ROOT.parent / "shared"
    if not (folder / "data" / "manifest.csv").is_file():
        pytest.skip("the shared media are not here (ASSAY_SHARED)")
    return folder / "data"


def shared_portraits(method: str, n: int) -> list[tuple[str, Array]]:
    """(identity, picture) of n pictures of that source, one a person."""
    folder, seen = shared_data(), {}
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["method"] == method and row["split"] == "train":
                seen.setdefault(row["identity"], row["path"])
    chosen = list(seen.items())[:: max(1, len(seen) // n)][:n]
    return [(identity, read_rgb(folder / path)) for identity, path in chosen]
