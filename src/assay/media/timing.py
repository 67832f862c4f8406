"""How many frames a stream has, how long it lasts and how evenly, by its index or its packets."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from assay.media.container import only, start_s

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream

SCANNED_BYTES = 256 << 20
"""Up to this size all packets are counted (about 0.3 s); beyond, the header is believed."""
SCANNED_UNKNOWN_BYTES = 4 << 30
_MAX_PACKETS = 3_000_000
_MAX_FPS = 1000.0


@dataclass(frozen=True, slots=True)
class Timing:
    """`duration_s` counts from the file's 0 s to the end of the last frame."""

    n_frames: int | None
    duration_s: float | None
    fps: float | None
    is_variable: bool


def video_timing(container: InputContainer, stream: VideoStream, n_bytes: int) -> Timing:
    """The timing of the frames that are really in a file of `n_bytes`.

    The index comes first, since it is exact and free; a header may promise what was cut off.
    """
    ticks = _indexed(stream, n_bytes)
    # An index tells decoding times, which are not those of showing where frames last unequally.
    is_enough = bool(ticks) and not _is_variable(ticks)
    if not is_enough and n_bytes <= _scan_limit(stream, container):
        ticks = _scanned(container, stream) or ticks
    if not ticks:
        return _stated(container, stream)
    return _from_ticks(container, stream, ticks)


def _scan_limit(stream: VideoStream, container: InputContainer) -> int:
    is_known = stream.duration is not None or container.duration is not None
    return SCANNED_BYTES if is_known else SCANNED_UNKNOWN_BYTES


def _indexed(stream: VideoStream, n_bytes: int) -> list[int]:
    entries = stream.index_entries
    if len(entries) < 1 or len(entries) != stream.frames:
        return []
    return [e.timestamp for e in entries if 0 <= e.pos <= n_bytes - e.size]


def _scanned(container: InputContainer, stream: VideoStream | AudioStream) -> list[int]:
    ticks = []
    for packet_ticks in _packets(container, stream):
        ticks.append(packet_ticks)
        if len(ticks) >= _MAX_PACKETS:
            break
    return sorted(ticks)


def _packets(container: InputContainer, stream: VideoStream | AudioStream) -> Iterator[int]:
    import av

    only(container, stream)
    number = 0
    try:
        for packet in container.demux(stream):
            ticks = packet.pts if packet.pts is not None else packet.dts
            if packet.size and not packet.is_discard:
                yield ticks if ticks is not None else number
                number += 1
    except (av.error.FFmpegError, OSError):
        return


def _from_ticks(container: InputContainer, stream: VideoStream, ticks: list[int]) -> Timing:
    base = float(stream.time_base or 1)
    steps = [b - a for a, b in pairwise(ticks)]
    typical = statistics.median(steps) if steps else 0
    span_s = (ticks[-1] - ticks[0] + typical) * base
    fps = _plausible(len(ticks) / span_s) if span_s > 0 else _rate(stream)
    stated = _rate(stream)
    if stated and fps and abs(stated - fps) < 0.02 * fps:
        fps = stated
    if not steps:
        span_s = _stated_s(stream) or (1 / fps if fps else 0.0)
    lag_s = _first_s(stream) - start_s(container)
    return Timing(len(ticks), max(0.0, lag_s) + span_s, fps, _is_variable(ticks))


def _is_variable(ticks: list[int]) -> bool:
    """More than 2 % of the steps differ from the usual one, beyond what rounding explains."""
    steps = [b - a for a, b in pairwise(ticks)]
    typical = statistics.median(steps) if steps else 0
    tolerance = max(1.01, 0.2 * typical)
    odd = sum(abs(step - typical) > tolerance for step in steps)
    return odd > 0.02 * len(steps)


def _stated(container: InputContainer, stream: VideoStream) -> Timing:
    duration_s = _stated_s(stream)
    if duration_s is None and container.duration:
        duration_s = container.duration / 1e6
    fps = _rate(stream)
    # As floats: the rationals of PyAV 19 have no abs().
    usual, base = (float(rate or 0) for rate in (stream.average_rate, stream.base_rate))
    uneven = usual and base and abs(usual - base) > 0.05 * base
    n_frames = round(duration_s * fps) if duration_s and fps else None
    return Timing(stream.frames or n_frames, duration_s, fps, bool(uneven))


def _stated_s(stream: VideoStream | AudioStream) -> float | None:
    if stream.duration is None or stream.time_base is None or stream.duration <= 0:
        return None
    return float(stream.duration * stream.time_base)


def _first_s(stream: VideoStream) -> float:
    return float((stream.start_time or 0) * (stream.time_base or 1))


def _rate(stream: VideoStream) -> float | None:
    rate = stream.average_rate or stream.guessed_rate
    return _plausible(float(rate)) if rate else None


def _plausible(fps: float) -> float | None:
    return fps if 0 < fps <= _MAX_FPS else None


def sound_duration_s(
    container: InputContainer, stream: AudioStream, n_bytes: int, distrust: bool
) -> float | None:
    """How long the sound lasts; packets are counted where the header is silent or distrusted."""
    stated = _stated_s(stream) or (container.duration / 1e6 if container.duration else None)
    if n_bytes > SCANNED_BYTES or (stated and not distrust):
        return stated
    ticks = _scanned(container, stream)
    if len(ticks) < 2 or stream.time_base is None:
        return stated
    return float((2 * ticks[-1] - ticks[-2] - ticks[0]) * stream.time_base)
