"""Sounds for the tests of speech: a spoken sentence, and a voice-like buzz of another pitch."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from assay.media.audio import read_waveform, resampled
from assay.media.probe import probe

SPOKEN = Path(__file__).parents[2] / "examples" / "spoken.wav"
RATE_HZ = 16000


@lru_cache(maxsize=1)
def spoken() -> np.ndarray:
    """4.1 s of flite's voice slt at 16 kHz."""
    sound = read_waveform(probe(SPOKEN), None, 60.0, lambda: None)
    return resampled(sound.samples, sound.sample_rate_hz, RATE_HZ)


def voiced(pitch_hz: float, length_s: float) -> np.ndarray:
    """A glottal pulse train through two slowly moving formants: speech-like, nobody's voice."""
    n = round(length_s * RATE_HZ)
    time_s = np.arange(n) / RATE_HZ
    phase = np.cumsum(pitch_hz * (1 + 0.1 * np.sin(2 * np.pi * 0.7 * time_s))) / RATE_HZ
    sound = np.zeros(n)
    for harmonic in range(1, int(4000 / pitch_hz)):
        hz = harmonic * pitch_hz
        first = 500 + 250 * np.sin(2 * np.pi * 1.9 * time_s)
        second = 1500 + 500 * np.sin(2 * np.pi * 1.3 * time_s)
        gain = np.exp(-(((hz - first) / 150) ** 2)) + 0.5 * np.exp(-(((hz - second) / 200) ** 2))
        sound += gain * np.sin(2 * np.pi * harmonic * phase)
    beat = np.clip(np.sin(2 * np.pi * 3.1 * time_s) + 0.6, 0, 1)
    return (0.2 * sound * beat / np.abs(sound).max()).astype(np.float32)


def melody(length_s: float) -> np.ndarray:
    """Chords of plucked strings, four a second."""
    rng = np.random.default_rng(3)
    n = round(length_s * RATE_HZ)
    sound = np.zeros(n + RATE_HZ)
    time_s = np.arange(RATE_HZ) / RATE_HZ
    for start in range(0, n, RATE_HZ // 2):
        for note in rng.choice([0, 3, 5, 7, 10, 12, 15], 3, replace=False):
            hz = 220 * 2 ** (note / 12)
            for harmonic in range(1, 8):
                tone = np.sin(2 * np.pi * hz * harmonic * time_s) / harmonic
                sound[start : start + RATE_HZ] += tone * np.exp(-2 * time_s)
    return (0.3 * sound[:n] / np.abs(sound).max()).astype(np.float32)
