from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from assay.errors import ConfigError, InstallationError, TooLargeError
from assay.training import sound_forging as room
from assay.training.forgeries.sound_forgery import SoundForger, SoundForgery, finished
from assay.training.sound_forging import forge_sound
from assay.types import Waveform
from tests.training.sound_makers import RATE_HZ, voiced

CLIP = Waveform(voiced(0.5), RATE_HZ)


def forger(make: Any) -> SoundForger:
    return SoundForger("own", "A test's own", "edited", "two_voices", "own, Apache-2.0", make)


def quiet(samples: Any, rate_hz: int, rng: Any, donor: Any) -> SoundForgery:
    return finished(samples * 0.5 + rng.uniform(0, 0.1), samples, rate_hz, "own/quiet")


def test_the_same_seed_gives_the_same_forgery() -> None:
    first, again, other = (forge_sound(forger(quiet), CLIP, None, seed) for seed in (1, 1, 2))
    assert np.array_equal(first.fake, again.fake)
    assert not np.array_equal(first.fake, other.fake)


def test_the_donor_comes_at_the_clips_own_rate() -> None:
    seen = []

    def make(samples: Any, rate_hz: int, rng: Any, donor: Any) -> SoundForgery:
        seen.append(donor.size)
        return quiet(samples, rate_hz, rng, donor)

    forge_sound(forger(make), CLIP, Waveform(voiced(0.4, 1, 44_100), 44_100), 0)
    assert seen == [round(0.4 * RATE_HZ)]


def raising(error: Exception) -> Any:
    def make(*_all: Any) -> SoundForgery:
        raise error

    return make


def test_a_forger_that_fails_says_so_and_keeps_its_own_errors() -> None:
    with pytest.raises(InstallationError, match="broken"):
        forge_sound(forger(raising(ValueError("broken"))), CLIP, None, 0)
    with pytest.raises(ConfigError):
        forge_sound(forger(raising(ConfigError("no part"))), CLIP, None, 0)
    with pytest.raises(TooLargeError):
        forge_sound(forger(raising(MemoryError())), CLIP, None, 0)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"fake": np.zeros(10, np.float32)}, "fake"),
        ({"fake": CLIP.samples.astype(np.float64)}, "float64"),
        ({"fake": np.full_like(CLIP.samples, np.nan)}, "range"),
        ({"fake": CLIP.samples * 9}, "range"),
        ({"spans_s": np.zeros((0, 2), np.float32)}, "seconds"),
        ({"spans_s": np.zeros(2, np.float32)}, "seconds"),
    ],
)
def test_what_is_no_forgery_is_not_taken_for_one(changes: dict[str, Any], said: str) -> None:
    def make(samples: Any, rate_hz: int, rng: Any, donor: Any) -> SoundForgery:
        return replace(quiet(samples, rate_hz, rng, donor), **changes)

    with pytest.raises(InstallationError, match=said):
        forge_sound(forger(make), CLIP, None, 0)
    with pytest.raises(InstallationError, match="NoneType"):
        forge_sound(forger(lambda *_: None), CLIP, None, 0)


def test_a_long_sound_is_refused_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MAX_SOUND_S", 0.4)
    with pytest.raises(TooLargeError, match="lasts"):
        forge_sound(forger(raising(AssertionError("worked"))), CLIP, None, 0)
