from __future__ import annotations

import sys

import numpy as np
import pytest

from assay.errors import ConfigError
from assay.training.forgeries.world_parts import coded, put_together, taken_apart, warped
from tests.training.forgeries.test_sound_forgery import needs_world
from tests.training.sound_makers import RATE_HZ, voiced


@needs_world
@pytest.mark.parametrize("way", ["dio", "harvest"])
def test_the_parts_are_those_of_the_voice(way: str) -> None:
    sound = voiced(0.8, pitch_hz=140)
    voice = taken_apart(sound, RATE_HZ, way)
    hz = voice.pitch_hz[voice.pitch_hz > 0]
    assert float(np.median(hz)) == pytest.approx(140, rel=0.12)
    assert voice.envelope.shape == voice.breath.shape
    assert abs(put_together(voice).size - sound.size) < 200


@needs_world
def test_few_numbers_make_the_envelope_smoother() -> None:
    voice = taken_apart(voiced(0.6), RATE_HZ)
    few = coded(voice, 18)
    assert few.envelope.shape == voice.envelope.shape
    roughness = [
        np.abs(np.diff(np.log(v.envelope + 1e-12), 2, axis=1)).mean() for v in (voice, few)
    ]
    assert roughness[1] < roughness[0]


@needs_world
def test_warping_moves_the_formants() -> None:
    voice = taken_apart(voiced(0.6), RATE_HZ)
    peak, moved = (int(v.envelope.mean(axis=0).argmax()) for v in (voice, warped(voice, 1.25)))
    assert moved == pytest.approx(1.25 * peak, abs=2)


@needs_world
def test_below_8_khz_world_is_not_asked() -> None:
    with pytest.raises(ConfigError, match="8 kHz"):
        taken_apart(voiced(0.3), 4000)


def test_without_pyworld_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyworld", None)
    with pytest.raises(ConfigError) as caught:
        taken_apart(voiced(0.3), RATE_HZ)
    assert "assay[train]" in str(caught.value.remedy)
