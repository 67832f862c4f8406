"""Sounds made on the spot for the tests of forging and degrading."""

from __future__ import annotations

import wave

import numpy as np

from assay.types import FloatArray

RATE_HZ = 16_000


def voiced(
    seconds: float, seed: int = 0, rate_hz: int = RATE_HZ, pitch_hz: float = 130
) -> FloatArray:
    """A voice's likeness (n,) float32: gliding harmonics under moving formants, breath, pauses."""
    rng = np.random.default_rng(seed)
    n = round(seconds * rate_hz)
    time_s = np.arange(n) / rate_hz
    hz = pitch_hz * (1 + 0.1 * np.sin(2 * np.pi * 0.7 * time_s + seed) + 0.02 * rng.normal())
    phase = 2 * np.pi * np.cumsum(hz) / rate_hz
    formants = [500 + 200 * np.sin(2 * np.pi * 1.3 * time_s), 1500 + 400 * np.cos(5 * time_s)]
    sound = np.zeros(n)
    for order in range(1, int(0.45 * rate_hz / pitch_hz)):
        near = sum(np.exp(-(((order * hz - f) / 250) ** 2)) for f in formants)
        sound += (near + 0.05) / order**0.5 * np.sin(order * phase)
    breath = rng.normal(0, 0.3, n)
    loud = np.clip(np.sin(2 * np.pi * 2.1 * time_s + 1) * 2 + 0.8, 0, 1)
    sound = (sound + breath) * loud + rng.normal(0, 0.01, n)
    return (0.5 * sound / max(float(np.abs(sound).max()), 1e-9)).astype(np.float32)


def write_wav(path: str, sound: FloatArray, rate_hz: int = RATE_HZ) -> None:
    """The sound as a WAV file of 16 bits."""
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.rint(np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())


def lag(first: FloatArray, second: FloatArray) -> int:
    """By how many samples the second comes later, whatever its sign."""
    size = 2 * max(first.size, second.size)
    likeness = np.fft.irfft(np.fft.rfft(second, size) * np.conj(np.fft.rfft(first, size)), size)
    at = int(np.argmax(np.abs(likeness)))
    return at if at < size // 2 else at - size
