"""Measure the fine detail of labelled pictures, each as found and through shared degradations.

Genuine and generated pictures meet the same draws, so that neither a codec nor a size becomes the
label. Forgeries that have a genuine twin meet the very draw of their twin.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from assay.errors import ConfigError, InputError
from assay.inputs.patch import cut_patches
from assay.inputs.spectrum import FEATURES, SpectrumInput, measure_spectrum
from assay.media.image import read_image
from assay.media.probe import probe
from assay.media.resample import luma, resaved, resized
from assay.subjects.quality import blockiness_of, sharpness_of
from assay.training.datasets.manifest import Item
from assay.training.degrade import draw_picture_degradation
from assay.training.pictures import GENUINE_TWIN, MAX_MEGAPIXELS
from assay.types import Array

WINDOWS = 4
DRAWS = 400
SPARE_PX = 8
JPEG_SHARE = 0.75
RECONSTRUCTED_PX = 384
# Of the shared set; the many small origins of web photographs are one pool.
OWN_POOLS = ("web-faces", "web-portraits")


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture to measure. `key` names the draws that it meets: twins share it."""

    path: str
    fake: bool
    method: str
    source: str
    group: str
    split: str
    key: str


@dataclass(frozen=True, slots=True)
class SpectrumTable:
    """One row a picture and copy: the features of its windows (n, w, k), NaN where it has fewer."""

    features: NDArray[np.float32]
    fake: NDArray[np.bool_]
    method: NDArray[np.str_]
    source: NDArray[np.str_]
    group: NDArray[np.str_]
    split: NDArray[np.str_]
    copy: NDArray[np.str_]
    path: NDArray[np.str_]
    blockiness: NDArray[np.float32]
    sharpness: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.fake)

    def rows(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> SpectrumTable:
        """The table of some rows."""
        return SpectrumTable(*(getattr(self, name)[chosen] for name in self.__slots__))

    def save(self, path: Path) -> None:
        """Write all columns as .npz."""
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(path, **{name: getattr(self, name) for name in self.__slots__})


def load_table(path: Path) -> SpectrumTable:
    """What `save` wrote."""
    with np.load(path) as stored:
        return SpectrumTable(*(stored[name] for name in SpectrumTable.__slots__))


def pool_of(source: str) -> str:
    """The pool that a genuine source is weighed in."""
    small = source.startswith("web-") and source not in OWN_POOLS
    return "web-photos" if small else source


def samples_of(items: Iterable[Item], most_per_source: int) -> list[Sample]:
    """Pictures of the manifests, at most so many of a genuine source and split; forgeries with a
    genuine twin bring it along. Groups of one name in two splits are two."""
    found: list[Sample] = []
    kept: dict[tuple[str, str], int] = {}
    for item in sorted(items, key=lambda item: hashlib.sha256(item.sha256.encode()).digest()):
        if item.modality != "image" or item.label not in ("real", "fake"):
            continue
        place = (item.method, item.split)
        kept[place] = kept.get(place, 0) + 1
        if item.label == "real" and kept[place] > most_per_source:
            continue
        found += _of_item(item)
    return found


def _of_item(item: Item) -> list[Sample]:
    fake, group = item.label == "fake", f"{item.split}/{item.group}"
    twin = item.path.with_name(item.path.stem + GENUINE_TWIN)
    if not (fake and twin.is_file()):
        return [_sample(item.path, fake, item.method, group, item.split)]
    # Twins are named <number>-<source>.jpg.
    source = item.path.stem.split("-", 1)[-1]
    key = f"{item.method}/{item.path.stem}"
    return [
        Sample(str(item.path), True, item.method, source, group, item.split, key),
        Sample(str(twin), False, source, source, group, item.split, key),
    ]


def _sample(path: Path, fake: bool, method: str, group: str, split: str) -> Sample:
    source = "" if fake else method
    return Sample(str(path), fake, method, source, group, split, f"{method}/{path.name}")


Reconstruct = Callable[[Array], Array]


def reconstructed(
    samples: Sequence[Sample], ways: Mapping[str, Reconstruct], n_each: int, folder: Path
) -> list[Sample]:
    """For each way, genuine training pictures as squares and what the network makes of them.

    Every pool gives as many; the pictures are made once and kept in `folder` as PNG.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for number, (name, way) in enumerate(ways.items()):
        for sample in _evenly(samples, n_each, number):
            stem = hashlib.sha256(sample.path.encode()).hexdigest()[:16]
            paths = [folder / f"{name}-{stem}-{what}.png" for what in ("genuine", "made")]
            if not paths[1].is_file():
                square = _square(_opened(sample.path))
                Image.fromarray(square).save(paths[0])
                Image.fromarray(way(square)).save(paths[1])
            key = f"{name}/{stem}"
            for path, fake in zip(paths, (False, True), strict=True):
                method = name if fake else sample.source
                found.append(
                    Sample(str(path), fake, method, sample.source, sample.group, "train", key)
                )
    return found


def _evenly(samples: Sequence[Sample], n: int, start: int) -> list[Sample]:
    pools: dict[str, list[Sample]] = {}
    for sample in samples:
        if not sample.fake and sample.split == "train" and GENUINE_TWIN not in sample.path:
            pools.setdefault(pool_of(sample.source), []).append(sample)
    each = -(-n // max(len(pools), 1))
    return [s for pool in pools.values() for s in pool[start::2][:each]]


def _square(rgb: Array) -> Array:
    height, width = rgb.shape[:2]
    side = min(height, width, RECONSTRUCTED_PX) // 8 * 8
    # On the grid of the JPEG file, so that it lies alike in both.
    top, left = (height - side) // 32 * 16, (width - side) // 32 * 16
    return np.ascontiguousarray(rgb[top : top + side, left : left + side])


def _opened(path: str) -> Array:
    return np.ascontiguousarray(read_image(probe(Path(path)), MAX_MEGAPIXELS).rgb)


def measure_all(samples: Sequence[Sample], recipe: SpectrumInput, copies: int) -> SpectrumTable:
    """All pictures, each as found, through `copies` shared draws, re-saved, and shrunk.

    Raises ConfigError where no picture could be measured.
    """
    jobs = [(sample, recipe, copies) for sample in samples]
    with ProcessPoolExecutor(min(os.cpu_count() or 2, 14)) as pool:
        found = pool.map(_rows, jobs, chunksize=8)
        rows = [row for part in tqdm(found, total=len(jobs), desc="spectra") for row in part]
    if not rows:
        raise ConfigError("No picture could be measured.")
    return SpectrumTable(*(np.array(column) for column in zip(*rows, strict=True)))


def _rows(job: tuple[Sample, SpectrumInput, int]) -> list[tuple[object, ...]]:
    sample, recipe, n_copies = job
    try:
        rgb = _opened(sample.path)
    except InputError:
        return []
    found: list[tuple[object, ...]] = []
    for name, copy in copies_of(rgb, sample.key, recipe, n_copies):
        windows = _windows(copy, recipe)
        if not len(windows):
            continue
        grey = [luma(window) for window in windows[:2]]
        features = np.full((WINDOWS, len(FEATURES)), np.nan, np.float32)
        features[: len(windows)] = measure_spectrum(windows, recipe)
        facts = (sample.fake, sample.method, sample.source, sample.group, sample.split)
        blocks = np.median([blockiness_of(one) for one in grey])
        sharp = np.median([sharpness_of(one) for one in grey])
        found.append((features, *facts, name, sample.path, np.float32(blocks), np.float32(sharp)))
    return found


def _windows(rgb: Array, recipe: SpectrumInput) -> Array:
    if min(rgb.shape[:2]) < recipe.size_px:
        return np.zeros((0, recipe.size_px, recipe.size_px, 3), np.uint8)
    return cut_patches(rgb, recipe.windows, WINDOWS)[0]


def copies_of(
    rgb: Array, key: str, recipe: SpectrumInput, n_copies: int
) -> list[tuple[str, Array]]:
    """`found`, `degraded 0` and so on, `jpeg 75` and `resized 0.75`, each with its picture."""
    least = min(1.0, max(0.35, (recipe.size_px + SPARE_PX) / min(rgb.shape[:2])))
    found = [("found", rgb)]
    for n in range(n_copies):
        draw = zlib.crc32(f"{key} {n}".encode()) % DRAWS
        rng = np.random.default_rng([11, draw])
        degrade = draw_picture_degradation(rng, (least, 1.3), JPEG_SHARE)
        found.append((f"degraded {n}", degrade(rgb)))
    size = (round(rgb.shape[1] * 0.75), round(rgb.shape[0] * 0.75))
    return [*found, ("jpeg 75", resaved(rgb, 75)), ("resized 0.75", resized(rgb, size))]
