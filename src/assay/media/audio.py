"""Sound of files and of videos: mono, at its own rate, bounded in length."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from assay.errors import DamagedMediaError, UsageError
from assay.media.container import choose_audio, only, open_container, require_decoder, start_s
from assay.media.files import reopen
from assay.media.sampling import clip_range
from assay.media.sniff import FORMATS
from assay.types import Media, Waveform

if TYPE_CHECKING:
    from av import AudioFrame
    from av.audio.stream import AudioStream
    from av.container import InputContainer

    from assay.types import FloatArray

MAX_SAMPLES = 100_000_000
"""400 MB: half an hour at 48 kHz, less at rates that only a studio or an attacker uses."""

_SEEK_FROM_S = 10.0
_SEEK_EARLIER_S = 1.0
_GAP_S = 0.05
_MAX_FAULTS = 1000


def read_waveform(
    media: Media,
    time_range_s: tuple[float, float] | None,
    max_sound_s: float,
    check: Callable[[], None],
) -> Waveform:
    """The sound as the mean of its channels, float32 in [-1, 1] at its own rate.

    At most `max_sound_s` seconds from the start of the range. Gaps in the recording stay as
    silence, so that times hold. What is damaged is passed over. Raises UsageError where the file
    has no sound or the range lies behind its end, DamagedMediaError where nothing is decoded.
    """
    first_s, last_s = clip_range(media, time_range_s)
    if last_s is None or time_range_s is None:
        last_s = first_s + max_sound_s  # a stated duration may be too short
    with reopen(media) as file, open_container(file, FORMATS[media.container]) as container:
        stream = choose_audio(container)
        if stream is None or not stream.rate:
            raise UsageError("This file has no sound.")
        require_decoder(stream)
        only(container, stream)
        length_s = min(last_s - first_s, max_sound_s)
        sheet = _Sheet(stream.rate, first_s, length_s)
        for samples, time_s in _decoded(container, stream, first_s, check):
            if not sheet.write(samples, time_s):
                break
    return sheet.finish()


class _Sheet:
    """Samples laid down by time; memory is taken as it is written to."""

    def __init__(self, rate_hz: int, first_s: float, length_s: float) -> None:
        import numpy as np

        self.rate_hz = rate_hz
        self.first_s = first_s
        self.samples: FloatArray = np.zeros(
            max(1, min(round(length_s * rate_hz), MAX_SAMPLES)), np.float32
        )
        self.start_s: float | None = None
        self.n_written = 0

    def write(self, samples: FloatArray, time_s: float | None) -> bool:
        """Lay down a piece; False once the sheet is full."""
        if time_s is not None and self.start_s is None:
            late = round((self.first_s - time_s) * self.rate_hz)
            if late >= len(samples):
                return True
            samples, time_s = samples[max(0, late) :], time_s + max(0, late) / self.rate_hz
        if self.start_s is None:
            self.start_s = self.first_s if time_s is None else max(time_s, 0.0)
        at = self._place(time_s)
        room = len(self.samples) - at
        if room > 0:
            piece = samples[:room]
            self.samples[at : at + len(piece)] = piece
            self.n_written = at + len(piece)
        return room > len(samples)

    def _place(self, time_s: float | None) -> int:
        if time_s is None:
            return self.n_written
        at = round((time_s - (self.start_s or 0.0)) * self.rate_hz)
        return at if at - self.n_written > _GAP_S * self.rate_hz else self.n_written

    def finish(self) -> Waveform:
        """The waveform. Raises DamagedMediaError where nothing was laid down."""
        if self.start_s is None or not self.n_written:
            raise DamagedMediaError("No sound can be decoded in this part of the file.")
        return Waveform(self.samples[: self.n_written], self.rate_hz, self.start_s)


def _decoded(
    container: InputContainer, stream: AudioStream, first_s: float, check: Callable[[], None]
) -> Iterator[tuple[FloatArray, float | None]]:
    """Mono pieces and their times (s), from shortly before `first_s` on."""
    origin_s = start_s(container)
    base = float(stream.time_base or 1)
    if first_s > _SEEK_FROM_S:
        _seek(container, stream, int((first_s - _SEEK_EARLIER_S + origin_s) / base))
    for frame in _frames(container, stream, check):
        time_s = None if frame.pts is None else float(frame.pts * (frame.time_base or base))
        samples = _as_mono(frame, stream.rate)
        if samples is not None:
            yield samples, None if time_s is None else time_s - origin_s


def _seek(container: InputContainer, stream: AudioStream, ticks: int) -> None:
    import av

    try:
        container.seek(ticks, stream=stream, backward=True)
    except av.error.FFmpegError:
        container.seek(0)  # without an index the way leads through the file


def _frames(
    container: InputContainer, stream: AudioStream, check: Callable[[], None]
) -> Iterator[AudioFrame]:
    import av

    n_faults = 0
    while n_faults < _MAX_FAULTS:
        try:
            for packet in container.demux(stream):
                check()
                try:
                    yield from stream.codec_context.decode(packet)
                except (av.error.FFmpegError, ValueError):
                    continue
            return
        except (av.error.FFmpegError, OSError):
            n_faults += 1


def _as_mono(frame: AudioFrame, rate_hz: int) -> FloatArray | None:
    """The mean over channels, finite; None for a piece at another rate than the stream's."""
    import numpy as np

    if frame.rate != rate_hz or not frame.samples:
        return None
    values: Any = frame.to_ndarray()
    n_channels = frame.layout.nb_channels
    if not frame.format.is_planar:
        values = values.reshape(-1, n_channels).T
    full = _FULL_SCALE.get(values.dtype.name)
    offset = 128 if values.dtype.name == "uint8" else 0
    mono = (values.astype(np.float32) - offset).mean(axis=0, dtype=np.float64)
    mono = np.nan_to_num(mono / full if full else mono, nan=0.0, posinf=1.0, neginf=-1.0)
    samples: FloatArray = np.clip(mono, -1.0, 1.0).astype(np.float32)
    return samples


_FULL_SCALE = {"uint8": 128.0, "int16": 32768.0, "int32": 2147483648.0, "int64": 2.0**63}
