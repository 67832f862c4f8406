"""Sound of files and of videos: mono, at its own rate, bounded in length."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from assay.errors import DamagedMediaError, InputError, UsageError
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

HIGHEST_RATE_HZ = 768_000
"""No recorder works above it; a file that states more is damaged or made to harm."""

_ZERO_CROSSINGS = 64
_STOP_BAND_DB = 80.0
_TABLE_STEPS = 1024
_LEAST_BLOCK = 128
_MATRIX_VALUES = 4_000_000
_PIECE_VALUES = 2_000_000
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


def resampled(samples: FloatArray, rate_hz: int, to_hz: int) -> FloatArray:
    """The same sound (n,) float32 at another rate: round(n * to_hz / rate_hz) samples.

    A windowed sinc (Kaiser, 64 zero crossings a side): flat to .92 of the lower rate's half, 75 dB
    down from that half on. Sample 0 stays at time 0; beyond the ends is silence. Nothing is
    clipped: a square wave at full scale comes out up to about 1.2. Beyond the result it takes some
    tens of MB. Raises InputError at a rate below 1 Hz or above 768 kHz, or where the result would
    have more than 400 million samples.
    """
    import numpy as np

    samples = np.ascontiguousarray(samples, np.float32)
    n_out = _resampled_length(len(samples), rate_hz, to_hz)
    if rate_hz == to_hz or not n_out:
        return samples[:n_out].copy()
    common = math.gcd(rate_hz, to_hz)
    up, down = to_hz // common, rate_hz // common
    reach = math.ceil(_ZERO_CROSSINGS * max(1.0, rate_hz / to_hz))
    if (down + 2 * reach) * up <= _MATRIX_VALUES:
        several = -(-_LEAST_BLOCK // up)  # tiny blocks are mostly surroundings
        return _resampled_by_matrix(samples, up * several, down * several, n_out)
    return _resampled_by_table(samples, up, down, n_out)


def _resampled_length(n: int, rate_hz: int, to_hz: int) -> int:
    for rate in (rate_hz, to_hz):
        if not 1 <= rate <= HIGHEST_RATE_HZ:
            raise InputError(f"Sound at {rate} Hz: rates from 1 Hz to 768 kHz are expected.")
    n_out = round(n * to_hz / rate_hz)
    if n_out > 4 * MAX_SAMPLES:
        raise InputError(f"{n} samples at {rate_hz} Hz are too many for {to_hz} Hz.")
    return n_out


def _low_pass(crossings: Any) -> FloatArray:
    """The filter at distances in zero crossings of the lower rate, float64; 0 outside."""
    import numpy as np

    beta = 0.1102 * (_STOP_BAND_DB - 8.7)  # Kaiser & Schafer, 1980
    half_width = (_STOP_BAND_DB - 7.95) / (14.36 * _ZERO_CROSSINGS) / 2
    band = 1.0 - half_width
    inside = np.clip(1.0 - (crossings / _ZERO_CROSSINGS) ** 2, 0.0, None)
    window = np.i0(beta * np.sqrt(inside)) / np.i0(beta)
    low_pass: FloatArray = np.where(inside > 0, band * np.sinc(band * crossings) * window, 0.0)
    return low_pass


@lru_cache(maxsize=4)
def _filter_matrix(up: int, down: int) -> FloatArray:
    """(down + 2 * reach, up): one block of input, with its surroundings, to one of output."""
    import numpy as np

    low = min(1.0, up / down)
    reach = math.ceil(_ZERO_CROSSINGS / low)
    places = np.arange(down + 2 * reach)[:, None] - reach
    wanted = np.arange(up)[None, :] * (down / up)
    matrix: FloatArray = (low * _low_pass((places - wanted) * low)).astype(np.float32)
    return matrix


def _resampled_by_matrix(samples: FloatArray, up: int, down: int, n_out: int) -> FloatArray:
    """Every `down` samples become `up`, by one product; exact."""
    import numpy as np

    matrix = _filter_matrix(up, down)
    reach = (len(matrix) - down) // 2
    n_blocks = -(-n_out // up)
    out = np.empty((n_blocks, up), np.float32)
    step = max(1, _PIECE_VALUES // len(matrix))
    for first in range(0, n_blocks, step):
        last = min(first + step, n_blocks)
        piece = _cut(samples, first * down - reach, last * down + reach)
        blocks = np.lib.stride_tricks.sliding_window_view(piece, len(matrix))[::down]
        np.matmul(blocks, matrix, out=out[first:last])
    return out.reshape(-1)[:n_out]


@lru_cache(maxsize=4)
def _filter_table(low: float) -> FloatArray:
    """(_TABLE_STEPS + 1, 2 * reach): the filter for wanted points between samples 0 and 1."""
    import numpy as np

    reach = math.ceil(_ZERO_CROSSINGS / low)
    around = np.arange(1 - reach, reach + 1)
    between = np.arange(_TABLE_STEPS + 1)[:, None] / _TABLE_STEPS
    table: FloatArray = (low * _low_pass((around - between) * low)).astype(np.float32)
    return table


def _resampled_by_table(samples: FloatArray, up: int, down: int, n_out: int) -> FloatArray:
    """For rates without a small common ratio: between two rows of a table, below -100 dB off."""
    import numpy as np

    table = _filter_table(min(1.0, up / down))
    reach = table.shape[1] // 2
    out = np.empty(n_out, np.float32)
    step = max(1, _PIECE_VALUES // (4 * table.shape[1]))
    for first in range(0, n_out, step):
        wanted = np.arange(first, min(first + step, n_out))
        whole, rest = np.divmod(wanted * down, up)
        row, beyond = np.divmod(rest * (_TABLE_STEPS / up), 1.0)
        row = row.astype(np.int64)
        piece = _cut(samples, int(whole[0]) - reach + 1, int(whole[-1]) + reach + 1)
        values = np.lib.stride_tricks.sliding_window_view(piece, 2 * reach)[whole - whole[0]]
        before = np.einsum("ij,ij->i", values, table[row])
        out[wanted] = before + beyond * (np.einsum("ij,ij->i", values, table[row + 1]) - before)
    return out


def _cut(samples: FloatArray, start: int, stop: int) -> FloatArray:
    """samples[start:stop] with zeros where they do not reach."""
    import numpy as np

    inside = samples[max(0, start) : max(0, stop)]
    before = min(max(0, -start), stop - start)
    return np.pad(inside, (before, stop - start - before - len(inside)))
