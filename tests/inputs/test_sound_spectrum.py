from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.sound_spectrum import (
    find_band_edge,
    find_lines,
    mean_spectrum,
    share_of_digital_silence,
)
from assay.media.audio import resampled
from tests.inputs.made_voices import hostile_sounds


def noise(seconds: float, rate_hz: int, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).normal(size=round(seconds * rate_hz))).astype(
        np.float32
    )


def edge_of(sound: np.ndarray, rate_hz: int):
    spectrum = mean_spectrum([sound], rate_hz)
    assert spectrum is not None
    return find_band_edge(spectrum)


def test_the_mean_level_of_a_sine_is_its_own() -> None:
    sine = 0.5 * np.sin(2 * np.pi * 1000 * np.arange(48_000) / 48_000)
    spectrum = mean_spectrum([sine.astype(np.float32)], 48_000)
    assert spectrum is not None
    loudest = int(spectrum.level_db.argmax())
    assert spectrum.frequencies_hz[loudest] == pytest.approx(1000, abs=10)
    # Half the amplitude lies at the positive frequency.
    assert spectrum.level_db[loudest] == pytest.approx(20 * np.log10(0.25), abs=1.5)


@pytest.mark.parametrize("inner_hz", [8_000, 16_000, 22_050, 24_000])
def test_the_rate_at_which_sound_once_was_is_seen(inner_hz: int) -> None:
    edge = edge_of(resampled(noise(2.0, inner_hz), inner_hz, 48_000), 48_000)
    assert edge.sharp
    assert not edge.whole
    assert edge.edge_hz == pytest.approx(inner_hz / 2, rel=0.05)


def test_a_filled_band_has_no_edge() -> None:
    edge = edge_of(noise(2.0, 44_100), 44_100)
    assert edge.whole
    assert not edge.sharp
    assert edge.edge_hz == 22_050


def test_a_band_that_fades_is_no_cut() -> None:
    rate_hz = 44_100
    sound = noise(3.0, rate_hz)
    hz = np.fft.rfftfreq(len(sound), 1 / rate_hz)
    faded = np.fft.irfft(np.fft.rfft(sound) * 10 ** (-hz / 4000), len(sound))
    assert not edge_of(faded.astype(np.float32), rate_hz).sharp


def lattice(spacing_hz: float, height: float) -> np.ndarray:
    t = np.arange(16_000 * 4) / 16_000
    steps = np.arange(1, int(7900 / spacing_hz) + 1) * spacing_hz
    tones = sum(np.sin(2 * np.pi * f * t + i) for i, f in enumerate(steps))
    return (noise(4.0, 16_000) + height * tones).astype(np.float32)


@pytest.mark.parametrize("spacing_hz", [22_050 / 64, 16_000 / 20, 24_000 / 75])
def test_even_lines_stand_out_with_their_spacing(spacing_hz: float) -> None:
    plain = mean_spectrum([noise(4.0, 16_000)], 16_000)
    lined = mean_spectrum([lattice(spacing_hz, 2e-2)], 16_000)
    assert plain is not None
    assert lined is not None
    assert find_lines(plain).strength < 5
    found = find_lines(lined)
    assert found.strength > 6
    assert found.spacing_hz is not None
    ratio = found.spacing_hz / spacing_hz
    assert ratio == pytest.approx(1, rel=0.02) or 1 / ratio == pytest.approx(round(1 / ratio))
    assert found.peaks_hz


def test_one_whistle_is_a_peak_and_no_lattice() -> None:
    t = np.arange(64_000) / 16_000
    sound = noise(4.0, 16_000) + 0.02 * np.sin(2 * np.pi * 3333 * t).astype(np.float32)
    spectrum = mean_spectrum([sound], 16_000)
    assert spectrum is not None
    found = find_lines(spectrum)
    assert found.peaks_hz[0] == pytest.approx(3333, abs=10)
    assert found.strength < 5


def test_digital_silence_is_a_share_of_the_time() -> None:
    sound = np.concatenate([noise(1.0, 16_000), np.zeros(16_000, np.float32)])
    assert share_of_digital_silence(sound, 16_000) == pytest.approx(0.5, abs=0.001)
    assert share_of_digital_silence(noise(1.0, 16_000), 16_000) == 0
    assert share_of_digital_silence(np.zeros(0, np.float32), 16_000) == 0


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 192_000])
@pytest.mark.parametrize("name", hostile_sounds())
def test_hostile_sound_gives_numbers_or_nothing(name: str, rate_hz: int) -> None:
    spectrum = mean_spectrum([hostile_sounds()[name]], rate_hz)
    if spectrum is None:
        return
    assert np.isfinite(spectrum.level_db).all()
    edge = find_band_edge(spectrum)
    assert 0 <= edge.edge_hz <= rate_hz / 2
    assert np.isfinite(edge.drop_db)
    find_lines(spectrum)
