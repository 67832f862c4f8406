from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.mains_hum import find_hum
from assay.types import FloatArray
from tests.training.sound_makers import voiced


def hum(seconds: float, hz: float, rate_hz: int, phase: float = 0.0) -> FloatArray:
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    return (0.03 * np.sin(2 * np.pi * hz * time_s + phase)).astype(np.float32)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("hz", [49.96, 60.03])
def test_hum_that_goes_on_does_not_jump(hz: float, rate_hz: int) -> None:
    found = find_hum(0.3 * voiced(5.0, 0, rate_hz) + hum(5.0, hz, rate_hz), rate_hz)
    assert found is not None
    assert found.hz == pytest.approx(hz, abs=0.05)
    assert np.nanmax(found.jump_rad) < 0.4


@pytest.mark.parametrize("hz", [50.0, 60.0])
def test_a_cut_makes_it_jump_where_it_is(hz: float) -> None:
    rate_hz = 16_000
    sound = 0.3 * voiced(6.0)
    sound = sound + np.r_[hum(3.5, hz, rate_hz), hum(2.5, hz, rate_hz, 2.0)]
    found = find_hum(sound, rate_hz)
    assert found is not None
    best = int(np.nanargmax(found.jump_rad))
    assert found.jump_rad[best] > 1.0
    assert found.times_s[best] == pytest.approx(3.5, abs=0.7)


def test_without_hum_there_is_none() -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(64_000).astype(np.float32)
    for sound in (noise, voiced(4.0), np.zeros(64_000, np.float32), np.ones(64_000, np.float32)):
        assert find_hum(sound, 16_000) is None


@pytest.mark.parametrize(
    ("n", "rate_hz"), [(0, 16_000), (1, 16_000), (31_000, 16_000), (9000, 500)]
)
def test_what_is_too_short_or_too_slow_is_not_searched(n: int, rate_hz: int) -> None:
    assert find_hum(np.ones(n, np.float32), rate_hz) is None
