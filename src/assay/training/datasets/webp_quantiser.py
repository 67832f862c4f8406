"""How coarsely a lossy WebP was saved: the base quantiser index in the header of its VP8 frame.

Source: RFC 6386, sections 7 (the boolean decoder) and 9 (the frame header).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator

from PIL import Image

from assay.errors import DamagedMediaError

MOST_INDEX = 127
KEY_FRAME_HEADER_BYTES = 10


def quantiser_of(webp: bytes, name: str) -> int:
    """The base quantiser index, 0 (finest) to 127, of a still lossy WebP.

    Raises DamagedMediaError for anything else: another format, lossless, animated, cut off.
    """
    chunks = dict(_chunks(webp))
    frame = chunks.get(b"VP8 ", b"")
    starts_key_frame = len(frame) > KEY_FRAME_HEADER_BYTES and frame[3:6] == b"\x9d\x01\x2a"
    if webp[:4] != b"RIFF" or webp[8:12] != b"WEBP" or b"ANMF" in chunks or not starts_key_frame:
        raise DamagedMediaError(f"{name} is no still lossy WebP.")
    try:
        return _base_index(_Bits(frame[KEY_FRAME_HEADER_BYTES:]))
    except IndexError as error:
        raise DamagedMediaError(f"{name} ends within its frame header.") from error


def saved_with(image: Image.Image, quantiser: int) -> bytes:
    """The picture as lossy WebP whose base quantiser index comes nearest to the given one.

    The index falls as the quality rises, so the quality (0 to 100) is found by halving.
    """
    low, high, best = 0, 100, (MOST_INDEX + 1, b"")
    while low <= high:
        quality = (low + high) // 2
        saved = io.BytesIO()
        image.save(saved, "WEBP", quality=quality)
        index = quantiser_of(saved.getvalue(), "the saved picture")
        best = min(best, (abs(index - quantiser), saved.getvalue()), key=lambda found: found[0])
        if index == quantiser:
            break
        low, high = (quality + 1, high) if index > quantiser else (low, quality - 1)
    return best[1]


def _chunks(webp: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 12
    while place + 8 <= len(webp):
        tag, size = struct.unpack("<4sI", webp[place : place + 8])
        yield tag, webp[place + 8 : place + 8 + size]
        place += 8 + size + size % 2


class _Bits:
    """RFC 6386's boolean decoder, for even odds only: all of the header that is read here."""

    def __init__(self, data: bytes) -> None:
        self._data, self._place = data, 2
        self._value, self._range, self._shifted = (data[0] << 8) | data[1], 255, 0

    def bit(self) -> bool:
        split = 1 + (((self._range - 1) * 128) >> 8)
        is_set = self._value >= split << 8
        if is_set:
            self._range -= split
            self._value -= split << 8
        else:
            self._range = split
        while self._range < 128:
            self._shift()
        return is_set

    def _shift(self) -> None:
        self._value, self._range, self._shifted = (
            self._value << 1,
            self._range << 1,
            self._shifted + 1,
        )
        if self._shifted == 8:
            self._value |= self._data[self._place]
            self._place, self._shifted = self._place + 1, 0

    def number(self, bits: int) -> int:
        value = 0
        for _ in range(bits):
            value = 2 * value + self.bit()
        return value

    def skip_optional(self, count: int, bits: int) -> None:
        """`count` numbers, each only there if its flag is set."""
        for _ in range(count):
            if self.bit():
                self.number(bits)


def _base_index(bits: _Bits) -> int:
    bits.number(2)  # Colour space and clamping.
    if bits.bit():  # Segments.
        has_map, has_values = bits.bit(), bits.bit()
        if has_values:
            bits.bit()
            bits.skip_optional(4, 7 + 1)
            bits.skip_optional(4, 6 + 1)
        if has_map:
            bits.skip_optional(3, 8)
    bits.number(1 + 6 + 3)  # The loop filter's kind, level and sharpness.
    if bits.bit() and bits.bit():  # Its changes by reference and mode.
        bits.skip_optional(8, 6 + 1)
    bits.number(2)  # Partitions.
    return bits.number(7)
