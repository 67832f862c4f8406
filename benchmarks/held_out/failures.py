"""Contact sheets of the worst rows of `val`, for the eyes of whoever has the media.

They show other people's pictures under their own terms: never to be committed or published.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from assay.errors import AssayError
from assay.media.image import read_image
from assay.media.probe import probe
from assay.media.video import read_frames
from assay.training.shared import shared_folder
from held_out.scores import SHIPPED, Scores

if TYPE_CHECKING:
    from PIL.Image import Image

N_SHOWN, N_OF_A_GENERATOR = 24, 6
N_COLUMNS = 6
SIDE_PX, TEXT_PX = 220, 46


def contact_sheets(
    result: Mapping[str, Any], all_scores: Sequence[Scores], folder: Path
) -> list[Path]:
    """One sheet of false alarms and one of misses for each network; the files written."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "NOT-TO-BE-PUBLISHED").touch()
    written = []
    for scores in all_scores:
        cut = result["networks"][scores.name]["decision"]["cuts"]["far_1"]
        logits, val = scores.logits[SHIPPED], scores.split == "val"
        for kind, rows, order in (
            ("false-alarms", val & ~scores.fake, -logits),
            ("misses", val & scores.fake, logits),
        ):
            chosen = worst(scores, np.flatnonzero(rows), order)
            path = folder / f"{scores.name}-{kind}.jpg"
            _sheet(scores, chosen, cut).save(path, quality=85)
            written.append(path)
    return written


def worst(scores: Scores, rows: np.ndarray, order: np.ndarray) -> list[int]:
    """The first rows in that order, each file once for each method; no more than a few fakes of
    one generator, that it may not fill the sheet."""
    found: list[int] = []
    shown: set[tuple[str, str]] = set()
    count: Counter[str] = Counter()
    for i in rows[np.argsort(order[rows], kind="stable")].tolist():
        method = str(scores.method[i])
        key = (str(scores.path[i]), method)
        if key in shown or (scores.fake[i] and count[method] >= N_OF_A_GENERATOR):
            continue
        shown.add(key)
        count[method] += 1
        found.append(i)
    return found[:N_SHOWN]


def _sheet(scores: Scores, rows: Sequence[int], cut: float) -> Image:
    from PIL import Image as images
    from PIL import ImageDraw

    n_lines = -(-len(rows) // N_COLUMNS)
    size = (N_COLUMNS * SIDE_PX, max(1, n_lines) * (SIDE_PX + TEXT_PX))
    sheet = images.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    known = _files()
    for place, i in enumerate(rows):
        x, y = place % N_COLUMNS * SIDE_PX, place // N_COLUMNS * (SIDE_PX + TEXT_PX)
        picture = _opened(known.get(str(scores.path[i]).rsplit("/", 1)[-1]))
        if picture is not None:
            picture.thumbnail((SIDE_PX - 6, SIDE_PX - 6))
            sheet.paste(picture, (x + 3, y + 3))
        logit = scores.logits[SHIPPED][i]
        what = f"{scores.method[i]}" + (f" of {scores.source[i]}" if scores.fake[i] else "")
        what = what if scores.method[i] != "genuine" else str(scores.source[i])
        text = f"{what[:34]}\n{str(scores.path[i])[-34:]}\nlogit {logit:.2f}, cut {cut:.2f}"
        draw.text((x + 4, y + SIDE_PX), text, fill="black")
    return sheet


def _files() -> dict[str, Path]:
    folders = [shared_folder() / "data", Path("cache/photos"), Path("cache/forged")]
    return {path.name: path for folder in folders for path in folder.rglob("*.*") if path.is_file()}


def _opened(path: Path | None) -> Image | None:
    from PIL import Image as images

    if path is None:
        return None
    try:
        media = probe(path)
        if media.kind == "video":
            return images.fromarray(next(iter(read_frames(media, (0.5,), lambda: None))).rgb)
        return images.fromarray(read_image(media, 50.0).rgb)
    except (AssayError, StopIteration):
        return None
