"""Sound through a lossy codec and back, in memory, without delay.

Every encoder and decoder adds some delay, and a pair of clips must stay aligned. The delay of each
setting is measured once, on noise that both ends know, and taken off every clip.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from assay.errors import ConfigError
from assay.types import FloatArray

RATE_HZ = 16_000
_PAD_S = 0.25
_LONGEST_DELAY_S = 0.2


@dataclass(frozen=True, slots=True)
class Codec:
    """What PyAV calls the two ends, the rate they run at, and the sample format they take."""

    encoder: str
    decoder: str
    rate_hz: int
    sample_format: str
    rates_bit_s: tuple[int, ...]
    options: tuple[tuple[str, str], ...] = ()


def _kbit_s(*rates: int) -> tuple[int, ...]:
    return tuple(1000 * rate for rate in rates)


# Encoders at their fast settings: a training run codes millions of clips.
CODECS = {
    "mp3": Codec(
        "libmp3lame",
        "mp3float",
        RATE_HZ,
        "fltp",
        _kbit_s(16, 24, 32, 40, 48, 64, 80, 96, 112, 128),
        (("compression_level", "7"),),
    ),
    "aac": Codec(
        "aac", "aac", RATE_HZ, "fltp", _kbit_s(16, 24, 32, 40, 48, 64, 96), (("aac_coder", "fast"),)
    ),
    "opus": Codec(
        "libopus",
        "libopus",
        RATE_HZ,
        "flt",
        _kbit_s(6, 8, 10, 12, 16, 20, 24, 32, 48, 64),
        (("compression_level", "3"),),
    ),
    "g722": Codec("g722", "g722", RATE_HZ, "s16", _kbit_s(64)),
    "amr_nb": Codec(
        "libopencore_amrnb",
        "amrnb",
        8_000,
        "s16",
        (4750, 5150, 5900, 6700, 7400, 7950, 10200, 12200),
    ),
}
"""By name; all come with PyAV's wheels, which encode no GSM."""


def round_trip(samples: FloatArray, name: str, rate_bit_s: int) -> FloatArray:
    """`samples` (n,) float32 at 16 kHz through that codec; same shape, aligned, within [-1, 1].

    Codecs at 8 kHz hear the sound resampled. Raises ConfigError for an unknown name.
    """
    codec = _codec(name)
    n = samples.size
    if n == 0:
        return samples
    at_rate = resampled(samples, max(1, round(n * codec.rate_hz / RATE_HZ)))
    pad = np.zeros(round(_PAD_S * codec.rate_hz), np.float32)
    delay = _delay(name, rate_bit_s)
    decoded = _coded(np.concatenate([at_rate, pad]), codec, rate_bit_s)[delay:]
    out = np.zeros(at_rate.size, np.float32)
    kept = min(out.size, decoded.size)
    out[:kept] = decoded[:kept]
    return np.clip(resampled(out, n), -1, 1)


def resampled(samples: FloatArray, n: int) -> FloatArray:
    """`samples` (m,) stretched over `n` samples, float32, by cutting or lengthening the spectrum.

    The ends are mirrored first, or the two would ring into each other.
    """
    m = samples.size
    if m == n or m == 0:
        return samples.astype(np.float32)
    edge = _edge(m, n)
    whole = np.concatenate([samples[edge:0:-1], samples, samples[-2 : -2 - edge : -1]])
    length = _out(m, n, edge)
    spectrum = np.fft.rfft(whole)[: length // 2 + 1]
    out = np.fft.irfft(spectrum, length) * (length / whole.size)
    start = round(edge * n / m)
    out = out[start : start + n]
    return np.pad(out, (0, n - out.size)).astype(np.float32)


@cache
def _edge(m: int, n: int) -> int:
    """How much of each end to mirror, so that the mirrored part too becomes whole samples.

    Of edges that do so equally well, one whose lengths have small factors: a Fourier transform of
    a prime length takes many times longer.
    """
    edges = np.arange(min(m - 1, 200), min(m, 1200))
    beyond = edges * n % m
    misfit = np.minimum(beyond, m - beyond)
    best = edges[misfit == misfit.min()][:100].tolist()
    return min(
        best, key=lambda edge: _largest_factor(m + 2 * edge) * _largest_factor(_out(m, n, edge))
    )


def _out(m: int, n: int, edge: int) -> int:
    return max(1, round((m + 2 * edge) * n / m))


def _largest_factor(number: int) -> int:
    largest, factor = 1, 2
    while factor * factor <= number:
        while number % factor == 0:
            number, largest = number // factor, factor
        factor += 1
    return max(largest, number)


def _codec(name: str) -> Codec:
    try:
        return CODECS[name]
    except KeyError as error:
        raise ConfigError(f"No codec is called {name!r}; there are {', '.join(CODECS)}.") from error


@cache
def _delay(name: str, rate_bit_s: int) -> int:
    """By how many samples of the codec's own rate its output comes late."""
    codec = _codec(name)
    n = codec.rate_hz
    noise = np.random.default_rng(0).normal(0, 0.1, n)
    spectrum = np.fft.rfft(noise)
    hz = np.fft.rfftfreq(n, 1 / codec.rate_hz)
    # Low and speech-like, or a codec at few bits would leave nothing to compare.
    spectrum *= np.exp(-hz / 700) * (hz > 120)
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * 3 * np.arange(n) / n)
    known = (np.fft.irfft(spectrum, n) * swell).astype(np.float32)
    pad = np.zeros(round(_PAD_S * n), np.float32)
    heard = _coded(np.concatenate([known, pad]), codec, rate_bit_s)
    size = 2 * max(known.size, heard.size)
    likeness = np.fft.irfft(np.fft.rfft(heard, size) * np.conj(np.fft.rfft(known, size)), size)
    return int(np.argmax(likeness[: round(_LONGEST_DELAY_S * n)]))


def _coded(samples: FloatArray, codec: Codec, rate_bit_s: int) -> FloatArray:
    import av

    encoder: Any = av.CodecContext.create(codec.encoder, "w")
    encoder.sample_rate, encoder.layout = codec.rate_hz, "mono"
    encoder.format, encoder.bit_rate = codec.sample_format, rate_bit_s
    encoder.options = dict(codec.options)
    encoder.thread_count = 1
    encoder.open()
    frames = _frames(samples, codec, encoder.frame_size)
    packets = [packet for frame in frames for packet in encoder.encode(frame)]
    packets += encoder.encode(None)
    decoder: Any = av.CodecContext.create(codec.decoder, "r")
    decoder.sample_rate, decoder.layout = codec.rate_hz, "mono"
    decoder.thread_count = 1
    if encoder.extradata:
        decoder.extradata = encoder.extradata
    decoded = [f for packet in packets for f in decoder.decode(packet)] + decoder.decode(None)
    return _joined(decoded, codec.rate_hz)


def _frames(samples: FloatArray, codec: Codec, frame_size: int) -> list[Any]:
    import av

    size = frame_size or 320
    whole = np.pad(samples, (0, -samples.size % size))
    if codec.sample_format == "s16":
        whole = np.round(np.clip(whole, -1, 1) * 32767).astype(np.int16)
    frames = []
    for start in range(0, whole.size, size):
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(whole[None, start : start + size]), codec.sample_format, "mono"
        )
        frame.sample_rate, frame.pts = codec.rate_hz, start
        frames.append(frame)
    return frames


def _joined(frames: list[Any], rate_hz: int) -> FloatArray:
    if not frames:
        return np.zeros(0, np.float32)
    parts = [frame.to_ndarray()[0, :] for frame in frames]
    raw = np.concatenate(parts)
    whole = raw.astype(np.float32) * np.float32(1 / 32768 if raw.dtype == np.int16 else 1)
    n = round(whole.size * rate_hz / frames[0].sample_rate)
    return resampled(whole, n)
