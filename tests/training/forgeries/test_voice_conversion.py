from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assay.errors import InputError
from assay.training.forgeries.voice_conversion import as_another, as_donor
from assay.training.forgeries.world_parts import Voice, taken_apart
from tests.training.forgeries.test_sound_forgery import needs_world
from tests.training.sound_makers import RATE_HZ, voiced

pytestmark = needs_world


def middle_hz(voice: Voice) -> float:
    return float(np.median(voice.pitch_hz[voice.pitch_hz > 0]))


def test_the_donor_lends_its_pitch_and_its_mean_spectrum() -> None:
    voice = taken_apart(voiced(0.8, 0, pitch_hz=110), RATE_HZ)
    donor = taken_apart(voiced(0.8, 3, pitch_hz=220), RATE_HZ)
    other = as_donor(voice, donor)
    assert middle_hz(other) == pytest.approx(middle_hz(donor), rel=0.06)
    assert np.array_equal(other.pitch_hz > 0, voice.pitch_hz > 0)
    means = [np.log(v.envelope[v.pitch_hz > 0]).mean(axis=0) for v in (voice, donor, other)]
    assert np.abs(means[2] - means[1]).mean() < 0.3 * np.abs(means[0] - means[1]).mean()


def test_a_drawn_voice_is_two_to_eight_semitones_away() -> None:
    voice = taken_apart(voiced(0.6), RATE_HZ)
    away = [
        12 * np.log2(middle_hz(as_another(voice, np.random.default_rng(seed))) / middle_hz(voice))
        for seed in range(20)
    ]
    assert min(abs(np.array(away))) >= 1.99
    assert max(abs(np.array(away))) <= 8.01
    assert min(away) < 0 < max(away)


def test_without_a_pitch_there_is_nothing_to_match() -> None:
    voice = taken_apart(voiced(0.6), RATE_HZ)
    silent = replace(voice, pitch_hz=np.zeros_like(voice.pitch_hz))
    with pytest.raises(InputError):
        as_donor(voice, silent)
