from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from assay.training.sound_codecs import CODECS
from assay.training.sound_degrade import (
    SoundDegradation,
    SoundOdds,
    a_law,
    band_passed,
    draw_sound_degradation,
    mu_law,
)
from assay.types import Array
from tests.training.sound_makers import RATE_HZ, lag, voiced

ALWAYS = SoundOdds(**{field.name: 1.0 for field in fields(SoundOdds) if field.name != "noise_db"})
_OFF = "band loudness resampling telephone codec second_codec gain polarity microphone"
_NOTHING = dict.fromkeys(_OFF.split(), 0.0)


def drawn(seed: int, odds: SoundOdds | None = None) -> SoundDegradation:
    return draw_sound_degradation(np.random.default_rng(seed), odds)


@pytest.mark.parametrize("odds", [None, ALWAYS])
def test_whatever_is_drawn_gives_a_clip_of_the_same_length_in_range(odds: SoundOdds | None) -> None:
    sound = voiced(1.5)
    for seed in range(40):
        out = drawn(seed, odds)(sound)
        assert out.shape == sound.shape
        assert out.dtype == np.float32
        assert np.isfinite(out).all()
        assert np.abs(out).max() <= 1


def test_one_draw_does_the_same_to_both_clips_and_the_same_seed_draws_the_same() -> None:
    sound = voiced(1.0)
    for seed in range(30):
        degrade = drawn(seed)
        assert np.array_equal(degrade(sound), degrade(sound.copy()))
        assert np.array_equal(degrade(sound), drawn(seed)(sound))


def test_many_different_things_are_drawn() -> None:
    names = {name for seed in range(300) for name in drawn(seed).names}
    assert {"room", "band", "microphone", "loudness", "speed", "polarity", "noise_babble"} <= names
    for codec in (
        "mp3",
        "aac",
        "opus",
        "g722",
        "telephone_amr_nb",
        "telephone_mu_law",
        "rate_8000",
    ):
        assert any(name.startswith(codec) for name in names), codec


def test_every_sound_stays_where_it_was() -> None:
    sound = voiced(2.0)
    for seed in range(80):
        degrade = drawn(seed)
        if degrade.speed == 1.0:
            assert abs(lag(sound, degrade(sound))) <= 8, degrade.names


def test_a_change_of_speed_is_told() -> None:
    sound = np.zeros(RATE_HZ * 2, np.float32)
    sound[RATE_HZ] = 0.5
    speeds = []
    for seed in range(10):
        degrade = drawn(seed, SoundOdds(room=0, noise=0, speed=1, **_NOTHING))
        where = int(np.argmax(np.abs(degrade(sound))))
        assert where == pytest.approx(RATE_HZ / degrade.speed, abs=2)
        speeds.append(degrade.speed)
    assert min(speeds) < 1 < max(speeds)


def test_odds_of_nothing_leave_the_clip_as_it_was() -> None:
    sound = voiced(0.5)
    degrade = drawn(3, SoundOdds(room=0, noise=0, speed=0, **_NOTHING))
    assert degrade.names == ()
    assert np.array_equal(degrade(sound), sound)


@pytest.mark.parametrize("ratio_db", [5.0, 30.0])
def test_noise_comes_at_the_ratio_that_was_asked_for(ratio_db: float) -> None:
    sound = voiced(2.0)
    odds = SoundOdds(room=0, noise=1, noise_db=(ratio_db, ratio_db), speed=0, **_NOTHING)
    for seed in range(12):
        # Quiet enough for the sum not to be clipped.
        noise = drawn(seed, odds)(0.2 * sound) - 0.2 * sound
        found_db = 10 * np.log10(np.mean((0.2 * sound) ** 2) / np.mean(noise**2))
        assert found_db == pytest.approx(ratio_db, abs=0.3)


def test_voices_that_are_given_are_the_babble() -> None:
    odds = SoundOdds(room=0, noise=1, noise_db=(5, 5), speed=0, **_NOTHING)
    tone = np.sin(2 * np.pi * 1000 * np.arange(RATE_HZ) / RATE_HZ).astype(np.float32)
    seed = next(s for s in range(50) if drawn(s, odds).names == ("noise_babble",))
    sound = voiced(1.0)
    with_tone = draw_sound_degradation(np.random.default_rng(seed), odds, [tone])(sound)
    heard = np.abs(np.fft.rfft(with_tone - sound))
    assert abs(int(np.argmax(heard)) - 1000) <= 2


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(0, np.float32),
        np.ones(1, np.float32),
        np.zeros(2, np.float32),
        np.ones(33, np.float32),
        np.zeros(4000, np.float32),
        np.full(4000, 0.9, np.float32),
        np.full(5000, np.nan, np.float32),
        np.r_[np.inf, -np.inf, np.zeros(3000)].astype(np.float32),
        np.sign(np.sin(np.arange(6000))).astype(np.float32) * 5,
    ],
)
def test_bad_sound_comes_out_finite(sound: Array) -> None:
    for seed in range(15):
        out = drawn(seed, ALWAYS)(sound)
        assert out.shape == sound.shape
        assert np.isfinite(out).all()
        assert np.abs(out).max(initial=0) <= 1


@pytest.mark.parametrize("law", [mu_law, a_law])
def test_the_telephone_laws_keep_the_sound_within_eight_bits(law: object) -> None:
    sound = np.linspace(-1, 1, 5001).astype(np.float32)
    out = law(sound)  # type: ignore[operator]
    assert len(np.unique(out)) <= 256
    assert np.abs(out - sound).max() < 0.03
    assert np.abs(out - sound)[2400:2600].max() < 0.002


def test_a_band_keeps_what_is_within_and_takes_what_is_outside() -> None:
    time_s = np.arange(RATE_HZ) / RATE_HZ
    for hz, kept in ((100, False), (1000, True), (6000, False)):
        tone = np.sin(2 * np.pi * hz * time_s).astype(np.float32)
        share = float(band_passed(tone, 300, 3400, 8).std() / tone.std())
        assert (share > 0.97) is kept
        assert kept or share < 0.1


def test_all_codecs_can_be_drawn() -> None:
    odds = SoundOdds(telephone=0.5, codec=0.6)
    names = "".join(name for seed in range(400) for name in drawn(seed, odds).names)
    assert all(codec in names for codec in CODECS)


def test_a_microphone_colours_smoothly_and_moves_nothing() -> None:
    rng = np.random.default_rng(5)
    noise = (0.1 * rng.normal(0, 1, 32_000)).astype(np.float32)
    odds = SoundOdds(room=0, noise=0, speed=0, **{**_NOTHING, "microphone": 1.0})
    out = drawn(5, odds)(noise)
    assert lag(noise, out) == 0
    before, after = (np.abs(np.fft.rfft(x)) ** 2 for x in (noise, out))
    bands = np.split(np.arange(16_000), 40)
    change_db = np.array([10 * np.log10(after[b].sum() / before[b].sum()) for b in bands])
    assert np.ptp(change_db) > 1
    assert np.abs(np.diff(change_db)[4:]).max() < 3  # 400 Hz are less than an octave there
