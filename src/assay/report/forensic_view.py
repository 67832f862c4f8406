"""The forensic view of a page: each map over the picture it was made from, with its weakness.

Everything is drawn by the page itself from two embedded pictures, the examined one and the map in
grey; colour, levels and what is uncovered are filters over them, so a page without script, or on
paper, shows the same picture.
"""

from __future__ import annotations

import base64
from bisect import bisect_left
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from assay.findings import Box, FileView, Finding
from assay.report import file_views, findings, overlays
from assay.report.figures import clock
from assay.report.file_views import Coded, inside
from assay.report.sanitise import finite, shortened, visible
from assay.report.wording import titled
from assay.types import Evidence, Picture, Verdict

if TYPE_CHECKING:
    from markupsafe import Markup

MAX_BYTES_BESIDE_FILM = 700_000
MAX_LINKS = 200
SHOWN_TOGETHER_S = 0.05  # nearer in time is the same frame
HEAT_STEPS = 11
PLACES = "marked_places"


@dataclass(frozen=True, slots=True)
class Sheet:
    """An examined picture as the page embeds it once, for all views over it."""

    key: str
    source: Markup
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A box drawn over a picture, in percent of it; dashed where something was copied from."""

    number: int
    title: str
    left: float
    top: float
    width: float
    height: float
    dashed: bool


@dataclass(frozen=True, slots=True)
class Layer:
    """What lies over a sheet (or stands alone): `heat` is a grey map to be coloured."""

    source: Markup
    x: float
    y: float
    width: float
    height: float
    heat: bool
    coarse: bool


@dataclass(frozen=True, slots=True)
class Plate:
    """One view as the page shows it; `layer` is None where only places are marked."""

    key: str
    tab: str
    title: str
    detector: str
    caption: str
    weakness: str
    extent: str
    alt: str
    over: bool
    sheet: Sheet | None
    layer: Layer | None
    width: int
    height: int
    picture_width: float
    links: tuple[tuple[str, ...], ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class ForensicView:
    """All that the template draws; `n_bytes` is what its pictures take before base64."""

    sheets: tuple[Sheet, ...]
    plates: tuple[Plate, ...]
    n_left_out: int
    n_bytes: int
    heat: tuple[str, str, str]
    heat_opacity: str


@lru_cache(maxsize=1)
def view_script() -> Markup:
    """What moves the slider, the magnifier and the levels; a page without views carries none."""
    from markupsafe import Markup

    path = Path(__file__).parent / "templates" / "forensic.js"
    return Markup(path.read_text(encoding="utf-8"))


def forensic_view(verdict: Verdict, beside_film: bool = False) -> ForensicView | None:
    """The views with their pictures; None where no examination of the file made one."""
    held = file_views.chosen(verdict)
    boxed = _unseen_boxes(verdict, held)
    if not held and not boxed:
        return None
    under = _pictures_under(verdict, held, boxed)
    most = MAX_BYTES_BESIDE_FILM if beside_film else file_views.MAX_ALL_BYTES
    share = min(file_views.MAX_BYTES, most // (len(held) + len(under)))
    coded = {key: file_views.coded_picture(picture, share) for key, picture in under.items()}
    sheets = {key: _sheet(key, one) for key, one in coded.items()}
    maps = [file_views.coded_view(view, share) for _, view in held]
    desk = _Desk(verdict, sheets)
    plates = [
        desk.plate(i, *pair, one) for i, (pair, one) in enumerate(zip(held, maps, strict=True), 1)
    ]
    if boxed:
        plates.insert(0, desk.places(boxed))
    n_bytes = sum(len(one.data) for one in (*coded.values(), *maps))
    return ForensicView(
        tuple(sheets.values()), tuple(plates), file_views.n_views_left_out(verdict), n_bytes,
        *heat_tables(),
    )  # fmt: skip


def heat_tables() -> tuple[tuple[str, str, str], str]:
    """The house's colours of a heat map as tables of an SVG filter: red, green, blue; opacity."""
    import numpy as np

    values = np.linspace(0, 1, HEAT_STEPS, dtype=np.float32)
    rgb = overlays.colours(values) / 255
    red, green, blue = (_table(rgb[:, i]) for i in range(3))
    return (red, green, blue), _table(overlays.opacity(values))


def _table(values: object) -> str:
    import numpy as np

    return " ".join(f"{value:.3f}" for value in np.asarray(values))


def _sheet(key: str, coded: Coded) -> Sheet:
    return Sheet(key, _embedded(coded), *coded.size_px)


def _embedded(coded: Coded) -> Markup:
    from markupsafe import Markup

    held = base64.b64encode(coded.data).decode("ascii")
    return Markup(f"data:{coded.media_type};base64,{held}")


def _nearest(verdict: Verdict, time_s: float) -> Picture | None:
    pictures = verdict.pictures
    if not pictures:
        return None
    after = bisect_left(pictures, time_s, key=lambda picture: picture.time_s)
    near = pictures[max(0, after - 1) : after + 1]
    return min(near, key=lambda picture: abs(picture.time_s - time_s))


def _key(picture: Picture) -> str:
    return f"sheet-{int(picture.frame_index)}"


def _pictures_under(
    verdict: Verdict, held: list[tuple[Evidence, FileView]], boxed: list[Finding]
) -> dict[str, Picture]:
    """The examined pictures that views lie over or stand beside, each once."""
    under = {}
    times = [view.time_s for _, view in held if view.over or _beside_picture(verdict, view)]
    for time_s in [*([0.0] if boxed else []), *times]:
        picture = _nearest(verdict, time_s)
        if picture is not None:
            under[_key(picture)] = picture
    return under


def _beside_picture(verdict: Verdict, view: FileView) -> bool:
    """Whether a view is itself a picture, such as a thumbnail, to be compared with the other."""
    return view.rgb is not None and verdict.media is not None and verdict.media.kind == "image"


def _boxed(found: tuple[Finding, ...]) -> list[Finding]:
    return [one for one in found if one.region is not None and one.region.box_px is not None]


def _unseen_boxes(verdict: Verdict, held: list[tuple[Evidence, FileView]]) -> list[Finding]:
    """All findings with a place in a picture, where some detector draws no view over it."""
    if not verdict.pictures or verdict.media is None or verdict.media.kind != "image":
        return []
    drawn = {id(one) for one, view in held if view.over}
    if not any(_boxed(one.findings) for one in verdict.evidence if id(one) not in drawn):
        return []
    return [finding for one in verdict.evidence for finding in _boxed(one.findings)]


@dataclass(frozen=True, slots=True)
class _Desk:
    """Where views are laid over the pictures of one verdict."""

    verdict: Verdict
    sheets: dict[str, Sheet]

    def plate(self, number: int, one: Evidence, view: FileView, coded: Coded) -> Plate:
        picture = _nearest(self.verdict, view.time_s)
        sheet = self.sheets.get(_key(picture)) if picture is not None else None
        over = view.over and sheet is not None and picture is not None
        whole = self._whole_px(picture) if over and picture is not None else None
        box = inside(view.box_px, whole) if whole else None
        if over and box is None:
            over = False
        if not over and not _beside_picture(self.verdict, view):
            sheet = None
        width, height = (sheet.width, sheet.height) if over and sheet else coded.size_px
        scale = width / whole[0] if whole and over else 1.0
        title = shortened(visible(view.title), 120)
        return Plate(
            key=f"view-{number}",
            tab=shortened(title, 48),
            title=title,
            detector=titled(one.detector),
            caption=view.caption,
            weakness=view.weakness,
            extent=self._extent(view, coded, whole if over else None, picture),
            alt=_alt(title, view, over),
            over=over,
            sheet=sheet,
            layer=_layer(view, coded, box if over else None, scale, width),
            width=width,
            height=height,
            picture_width=whole[0] if whole and over else width,
            links=_links(view, scale) if over else (),
            marks=self._marks(_boxed(one.findings), whole) if over and whole else (),
        )

    def places(self, boxed: list[Finding]) -> Plate:
        """The examined picture with every place that a finding names."""
        picture = _nearest(self.verdict, 0.0)
        assert picture is not None
        sheet = self.sheets[_key(picture)]
        marks = self._marks(boxed, self._whole_px(picture))
        told = "; ".join(f"box {mark.number}: {mark.title}" for mark in marks)
        return Plate(
            PLACES, "Marked places", "Marked places", "All detectors",
            "Where findings lie. Dashed: the place that the same content was found at.",
            "A box says where to look, not what is there; the finding of its number does.",
            "", f"The examined picture with boxes. {told}.", True, sheet, None,
            sheet.width, sheet.height, self._whole_px(picture)[0], (), marks,
        )  # fmt: skip

    def _whole_px(self, picture: Picture) -> tuple[float, float]:
        """Width and height of the picture that boxes are told in."""
        media = self.verdict.media
        if media is not None and media.size_px is not None:
            return float(media.size_px[0]), float(media.size_px[1])
        height, width = picture.rgb.shape[:2]
        return width / picture.scale, height / picture.scale

    def _marks(self, found: list[Finding], whole: tuple[float, float]) -> tuple[Mark, ...]:
        numbers = findings.numbered(self.verdict)
        marks = []
        for finding in found:
            number, region = numbers.get(id(finding)), finding.region
            if number is None or region is None:
                continue
            title = shortened(visible(finding.title), 80)
            for box, dashed in ((region.source_px, True), (region.box_px, False)):
                shown = inside(box, whole) if box is not None else None
                if shown is not None:
                    marks.append(_mark(number, title, shown, whole, dashed))
        return tuple(marks)

    def _extent(
        self, view: FileView, coded: Coded, whole: tuple[float, float] | None, under: Picture | None
    ) -> str:
        """What was shrunk, what the view covers, and over which frame it is drawn."""
        told = []
        made = view.values if view.values is not None else view.rgb
        assert made is not None
        height, width = made.shape[:2]
        what = "values" if view.values is not None else "pixels"
        told.append(f"{width} × {height} {what}")
        if coded.size_px != (width, height):
            told[0] += f", shown here in {coded.size_px[0]} × {coded.size_px[1]}"
        if whole and view.box_px is not None and view.box_px != (0, 0, *whole):
            x0, y0, x1, y1 = (round(finite(side) or 0) for side in view.box_px)
            told.append(f"over x {x0}–{x1}, y {y0}–{y1} px of the picture")
        if (
            whole
            and under is not None
            and self.verdict.media
            and self.verdict.media.kind == "video"
        ):
            told.append(f"of {clock(view.time_s, tenths=True)}")
            if abs(under.time_s - view.time_s) > SHOWN_TOGETHER_S:
                told.append(
                    f"drawn over the frame at {clock(under.time_s, tenths=True)}, the nearest that "
                    "the report keeps"
                )
        return f"{'; '.join(told)}."


def _layer(view: FileView, coded: Coded, box: Box | None, scale: float, width: int) -> Layer:
    if box is None:
        w, h = coded.size_px
        return Layer(_embedded(coded), 0, 0, w, h, view.values is not None, False)
    x0, y0, x1, y1 = box if view.box_px is None else _clean(view.box_px, box)
    coarse = coded.size_px[0] * 2 < (x1 - x0) * scale
    return Layer(
        _embedded(coded), x0 * scale, y0 * scale, (x1 - x0) * scale, (y1 - y0) * scale,
        view.values is not None, coarse,
    )  # fmt: skip


def _clean(box: Box, shown: Box) -> Box:
    """The whole box that a map covers; the page cuts off what lies outside the picture."""
    limit = 8 * max(shown[2], shown[3])
    x0, y0, x1, y1 = (min(limit, max(-limit, side)) for side in box)
    return x0, y0, x1, y1


def _mark(number: int, title: str, box: Box, whole: tuple[float, float], dashed: bool) -> Mark:
    x0, y0, x1, y1 = box
    width, height = whole
    return Mark(
        number, title, 100 * x0 / width, 100 * y0 / height, 100 * (x1 - x0) / width,
        100 * (y1 - y0) / height, dashed,
    )  # fmt: skip


def _links(view: FileView, scale: float) -> tuple[tuple[str, ...], ...]:
    lines = []
    for link in view.links_px[:MAX_LINKS]:
        ends = [finite(end) for end in link]
        if all(end is not None and abs(end) < 1e6 for end in ends):
            lines.append(tuple(f"{(end or 0.0) * scale:.1f}" for end in ends))
    return tuple(lines)


def _alt(title: str, view: FileView, over: bool) -> str:
    if view.values is None:
        what = "picture over the examined one" if over else "picture"
        return f"{title}: {what} made by the examination."
    where = overlays.strongest(view.values)
    return f"{title}: map {'over the examined picture' if over else 'of values'}, {where}."
