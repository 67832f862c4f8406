"""The packets of one stream: when each is shown and decoded, its size, whether it is a key frame.

Nothing is decoded; the number, the bytes and the time spent are bounded.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.media.container import choose_audio, choose_video, only, open_container, start_s
from assay.media.files import reopen
from assay.media.sniff import FORMATS
from assay.types import Media

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream
    from numpy.typing import NDArray

MAX_PACKETS = 200_000
"""Nearly two hours of pictures at 30 a second."""
MAX_READ_S = 8.0
MAX_MARKED_BYTES = 4096
_X264 = bytes.fromhex("dc45e9bde6d948b7962cd820d923eeef")


@dataclass(frozen=True, slots=True)
class Packets:
    """Packets in the order of the file (decoding order), all arrays (n,).

    `shown_s` and `decoded_s` count from the file's 0 s, NaN where the file does not say; `signed`
    are places (index) where x264 signs its stream. `whole` is False where a bound cut in.
    """

    codec: str
    shown_s: NDArray[Any]
    decoded_s: NDArray[Any]
    sizes: NDArray[Any]
    is_key: NDArray[Any]
    signed: tuple[int, ...]
    tick_s: float
    whole: bool

    def __len__(self) -> int:
        return len(self.sizes)

    @property
    def later_shown(self) -> NDArray[Any]:
        """Whether a packet is shown before one that was decoded before it (a B-frame), (n,)."""
        import numpy as np

        times = np.nan_to_num(self.shown_s, nan=-np.inf)
        return np.asarray(times < np.maximum.accumulate(np.r_[-np.inf, times])[:-1])


def read_packets(
    media: Media, kind: str, check: Callable[[], None] = lambda: None, most: int = MAX_PACKETS
) -> Packets | None:
    """The packets of the pictures (`kind` "video") or the sound ("audio"); None without a stream.

    Damage ends the reading. Raises DamagedMediaError where the container cannot be opened.
    """
    with reopen(media) as file, open_container(file, FORMATS[media.container]) as container:
        stream = choose_video(container) if kind == "video" else choose_audio(container)
        if stream is None:
            return None
        only(container, stream)
        return _read(container, stream, check, most)


def _read(
    container: InputContainer,
    stream: VideoStream | AudioStream,
    check: Callable[[], None],
    most: int,
) -> Packets:
    import av
    import numpy as np

    rows: list[tuple[float, float, int, bool]] = []
    signed: list[int] = []
    base, origin_s = float(stream.time_base or 1), start_s(container)
    until, whole = time.monotonic() + MAX_READ_S, True
    try:
        for packet in container.demux(stream):
            check()
            if not packet.size:
                continue
            if len(rows) >= most or time.monotonic() > until:
                whole = False
                break
            if packet.is_keyframe and stream.type == "video" and _is_signed(packet):
                signed.append(len(rows))
            rows.append((*_times(packet, base, origin_s), packet.size, bool(packet.is_keyframe)))
    except (av.error.FFmpegError, OSError):
        whole = False
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
    return Packets(
        codec=stream.codec_context.name if stream.codec_context else "",
        shown_s=np.asarray(columns[0], np.float64),
        decoded_s=np.asarray(columns[1], np.float64),
        sizes=np.asarray(columns[2], np.int64),
        is_key=np.asarray(columns[3], bool),
        signed=tuple(signed),
        tick_s=base,
        whole=whole,
    )


def _times(packet: Any, base: float, origin_s: float) -> tuple[float, float]:
    nan = float("nan")
    return (
        nan if packet.pts is None else packet.pts * base - origin_s,
        nan if packet.dts is None else packet.dts * base - origin_s,
    )


def _is_signed(packet: Any) -> bool:
    """Whether x264 signs this packet: it does so in the first of an encoding only (x265 may sign
    each key frame, which tells nothing)."""
    head = bytes(memoryview(packet)[:MAX_MARKED_BYTES])
    return _X264 in head
