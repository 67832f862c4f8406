from __future__ import annotations

import numpy as np
import pytest

from assay.media.sound_resave import Saving, mp3, mulaw, opus, resaved, saved
from assay.types import Waveform

SAVINGS = {"mp3": mp3(64), "opus": opus(24), "mulaw": mulaw()}
every_saving = pytest.mark.parametrize("saving", SAVINGS.values(), ids=list(SAVINGS))


def rumble(rate_hz: int = 16_000, seconds: float = 1.5) -> Waveform:
    """Noise between 150 and 1,500 Hz that swells and fades: it has one place only."""
    n = round(rate_hz * seconds)
    spectrum = np.fft.rfft(np.random.default_rng(0).normal(size=n))
    hz = np.fft.rfftfreq(n, 1 / rate_hz)
    spectrum[(hz < 150) | (hz > 1500)] = 0
    samples = np.fft.irfft(spectrum, n) * np.hanning(n)
    return Waveform((0.5 * samples / np.abs(samples).max()).astype(np.float32), rate_hz, 2.0)


def lag(before: np.ndarray, after: np.ndarray) -> int:
    size = 2 * len(before)
    likeness = np.fft.irfft(np.fft.rfft(after, size) * np.conj(np.fft.rfft(before, size)), size)
    at = int(np.argmax(likeness))
    return at - size if at > size // 2 else at


@every_saving
@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 96_000])
def test_it_comes_back_where_it_was_and_almost_as_it_was(saving: Saving, rate_hz: int) -> None:
    before = rumble(rate_hz)
    after = resaved(before, saving)
    assert (after.sample_rate_hz, after.start_s) == (rate_hz, 2.0)
    assert after.samples.shape == before.samples.shape
    assert after.samples.dtype == np.float32
    assert abs(lag(before.samples, after.samples)) <= rate_hz // 8000
    lost = ((after.samples - before.samples) ** 2).sum() / (before.samples**2).sum()
    assert 0 < lost < 0.25


@every_saving
@pytest.mark.parametrize("n", [0, 1, 7, 200])
def test_next_to_nothing_survives(saving: Saving, n: int) -> None:
    for samples in (np.zeros(n, np.float32), np.ones(n, np.float32)):
        after = resaved(Waveform(samples, 16_000), saving)
        assert len(after.samples) == n
        assert np.isfinite(after.samples).all()


def test_fewer_bits_make_a_smaller_file() -> None:
    sound = rumble()
    assert len(saved(sound, opus(12))) < len(saved(sound, opus(48)))
    assert len(saved(sound, mp3(32))) < len(saved(sound, mp3(64)))


def test_the_telephone_keeps_nothing_above_four_kilohertz() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 32_000).astype(np.float32)
    after = np.abs(np.fft.rfft(resaved(Waveform(noise, 16_000), mulaw()).samples)) ** 2
    assert after[len(after) * 9 // 16 :].sum() < 0.01 * after.sum()
