from __future__ import annotations

import numpy as np
import pytest

from assay.training.sound_rooms import in_room, noise_of, room_response
from tests.training.sound_makers import RATE_HZ, lag, voiced


@pytest.mark.parametrize("rt60_s", [0.1, 0.4, 0.8])
def test_a_room_decays_by_60_db_in_its_time(rt60_s: float) -> None:
    slopes = []
    for seed in range(8):
        response = room_response(np.random.default_rng(seed), rt60_s).astype(float)
        assert response[0] == 1.0
        tail = np.cumsum(response[::-1] ** 2)[::-1]
        level_db = 10 * np.log10(tail[800:] / tail[800])
        late = int(np.argmax(level_db < -20))
        slopes.append(-20 / (late / RATE_HZ))
    assert float(np.median(slopes)) == pytest.approx(-60 / rt60_s, rel=0.45)


def test_in_a_room_the_voice_stays_in_its_place_and_as_loud() -> None:
    sound = 0.3 * voiced(2.0)
    for seed in range(10):
        wet = in_room(sound, room_response(np.random.default_rng(seed), 0.5))
        assert wet.shape == sound.shape
        assert abs(lag(sound, wet)) <= 2
        assert float((wet**2).sum()) == pytest.approx(float((sound**2).sum()), rel=0.01)


def test_what_follows_a_sound_is_filled_in() -> None:
    sound = np.zeros(RATE_HZ, np.float32)
    sound[:2000] = voiced(0.125)
    wet = in_room(sound, room_response(np.random.default_rng(1), 0.6))
    assert np.abs(wet[2200:6000]).max() > 1e-3
    assert np.abs(sound[2200:6000]).max() == 0


def slope_db_octave(noise: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(noise)) ** 2
    hz = np.fft.rfftfreq(noise.size, 1 / RATE_HZ)
    low, high = (power[(hz > f) & (hz < 2 * f)].mean() for f in (200, 3200))
    return float(10 * np.log10(high / low) / 4)


@pytest.mark.parametrize(("kind", "slope"), [("white", 0), ("pink", -3), ("brown", -6)])
def test_coloured_noise_has_its_slope(kind: str, slope: float) -> None:
    noise = noise_of(kind, 4 * RATE_HZ, np.random.default_rng(0))
    assert slope_db_octave(noise) == pytest.approx(slope, abs=0.7)


def test_hum_sits_at_the_mains_and_its_harmonics() -> None:
    for seed in range(6):
        hum = noise_of("hum", RATE_HZ, np.random.default_rng(seed))
        strongest = int(np.argmax(np.abs(np.fft.rfft(hum))))
        assert min(strongest % 50, -strongest % 50, strongest % 60, -strongest % 60) <= 1


def test_babble_is_made_of_the_voices_given() -> None:
    voices = [voiced(0.4, seed) for seed in range(3)]
    noise = noise_of(
        "babble", RATE_HZ, np.random.default_rng(0), [*voices, np.zeros(0, np.float32)]
    )
    assert noise.shape == (RATE_HZ,)
    assert float(noise.std()) > 0.5
    assert noise_of("babble", 100, np.random.default_rng(0)).shape == (100,)
