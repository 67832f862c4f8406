from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.band_history import (
    Bands,
    bands_of,
    find_joins,
    find_mean_step,
    whole_cut,
)
from assay.media.audio import resampled
from tests.inputs.made_history import RATE_HZ, lossy, music


def bands(samples: np.ndarray, rate_hz: int = RATE_HZ) -> Bands:
    found = bands_of(samples.astype(np.float32), rate_hz)
    assert found is not None
    return found


def narrowed(samples: np.ndarray, through_hz: int) -> np.ndarray:
    """Through a lower rate and back."""
    low = resampled(samples.astype(np.float32), RATE_HZ, through_hz)
    return resampled(low, through_hz, RATE_HZ)[: len(samples)]


def test_sound_up_to_the_highest_has_no_cut() -> None:
    assert whole_cut(bands(music(6))) is None


@pytest.mark.parametrize("through_hz", [8000, 16_000, 24_000, 32_000])
def test_a_resampled_sound_ends_where_the_lower_rate_did(through_hz: int) -> None:
    cut = whole_cut(bands(narrowed(music(6), through_hz)))
    assert cut is not None
    assert cut.hz == pytest.approx(through_hz / 2, rel=0.08)


def test_a_codec_cuts_too() -> None:
    cut = whole_cut(bands(lossy(music(6), RATE_HZ, "libmp3lame", 64_000, "mp3")[1]))
    assert cut is not None
    assert 9000 < cut.hz < 19_500


def test_parts_of_different_bandwidth_are_told_where_they_meet() -> None:
    sound = music(12)
    joined = np.r_[sound[: 6 * RATE_HZ], narrowed(sound, 16_000)[6 * RATE_HZ :]]
    (found,) = find_joins(bands(joined))
    assert found.at_s == pytest.approx(6.0, abs=1.1)
    assert found.low_hz == pytest.approx(8000, rel=0.1)
    assert find_joins(bands(sound)) == []
    assert find_joins(bands(narrowed(sound, 16_000))) == []


def test_a_step_of_the_constant_part_is_measured() -> None:
    sound = music(12)
    stepped = sound + np.where(np.arange(len(sound)) < 7 * RATE_HZ, 0.002, -0.003)
    found = find_mean_step(bands(stepped))
    assert found is not None
    assert found.at_s == pytest.approx(7.0)
    assert found.score > 6
    plain = find_mean_step(bands(sound))
    assert plain is not None
    assert plain.score < 6


def test_hours_cost_no_more_than_ten_minutes() -> None:
    found = bands(np.zeros(3 * 3600 * 1000, np.float32), 1000)
    assert len(found.starts_s) <= 600
    assert whole_cut(found) is None


@pytest.mark.parametrize("rate_hz", [1000, 8000, 192_000])
def test_hostile_sounds_are_answered(rate_hz: int) -> None:
    rng = np.random.default_rng(0)
    n = 6 * max(rate_hz, 2048)
    for sound in (np.zeros(n), np.ones(n), rng.standard_normal(n), np.sign(np.sin(np.arange(n)))):
        found = bands(sound, rate_hz)
        assert np.isfinite(found.levels_db).all()
        whole_cut(found)
        assert find_joins(found) == []
        find_mean_step(found)
    assert bands_of(np.zeros(100, np.float32), rate_hz) is None
