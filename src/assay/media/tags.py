"""Every tag that a file carries, as (place, name, text), read without decoding its content."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from assay.types import Media

MAX_TAGS = 4000
MAX_REPEATS = 50
MAX_TAG_CHARS = 2**20
MAX_BLOCK_BYTES = 4 * 2**20
MAX_TOTAL_BYTES = 48 * 2**20
MAX_XML_NODES = 200_000  # about a second of parsing, over all packets of a file
MAX_EVENTS = 1000


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag: where it stands ("exif", "xmp", "png", …), its name there, its text uncleaned."""

    place: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Appended:
    """Bytes after the end of a picture: what they are, where they start and how many they are."""

    kind: str
    at_byte: int
    n_bytes: int


@dataclass(slots=True)
class Tags:
    """All tags of one file, and what else its blocks hold.

    `previews` are smaller pictures of the same scene as (name, JPEG bytes); `history` the saves
    that XMP records, oldest first; `appended` what follows the picture; `damaged` names the blocks
    that could not be read, `oversized` those that were read only in part. At most MAX_TAGS tags of
    MAX_TAG_CHARS characters are kept, and all readers together may take `room_bytes`: hostile
    files repeat one block thousands of times.
    """

    found: list[Tag] = field(default_factory=list)
    previews: list[tuple[str, bytes]] = field(default_factory=list)
    history: list[dict[str, str]] = field(default_factory=list)
    appended: list[Appended] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    oversized: list[str] = field(default_factory=list)
    room_bytes: int = MAX_TOTAL_BYTES
    room_nodes: int = MAX_XML_NODES
    _n_named: dict[tuple[str, str], int] = field(default_factory=dict)

    def spend(self, n_bytes: int) -> int:
        """How many of `n_bytes` may still be read (one block at most); they count as read."""
        granted = max(0, min(n_bytes, MAX_BLOCK_BYTES, self.room_bytes))
        self.room_bytes -= granted
        return granted

    def take(self, file: BinaryIO, n_bytes: int, block: str) -> bytes:
        """Read a block of `n_bytes` as far as the limits and the file go; what lacks is noted."""
        granted = self.spend(n_bytes)
        data = file.read(granted)
        if len(data) < granted:
            self.room_bytes += granted - len(data)
            self.note_damaged(f"{block}: shorter than it says")
        elif granted < n_bytes:
            self.note_oversized(f"{block}: {n_bytes} bytes")
        return data

    def add(self, place: str, name: str, text: str) -> None:
        """Keep one tag unless it is blank or the file already gave too many, or of this name."""
        text = text[:MAX_TAG_CHARS].strip("\x00 \t\r\n")
        n_same = self._n_named.get((place, name), 0)
        if not text or n_same >= MAX_REPEATS:
            return
        if len(self.found) >= MAX_TAGS:
            self.note_oversized(f"more than {MAX_TAGS} tags")
            return
        self._n_named[place, name] = n_same + 1
        self.found.append(Tag(place, name, text))

    def texts(self, *names: str, places: Iterable[str] = ()) -> list[str]:
        """The texts of all tags of these names (case ignored), of these places if any are given.

        They come in the order of the file, not of the names.
        """
        wanted, where = {name.lower() for name in names}, set(places)
        return [
            tag.text
            for tag in self.found
            if tag.name.lower() in wanted and (not where or tag.place in where)
        ]

    def first(self, *names: str, places: Iterable[str] = ()) -> str:
        """The first of `texts`, "" where there is none."""
        return next(iter(self.texts(*names, places=places)), "")

    def attempt(self, block: str, read: Callable[[], None]) -> None:
        """Run one reader; whatever hostile bytes provoke in it becomes a note in `damaged`."""
        try:
            read()
        except Exception:
            self.note_damaged(block)

    def note_damaged(self, block: str) -> None:
        """Remember once that a block could not be read."""
        _note(self.damaged, block)

    def note_oversized(self, block: str) -> None:
        """Remember once that a block was not read to its end."""
        _note(self.oversized, block)


def _note(notes: list[str], block: str) -> None:
    if block not in notes and len(notes) < MAX_REPEATS:
        notes.append(block)


def read_tags(media: Media) -> Tags:
    """The tags of a file. Never raises for what the bytes hold, only OSError when it is gone."""
    tags = Tags()
    with Path(media.path).open("rb") as file:
        head = file.read(32)
        file.seek(0)
        if media.kind == "image":
            tags.attempt("picture blocks", lambda: _read_picture(media, file, head, tags))
        else:
            from assay.media.container_tags import read_container_tags

            tags.attempt("container tags", lambda: read_container_tags(file, tags))
    return tags


def _read_picture(media: Media, file: BinaryIO, head: bytes, tags: Tags) -> None:
    from assay.media import picture_blocks
    from assay.media.exif import read_exif
    from assay.media.jpeg_blocks import read_jpeg
    from assay.media.png_text import read_png

    if head.startswith(b"\xff\xd8"):
        read_jpeg(file, tags)
    elif head.startswith(b"\x89PNG\r\n\x1a\n"):
        read_png(file, tags)
    elif head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        picture_blocks.read_webp(file, tags)
    elif head[:4] in (b"II*\x00", b"MM\x00*"):
        read_exif(file, tags)
    elif head[4:8] == b"ftyp" or head[:3] == b"GIF":
        picture_blocks.read_by_library(media.path, head, tags)
