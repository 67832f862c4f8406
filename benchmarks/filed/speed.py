"""Seconds of each detector at 1 and 12 MP, beside the time that decoding the picture takes."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from assay.detectors import Detector
from assay.media.image import read_image
from assay.media.probe import probe
from assay.media.resample import resized
from assay.types import Array
from filed.reading import OPTIONS, PictureCase

SIZES_PX = {"1 MP": (1152, 864), "12 MP": (4032, 3024)}
PORTRAIT = Path(__file__).resolve().parents[2] / "examples" / "astronaut.jpg"


def speed(
    detectors: Mapping[str, type[Detector]], folder: Path, source: Path | None, repeats: int = 3
) -> dict[str, Any]:
    """Median seconds a detector by size, and that of decoding; `source` is a large picture."""
    load = os.getloadavg()[0]
    found: dict[str, Any] = {"cores": os.cpu_count(), "load_at_start": load, "sizes": {}}
    for size, size_px in SIZES_PX.items():
        path = folder / f"speed-{size.replace(' ', '')}.jpg"
        if not path.is_file():
            _write(path, size_px, source or PORTRAIT)
        media = probe(path)
        decoding = _seconds(lambda: read_image(media, 100.0), repeats)  # noqa: B023
        taken = {}
        for name, detector in detectors.items():
            if "image" in detector.kinds:
                taken[name] = _of_detector(detector, path, repeats)
        found["sizes"][size] = {"decoding": decoding, "detectors": taken}
    return found


def _of_detector(detector: type[Detector], path: Path, repeats: int) -> float:
    taken = []
    for _ in range(repeats + 1):
        case = PictureCase(probe(path), OPTIONS)
        assert case.picture_views
        started = time.perf_counter()
        detector().examine(case)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken[1:])


def _seconds(action: Callable[[], object], repeats: int) -> float:
    action()
    taken = []
    for _ in range(repeats):
        started = time.perf_counter()
        action()
        taken.append(time.perf_counter() - started)
    return statistics.median(taken)


def _write(path: Path, size_px: tuple[int, int], source: Path) -> None:
    from PIL import Image

    rgb = np.asarray(read_image(probe(source), 100.0).rgb, np.uint8)
    Image.fromarray(_filled(rgb, size_px)).save(path, "JPEG", quality=92)


def _filled(rgb: Array, size_px: tuple[int, int]) -> Array:
    """The picture at that size: cut to its shape, then shrunk by area or laid side by side."""
    from PIL import Image

    width, height = size_px
    if rgb.shape[1] >= width and rgb.shape[0] >= height:
        scale = max(width / rgb.shape[1], height / rgb.shape[0])
        small = resized(rgb, (round(rgb.shape[1] * scale), round(rgb.shape[0] * scale)))
        return np.ascontiguousarray(small[:height, :width])
    return np.asarray(Image.fromarray(rgb).resize(size_px, Image.Resampling.BICUBIC), np.uint8)
