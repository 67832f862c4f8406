import time

import numpy as np
import pytest

from assay.media.sound_drawing import BANDS, TOP_HZ, envelope, spectrogram
from assay.types import Waveform


def tone(hz: float, rate_hz: int = 16_000, seconds: float = 2.0, level: float = 0.5) -> Waveform:
    t = np.arange(round(rate_hz * seconds)) / rate_hz
    return Waveform((level * np.sin(2 * np.pi * hz * t)).astype(np.float32), rate_hz)


@pytest.mark.parametrize("rate_hz", [16_000, 22_050, 44_100, 48_000, 192_000])
@pytest.mark.parametrize("hz", [440.0, 3000.0, 7500.0])
def test_a_tone_stands_at_its_frequency_whatever_the_rate(rate_hz: int, hz: float) -> None:
    drawn = spectrogram(tone(hz, rate_hz))
    loudest = drawn[:, 3:-3].mean(axis=1).argmax()
    assert abs(loudest - hz / (TOP_HZ / BANDS)) < 2
    assert drawn.max() == 255
    assert np.median(drawn) < 60


def test_nothing_is_drawn_above_half_the_sample_rate() -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, 16_000).astype(np.float32)
    drawn = spectrogram(Waveform(noise, 8000))
    assert drawn[: BANDS // 2 - 2].mean(axis=1).min() > 150
    assert drawn[BANDS // 2 + 1 :].max() == 0


def test_time_runs_from_left_to_right() -> None:
    held = tone(1000.0)
    samples = held.samples.copy()
    samples[: len(samples) // 2] = 0
    waveform = Waveform(samples, held.sample_rate_hz)
    drawn, outline = spectrogram(waveform), envelope(waveform, 100)
    middle = drawn.shape[1] // 2
    assert drawn[:, : middle - 2].max() == 0
    assert drawn[:, middle + 2 :].max() == 255
    assert np.abs(outline[:49]).max() == 0
    assert outline[51:].max() > 0.45
    assert outline[51:].min() < -0.45


@pytest.mark.parametrize("n", [0, 1, 2, 17, 999, 1001])
@pytest.mark.parametrize("rate_hz", [1, 8000, 48_000, 100_000_000])
def test_the_shortest_sounds_have_a_drawing(n: int, rate_hz: int) -> None:
    waveform = Waveform(np.full(n, 0.25, np.float32), rate_hz)
    outline, drawn = envelope(waveform), spectrogram(waveform)
    assert 1 <= len(outline) <= 1000
    assert drawn.shape[0] == BANDS
    assert drawn.shape[1] >= 1
    assert np.isfinite(outline).all()


def test_silence_and_broken_samples_are_drawn_as_nothing() -> None:
    assert spectrogram(Waveform(np.zeros(16_000, np.float32), 16_000)).max() == 0
    broken = np.full(16_000, np.nan, np.float32)
    assert spectrogram(Waveform(broken, 16_000)).max() == 0
    assert np.abs(envelope(Waveform(broken, 16_000))).max() == 0


def test_a_hiss_far_below_hearing_is_not_lifted_to_black() -> None:
    faint = tone(1000.0, level=1e-5)
    assert spectrogram(faint).max() < 200


def test_half_an_hour_is_drawn_in_bounded_work() -> None:
    long = Waveform(np.random.default_rng(0).normal(0, 0.1, 28_800_000).astype(np.float32), 16_000)
    started = time.process_time()
    outline, drawn = envelope(long), spectrogram(long)
    assert time.process_time() - started < 4.0
    assert outline.shape == (1000, 2)
    assert drawn.shape == (BANDS, 900)
