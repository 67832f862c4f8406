from __future__ import annotations

import io
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from assay.errors import AssayError
from assay.evaluation.sound_variants import NOISE_DB, SOUND_VARIANTS
from assay.evaluation.variants import VARIANTS, text_of, write_variant
from assay.media.audio import read_waveform
from assay.media.probe import probe
from assay.types import Waveform
from tests.verdict.sound_doubles import make_voice

RATE_HZ = 16_000
every_variant = pytest.mark.parametrize("name", list(SOUND_VARIANTS))


def made(folder: Path, name: str, samples: np.ndarray, rate_hz: int = RATE_HZ) -> Path:
    path = folder / name
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.rint(samples * 32767).astype("<i2").tobytes())
    return path


def heard(content: bytes) -> tuple[np.ndarray, int, str]:
    """Samples, rate and codec of a file in memory."""
    with av.open(io.BytesIO(content), "r") as file:
        stream = file.streams.audio[0]
        resampler = av.AudioResampler("flt", "mono", stream.rate)
        frames = [piece for frame in file.decode(stream) for piece in resampler.resample(frame)]
        samples = np.concatenate([frame.to_ndarray()[0] for frame in frames])
        return samples, stream.rate, stream.codec_context.name


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        ("mp3_32", "mp3"),
        ("opus_16", "opus"),
        ("mulaw_8k", "pcm_mulaw"),
        ("noise_10db", "pcm_s16le"),
        ("reverberation", "pcm_s16le"),
    ],
)
@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
def test_each_variant_has_its_format_and_length(name: str, codec: str, rate_hz: int) -> None:
    voice = make_voice(1.5, rate_hz)
    samples, rate, found = heard(SOUND_VARIANTS[name].encode(Waveform(voice, rate_hz)))
    assert found.startswith(codec)
    assert len(samples) / rate == pytest.approx(1.5, abs=0.12)
    assert 0.005 < float(np.std(samples)) < 0.5


def test_the_telephone_line_is_eight_kilohertz_wide() -> None:
    content = SOUND_VARIANTS["mulaw_8k"].encode(Waveform(make_voice(1.0), RATE_HZ))
    assert heard(content)[1] == 8000


def test_the_noise_lies_ten_decibels_below() -> None:
    voice = make_voice(2.0)
    noisy, _, _ = heard(SOUND_VARIANTS["noise_10db"].encode(Waveform(voice, RATE_HZ)))
    noise = noisy * np.dot(voice, voice) / np.dot(noisy, voice) - voice
    assert 10 * np.log10((voice**2).sum() / (noise**2).sum()) == pytest.approx(NOISE_DB, abs=0.7)


def test_reverberation_keeps_the_loudness_and_lasts_after_the_voice() -> None:
    clap = np.zeros(RATE_HZ, np.float32)
    clap[:800] = make_voice(0.05)
    wet, _, _ = heard(SOUND_VARIANTS["reverberation"].encode(Waveform(clap, RATE_HZ)))
    assert (wet**2).sum() == pytest.approx(float((clap**2).sum()), rel=0.02)
    early, late = (wet[1600:3200] ** 2).sum(), (wet[6400:8000] ** 2).sum()
    assert early > 100 * late > 0


@every_variant
@pytest.mark.parametrize("n", [1, 2, 100])
def test_next_to_nothing_survives(name: str, n: int) -> None:
    assert SOUND_VARIANTS[name].encode(Waveform(np.ones(n, np.float32), RATE_HZ))


@every_variant
def test_the_same_sound_gives_the_same_variant(name: str) -> None:
    sound = Waveform(make_voice(0.5), RATE_HZ)
    first, second = (heard(SOUND_VARIANTS[name].encode(sound))[0] for _ in range(2))
    assert (first == second).all()


@every_variant
def test_a_variant_is_a_file_that_can_be_examined(tmp_path: Path, name: str) -> None:
    source = made(tmp_path, "voice.wav", make_voice(1.0))
    found = probe(write_variant(source, name, tmp_path))
    assert found.kind == "audio"
    assert "extension_mismatch" not in found.notes
    sound = read_waveform(found, None, 60.0, lambda: None)
    assert sound.duration_s == pytest.approx(1.0, abs=0.12)


def test_a_file_without_sound_is_refused(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (8, 8)).save(tmp_path / "mute.png")
    with pytest.raises(AssayError):
        write_variant(tmp_path / "mute.png", "mp3_32", tmp_path)


def test_names_are_told_apart_and_worded() -> None:
    assert not set(SOUND_VARIANTS) & set(VARIANTS)
    assert text_of("opus_16") == "saving it as Opus of 16 kbit/s"
    assert text_of("crop_10") == "cropping a tenth away"
    assert text_of("unheard_of") == "unheard_of"
