"""Sound that no recorder makes: every file is answered with reasons, in bounded memory."""

from __future__ import annotations

import tracemalloc
import wave
from pathlib import Path

import numpy as np
import pytest

from assay.case import Case
from assay.media.probe import probe
from assay.subjects import speech as speech_module
from assay.subjects.speech import find_speech
from assay.types import Waveform
from tests.subjects.voices import RATE_HZ, spoken


def written(path: Path, samples: np.ndarray, rate_hz: int) -> Path:
    """A 16-bit WAV of samples (n,) or (n, channels) in [-1, 1]."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def answered(path: Path) -> list[str]:
    """All reason codes of the file's speech, sorted; [] for clean voice alone."""
    speech = Case(probe(path)).speech
    assert speech is not None
    assert speech.segments or speech.reasons
    reasons = [*speech.reasons, *(reason for part in speech.segments for reason in part.reasons)]
    return sorted({reason.code for reason in reasons})


NOISE = np.random.default_rng(0).standard_normal(300_000) * 0.1


@pytest.mark.parametrize(
    ("samples", "rate_hz", "expected"),
    [
        (np.zeros(1), 16000, ["silence"]),
        (np.ones(1), 44100, ["silence"]),
        (np.zeros((400_000, 8)), 192_000, ["silence"]),
        (np.full(100_000, 0.8), 48000, ["silence"]),
        (np.sign(NOISE), 48000, ["no_speech"]),
        (NOISE[:4000], 1000, ["no_speech"]),
        (NOISE, 768_000, ["too_short"]),
        (np.stack([spoken()] * 8, axis=1), RATE_HZ, []),
        (spoken() * 0.5 + 0.4, RATE_HZ, []),
    ],
)
def test_each_is_answered(tmp_path, samples, rate_hz, expected):
    assert answered(written(tmp_path / "sound.wav", samples, rate_hz)) == expected


def test_not_a_number_throughout_is_silence(tmp_path):
    """A WAV of 32-bit floats (format 3), all of them NaN."""
    data = np.full(48000, np.nan, "<f4").tobytes()
    header = b"WAVEfmt " + (16).to_bytes(4, "little")
    for value, size in ((3, 2), (1, 2), (16000, 4), (64000, 4), (4, 2), (32, 2)):
        header += value.to_bytes(size, "little")
    body = header + b"data" + len(data).to_bytes(4, "little") + data
    path = tmp_path / "nan.wav"
    path.write_bytes(b"RIFF" + len(body).to_bytes(4, "little") + body)
    assert answered(path) == ["silence"]


def test_the_memory_does_not_grow_with_the_file(monkeypatch):
    """Beyond the sound at 16 kHz itself, three hours take what one takes."""
    monkeypatch.setattr(speech_module, "MOST_SOUND_S", 60.0)
    monkeypatch.setattr(speech_module, "voice_likelihood", lambda *_: np.zeros(1875, np.float32))
    samples = np.zeros(3 * 3600 * 8000, np.float32)
    samples[: 8000 * 30] = NOISE[: 8000 * 30]
    tracemalloc.start()
    speech = find_speech(Waveform(samples, 8000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert speech.waveform.duration_s == 60.0
    assert peak < 60e6
