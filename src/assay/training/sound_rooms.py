"""Synthetic rooms and noises: impulse responses, and what is heard behind a voice."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay.training.sound_codecs import RATE_HZ
from assay.types import FloatArray


def room_response(rng: np.random.Generator, rt60_s: float) -> FloatArray:
    """Impulse response (m,) of a drawn room whose sound falls by 60 dB in `rt60_s` seconds.

    The direct sound is at sample 0, then a handful of early reflections, then noise that decays,
    faster at high frequencies (Schroeder, 1965; Moorer, 1979).
    """
    n = max(64, round(rt60_s * RATE_HZ))
    time_s = np.arange(n) / RATE_HZ
    decay = 10 ** (-3 * time_s / rt60_s)
    tail = rng.normal(0, 1, n) * decay
    # Air and cloth take the high tones first: what is late is duller.
    dull = np.convolve(tail, np.ones(4) / 4, "same")
    share = np.minimum(time_s / rt60_s, 1)
    tail = tail * (1 - share) + dull * share
    tail[: round(float(rng.uniform(0.002, 0.012)) * RATE_HZ)] = 0
    direct_to_tail_db = float(rng.uniform(-3, 15))
    tail *= 10 ** (-direct_to_tail_db / 20) / max(float(np.sqrt((tail**2).sum())), 1e-9)
    response = tail
    response[0] = 1.0
    for _ in range(int(rng.integers(2, 8))):
        at = int(rng.integers(16, min(n, round(0.04 * RATE_HZ))))
        response[at] += float(rng.uniform(-0.4, 0.5)) * decay[at]
    return response.astype(np.float32)


def in_room(sound: FloatArray, response: FloatArray) -> FloatArray:
    """`sound` (n,) as heard in a room: same shape, same energy, the direct sound not delayed."""
    size = _fast_size(sound.size + response.size)
    wet = np.fft.irfft(np.fft.rfft(sound, size) * np.fft.rfft(response, size), size)[: sound.size]
    before, after = float((sound**2).sum()), float((wet**2).sum())
    wet *= np.sqrt(before / after) if after > 0 else 0.0
    loudest = float(np.abs(wet).max())
    return (wet * min(1.0, 0.99 / loudest) if loudest else wet).astype(np.float32)


def noise_of(
    kind: str, n: int, rng: np.random.Generator, voices: Sequence[FloatArray] = ()
) -> FloatArray:
    """`n` samples of white, pink, brown, babble or hum noise, not scaled to any level."""
    if kind == "hum":
        return _hum(n, rng)
    if kind == "babble":
        return _babble(n, rng, voices) if voices else _murmur(n, rng)
    slope = {"white": 0.0, "pink": 0.5, "brown": 1.0}[kind]
    return _coloured(n, rng, slope)


def _coloured(n: int, rng: np.random.Generator, slope: float) -> FloatArray:
    size = _fast_size(n)
    spectrum = np.fft.rfft(rng.standard_normal(size, np.float32))
    hz = np.maximum(np.fft.rfftfreq(size, 1 / RATE_HZ), 20)
    return np.fft.irfft(spectrum * hz**-slope, size)[:n].astype(np.float32)


def _hum(n: int, rng: np.random.Generator) -> FloatArray:
    base_hz = float(rng.choice([50, 60])) + float(rng.normal(0, 0.02))
    time_s = np.arange(n, dtype=np.float32) / RATE_HZ
    hum = np.zeros(n, np.float32)
    for order in range(1, int(rng.integers(3, 9))):
        size, phase = float(rng.uniform(0.1, 1)) / order, float(rng.uniform(0, 2 * np.pi))
        hum += size * np.sin(2 * np.pi * base_hz * order * time_s + phase).astype(np.float32)
    return hum + 0.05 * _coloured(n, rng, 0.5)


def _babble(n: int, rng: np.random.Generator, voices: Sequence[FloatArray]) -> FloatArray:
    """Three to eight of the voices at once, each begun anywhere."""
    sum_of = np.zeros(n, np.float32)
    for _ in range(int(rng.integers(3, 9))):
        voice = np.asarray(voices[int(rng.integers(len(voices)))], np.float32)
        if voice.size:
            start = int(rng.integers(voice.size))
            part = np.take(voice, np.arange(start, start + n), mode="wrap")
            sum_of += part / max(float(np.sqrt((part**2).mean())), 1e-6)
    return sum_of


def _murmur(n: int, rng: np.random.Generator) -> FloatArray:
    """Noise with the long-term spectrum of speech, rising and falling four times a second."""
    size = _fast_size(n)
    spectrum = np.fft.rfft(rng.standard_normal(size, np.float32))
    hz = np.fft.rfftfreq(size, 1 / RATE_HZ)
    shape = (hz > 90) / (1 + (hz / 600) ** 1.5)
    noise = np.fft.irfft(spectrum * shape, size)[:n]
    time_s = np.arange(n) / RATE_HZ
    swell = 1 + 0.5 * np.sin(2 * np.pi * float(rng.uniform(2, 6)) * time_s + rng.uniform(0, 6))
    return (noise * swell).astype(np.float32)


def _fast_size(n: int) -> int:
    """The next size whose only prime factors are 2, 3 and 5, or the FFT takes far longer."""
    best = 1 << max(0, (n - 1).bit_length())
    for power_5 in (1, 5, 25):
        for power_3 in (1, 3, 9, 27):
            rest = -(-n // (power_5 * power_3))
            best = min(best, power_5 * power_3 << max(0, (rest - 1).bit_length()))
    return best
