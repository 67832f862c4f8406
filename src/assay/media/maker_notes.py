"""Read what a camera's maker wrote for itself: whose notes they are, serial numbers, previews.

The forms are plain TIFF directories behind a maker's mark; which number means what is known from
public tables (exiftool.org/TagNames, exiv2.org/makernote.html). Encrypted parts are left alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO, Literal

from assay.media.tags import Tags
from assay.media.tiff_directory import DirectoryReader, Entry, Order, read_at

MAX_PREVIEW_BYTES = 2**20
PLACE = "maker"
LEAD_BYTES = 24
Start = Literal["exif", "notes", "inside"]


@dataclass(frozen=True, slots=True)
class Form:
    """One maker's form of notes.

    `lead` are the first bytes ("" where the directory starts at once: then the make decides).
    Offsets count from `start`: the EXIF block, the notes, or a TIFF header inside them at
    `directory_at`. `makes` are the words of which the make that the file names holds one.
    """

    maker: str
    lead: bytes
    directory_at: int
    makes: tuple[str, ...]
    start: Start = "exif"
    order: Order | None = None
    facts: dict[int, str] = field(default_factory=dict)
    preview: int = 0
    preview_directory: int = 0


CANON = {
    0x06: "Image type", 0x07: "Firmware", 0x09: "Owner", 0x0C: "Serial number", 0x10: "Model id",
    0x96: "Internal serial number",
}  # fmt: skip
NIKON = {0x1D: "Serial number", 0xA0: "Serial number", 0xA7: "Shutter count"}
OLYMPUS = {0x0207: "Camera type", 0x0209: "Camera id", 0x0404: "Serial number"}
PANASONIC = {
    0x02: "Firmware", 0x25: "Internal serial number", 0x51: "Lens", 0x52: "Lens serial number",
}  # fmt: skip
APPLE = {0x01: "Version", 0x0B: "Burst", 0x11: "Live Photo", 0x15: "Image id"}
FUJIFILM = {0x10: "Internal serial number", 0x1438: "Image count"}
PENTAX = {0x05: "Model id", 0x0229: "Serial number"}
OLYMPUS_MAKES = ("olympus", "om digital", "om system")
FORMS = (
    Form("Nikon", b"Nikon\x00\x02", 10, ("nikon",), "inside", None, NIKON, 0, 0x11),
    Form("Nikon", b"Nikon\x00\x01", 8, ("nikon",)),
    Form("Olympus", b"OLYMPUS\x00II", 12, OLYMPUS_MAKES, "notes", "little", OLYMPUS),
    Form("Olympus", b"OLYMPUS\x00MM", 12, OLYMPUS_MAKES, "notes", "big", OLYMPUS),
    Form("OM System", b"OM SYSTEM\x00\x00\x00II", 16, OLYMPUS_MAKES, "notes", "little", OLYMPUS),
    Form("Olympus", b"OLYMP\x00", 8, OLYMPUS_MAKES, "exif", None, OLYMPUS, 0x0100),
    Form("Epson", b"EPSON\x00", 8, ("epson",), "exif", None, OLYMPUS),
    Form("Panasonic", b"Panasonic\x00\x00\x00", 12, ("panasonic", "leica"), facts=PANASONIC),
    Form("Apple", b"Apple iOS\x00", 14, ("apple",), "notes", "big", APPLE),
    Form("Fujifilm", b"FUJIFILM\x0c\x00\x00\x00", 12, ("fuji", "leica"), "notes", "little",
         FUJIFILM),
    Form("Sony", b"SONY DSC \x00\x00\x00", 12, ("sony", "hasselblad"), preview=0x2001),
    Form("Sony", b"SONY CAM \x00\x00\x00", 12, ("sony", "hasselblad")),
    Form("Sony", b"SONY MOBILE", 12, ("sony",)),
    Form("Pentax", b"PENTAX \x00", 10, ("pentax", "ricoh"), "notes", None, PENTAX),
    Form("Pentax", b"AOC\x00", 6, ("pentax", "asahi", "samsung", "ricoh"), facts=PENTAX),
    Form("Casio", b"QVC\x00\x00\x00", 6, ("casio",)),
    Form("Ricoh", b"RICOH\x00", 8, ("ricoh", "pentax")),
    Form("Ricoh", b"Ricoh\x00", 8, ("ricoh", "pentax")),
    Form("Kodak", b"KDK", 0, ("kodak",)),
    Form("Leica", b"LEICA\x00", 8, ("leica",)),
    Form("Sigma", b"SIGMA\x00", 10, ("sigma",)),
    Form("Sigma", b"FOVEON\x00", 10, ("sigma",)),
    Form("Sanyo", b"SANYO\x00", 8, ("sanyo",)),
    Form("Reconyx", b"\x01\xf1\x03\x00", 0, ("reconyx",)),
    Form("Google", b"HDRP", 0, ("google",)),
    Form("Motorola", b"MOT\x00", 8, ("motorola",)),
)  # fmt: skip
# Their notes start with the directory itself, so only the make tells whose they are.
UNMARKED = {
    "canon": Form("Canon", b"", 0, ("canon",), facts=CANON),
    "minolta": Form("Minolta", b"", 0, ("minolta",)),
    "samsung": Form("Samsung", b"", 0, ("samsung",)),
    "hewlett": Form("HP", b"", 0, ("hewlett",)),
}
READ_MARKED = ("Nikon", "Olympus", "OM System", "Epson", "Panasonic", "Apple", "Fujifilm", "Sony",
               "Pentax")  # fmt: skip


def read_maker_notes(file: BinaryIO, entry: Entry, make: str, outer: DirectoryReader) -> None:
    """The facts of the notes as tags of place "maker"; "Maker" and "Fits the make" come first.

    `entry` is the EXIF entry that holds them, `make` what the file names as the camera's maker.
    """
    tags, lead = outer.tags, read_at(file, entry.at, LEAD_BYTES)
    if lead.startswith(b"\xff\xd8\xff"):
        tags.add(PLACE, "Maker", "a picture")
        _keep_preview(tags, read_at(file, entry.at, min(entry.count, MAX_PREVIEW_BYTES)))
        return
    form = _form_of(lead, make, outer.order)
    if form is None:
        tags.add(PLACE, "Maker", "unknown" if lead.strip(b"\x00") else "")
        return
    tags.add(PLACE, "Maker", form.maker)
    if make and form.lead:
        fits = any(word in make.lower() for word in form.makes)
        tags.add(PLACE, "Fits the make", "yes" if fits else "no")
    if form.maker in READ_MARKED or not form.lead:
        _read_directory(file, entry, form, outer)


def _form_of(lead: bytes, make: str, order: Order) -> Form | None:
    for form in FORMS:
        if lead.startswith(form.lead):
            return form
    n_entries, kind = (int.from_bytes(lead[at : at + 2], order) for at in (0, 4))
    if not (0 < n_entries < 200 and 0 < kind < 14):
        return None
    return next((form for word, form in UNMARKED.items() if word in make.lower()), None)


def _read_directory(file: BinaryIO, entry: Entry, form: Form, outer: DirectoryReader) -> None:
    order, base, at = form.order or outer.order, outer.base, entry.at + form.directory_at
    if form.start == "inside":
        header = read_at(file, at, 8)
        order = "little" if header[:2] == b"II" else "big"
        base, at = at, at + int.from_bytes(header[4:8], order)
    elif form.start == "notes":
        base = entry.at
        order = form.order or _order_of(read_at(file, at - 2, 2), outer.order)
    reader = DirectoryReader(file, order, outer.tags, "maker notes", base)
    # Editors move these notes without mending their offsets: a fact about them, not damage.
    reader.is_damage_told = False
    wanted = {*form.facts, form.preview, form.preview_directory} - {0}
    entries, _ = reader.entries(at - base, wanted)
    for one in entries:
        if one.tag in form.facts:
            outer.tags.add(PLACE, form.facts[one.tag], _fact(one, reader))
        elif form.preview and one.tag == form.preview:
            _keep_preview(outer.tags, one.data)
    _follow_preview(file, form, entries, reader)
    if reader.n_faults:
        outer.tags.add(PLACE, "State", "partly unreadable: moved by a program, or damaged")


def _fact(entry: Entry, reader: DirectoryReader) -> str:
    """In words where it is text or a number; short bytes as numbers with dots (firmware)."""
    data = entry.data.rstrip(b"\x00")
    if entry.kind == 7 and not all(32 <= byte < 127 for byte in data):
        return ".".join(str(byte) for byte in entry.data) if len(entry.data) <= 8 else ""
    text = reader.text(entry)
    return text if text.isprintable() else ""


def _order_of(mark: bytes, otherwise: Order) -> Order:
    return {b"II": "little", b"MM": "big"}.get(mark, otherwise)  # type: ignore[return-value]


def _follow_preview(
    file: BinaryIO, form: Form, entries: list[Entry], reader: DirectoryReader
) -> None:
    """Nikon's preview stands in a directory of its own."""
    pointer = reader.integer(entries, form.preview_directory) if form.preview_directory else 0
    if not pointer:
        return
    inner, _ = reader.entries(pointer, ())
    at, n_bytes = (reader.integer(inner, tag) for tag in (0x0201, 0x0202))
    if at and 0 < n_bytes <= MAX_PREVIEW_BYTES:
        _keep_preview(reader.tags, read_at(file, reader.base + at, n_bytes))


def _keep_preview(tags: Tags, data: bytes) -> None:
    # Sony puts 32 bytes of its own before the picture.
    start = data.find(b"\xff\xd8\xff", 0, 64)
    if start >= 0:
        tags.previews.append(("maker's preview", data[start:]))
