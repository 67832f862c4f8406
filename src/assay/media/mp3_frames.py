"""The frames of an MP3 file, one after the other by their headers: nothing is decoded.

Tells where the stream changes, what is no frame, and where a second file begins inside. Source:
ISO/IEC 11172-3 and 13818-3; the Xing and LAME tag as LAME describes it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import BinaryIO

MAX_FRAMES = 400_000
"""Nearly three hours at 44.1 kHz."""
_CHUNK_BYTES = 1 << 20
_MAX_JUNK_BYTES = 2 << 20
"""Of a whole file: each costs a look."""
_BITRATES = {
    (1, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (1, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (2, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES_HZ = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_ENCODER = re.compile(rb"[ -~]{4,9}")


@dataclass(slots=True)
class Mp3Stream:
    """What a walk over the frames found; seconds count from the first frame.

    `stated_frames` is what the Xing or Info tag says (None without one), `lowpass_hz`,
    `delay` and `padding` what LAME's part of it says. `changes` are (second, what) of a new
    sampling rate or number of channels, `starts` the seconds at which a tag or header that belongs
    to the beginning of a file stands inside. `junk_bytes` lie between frames.
    """

    n_frames: int = 0
    duration_s: float = 0.0
    rate_hz: int = 0
    n_channels: int = 0
    bitrates: Counter[int] = field(default_factory=Counter)
    stated_frames: int | None = None
    has_tag: bool = False
    encoder: str = ""
    lowpass_hz: int = 0
    delay: int = 0
    padding: int = 0
    changes: list[tuple[float, str]] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)
    junk_bytes: int = 0
    whole: bool = True


@dataclass(frozen=True, slots=True)
class _Header:
    n_bytes: int
    rate_hz: int
    n_samples: int
    n_channels: int
    kbit_s: int
    side_bytes: int
    key: tuple[int, int]


class _Window:
    """A file read in pieces, so that single bytes can be looked at cheaply."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.start, self.data = file, 0, b""

    def at(self, place: int, n_bytes: int) -> bytes:
        """Bytes at a place, fewer at the end of the file."""
        if not self.start <= place <= place + n_bytes <= self.start + len(self.data):
            self.file.seek(place)
            self.start, self.data = place, self.file.read(max(_CHUNK_BYTES, n_bytes))
        return self.data[place - self.start : place - self.start + n_bytes]


def read_mp3(file: BinaryIO, n_bytes: int) -> Mp3Stream:
    """Walk the frames of a file of `n_bytes`; what is no frame is stepped over and counted."""
    found, window = Mp3Stream(), _Window(file)
    known: _Header | None = None
    place, in_junk, n_junk = _behind_id3(window, 0), 0, 0
    while place + 4 <= n_bytes:
        if found.n_frames >= MAX_FRAMES or n_junk > _MAX_JUNK_BYTES:
            found.whole = False
            break
        header = _header(window.at(place, 4))
        if header is None or (in_junk and not _follows(window, place, header, n_bytes)):
            step = _no_frame(window, place, n_bytes, found)
            in_junk += step
            n_junk += 1
            place += step
            continue
        in_junk = 0
        known = _add(window.at(place, header.n_bytes), header, known, found)
        place += header.n_bytes
    return found


def _no_frame(window: _Window, place: int, n_bytes: int, found: Mp3Stream) -> int:
    """Step over a tag, which at the end is usual and inside is the start of another file."""
    head = window.at(place, 10)
    if head[:3] == b"ID3" and len(head) == 10:
        size = _behind_id3(window, place) - place
        if found.n_frames and place + size + 200 < n_bytes:
            _start(found)
        return max(1, size)
    if head[:3] == b"TAG" and place + 128 <= n_bytes:
        if found.n_frames and place + 328 < n_bytes:
            _start(found)
        return 128
    if head[:8] == b"APETAGEX":
        return max(1, 32 + int.from_bytes(window.at(place + 12, 4), "little"))
    found.junk_bytes += bool(found.n_frames)
    return 1


def _start(found: Mp3Stream) -> None:
    if len(found.starts) < 100 and (not found.starts or found.duration_s - found.starts[-1] > 0.2):
        found.starts.append(found.duration_s)


def _behind_id3(window: _Window, place: int) -> int:
    head = window.at(place, 10)
    if head[:3] != b"ID3" or len(head) < 10:
        return place
    size = 0
    for byte in head[6:10]:
        size = size << 7 | byte & 0x7F
    return place + 10 + size


def _follows(window: _Window, place: int, header: _Header, n_bytes: int) -> bool:
    """Whether another frame of the same kind stands behind: two bytes alike are found in junk."""
    after = place + header.n_bytes
    if after + 4 > n_bytes:
        return after <= n_bytes
    other = _header(window.at(after, 4))
    return other is not None and other.key == header.key


def _header(head: bytes) -> _Header | None:
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return None
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    rate, bitrate = head[2] >> 2 & 3, head[2] >> 4
    if version == 1 or layer == 4 or rate == 3 or bitrate in (0, 15):
        return None
    is_first = version == 3
    kbit_s = _BITRATES[1 if is_first else 2, layer][bitrate - 1]
    rate_hz = _RATES_HZ[version][rate]
    n_samples = 384 if layer == 1 else 576 if layer == 3 and not is_first else 1152
    padding = head[2] >> 1 & 1
    if layer == 1:
        n_bytes = (12000 * kbit_s // rate_hz + padding) * 4
    else:
        n_bytes = n_samples * 125 * kbit_s // rate_hz + padding
    n_channels = 1 if head[3] >> 6 == 3 else 2
    side = {(True, 1): 17, (True, 2): 32, (False, 1): 9, (False, 2): 17}[is_first, n_channels]
    return _Header(n_bytes, rate_hz, n_samples, n_channels, kbit_s, side, (rate_hz, layer))


def _add(frame: bytes, header: _Header, known: _Header | None, found: Mp3Stream) -> _Header | None:
    tag_at = frame.find(b"Xing", 4, 60) if b"Xing" in frame[4:60] else frame.find(b"Info", 4, 60)
    if tag_at >= 0 or b"VBRI" in frame[36:40]:
        if found.n_frames:
            _start(found)
        elif not found.has_tag:
            _read_tag(frame, tag_at, found)
        found.has_tag = True
        return known
    if known is None:
        found.rate_hz, found.n_channels = header.rate_hz, header.n_channels
    elif header.rate_hz != known.rate_hz:
        _change(found, f"{known.rate_hz} Hz becomes {header.rate_hz} Hz")
    elif header.n_channels != known.n_channels:
        _change(found, f"{known.n_channels} channel(s) become {header.n_channels}")
    found.n_frames += 1
    found.duration_s += header.n_samples / header.rate_hz
    found.bitrates[header.kbit_s] += 1
    return header


def _change(found: Mp3Stream, what: str) -> None:
    if len(found.changes) < 100:
        found.changes.append((found.duration_s, what))


def _read_tag(frame: bytes, at: int, found: Mp3Stream) -> None:
    if at < 0:
        return
    flags = int.from_bytes(frame[at + 4 : at + 8], "big")
    if flags & 1 and len(frame) >= at + 12:
        found.stated_frames = int.from_bytes(frame[at + 8 : at + 12], "big")
    lame = at + 8 + 4 * (flags & 1) + 4 * (flags >> 1 & 1) + 100 * (flags >> 2 & 1)
    lame += 4 * (flags >> 3 & 1)
    part = frame[lame : lame + 24]
    name = _ENCODER.match(part[:9])
    if len(part) == 24 and name:
        found.encoder = name[0].decode("ascii").strip()
        found.lowpass_hz = 100 * part[10]
        found.delay = part[21] << 4 | part[22] >> 4
        found.padding = (part[22] & 15) << 8 | part[23]
