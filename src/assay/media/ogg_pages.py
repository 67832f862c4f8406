"""The pages of an Ogg file (RFC 3533): its streams, and whether one begins behind another."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import BinaryIO

MAX_PAGES = 200_000


@dataclass(slots=True)
class OggPages:
    """`serials` in the order of their first page; `chained` counts those that begin after others
    have carried media; `n_lost` counts jumps of the page numbers."""

    serials: list[int] = field(default_factory=list)
    n_pages: int = 0
    chained: int = 0
    n_lost: int = 0
    whole: bool = True


def read_ogg(file: BinaryIO, n_bytes: int) -> OggPages:
    """Walk the pages by their own lengths; stops at the first place that holds none."""
    found, place = OggPages(), 0
    numbers: dict[int, int] = {}
    while place + 27 <= n_bytes:
        if found.n_pages >= MAX_PAGES:
            found.whole = False
            break
        file.seek(place)
        head = file.read(27 + 255)
        if head[:4] != b"OggS" or len(head) < 27:
            found.whole = False
            break
        n_segments = head[26]
        serial = int.from_bytes(head[14:18], "little")
        number = int.from_bytes(head[18:22], "little")
        if head[5] & 2 and serial not in numbers and len(found.serials) < 1000:
            found.serials.append(serial)
            found.chained += any(count > 2 for count in numbers.values())
        elif serial in numbers and number != numbers[serial] + 1:
            found.n_lost += 1
        numbers[serial] = number
        found.n_pages += 1
        place += 27 + n_segments + sum(head[27 : 27 + n_segments])
    found.whole = found.whole and place <= n_bytes
    return found
