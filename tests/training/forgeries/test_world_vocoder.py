from __future__ import annotations

import numpy as np
import pytest

from assay.training.forgeries.world_parts import taken_apart
from assay.training.forgeries.world_vocoder import WAYS, changed
from tests.training.forgeries.test_sound_forgery import needs_world
from tests.training.sound_makers import RATE_HZ, voiced

pytestmark = needs_world


@pytest.mark.parametrize("way", WAYS)
def test_each_way_changes_its_own_part(way: str) -> None:
    voice = taken_apart(voiced(0.6), RATE_HZ)
    other = changed(voice, way, np.random.default_rng(0))
    same = [
        np.array_equal(one, two)
        for one, two in (
            (voice.pitch_hz, other.pitch_hz),
            (voice.envelope, other.envelope),
            (voice.breath, other.breath),
        )
    ]
    assert same == {
        "plain": [True, True, True],
        "coded": [True, False, False],
        "smooth": [True, False, True],
        "buzz": [True, True, False],
        "flat": [False, True, True],
    }[way]  # fmt: skip


def test_a_flat_pitch_varies_less() -> None:
    voice = taken_apart(voiced(0.8), RATE_HZ)
    flat = changed(voice, "flat", np.random.default_rng(1))
    spread = [np.log(v.pitch_hz[v.pitch_hz > 0]).std() for v in (voice, flat)]
    assert spread[1] < 0.8 * spread[0]
