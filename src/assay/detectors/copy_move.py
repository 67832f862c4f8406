"""Parts of a picture that are there twice: moved, turned or scaled copies of another part."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.case import Case
from assay.detectors import file_evidence
from assay.findings import Box, FileView, Finding, Region, Severity
from assay.inputs.copied_blocks import echoes, equal_blocks
from assay.inputs.copied_fit import Fit, fit_region, is_copy
from assay.inputs.copied_points import shifted_moves, turned_moves
from assay.inputs.copied_regions import (
    CopiedRegion,
    Mask,
    WorkPicture,
    bounds,
    measure_move,
    middle_of,
    shrunk,
    work_picture,
)
from assay.types import Array, Evidence, FloatArray, MediaKind

LEAST_SIDE_PX = 224
LEAST_DETAIL = 1.0
LEAST_DETAILED = 0.01
MOST_TOLD = 4
SAME_OVERLAP = 0.3
LEAST_ALIKE = 0.8
EQUAL_SHARE = 0.9
"""From this share of equal pixels on, in a part with detail, no pristine picture was met."""
TEXTS = {
    "too_small": f"The picture has a side of under {LEAST_SIDE_PX} pixels.",
    "too_flat": "Hardly any part of the picture has detail that could be compared.",
}
WEAKNESS = (
    "Only copies within the picture are seen, not what came from another one. Flat parts (sky, "
    "walls out of focus) and copies under about 25 pixels of a picture of a million leave nothing "
    "to compare. Which of two places is the copy cannot be told from this map."
)
INNOCENT = (
    "the same printed thing twice: posters, wallpaper, packages, screens in the picture",
    "a frame, logo, watermark or collage that a program put there openly",
    "retouching of dust, skin or a horizon, which copies neighbouring pixels",
    "rendered graphics, which repeat their textures",
)


@dataclass(frozen=True, slots=True)
class Copy:
    """A region of the work picture and its fit in the full one."""

    region: CopiedRegion
    fit: Fit

    @property
    def covered(self) -> Mask:
        """Both places together."""
        return self.region.mask | self.region.source


class CopyMove:
    """Regions that are there twice, found by equal blocks, by their echo and by matched points.

    Looks at: the brightness of the picture, or of its middle 16 million pixels, shrunk to about a
    million for the search; each find is fitted in the full picture, and told only where it lies a
    whole number of pixels away, or was turned or scaled without skew. Abstains when: a side is
    under 224 px, or hardly anything has detail. Fails on: flat regions, copies under some 500 px of
    the shrunken picture, mirrored copies, copies stretched in one direction or turned by under
    about two degrees, strong compression, content from another picture; printed things that are
    there twice look like copies. Licences: none, plain arithmetic.
    """

    name = "copy_move"
    version = "1"
    family = "geometry"
    needs = "file"
    kinds: tuple[MediaKind, ...] = ("image",)
    looks_at = "whether a part of the picture is there twice, moved, turned or scaled"
    fails_on = "flat or small parts, mirrored copies, content from another picture"
    licence = "Apache-2.0"
    bundle: str | None = None

    def examine(self, case: Case) -> list[Evidence]:
        """One Evidence for the file; each copied region is a finding, the largest first."""
        started = time.monotonic()
        rgb = case.picture_views[0].rgb
        if min(rgb.shape[:2]) < LEAST_SIDE_PX:
            return [self._abstained("too_small", started)]
        work = work_picture(rgb)
        if _share_with_detail(work.values) < LEAST_DETAILED:
            return [self._abstained("too_flat", started)]
        copies, nearest, counts = find_copies(rgb, work, case.deadline.check)
        return [
            file_evidence(
                self,
                started,
                status="reported",
                findings=tuple(_finding(one, work) for one in copies),
                views=(_view(copies, work),) if copies else (),
                details={
                    "raw_logit": round(_raw_logit(copies, nearest), 3),
                    "shrunk_by": work.shrink,
                    "searched_whole": work.whole,
                    **counts,
                },
            )
        ]

    def _abstained(self, code: str, started: float) -> Evidence:
        return file_evidence(self, started, status="abstained", reason=f"{code}: {TEXTS[code]}")


def _share_with_detail(values: FloatArray) -> float:
    """Share of squares of 8 px with a standard deviation above one level."""
    spread = shrunk(values * values, 8) - shrunk(values, 8) ** 2
    return float((spread > LEAST_DETAIL**2).mean()) if spread.size else 0.0


def find_copies(
    rgb: Array, work: WorkPicture, check: Any = lambda: None
) -> tuple[list[Copy], list[Copy], dict[str, int]]:
    """The copied regions, largest first; what only looked alike; and how many there were to try."""
    moves = equal_blocks(rgb, work)
    check()
    moves += echoes(work)
    check()
    moves += shifted_moves(work)
    check()
    turned, n_matches = turned_moves(work)
    found: list[Copy] = []
    alike: list[Copy] = []
    for move in moves + turned:
        check()
        region = measure_move(work, move)
        if region is None:
            continue
        one = Copy(region, fit_region(rgb, work, region))
        (found if is_copy(region, one.fit) else alike).append(one)
    found = [one for one in found if not _repeats_anyway(one, alike)]
    found.sort(key=lambda one: (one.fit.drawn, -one.region.area_px))
    counts = {"n_moves_tried": len(moves) + len(turned), "n_matches": n_matches}
    return _distinct(found)[:MOST_TOLD], alike, counts


def _repeats_anyway(one: Copy, alike: list[Copy]) -> bool:
    """Whether the same places look like yet others: of many windows one lies on the grid."""
    if (one.fit.equal_share or 0.0) >= EQUAL_SHARE:
        return False
    half = 0.5 * float(one.covered.sum())
    return any(
        other.fit.agreement > LEAST_ALIKE and float((one.covered & other.covered).sum()) > half
        for other in alike
    )


def _distinct(found: list[Copy]) -> list[Copy]:
    kept: list[Copy] = []
    for one in found:
        area = int(one.covered.sum())
        if all((one.covered & other.covered).sum() < SAME_OVERLAP * area for other in kept):
            kept.append(one)
    return kept


def _raw_logit(copies: list[Copy], alike: list[Copy]) -> float:
    """Higher where a copy was found, by its area; below -2 by how nearly one was."""
    told = [one for one in copies if not one.fit.drawn]
    if told:
        return 1.0 + math.log10(max(10, told[0].region.area_px) / 100)
    if copies:
        return -1.0
    return -2.0 - min([2.0, *(one.fit.off_px for one in alike)])


def _severity(fit: Fit) -> Severity:
    if fit.drawn:
        return "info"
    return "strong" if (fit.equal_share or 0.0) >= EQUAL_SHARE else "notable"


def _finding(one: Copy, work: WorkPicture) -> Finding:
    fit, region = one.fit, one.region
    box, source = (_in_picture(bounds(mask), work) for mask in (region.mask, region.source))
    dx, dy = (round((source[i] + source[i + 2] - box[i] - box[i + 2]) / 2) for i in (0, 1))
    title, meaning = _words(fit)
    return Finding(
        code="copy_move_drawn" if fit.drawn else "copy_move_region",
        title=title,
        meaning=meaning,
        severity=_severity(fit),
        values={
            "offset_px": [dx, dy],
            "rotation_deg": round(fit.rotation_deg, 1) if fit.turned else 0.0,
            "scale": round(fit.scale, 3) if fit.turned else 1.0,
            "area_px": region.area_px * work.shrink**2,
            "found_by": region.move.found_by,
            "n_matches": region.move.n_matches,
            "equal_share": None if fit.equal_share is None else round(fit.equal_share, 3),
            "agreement": round(fit.agreement, 3),
            "fine_agreement": round(fit.fine, 3),
            "off_grid_px": round(fit.off_px, 3) if fit.shifted else None,
            "skew_px": round(fit.skew_px, 3),
        },
        innocent_causes=INNOCENT,
        region=Region(box_px=box, source_px=source),
    )


def _words(fit: Fit) -> tuple[str, str]:
    if fit.drawn:
        return (
            "The same letters or drawn shapes are there twice",
            "Two places agree, and most of their pixels have one of two levels: letters of one "
            "typeface and drawn shapes repeat by themselves. It says nothing about editing.",
        )
    if (fit.equal_share or 0.0) >= EQUAL_SHARE:
        how = (
            "In the two marked places nine pixels of ten and more are exactly the same. Two views "
            "of the world never are, because each pixel of a camera has its own noise: a program "
            "put the same content there twice."
        )
    elif fit.shifted:
        how = (
            "The two marked places look the same and lie a whole number of pixels apart, to within "
            "an eighth of a pixel all over. Things that merely look alike are seldom so placed."
        )
    else:
        how = (
            "The two marked places look the same once one is turned or scaled, without the skew "
            "that perspective gives to things that merely look alike."
        )
    which = "Which of the two is the copy is not told, nor why it was made."
    return "A part of the picture is there twice", f"{how} {which}"


def _in_picture(box: tuple[int, int, int, int], work: WorkPicture) -> Box:
    x0, y0 = work.box_px[:2]
    left, top, right, bottom = (float(one * work.shrink) for one in box)
    return left + x0, top + y0, right + x0, bottom + y0


def _view(copies: list[Copy], work: WorkPicture) -> FileView:
    values = np.zeros(work.values.shape, np.float32)
    for one in copies:
        values[one.covered] = np.maximum(values[one.covered], 0.4 if one.fit.drawn else 1.0)
    x0, y0 = work.box_px[:2]
    height, width = (size * work.shrink for size in work.values.shape)
    part = "" if work.whole else " Of this large picture only the middle was searched."
    return FileView(
        name="copied_regions",
        title="Copied regions",
        caption=f"Places that are there twice; lines join each with its twin.{part}",
        weakness=WEAKNESS,
        values=values,
        box_px=(float(x0), float(y0), float(x0 + width), float(y0 + height)),
        links_px=tuple(link for one in copies for link in _links(one, work)),
    )


def _links(one: Copy, work: WorkPicture) -> list[Box]:
    """Lines from the middle and from four places of the region to where they lie in the other."""
    rows, columns = np.nonzero(one.region.mask)
    middle = middle_of(one.region.mask)
    chosen = [(float(middle[0]), float(middle[1]))]
    for order in (rows + columns, rows - columns):
        chosen += [(float(rows[k]), float(columns[k])) for k in (order.argmin(), order.argmax())]
    x0, y0 = work.box_px[:2]
    lines = []
    for row, column in chosen:
        x, y = column * work.shrink + x0, row * work.shrink + y0
        there = one.fit.matrix @ np.array([x, y, 1.0])
        lines.append((x, y, float(there[0]), float(there[1])))
    return lines


DETECTOR = CopyMove
