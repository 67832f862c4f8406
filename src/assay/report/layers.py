"""An examined picture and the heat maps over it as files of one size, so that a page can lay them.

`picture-1.jpg` is the picture as it was examined, `overlay-1-1.png`, `overlay-1-2.png` … are maps
of it: transparent where a map is low, in the colours of the report. Only maps whose faithfulness
was measured are written.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from assay.report import overlays, wording
from assay.report.file_views import MAX_ARTIFACT_BYTES, coded_picture
from assay.report.sanitise import finite, visible
from assay.types import Evidence, Heatmap, Picture, Verdict

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_PICTURES = 3
MAX_OVERLAYS = 8
BEYOND = 8  # a box more than so many times the picture is none of it

Shown = tuple[Evidence, Heatmap]


def write_layers(verdict: Verdict, folder: Path) -> list[dict[str, str]]:
    """Write them into `folder`: kind ("picture" or "overlay"), path (the name there), caption.

    A still picture is written also without a map. Raises OSError where `folder` cannot be written.
    """
    written: list[dict[str, str]] = []
    left = MAX_OVERLAYS
    for number, (picture, maps) in enumerate(_chosen(verdict), 1):
        coded = coded_picture(picture, MAX_ARTIFACT_BYTES)
        name = f"picture-{number}.jpg"
        (folder / name).write_bytes(coded.data)
        told = f"The examined {_when(verdict, picture)}."
        written.append({"kind": "picture", "path": name, "caption": told})
        for place, (one, heatmap) in enumerate(maps[:left], 1):
            name = f"overlay-{number}-{place}.png"
            laid_over(picture, heatmap, coded.size_px).save(folder / name, "PNG")
            written.append({"kind": "overlay", "path": name, "caption": _caption(one, heatmap)})
        left -= min(left, len(maps))
    return written


def laid_over(picture: Picture, heatmap: Heatmap, size_px: tuple[int, int]) -> Image:
    """The map as a transparent picture of `size_px` (width, height), to be laid over `picture`."""
    import numpy as np
    from PIL import Image

    shrink = size_px[0] / picture.rgb.shape[1]
    over = Image.new("RGBA", size_px, (0, 0, 0, 0))
    if any(finite(side) is None for side in heatmap.box_px):
        return over
    x0, y0, x1, y1 = (side * picture.scale * shrink for side in heatmap.box_px)
    left, top = max(0, round(x0)), max(0, round(y0))
    right, bottom = min(size_px[0], round(x1)), min(size_px[1], round(y1))
    if right <= left or bottom <= top or max(x1 - x0, y1 - y0) > BEYOND * max(size_px):
        return over
    values = np.clip(np.nan_to_num(np.asarray(heatmap.values, dtype=np.float32)), 0, 1)
    height, width = values.shape
    across, down = width / (x1 - x0), height / (y1 - y0)
    seen = (  # the part of the map that lies in the picture
        max(0.0, (left - x0) * across),
        max(0.0, (top - y0) * down),
        min(width, (right - x0) * across),
        min(height, (bottom - y0) * down),
    )
    way = Image.Resampling.BILINEAR
    heat = np.asarray(Image.fromarray(values).resize((right - left, bottom - top), way, box=seen))
    rgba = np.dstack([overlays.colours(heat), overlays.opacity(heat) * 255])
    over.paste(Image.fromarray(np.rint(rgba).astype(np.uint8), "RGBA"), (left, top))
    return over


def _chosen(verdict: Verdict) -> list[tuple[Picture, list[Shown]]]:
    """The pictures with a map, the gravest map's first; a still picture in any case."""
    shown = [
        (one, heatmap) for one in verdict.evidence for heatmap in one.heatmaps if heatmap.faithful
    ]
    shown.sort(key=lambda pair: -(finite(pair[0].p_fake) or 0.0))
    found: dict[int, tuple[Picture, list[Shown]]] = {}
    for one, heatmap in shown if verdict.pictures else ():
        picture = min(verdict.pictures, key=lambda held: abs(held.time_s - heatmap.time_s))
        found.setdefault(picture.frame_index, (picture, []))[1].append((one, heatmap))
    if not found and verdict.pictures and _is_still(verdict):
        return [(verdict.pictures[0], [])]
    return list(found.values())[:MAX_PICTURES]


def _is_still(verdict: Verdict) -> bool:
    return verdict.media is not None and verdict.media.kind == "image"


def _when(verdict: Verdict, picture: Picture) -> str:
    if _is_still(verdict):
        return "picture"
    return f"frame at {wording.clock(picture.time_s, tenths=True)}"


def _caption(one: Evidence, heatmap: Heatmap) -> str:
    told = f"Heat map of {wording.titled(one.detector).lower()}, {one.subject}"
    return visible(f"{told}: {overlays.strongest(heatmap.values)}.")
