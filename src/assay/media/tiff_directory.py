"""Read directories of TIFF entries, as EXIF and maker notes hold them; every count is bounded."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from typing import BinaryIO, Literal

from assay.media.tag_text import decode
from assay.media.tags import MAX_BLOCK_BYTES, Tags

MAX_ENTRIES = 512
N_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
Order = Literal["little", "big"]


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its number, its type (TIFF 6.0, 2), how many values, their bytes and where."""

    tag: int
    kind: int
    count: int
    data: bytes
    at: int


def read_at(file: BinaryIO, offset: int, n_bytes: int) -> bytes:
    """At most MAX_BLOCK_BYTES from a place in the file; fewer where the file ends."""
    file.seek(offset)
    return file.read(min(n_bytes, MAX_BLOCK_BYTES))


@dataclass(slots=True)
class DirectoryReader:
    """Reads the directories of one TIFF structure; each place is read once, so that none circles.

    Offsets count from `base` bytes into the file. `block` names the structure in notes of damage,
    which are made only where `is_damage_told`; `n_faults` counts them in any case.
    """

    file: BinaryIO
    order: Order
    tags: Tags
    block: str = "EXIF"
    base: int = 0
    is_damage_told: bool = True
    n_faults: int = 0
    _seen: set[int] = field(default_factory=set)

    def entries(self, offset: int, wanted: Container[int]) -> tuple[list[Entry], int]:
        """The entries at `offset`, with the bytes of the wanted ones, and the next one's offset.

        Nothing, with a note, where the directory was read before, is cut off or is too long.
        """
        if offset in self._seen:
            self._note(f"{self.block}: a directory that leads back to itself")
            return [], 0
        self._seen.add(offset)
        n_said = int.from_bytes(read_at(self.file, self.base + offset, 2), self.order)
        n_entries = min(n_said, MAX_ENTRIES)
        raw = read_at(self.file, self.base + offset + 2, n_entries * 12 + 4)
        if n_said > MAX_ENTRIES or len(raw) < n_entries * 12:
            self._note(f"{self.block}: a directory that claims {n_said} entries")
        n_there = min(n_entries, len(raw) // 12)
        found = [self._entry(raw[12 * at : 12 * at + 12], wanted) for at in range(n_there)]
        return found, int.from_bytes(raw[n_entries * 12 : n_entries * 12 + 4], self.order)

    def _entry(self, raw: bytes, wanted: Container[int]) -> Entry:
        tag, kind = (int.from_bytes(raw[at : at + 2], self.order) for at in (0, 2))
        count = int.from_bytes(raw[4:8], self.order)
        n_bytes = N_BYTES.get(kind, 0) * count
        if n_bytes <= 4:
            return Entry(tag, kind, count, raw[8:12][:n_bytes], 0)
        at = self.base + int.from_bytes(raw[8:12], self.order)
        if tag not in wanted:
            return Entry(tag, kind, count, b"", at)
        granted = self.tags.spend(n_bytes)
        data = read_at(self.file, at, granted)
        if len(data) < n_bytes:
            self.tags.room_bytes += granted - len(data)
            self._note(f"{self.block}: tag {tag:#06x} claims {n_bytes} bytes")
        return Entry(tag, kind, count, data, at)

    def _note(self, fault: str) -> None:
        self.n_faults += 1
        if self.is_damage_told:
            self.tags.note_damaged(fault)

    def integer(self, entries: list[Entry], tag: int) -> int:
        """The single whole number of a tag; 0 where there is none."""
        for entry in entries:
            if entry.tag == tag and entry.kind in (1, 3, 4, 13) and entry.count == 1:
                return int.from_bytes(entry.data[: N_BYTES[entry.kind]], self.order)
        return 0

    def text(self, entry: Entry) -> str:
        """The entry in words: text, or one whole number; "" for everything else."""
        if entry.kind in (2, 7):
            return decode(entry.data).split("\x00\x00")[0].replace("\x00", " ").strip()
        if entry.kind in (3, 4, 13) and entry.count == 1:
            return str(int.from_bytes(entry.data[: N_BYTES[entry.kind]], self.order))
        return ""
