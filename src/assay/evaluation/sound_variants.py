"""Changes to a recording that leave its truth as it is, made as files: saved, phoned, played aloud.

Each variant is examined from the start, so that speech finding, gates and metadata meet the change
as well.
"""

from __future__ import annotations

import io
import wave
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from assay.media.audio import resampled
from assay.media.sound_resave import mp3, mulaw, opus, saved
from assay.types import Waveform

MAX_SOUND_S = 600.0
NOISE_DB = 10.0
REVERBERATION_S = 0.5
DIRECT_TO_REVERBERANT_DB = 3.0
SEED = 20_240_229


@dataclass(frozen=True, slots=True)
class SoundVariant:
    """One change; `text` finishes "examined again after …", `encode` gives the new file."""

    text: str
    suffix: str
    encode: Callable[[Waveform], bytes]


def mp3_32(sound: Waveform) -> bytes:
    """MP3 of 32 kbit/s, as a podcast or an old site has it."""
    return saved(sound, mp3(32))


def opus_16(sound: Waveform) -> bytes:
    """Opus of 16 kbit/s, as a messenger sends voice on a slow line."""
    return saved(sound, opus(16))


def telephone(sound: Waveform) -> bytes:
    """8 kHz and mu-law (G.711), as over a telephone line; nothing above 4 kHz is left."""
    narrow = resampled(sound.samples, sound.sample_rate_hz, 8000)
    return saved(Waveform(narrow, 8000), mulaw())


def noise_10db(sound: Waveform) -> bytes:
    """Pink noise 10 dB below the recording's mean power; without loss otherwise."""
    n = len(sound.samples)
    spectrum = np.fft.rfft(np.random.default_rng(SEED).normal(size=n))
    spectrum /= np.sqrt(np.maximum(np.arange(len(spectrum)), 1))
    noise = np.fft.irfft(spectrum, n) if n > 1 else np.zeros(n)
    wanted = _power(sound.samples) * 10 ** (-NOISE_DB / 10)
    noise *= np.sqrt(wanted / max(_power(noise), 1e-20))
    return _wav(sound.samples + noise, sound.sample_rate_hz)


def reverberation(sound: Waveform) -> bytes:
    """As heard across a room: noise that decays by 60 dB in half a second, 3 dB below the voice.

    The tail begins 5 ms after the direct sound (Schroeder, 1965); the power stays.
    """
    rate_hz = sound.sample_rate_hz
    time_s = np.arange(round(REVERBERATION_S * rate_hz)) / rate_hz
    tail = np.random.default_rng(SEED).normal(size=len(time_s)) * 10 ** (
        -3 * time_s / REVERBERATION_S
    )
    tail[time_s < 0.005] = 0
    response = (
        tail * 10 ** (-DIRECT_TO_REVERBERANT_DB / 20) / max(float(np.linalg.norm(tail)), 1e-9)
    )
    if len(response):
        response[0] = 1.0
    n = len(sound.samples)
    size = n + len(response)
    wet = np.fft.irfft(np.fft.rfft(sound.samples, size) * np.fft.rfft(response, size), size)[:n]
    wet *= np.sqrt(_power(sound.samples) / max(_power(wet), 1e-20))
    return _wav(wet, rate_hz)


SOUND_VARIANTS: dict[str, SoundVariant] = {
    "mp3_32": SoundVariant("saving it as MP3 of 32 kbit/s", ".mp3", mp3_32),
    "opus_16": SoundVariant("saving it as Opus of 16 kbit/s", ".opus", opus_16),
    "mulaw_8k": SoundVariant("a telephone line (8 kHz, mu-law)", ".wav", telephone),
    "noise_10db": SoundVariant("noise 10 dB below the voice", ".wav", noise_10db),
    "reverberation": SoundVariant("the reverberation of a room", ".wav", reverberation),
}


def _power(samples: np.ndarray) -> float:
    return float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0


def _wav(samples: np.ndarray, rate_hz: int) -> bytes:
    """16 bits a sample; what is louder than full scale makes the whole quieter, not clipped."""
    loudest = float(np.abs(samples).max(initial=0.0))
    scaled = np.rint(samples / max(1.0, loudest) * 32767).astype("<i2")
    store = io.BytesIO()
    with wave.open(store, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(scaled.tobytes())
    return store.getvalue()
