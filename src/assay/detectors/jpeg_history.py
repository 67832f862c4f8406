"""How a picture was compressed, how often, and where a part of it has another history."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.case import Case
from assay.detectors import file_evidence
from assay.errors import AssayError
from assay.findings import Region
from assay.types import Evidence, FileView, Finding, FloatArray, MediaKind, Severity

if TYPE_CHECKING:
    from assay.inputs.jpeg_ghosts import Ghosts
    from assay.inputs.jpeg_reading import JpegReading, Saving
    from assay.media.jpeg_tables import JpegTables
    from assay.media.stored_luma import StoredLuma

LEAST_PX = 64
RESAVED = (
    "a web site or messenger saved it again",
    "a program turned, cropped, resized or brightened it",
    "a camera or phone wrote it in two steps",
)
PASTED = (
    "a logo, caption, frame or date was put on it",
    "a blemish was retouched",
    "several pictures were put on one page",
)
WEAKNESS = (
    "Smooth, very dark and saturated parts keep no history and look like the rest. After strong "
    "compression, resizing or a screenshot nothing is left to see."
)
GHOST_WEAKNESS = (
    "Smooth parts change least at any quality and stand out by themselves; edges and texture do "
    "too. Only a part that looks unlike all others of its kind means anything."
)


class JpegHistory:
    """The tables of a JPEG file, its earlier savings, and parts saved differently; no score.

    Looks at: quantisation tables and markers; histograms of 14 cosine frequencies for an earlier
    saving on the same grid; all 64 grids for one before a crop; both in parts of the picture.
    Abstains when: the picture is smaller than 64 px, damaged, or neither a JPEG nor one saved as
    another format. Fails on: a last saving stronger than the earlier ones, resized pictures, parts
    pasted before the first saving, smooth parts. Licences: none, plain arithmetic.
    """

    name = "jpeg_history"
    version = "1"
    family = "compression"
    needs = "file"
    kinds: tuple[MediaKind, ...] = ("image",)
    looks_at = "quantisation tables, earlier savings as JPEG, parts with another history"
    fails_on = "a last saving stronger than those before it; resized pictures; smooth parts"
    licence = "Apache-2.0"
    bundle: str | None = None

    def examine(self, case: Case) -> list[Evidence]:
        """One Evidence for the file."""
        started = time.monotonic()
        if case.media.kind != "image":
            return [self._abstained("not_an_image: Only still pictures are examined.")]
        from assay.inputs.jpeg_reading import read_jpeg_history
        from assay.media.stored_luma import read_stored_luma

        if min(case.media.size_px or (0, 0)) < LEAST_PX:
            return [self._abstained(f"too_small: The picture is smaller than {LEAST_PX} px.")]
        tables = _tables(case)
        try:
            luma = read_stored_luma(case.media, case.options.max_megapixels)
        except AssayError as error:
            return [self._abstained(f"not_readable: {error}")]
        case.deadline.check()
        last = tables.luma_table if tables and _can_be_used(tables, luma) else None
        reading = read_jpeg_history(luma.values, last, case.deadline.check)
        findings = [*_table_findings(tables), *_history_findings(reading, luma, last is not None)]
        if not findings:
            text = "no_jpeg_trace: Neither the file nor its pixels show JPEG compression."
            return [self._abstained(text)]
        return [
            file_evidence(
                self,
                started,
                status="reported",
                findings=tuple(findings),
                views=_views(reading, luma),
                details=_details(reading),
            )
        ]

    def _abstained(self, reason: str) -> Evidence:
        return file_evidence(self, status="abstained", reason=reason)


def _tables(case: Case) -> JpegTables | None:
    from assay.media.files import reopen
    from assay.media.jpeg_tables import read_jpeg_tables

    with reopen(case.media) as file:
        return read_jpeg_tables(file)


def _can_be_used(tables: JpegTables, luma: StoredLuma) -> bool:
    """Whether the brightness plane was divided by the file's first table, in blocks of 8."""
    table = tables.luma_table
    usable = table is not None and min(table) > 0 and luma.exact
    return usable and tables.precision_bits == 8 and tables.process != "lossless"


def _table_findings(tables: JpegTables | None) -> list[Finding]:
    from assay.inputs.jpeg_families import match_tables

    if tables is None or tables.luma_table is None:
        return []
    match = match_tables(tables.luma_table, tables.chroma_table)
    like = "the standard tables" if match.exact else "tables of its own"
    title = f"Saved as JPEG, quality about {match.quality}"
    meaning = (
        f"The file was last saved with {like}, at about quality {match.quality} of 100. Standard "
        "tables are written by most programs, many phones and some cameras; others by cameras, "
        "by Adobe programs and by web sites. It tells how the file was written, and not that "
        "anything was changed."
    )
    if match.seen_in:
        meaning += f" The same table was seen in files of: {', '.join(match.seen_in)}."
    values = {
        "quality": match.quality,
        "standard_table": match.exact,
        "standard_colour_table": match.chroma_exact,
        "seen_in": list(match.seen_in),
        "process": tables.process,
        "sampling": tables.sampling,
        "huffman": tables.huffman,
        "n_scans": tables.n_scans,
        "restart_interval": tables.restart_interval,
        "n_pictures": tables.n_pictures,
        "n_bytes_after_end": tables.n_bytes_after_end,
        "segments": list(dict.fromkeys(tables.segments)),
    }
    found = [Finding("jpeg_history_saved_with", title, meaning, "info", values)]
    if tables.n_bytes_after_end and tables.n_pictures == 1:
        found.append(_bytes_after(tables.n_bytes_after_end))
    return found


def _bytes_after(n_bytes: int) -> Finding:
    meaning = (
        f"{n_bytes:,} bytes follow the end of the picture, and no index of several pictures names "
        "them. Viewers ignore them."
    )
    causes = (
        "a phone put a film, a second picture or its own data there",
        "a card or a transfer filled the file up",
    )
    values = {"n_bytes": n_bytes}
    title = "Bytes after the picture's end"
    return Finding("jpeg_history_bytes_after", title, meaning, "info", values, causes)


def _history_findings(reading: JpegReading, luma: StoredLuma, is_jpeg: bool) -> list[Finding]:
    found = []
    saving = reading.saving
    if not is_jpeg and reading.corner is not None:
        found.append(_was_jpeg(reading))
    elif saving is not None and saving.clear:
        found.append(_saved_twice(saving, reading))
    if reading.other_grid is not None:
        found.append(_other_grid(reading))
    if reading.place_is_clear:
        found.append(_place(reading, luma, is_jpeg))
    if reading.grid_place is not None:
        found.append(_grid_place(reading, luma))
    return found


def _how(saving: Saving | None) -> str:
    from assay.inputs.dct_history import OTHER_TABLES

    if saving is None or not saving.clear:
        return "a quality that cannot be told"
    if saving.history.name == OTHER_TABLES:
        return "tables that are not the standard ones"
    return saving.history.name


def _saving_values(saving: Saving | None) -> dict[str, Any]:
    if saving is None:
        return {}
    return {
        "first_quality": list(saving.history.qualities or ()),
        "first_steps": list(saving.history.steps),
        "gain_per_block": round(saving.per_block, 3),
        "n_blocks": saving.n_blocks,
    }


def _was_jpeg(reading: JpegReading) -> Finding:
    assert reading.corner is not None
    down, across = reading.corner
    cropped = "" if (down, across) == (0, 0) else " It was cropped or moved since."
    meaning = (
        f"The pixels still lie on the grid of a JPEG of {_how(reading.saving)}, though the file "
        f"is not a JPEG.{cropped} Converted pictures do that."
    )
    values = {
        "grid": [across, down],
        "grid_strength": round(reading.corner_strength or 0.0, 1),
        **_saving_values(reading.saving),
    }
    title = "The picture was a JPEG before"
    return Finding("jpeg_history_was_jpeg", title, meaning, "info", values, RESAVED)


def _saved_twice(saving: Saving, reading: JpegReading) -> Finding:
    meaning = (
        f"Before its last saving the whole picture was a JPEG of {_how(saving)}, and it was not "
        "cropped in between. It went through a program or a platform after it was taken: that is "
        "so for most pictures on the web, and does not mean that anything was changed."
    )
    values = _saving_values(saving)
    if reading.digit_gap is not None:
        values["benford_gap"] = round(reading.digit_gap, 5)
    title = "Saved as JPEG at least twice"
    return Finding("jpeg_history_saved_twice", title, meaning, "info", values, RESAVED)


def _other_grid(reading: JpegReading) -> Finding:
    other = reading.other_grid
    assert other is not None
    meaning = (
        f"Before its last saving the picture was a JPEG of {_how(other.saving)} on another grid: "
        "it was cropped, moved or put into a larger one in between."
    )
    values = {
        "grid": [other.corner[1], other.corner[0]],
        "grid_strength": round(other.strength, 1),
        **_saving_values(other.saving),
    }
    title = "An earlier JPEG, cropped and saved again"
    return Finding("jpeg_history_other_grid", title, meaning, "info", values, RESAVED)


def _place(reading: JpegReading, luma: StoredLuma, is_jpeg: bool) -> Finding:
    assert reading.places is not None
    assert reading.places.best is not None
    best = reading.places.best
    corner = reading.corner or (0, 0)
    box = tuple(float(v + corner[1 - k % 2]) for k, v in enumerate(best.box))
    meaning = (
        f"In the marked part the coefficients fit «{best.history.name}», in the rest "
        f"«{best.rest.name}». The part was saved, painted or pasted separately, and the picture "
        "saved again afterwards."
    )
    certain = is_jpeg or reading.rest_is_named
    if not certain:
        meaning += (
            " The rest has steps that no known program writes, which a change of brightness or "
            "contrast leaves too: then parts differ without having been touched."
        )
    values = {
        "own_history": best.history.name,
        "history_of_the_rest": best.rest.name,
        "gain": round(best.gain, 1),
        "gain_per_block": round(best.per_block, 3),
        "n_blocks": best.n_blocks,
    }
    title = "A part of the picture was compressed differently"
    region = Region(box_px=_shown(box, luma))
    causes = PASTED if is_jpeg else (*PASTED, "brightness, contrast or colours were changed")
    severity: Severity = "notable" if certain else "info"
    return Finding("jpeg_history_place", title, meaning, severity, values, causes, region)


def _grid_place(reading: JpegReading, luma: StoredLuma) -> Finding:
    place = reading.grid_place
    assert place is not None
    meaning = (
        "The marked part lies on a JPEG grid of its own, shifted against the rest: it comes from "
        "another JPEG, or from another place of this one, and was put here before the last saving."
    )
    values = {
        "grid": [place.corner[1], place.corner[0]],
        "grid_strength": round(place.strength, 1),
        "n_tiles": int(place.tiles.sum()),
    }
    title = "A part of the picture has a shifted JPEG grid"
    region = Region(box_px=_shown(tuple(float(v) for v in place.box), luma))
    causes = (*PASTED, "the camera kept it as HEIC, in blocks of its own, before it became a JPEG")
    return Finding("jpeg_history_grid_place", title, meaning, "notable", values, causes, region)


def _shown(box: tuple[float, ...], luma: StoredLuma) -> tuple[float, float, float, float]:
    """A box of the examined brightness in the picture as a viewer sees it."""
    from assay.media.stored_luma import box_as_viewed

    x0, y0 = luma.box_px[:2]
    right, bottom = float(luma.size_px[0]), float(luma.size_px[1])
    stored = (box[0] + x0, box[1] + y0, min(box[2] + x0, right), min(box[3] + y0, bottom))
    return box_as_viewed(stored, luma.size_px, luma.orientation)


def _views(reading: JpegReading, luma: StoredLuma) -> tuple[FileView, ...]:
    from assay.inputs.jpeg_ghosts import find_ghosts
    from assay.inputs.jpeg_reading import PLACE_PER_BLOCK, TILE_STRENGTH

    corner = reading.corner or (0, 0)
    part = "" if luma.whole else " Only the middle of this large picture was examined."
    views = []
    if reading.places is not None and reading.places.best is not None:
        gains = np.clip(reading.places.gains / (2 * PLACE_PER_BLOCK), 0, 1)
        best = reading.places.best
        caption = (
            f"Bright: what fits «{best.history.name}» better than «{best.rest.name}», which fits "
            f"the whole picture.{part}"
        )
        size = reading.places.cell_px
        views.append(_view("places", "Compressed differently", caption, gains, size, corner, luma))
    if reading.tile_map is not None:
        tiles = np.clip(reading.tile_map / (2 * TILE_STRENGTH), 0, 1)
        at = (reading.tiles_at[1] + 32, reading.tiles_at[0] + 32)
        caption = f"Bright: tiles that show a JPEG grid other than the picture's own.{part}"
        views.append(_view("grids", "Shifted JPEG grids", caption, tiles, 64, at, luma))
    ghosts = find_ghosts(luma.values, corner)
    if ghosts is not None:
        views.append(_ghost_view(ghosts, corner, luma, part))
    return tuple(views)


def _ghost_view(ghosts: Ghosts, corner: tuple[int, int], luma: StoredLuma, part: str) -> FileView:
    caption = (
        f"Stands out: what saving again at quality {ghosts.quality}, beside the qualities above "
        f"and below, changes unlike most of the picture.{part}"
    )
    title = "JPEG ghosts"
    return _view(
        "ghosts", title, caption, ghosts.values, ghosts.cell_px, corner, luma, GHOST_WEAKNESS
    )


def _view(
    name: str,
    title: str,
    caption: str,
    values: FloatArray,
    cell_px: int,
    corner: tuple[int, int],
    luma: StoredLuma,
    weakness: str = WEAKNESS,
) -> FileView:
    """A map in cells that starts at `corner` (down, across) of the examined brightness."""
    from assay.media.stored_luma import as_viewed

    height, width = values.shape
    box = (corner[1], corner[0], corner[1] + width * cell_px, corner[0] + height * cell_px)
    return FileView(
        f"jpeg_history_{name}",
        title,
        caption,
        weakness,
        values=as_viewed(np.asarray(values, np.float32), luma.orientation),
        box_px=_shown(tuple(float(v) for v in box), luma),
    )


def _details(reading: JpegReading) -> dict[str, Any]:
    """`raw_logit` is 0 where the clearest part just reaches a cut, and grows with its clearness."""
    from assay.inputs.jpeg_reading import PLACE_GAIN, PLACE_PER_BLOCK, TILE_STRENGTH

    best = reading.places.best if reading.places else None
    parts = [-6.0]
    if best is not None and best.n_blocks:
        by_sum = best.gain / PLACE_GAIN
        by_block = best.per_block / PLACE_PER_BLOCK
        parts.append(math.log(max(min(by_sum, by_block), 1e-3)))
    if reading.tile_map is not None:
        parts.append(math.log(max(float(reading.tile_map.max()) / TILE_STRENGTH, 1e-3)))
    return {
        "raw_logit": round(max(parts), 4),
        "n_blocks": reading.n_blocks,
        "benford_gap": reading.digit_gap,
    }


DETECTOR = JpegHistory
