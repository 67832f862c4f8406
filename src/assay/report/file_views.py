"""The pictures that examinations of the file made, small enough for a page, and as files beside it.

Nothing is measured on these copies: they are shrunk by an area filter and saved anew.
"""

from __future__ import annotations

import io
import math
import os
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assay.findings import SEVERITIES, Box, FileView
from assay.report.sanitise import finite, shortened, visible
from assay.types import Evidence, Picture, Verdict

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_VIEWS = 12
MAX_SIDE_PX = 1280
MAX_BYTES = 150_000  # of one picture
MAX_ALL_BYTES = 1_500_000  # of all views and the pictures under them
MAX_ARTIFACT_BYTES = 4_000_000
SMALLEST_PX = 16
QUALITIES = (88, 78, 66, 50, 34)
MAX_STEM = 40


@dataclass(frozen=True, slots=True)
class Coded:
    """A picture as bytes: `media_type` is image/png or image/jpeg, `size_px` (width, height)."""

    data: bytes
    media_type: str
    size_px: tuple[int, int]


def chosen(verdict: Verdict) -> list[tuple[Evidence, FileView]]:
    """At most 12 views, those of the detectors with the gravest findings first."""
    return _ranked(verdict)[:MAX_VIEWS]


def n_views_left_out(verdict: Verdict) -> int:
    """How many views a page does not hold because there are too many."""
    return max(0, len(_ranked(verdict)) - MAX_VIEWS)


def coded_view(view: FileView, max_bytes: int) -> Coded:
    """The view within `max_bytes`: a map in grey, 255 where it is 1; PNG where that is enough."""
    image = _grey(view) if view.values is not None else _coloured(view.rgb)
    return _coded(image, max_bytes, try_png=True)


def coded_picture(picture: Picture, max_bytes: int) -> Coded:
    """The examined picture within `max_bytes`, without anything drawn into it."""
    return _coded(_coloured(picture.rgb), max_bytes, try_png=False)


def inside(box: Box | None, size_px: tuple[float, float]) -> Box | None:
    """The part of a box that lies in a picture of `size_px`; None where nothing of it does."""
    width, height = size_px
    x0, y0, x1, y1 = (finite(side) for side in (box or (0.0, 0.0, width, height)))
    if x0 is None or y0 is None or x1 is None or y1 is None:
        return None
    x0, y0, x1, y1 = max(0.0, x0), max(0.0, y0), min(width, x1), min(height, y1)
    return (x0, y0, x1, y1) if x1 > x0 and y1 > y0 else None


def write_views(verdict: Verdict, report: Path) -> list[dict[str, str]]:
    """Write each view beside the report, in `<name>.files/`; what was written, with its caption.

    Maps are grey, one pixel a value, white where they stand out most: numbers to measure on, not
    a picture to publish. Raises OSError where the folder cannot be written to.
    """
    held, folder = chosen(verdict), report.with_suffix(".files")
    if held:
        folder.mkdir(parents=True, exist_ok=True)
    return [_written(one, view, i, folder) for i, (one, view) in enumerate(held, 1)]


def _written(one: Evidence, view: FileView, number: int, folder: Path) -> dict[str, str]:
    coded = coded_view(view, MAX_ARTIFACT_BYTES)
    ending = "png" if coded.media_type == "image/png" else "jpg"
    path = folder / f"{number:02d}-{_stem(one.detector)}-{_stem(view.name)}.{ending}"
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as part:
        part.write(coded.data)
    os.chmod(part.name, 0o644)
    os.replace(part.name, path)
    told = (_sentence(text) for text in (view.title, view.caption, view.weakness))
    kind = "map" if view.values is not None else "picture"
    return {"kind": kind, "path": str(path), "caption": " ".join(filter(None, told))}


def _sentence(text: str) -> str:
    text = shortened(visible(text).strip(), 600)
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."


def _stem(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_-]+", "_", name).strip("_-")[:MAX_STEM] or "view"


def _ranked(verdict: Verdict) -> list[tuple[Evidence, FileView]]:
    held = [(one, view) for one in verdict.evidence for view in one.views]
    return sorted(held, key=lambda pair: _gravity(pair[0]))


def _gravity(one: Evidence) -> int:
    return min((SEVERITIES.index(f.severity) for f in one.findings), default=len(SEVERITIES))


def _grey(view: FileView) -> Image:
    import numpy as np
    from PIL import Image

    values = np.asarray(view.values, dtype=np.float32)
    return Image.fromarray(np.rint(values * 255).astype(np.uint8))


def _coloured(rgb: object) -> Image:
    import numpy as np
    from PIL import Image

    return Image.fromarray(np.ascontiguousarray(rgb))


def _coded(image: Image, max_bytes: int, try_png: bool) -> Coded:
    """PNG where it fits, else JPEG: first of lower quality, then smaller."""
    image = _bounded(image, MAX_SIDE_PX)
    if try_png:
        data = _saved(image, lambda held, out: held.save(out, "PNG", compress_level=6))
        if len(data) <= max_bytes:
            return Coded(data, "image/png", image.size)
    while True:
        smallest = _as_jpeg(image, QUALITIES[-1])
        if len(smallest) <= max_bytes or max(image.size) <= SMALLEST_PX:
            tried = (_as_jpeg(image, quality) for quality in QUALITIES)
            fits = next((data for data in tried if len(data) <= max_bytes), smallest)
            return Coded(fits, "image/jpeg", image.size)
        shrink = min(0.8, 0.95 * math.sqrt(max_bytes / len(smallest)))
        image = _bounded(image, max(SMALLEST_PX, round(shrink * max(image.size))))


def _as_jpeg(image: Image, quality: int) -> bytes:
    return _saved(image, lambda held, out: held.save(out, "JPEG", quality=quality))


def _saved(image: Image, save: Callable[..., None]) -> bytes:
    buffer = io.BytesIO()
    save(image, buffer)
    return buffer.getvalue()


def _bounded(image: Image, longest_px: int) -> Image:
    from PIL import Image as Pictures

    shrink = longest_px / max(image.size)
    if shrink >= 1:
        return image
    width, height = (max(1, math.floor(side * shrink)) for side in image.size)
    return image.resize((width, height), Pictures.Resampling.BOX)
