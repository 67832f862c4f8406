"""Error level analysis: how much each place changes when the picture is saved again."""

from __future__ import annotations

import time

import numpy as np

from assay.case import Case
from assay.types import Array, Evidence, FileView, Finding, FloatArray, MediaKind

QUALITY = 90
LEAST_PX = 32
MOST_PX = 16_000_000
MOST_VIEW_PX = 1_500_000
CELL_PX = 16
WEAKNESS = (
    "Edges, texture and strong colours glow by themselves, smooth parts are dark, and every new "
    "saving levels the differences. A bright part proves nothing; compare only like with like."
)


class ErrorLevel:
    """The difference of the picture to itself saved again at quality 90, as a view; no score.

    Looks at: the decoded picture and its re-saving, channel by channel (Krawetz 2007).
    Abstains when: the picture is smaller than 32 px or of one colour. Fails on: nearly everything:
    edges and texture glow whether or not anything was changed, and recompression hides what was.
    Licences: Pillow (MIT-CMU).
    """

    name = "error_level"
    version = "1"
    family = "compression"
    needs = "file"
    kinds: tuple[MediaKind, ...] = ("image",)
    looks_at = "the difference of the picture to itself saved again at quality 90"
    fails_on = "edges and texture glow by themselves; recompression hides what was changed"
    licence = "Apache-2.0"
    bundle: str | None = None

    def examine(self, case: Case) -> list[Evidence]:
        """One Evidence for the file, with one view."""
        started = time.monotonic()
        if case.media.kind != "image" or not case.picture_views:
            return [self._abstained("not_an_image: Only still pictures are examined.")]
        rgb, box = _middle(case.picture_views[0].rgb)
        if min(rgb.shape[:2]) < LEAST_PX:
            return [self._abstained(f"too_small: The picture is smaller than {LEAST_PX} px.")]
        change = change_when_resaved(rgb)
        case.deadline.check()
        if not change.any():
            return [self._abstained("too_flat: The picture does not change when saved again.")]
        whole = rgb.shape == case.picture_views[0].rgb.shape
        return [
            Evidence(
                detector=self.name,
                version=self.version,
                family=self.family,
                subject="file",
                status="reported",
                findings=(_finding(change),),
                views=(_view(change, box, whole),),
                details={"raw_logit": round(contrast(change), 4)},
                licence=self.licence,
                seconds_taken=time.monotonic() - started,
            )
        ]

    def _abstained(self, reason: str) -> Evidence:
        return Evidence(
            detector=self.name,
            version=self.version,
            family=self.family,
            subject="file",
            status="abstained",
            reason=reason,
            licence=self.licence,
        )


def _middle(rgb: Array) -> tuple[Array, tuple[float, float, float, float]]:
    from assay.media.stored_luma import middle_window

    x0, y0, x1, y1 = middle_window(rgb.shape[1], rgb.shape[0], MOST_PX)
    return rgb[y0:y1, x0:x1], (float(x0), float(y0), float(x1), float(y1))


def change_when_resaved(rgb: Array, quality: int = QUALITY) -> Array:
    """|difference| (h, w, 3) uint8 of a picture to itself saved as JPEG, colours not subsampled."""
    import io

    from PIL import Image, ImageChops

    picture = Image.fromarray(np.ascontiguousarray(rgb))
    store = io.BytesIO()
    picture.save(store, "JPEG", quality=quality, subsampling=0)
    with Image.open(store) as again:
        return np.asarray(ImageChops.difference(picture, again.convert("RGB")), np.uint8)


def cell_means(change: Array) -> FloatArray:
    """Mean change in cells of 16 px, (h // 16, w // 16) float32."""
    down, across = change.shape[0] // CELL_PX, change.shape[1] // CELL_PX
    part = change[: down * CELL_PX, : across * CELL_PX]
    rows = part.reshape(down, CELL_PX, across * CELL_PX * 3).sum(axis=1, dtype=np.int64)
    sums = rows.reshape(down, across, CELL_PX * 3).sum(axis=-1)
    return np.asarray(sums / (3 * CELL_PX**2), np.float32)


def contrast(change: Array) -> float:
    """How far the brightest hundredth of the cells lies above the middle, in spreads; 0 if flat."""
    cells = cell_means(change)
    middle = float(np.median(cells))
    spread = float(np.quantile(cells, 0.84)) - middle
    return (float(np.quantile(cells, 0.99)) - middle) / (spread + 0.1)


def _view(change: Array, box: tuple[float, float, float, float], whole: bool) -> FileView:
    """The change, brightened so that its brightest thousandth is white, shrunk where large."""
    shrink = max(1, int(np.ceil((change.shape[0] * change.shape[1] / MOST_VIEW_PX) ** 0.5)))
    if shrink > 1:
        from PIL import Image

        change = np.asarray(Image.fromarray(change).reduce(shrink), np.uint8)
    top = max(4.0, float(np.quantile(change, 0.999)))
    factor = 255.0 / top
    table = np.minimum(np.arange(256) * factor, 255).astype(np.uint8)
    caption = (
        f"Bright: what changes most when the picture is saved again at quality {QUALITY}, "
        f"{factor:.0f} times as strong as it is."
    )
    if not whole:
        caption += " Only the middle of this large picture was examined."
    return FileView("error_level", "Error level", caption, WEAKNESS, rgb=table[change], box_px=box)


def _finding(change: Array) -> Finding:
    mean = float(change.mean())
    meaning = (
        f"Saved again at quality {QUALITY}, a value changes by {mean:.1f} of 255 on average. The "
        "view shows where. It is an aid for the eye and no evidence: edges, texture and strong "
        "colours change most in any picture."
    )
    values = {"quality": QUALITY, "mean_change": round(mean, 3)}
    values["contrast"] = round(contrast(change), 3)
    return Finding("error_level_view", "Error level view", meaning, "info", values)


DETECTOR = ErrorLevel
