from __future__ import annotations

import numpy as np
import pytest

from assay.errors import ConfigError
from assay.training.sound_codecs import CODECS, resampled, round_trip
from tests.training.sound_makers import RATE_HZ, lag, voiced

SETTINGS = [
    (name, rate)
    for name, codec in CODECS.items()
    for rate in {min(codec.rates_bit_s), max(codec.rates_bit_s)}
]


@pytest.mark.parametrize(("name", "rate_bit_s"), SETTINGS)
def test_a_codec_keeps_length_place_and_most_of_the_sound(name: str, rate_bit_s: int) -> None:
    sound = voiced(2.0)
    out = round_trip(sound, name, rate_bit_s)
    assert out.shape == sound.shape
    assert out.dtype == np.float32
    assert np.abs(out).max() <= 1
    assert abs(lag(sound, out)) <= 4
    assert 0.4 < float(out.std() / sound.std()) < 1.3
    assert not np.array_equal(out, sound)


@pytest.mark.parametrize("name", CODECS)
def test_a_pair_that_parts_late_is_the_same_before(name: str) -> None:
    first = voiced(2.0)
    second = first.copy()
    second[RATE_HZ * 3 // 2 :] = 0
    rate_bit_s = max(CODECS[name].rates_bit_s)
    a, b = round_trip(first, name, rate_bit_s), round_trip(second, name, rate_bit_s)
    early = RATE_HZ
    assert np.corrcoef(a[:early], b[:early])[0, 1] > 0.95


def test_more_bits_lose_less() -> None:
    sound = voiced(2.0)
    for name in ("mp3", "aac"):
        few, many = (
            float(np.abs(round_trip(sound, name, rate) - sound).mean())
            for rate in (min(CODECS[name].rates_bit_s), max(CODECS[name].rates_bit_s))
        )
        assert many < few


@pytest.mark.parametrize("n", [0, 1, 2, 15, 161])
@pytest.mark.parametrize("name", CODECS)
def test_the_shortest_clips_come_back(n: int, name: str) -> None:
    out = round_trip(np.full(n, 0.3, np.float32), name, CODECS[name].rates_bit_s[0])
    assert out.shape == (n,)
    assert np.isfinite(out).all()


def test_an_unknown_codec_is_an_error_that_names_the_known() -> None:
    with pytest.raises(ConfigError, match="amr_nb"):
        round_trip(voiced(0.1), "eight-track", 1000)


@pytest.mark.parametrize("n", [8000, 11025, 12345, 24000, 44100])
def test_resampling_there_and_back_keeps_a_low_tone(n: int) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(RATE_HZ) / RATE_HZ).astype(np.float32)
    there = resampled(tone, n)
    assert there.shape == (n,)
    exact = np.sin(2 * np.pi * 440 * np.arange(n) / n)
    assert np.abs(there - exact)[500:-500].max() < 0.01
    assert np.abs(resampled(there, RATE_HZ) - tone)[500:-500].max() < 0.01
