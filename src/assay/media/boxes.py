"""The boxes of an MP4 or MOV file: their order and sizes, dates, edit lists and sample tables.

Nothing is decoded and no length in the file is believed: boxes are walked to a depth of 16, at most
20,000 of them, a body is read only where it is small, and media are passed over by a seek.
Source: ISO/IEC 14496-12; QuickTime File Format.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

MAX_DEPTH = 16
MAX_BOXES = 20_000
MAX_BODY_BYTES = 4 << 20
MAX_TRACKS = 32
MAX_EDITS = 1000
MAX_TOP = 64
_EPOCH = datetime(1904, 1, 1, tzinfo=UTC)
_WITH_CHILDREN = {
    "moov", "trak", "mdia", "minf", "dinf", "stbl", "edts", "udta", "meta", "ilst", "mvex",
    "moof", "traf", "mfra", "tapt", "gmhd",
}  # fmt: skip
_KNOWN = _WITH_CHILDREN | {
    "ftyp", "mdat", "free", "skip", "wide", "pnot", "uuid", "styp", "sidx", "ssix", "prft", "emsg",
    "pdin", "mvhd", "iods", "tkhd", "tref", "elst", "mdhd", "hdlr", "elng", "vmhd", "smhd", "hmhd",
    "nmhd", "sthd", "gmin", "dref", "stsd", "stts", "ctts", "cslg", "stss", "stsh", "stsz", "stz2",
    "stsc", "stco", "co64", "padb", "stdp", "sdtp", "sbgp", "sgpd", "subs", "saiz", "saio", "stps",
    "mehd", "trex", "leva", "mfhd", "tfhd", "tfdt", "trun", "tfra", "mfro", "keys", "load", "clef",
    "prof", "enof", "txas", "cprt", "name", "ID32", "xml ", "bxml", "iloc", "iinf", "pssh", "trgr",
    "senc", "hnti", "hinf", "loci", "kind", "titl", "auth", "imif", "tsel", "strk", "tmcd", "text",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its type, the types above it ("moov/trak"), where it and its body start, its end."""

    kind: str
    above: str
    start: int
    body: int
    end: int
    depth: int


@dataclass(frozen=True, slots=True)
class Edit:
    """One entry of an edit list, in seconds: `media_s` is None for an empty stretch."""

    duration_s: float
    media_s: float | None


@dataclass(frozen=True, slots=True)
class Track:
    """What the header boxes of one track say. `handler` is `vide`, `soun` or another type.

    `order` names the boxes of the track and its media in order. `steps` maps the length of a sample
    (units of the track's clock) to how many have it, `n_offsets` counts entries of ctts, `n_keys`
    is None where each sample is a key frame (no stss).
    """

    handler: str = ""
    handler_name: str = ""
    codec: str = ""
    order: tuple[str, ...] = ()
    created: datetime | None = None
    modified: datetime | None = None
    duration_s: float | None = None
    media_duration_s: float | None = None
    clock_hz: int = 0
    edits: tuple[Edit, ...] = ()
    n_samples: int = 0
    steps: tuple[tuple[int, int], ...] = ()
    n_offsets: int = 0
    n_keys: int | None = None
    n_descriptions: int = 0


@dataclass(frozen=True, slots=True)
class Movie:
    """A whole file: `top` are the outermost boxes in order, a run of the same type told once.

    `encoder` is what ©too or ©swr says; `faults` are codes of what does not fit together.
    """

    brand: str = ""
    brands: tuple[str, ...] = ()
    top: tuple[str, ...] = ()
    created: datetime | None = None
    modified: datetime | None = None
    duration_s: float | None = None
    tracks: tuple[Track, ...] = ()
    encoder: str = ""
    unknown: tuple[str, ...] = ()
    free_bytes: int = 0
    n_fragments: int = 0
    n_boxes: int = 0
    faults: tuple[str, ...] = ()

    @property
    def index_first(self) -> bool | None:
        """Whether moov stands before the media; None where one of them is missing."""
        if "moov" not in self.top or "mdat" not in self.top:
            return None
        return self.top.index("moov") < self.top.index("mdat")


@dataclass(slots=True)
class _Walk:
    file: BinaryIO
    n_bytes: int
    n_boxes: int = 0
    faults: dict[str, None] = field(default_factory=dict)


def walk_boxes(
    file: BinaryIO, n_bytes: int, faults: dict[str, None] | None = None
) -> Iterator[Box]:
    """All boxes in the order of the file, parents before what they hold.

    A box ends where its parent does at the latest, so that no cycle is possible. `faults` collects
    codes: `too_many`, `too_deep`, `past_end`, `too_small`.
    """
    walk = _Walk(file, n_bytes)
    if faults is not None:
        walk.faults = faults
    yield from _within(walk, 0, n_bytes, "", 0)


def _within(walk: _Walk, start: int, end: int, above: str, depth: int) -> Iterator[Box]:
    while start + 8 <= end:
        if walk.n_boxes >= MAX_BOXES:
            walk.faults["too_many"] = None
            return
        box = _box_at(walk, start, end, above, depth)
        if box is None:
            return
        walk.n_boxes += 1
        yield box
        if box.kind in _WITH_CHILDREN:
            if depth + 1 >= MAX_DEPTH:
                walk.faults["too_deep"] = None
            else:
                path = f"{above}/{box.kind}" if above else box.kind
                yield from _within(walk, _first_child(walk, box), box.end, path, depth + 1)
        start = box.end


def _box_at(walk: _Walk, start: int, end: int, above: str, depth: int) -> Box | None:
    walk.file.seek(start)
    header = walk.file.read(16)
    if len(header) < 8:
        walk.faults["past_end"] = None
        return None
    size, body = int.from_bytes(header[:4], "big"), start + 8
    if size == 0 and header[4:8] == b"\0\0\0\0":
        return None  # QuickTime ends a list of user data with four zero bytes, writers pad so too
    if size == 1:
        size, body = int.from_bytes(header[8:16], "big"), start + 16
    stop = end if size == 0 else start + size
    if stop < body:
        walk.faults["too_small"] = None
        return None
    if stop > end:
        walk.faults["past_end"] = None
        stop = end
    kind = header[4:8].decode("latin-1")
    return Box(kind, above, start, min(body, stop), stop, depth)


def _first_child(walk: _Walk, box: Box) -> int:
    """Where the boxes inside begin: a `meta` of MP4 has four more bytes before them."""
    if box.kind != "meta":
        return box.body
    walk.file.seek(box.body)
    head = walk.file.read(8)
    return box.body if head[4:8] in (b"hdlr", b"keys", b"ilst") else box.body + 4


def read_movie(file: BinaryIO, n_bytes: int) -> Movie:
    """The facts of a file of `n_bytes`; what cannot be read is left out and named in `faults`."""
    faults: dict[str, None] = {}
    boxes = list(walk_boxes(file, n_bytes, faults))
    top = [box.kind for box in boxes if box.depth == 0]
    short = [kind for i, kind in enumerate(top) if i == 0 or top[i - 1] != kind]
    head = next((box for box in boxes if box.kind == "ftyp" and box.depth == 0), None)
    brands = _brands(_body(file, head)) if head else ()
    movie = next((box for box in boxes if box.kind == "mvhd"), None)
    created, modified, clock_hz, duration = _times(_body(file, movie)) if movie else _NO_TIMES
    unknown = {b.kind for b in boxes if _is_unknown(b)}
    return Movie(
        brand=brands[0] if brands else "",
        brands=brands[1:],
        top=tuple(_printable(kind) for kind in short[:MAX_TOP]),
        created=created,
        modified=modified,
        duration_s=duration / clock_hz if clock_hz and duration else None,
        tracks=tuple(_tracks(file, boxes, clock_hz, faults)),
        encoder=_encoder(file, boxes),
        unknown=tuple(sorted(_printable(kind) for kind in unknown)[:MAX_TOP]),
        free_bytes=sum(b.end - b.start for b in boxes if b.kind in ("free", "skip")),
        n_fragments=top.count("moof"),
        n_boxes=len(boxes),
        faults=tuple(faults),
    )


_NO_TIMES: tuple[datetime | None, datetime | None, int, int] = (None, None, 0, 0)


def _is_unknown(box: Box) -> bool:
    inside_tags = box.above.endswith(("udta", "ilst")) or "udta" in box.above.split("/")
    return box.kind not in _KNOWN and not inside_tags


def _printable(kind: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in kind)


def _body(file: BinaryIO, box: Box) -> bytes:
    file.seek(box.body)
    return file.read(max(0, min(box.end - box.body, MAX_BODY_BYTES)))


def _brands(body: bytes) -> tuple[str, ...]:
    four = [body[:4], *(body[at : at + 4] for at in range(8, min(len(body), 264) - 3, 4))]
    return tuple(_printable(one.decode("latin-1")) for one in four if len(one) == 4)


def _times(body: bytes) -> tuple[datetime | None, datetime | None, int, int]:
    """Made, changed, clock (Hz) and duration (ticks) of an mvhd or mdhd."""
    form = ">QQIQ" if body[:1] == b"\1" else ">IIII"
    if len(body) < 4 + struct.calcsize(form):
        return _NO_TIMES
    made, changed, clock_hz, duration = struct.unpack_from(form, body, 4)
    unknown = (1 << (64 if body[:1] == b"\1" else 32)) - 1
    return _date(made), _date(changed), clock_hz, 0 if duration == unknown else duration


def _date(seconds: int) -> datetime | None:
    """Seconds since 1904; None for 0 and for what no calendar holds."""
    if not 0 < seconds < 1 << 36:
        return None
    return _EPOCH + timedelta(seconds=seconds)


def _encoder(file: BinaryIO, boxes: list[Box]) -> str:
    for box in boxes:
        if box.kind in ("\xa9too", "\xa9swr"):
            body = _body(file, box)[:400]
            text = body[16:] if body[4:8] == b"data" else body[4:]
            return _printable(text.decode("utf-8", "replace"))[:200]
    return ""


def _tracks(
    file: BinaryIO, boxes: list[Box], movie_hz: int, faults: dict[str, None]
) -> Iterator[Track]:
    starts = [i for i, box in enumerate(boxes) if box.kind == "trak"]
    if len(starts) > MAX_TRACKS:
        faults["too_many_tracks"] = None
    for i in starts[:MAX_TRACKS]:
        end = boxes[i].end
        inside = []
        for box in boxes[i + 1 :]:
            if box.start >= end:
                break
            inside.append(box)
        yield _track(file, inside, movie_hz)


def _track(file: BinaryIO, inside: list[Box], movie_hz: int) -> Track:
    found: dict[str, bytes] = {}
    for box in inside:
        name = "hdlr" if box.kind == "hdlr" and box.above.endswith("mdia") else box.kind
        if name in _READ and name not in found and not (box.kind == "hdlr" != name):
            found[name] = _body(file, box)
    created, modified, clock_hz, duration = _times(found.get("mdhd", b""))
    head = found.get("hdlr", b"")
    steps, n_samples = _steps(found.get("stts", b""))
    keys = found.get("stss")
    return Track(
        handler=_printable(head[8:12].decode("latin-1")),
        handler_name=_name(head[24:]),
        codec=_printable(found.get("stsd", b"")[12:16].decode("latin-1")),
        order=tuple(_printable(b.kind) for b in inside if b.above.endswith(("trak", "mdia")))[:40],
        created=created,
        modified=modified,
        duration_s=_track_duration(found.get("tkhd", b""), movie_hz),
        media_duration_s=duration / clock_hz if clock_hz and duration else None,
        clock_hz=clock_hz,
        edits=_edits(found.get("elst", b""), movie_hz, clock_hz),
        n_samples=n_samples,
        steps=steps,
        n_offsets=_count(found.get("ctts", b"")),
        n_keys=None if keys is None else _count(keys),
        n_descriptions=_count(found.get("stsd", b"")),
    )


_READ = {"mdhd", "tkhd", "hdlr", "stsd", "stts", "ctts", "stss", "elst"}


def _name(raw: bytes) -> str:
    """The name in an hdlr: ended by zero in MP4, begun by its length in MOV."""
    if raw and raw[0] == len(raw) - 1:
        raw = raw[1:]
    return _printable(raw.split(b"\0")[0][:80].decode("utf-8", "replace"))


def _count(body: bytes) -> int:
    return int.from_bytes(body[4:8], "big") if len(body) >= 8 else 0


def _track_duration(body: bytes, movie_hz: int) -> float | None:
    at, form = (28, ">Q") if body[:1] == b"\1" else (20, ">I")
    if len(body) < at + struct.calcsize(form) or not movie_hz:
        return None
    ticks: int = struct.unpack_from(form, body, at)[0]
    unknown = (1 << (64 if form == ">Q" else 32)) - 1
    return ticks / movie_hz if 0 < ticks < unknown else None


def _steps(body: bytes) -> tuple[tuple[tuple[int, int], ...], int]:
    """The lengths of samples by how many have them, the most frequent first; how many in all."""
    counts: dict[int, int] = {}
    n_entries = min(_count(body), (len(body) - 8) // 8) if len(body) >= 8 else 0
    for n, step in struct.iter_unpack(">II", body[8 : 8 + 8 * n_entries]):
        counts[step] = counts.get(step, 0) + n
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    return tuple(ranked[:16]), sum(counts.values())


def _edits(body: bytes, movie_hz: int, media_hz: int) -> tuple[Edit, ...]:
    form = struct.Struct(">QqI" if body[:1] == b"\1" else ">IiI")
    if len(body) < 8 or not movie_hz or not media_hz:
        return ()
    n = min(_count(body), (len(body) - 8) // form.size, MAX_EDITS)
    found = []
    for duration, start, _rate in form.iter_unpack(body[8 : 8 + n * form.size]):
        found.append(Edit(duration / movie_hz, None if start < 0 else start / media_hz))
    return tuple(found)
