"""The markers of a JPEG file and what they hold: tables, sampling, order, what lies after the end.

Own reader, ISO/IEC 10918-1 annex B; no pixel is decoded. Bounded in bytes and in markers, so that
a hostile file costs no more than a large one.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import BinaryIO, Literal

MAX_BYTES = 96 * 2**20  # what lies behind is not read, and `complete` says so
MAX_MARKERS = 20_000
MAX_KEPT = 200  # names of segments that are kept in order
Process = Literal["baseline", "extended", "progressive", "lossless", "arithmetic", "hierarchical"]
Huffman = Literal["standard", "own", "none"]

_PROCESSES: dict[int, Process] = {
    0xC0: "baseline", 0xC1: "extended", 0xC2: "progressive", 0xC3: "lossless",
    0xC5: "hierarchical", 0xC6: "hierarchical", 0xC7: "hierarchical",
    0xC9: "arithmetic", 0xCA: "arithmetic", 0xCB: "arithmetic",
    0xCD: "arithmetic", 0xCE: "arithmetic", 0xCF: "arithmetic",
}  # fmt: skip
_NAMES = {0xC4: "DHT", 0xCC: "DAC", 0xDA: "SOS", 0xDB: "DQT", 0xDD: "DRI", 0xFE: "COM"}
_APPS: tuple[tuple[int, bytes, str], ...] = (
    (0xE0, b"JFIF\0", "JFIF"), (0xE0, b"JFXX\0", "JFXX"), (0xE1, b"Exif\0", "Exif"),
    (0xE1, b"http://ns.adobe.com/xap/1.0/\0", "XMP"),
    (0xE1, b"http://ns.adobe.com/xmp/extension/\0", "XMP extension"),
    (0xE2, b"ICC_PROFILE\0", "ICC"), (0xE2, b"MPF\0", "MPF"), (0xEB, b"JP", "JUMBF"),
    (0xEC, b"Ducky", "Ducky"), (0xED, b"Photoshop 3.0\0", "Photoshop"), (0xEE, b"Adobe", "Adobe"),
)  # fmt: skip
# SHA-256 of the counts and values of the four typical tables (annex K.3), as libjpeg writes them.
_STANDARD_HUFFMAN = {"2f66814c875b5317", "a6283a08f5d97906", "602f734c8c12c1d9", "13f90e3c9dc476c6"}
_END_OF_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_NUMBER_OF_PICTURES = 0xB001  # CIPA DC-007


def zigzag_order() -> tuple[int, ...]:
    """For each place of the zigzag, the place in rows (8 v + u) that it stands for; 64 numbers."""
    cells = [(v, u) for v in range(8) for u in range(8)]
    cells.sort(key=lambda c: (c[0] + c[1], c[0] if (c[0] + c[1]) % 2 else c[1]))
    return tuple(8 * v + u for v, u in cells)


ZIGZAG = zigzag_order()


@dataclass(frozen=True, slots=True)
class Component:
    """One plane: its number, how many blocks of it a unit holds, its quantisation table."""

    number: int
    across: int
    down: int
    table: int


@dataclass(slots=True)
class JpegTables:
    """What the markers of the first picture in a file say.

    `quantisation` maps a table's number to 64 steps in rows (8 v + u), the first definition where
    one is defined again; `sixteen_bit` where any of them is kept in 16 bits. `size_px` is (width,
    height) as stored. `segments` are names in the file's order, 200 at most. `n_pictures` is what
    the file's MPF index says (1 without one). `n_bytes_after_end` counts what follows the first
    picture's end (None: its end was not reached). `complete` is False where markers are broken or
    the file is longer than was read.
    """

    size_px: tuple[int, int] = (0, 0)
    precision_bits: int = 0
    process: Process | None = None
    components: tuple[Component, ...] = ()
    quantisation: dict[int, tuple[int, ...]] = field(default_factory=dict)
    sixteen_bit: bool = False
    huffman: Huffman = "none"
    restart_interval: int = 0
    n_scans: int = 0
    segments: list[str] = field(default_factory=list)
    jfif_version: tuple[int, int] | None = None
    jfif_density: tuple[int, int, int] | None = None
    adobe_transform: int | None = None
    n_pictures: int = 1
    n_bytes_after_end: int | None = None
    complete: bool = False

    @property
    def luma_table(self) -> tuple[int, ...] | None:
        """The 64 steps of the first component, in rows; None where they are missing."""
        return self._table_of(0)

    @property
    def chroma_table(self) -> tuple[int, ...] | None:
        """The 64 steps of the second component, in rows; None where they are missing."""
        return self._table_of(1)

    @property
    def sampling(self) -> str:
        """Sampling factors as written, "2x2,1x1,1x1"."""
        return ",".join(f"{one.across}x{one.down}" for one in self.components)

    @property
    def is_stored_as_rgb(self) -> bool:
        """Whether the planes are red, green and blue and not brightness and colour."""
        ids = tuple(one.number for one in self.components)
        if len(ids) != 3:
            return False
        if self.jfif_version is not None:
            return False
        if self.adobe_transform is not None:
            return self.adobe_transform == 0
        return ids == (0x52, 0x47, 0x42)

    def _table_of(self, component: int) -> tuple[int, ...] | None:
        if component >= len(self.components):
            return None
        return self.quantisation.get(self.components[component].table)


def read_jpeg_tables(file: BinaryIO) -> JpegTables | None:
    """The tables of the JPEG file `file`; None where it does not begin as one.

    Never raises on what the bytes hold: what was read until something was wrong is given back.
    """
    file.seek(0)
    data = file.read(MAX_BYTES)
    if data[:2] != b"\xff\xd8":
        return None
    file.seek(0, 2)
    n_bytes = file.tell()
    tables = JpegTables()
    end = _walk(data, tables)
    if end is not None:
        tables.n_bytes_after_end = n_bytes - end
        tables.complete = True
    return tables


def _walk(data: bytes, tables: JpegTables) -> int | None:
    """Read all markers; where the picture ends, None where the end is not reached."""
    at, hashes = 2, set[str]()
    for _ in range(MAX_MARKERS):
        while data[at : at + 2] == b"\xff\xff":  # fill bytes
            at += 1
        if at + 2 > len(data) or data[at] != 0xFF:
            return None
        marker = data[at + 1]
        if marker == 0xD9:
            return at + 2
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:  # markers without content
            at += 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if length < 2 or len(body) != length - 2:
            return None
        _read_segment(marker, body, tables, hashes)
        at += 2 + length
        if marker == 0xDA:
            found = _END_OF_SCAN.search(data, at)
            if found is None:
                return None
            at = found.start()
    return None


def _read_segment(marker: int, body: bytes, tables: JpegTables, hashes: set[str]) -> None:
    name = _name(marker, body)
    if len(tables.segments) < MAX_KEPT:
        tables.segments.append(name)
    if marker == 0xDB:
        _quantisation(body, tables)
    elif marker == 0xC4:
        _huffman(body, tables, hashes)
    elif marker in _PROCESSES and tables.process is None:
        _frame(marker, body, tables)
    elif marker == 0xDA:
        tables.n_scans += 1
    elif marker == 0xDD and len(body) >= 2:
        tables.restart_interval = int.from_bytes(body[:2], "big")
    elif name == "APP0 JFIF" and len(body) >= 12:
        tables.jfif_version = (body[5], body[6])
        across, down = int.from_bytes(body[8:10], "big"), int.from_bytes(body[10:12], "big")
        tables.jfif_density = (body[7], across, down)
    elif name == "APP14 Adobe" and len(body) >= 12:
        tables.adobe_transform = body[11]
    elif name == "APP2 MPF":
        tables.n_pictures = _n_pictures(body[4:])


def _name(marker: int, body: bytes) -> str:
    if 0xE0 <= marker <= 0xEF:
        known = next((n for m, lead, n in _APPS if m == marker and body.startswith(lead)), "other")
        return f"APP{marker - 0xE0} {known}"
    if marker in _PROCESSES:
        return f"SOF{marker - 0xC0}"
    return _NAMES.get(marker, f"{marker:02X}")


def _quantisation(body: bytes, tables: JpegTables) -> None:
    at = 0
    while at < len(body):
        wide, number = body[at] >> 4, body[at] & 15
        size = 2 if wide else 1
        steps = body[at + 1 : at + 1 + 64 * size]
        if wide > 1 or len(steps) < 64 * size:
            return
        values = [0] * 64
        for place, natural in enumerate(ZIGZAG):
            values[natural] = int.from_bytes(steps[place * size : (place + 1) * size], "big")
        tables.sixteen_bit |= bool(wide)
        tables.quantisation.setdefault(number, tuple(values))
        at += 1 + 64 * size


def _huffman(body: bytes, tables: JpegTables, hashes: set[str]) -> None:
    at = 0
    while at + 17 <= len(body):
        n_values = sum(body[at + 1 : at + 17])
        table = body[at + 1 : at + 17 + n_values]
        hashes.add(hashlib.sha256(table).hexdigest()[:16])
        at += 17 + n_values
    tables.huffman = "standard" if hashes and hashes <= _STANDARD_HUFFMAN else "own"


def _frame(marker: int, body: bytes, tables: JpegTables) -> None:
    if len(body) < 6:
        return
    tables.process = _PROCESSES[marker]
    tables.precision_bits = body[0]
    tables.size_px = (int.from_bytes(body[3:5], "big"), int.from_bytes(body[1:3], "big"))
    parts = (body[6 + 3 * k : 9 + 3 * k] for k in range(body[5]))
    tables.components = tuple(
        Component(part[0], part[1] >> 4, part[1] & 15, part[2]) for part in parts if len(part) == 3
    )


def _n_pictures(index: bytes) -> int:
    """How many pictures an MPF index (a TIFF directory) counts; 1 where it cannot be read."""
    order: Literal["little", "big"] = "little" if index[:2] == b"II" else "big"
    at = int.from_bytes(index[4:8], order)
    n_entries = int.from_bytes(index[at : at + 2], order)
    for k in range(min(n_entries, 64)):
        entry = index[at + 2 + 12 * k : at + 14 + 12 * k]
        if len(entry) == 12 and int.from_bytes(entry[:2], order) == _NUMBER_OF_PICTURES:
            return min(max(1, int.from_bytes(entry[8:12], order)), 10_000)
    return 1
