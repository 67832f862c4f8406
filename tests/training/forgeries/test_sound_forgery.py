"""What every forger of sounds keeps to, over all that `discover_sound()` finds."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from assay.errors import InputError
from assay.training import forgeries as room
from assay.training.forgeries import discover, discover_sound
from assay.training.forgeries.sound_forgery import SoundForger, SoundForgery, checked, finished, rms
from assay.types import FloatArray
from tests.training.sound_makers import RATE_HZ, voiced

WORLD = ("world_vocoder", "voice_conversion")
NAMES = (
    "griffin_lim", "linear_prediction", "mel_reconstruction", "noise_vocoder", "phase_randomised",
    "spliced_speech", "time_stretch", "upsampled_excitation", *WORLD,
)  # fmt: skip
needs_world = pytest.mark.skipif(
    find_spec("pyworld") is None or find_spec("pkg_resources") is None,
    reason="pyworld is not installed",
)
every_forger = pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=needs_world if name in WORLD else ()) for name in NAMES],
)
CLIP = voiced(0.6)
DONOR = voiced(1.1, 7, pitch_hz=210)


def forge(name: str, seed: int, of: FloatArray = CLIP, rate_hz: int = RATE_HZ) -> SoundForgery:
    return discover_sound()[name].make(of, rate_hz, np.random.default_rng(seed), DONOR)


def require_contract(forgery: SoundForgery, of: FloatArray, rate_hz: int = RATE_HZ) -> None:
    for sound in (forgery.fake, forgery.genuine):
        assert sound.shape == of.shape
        assert sound.dtype == np.float32
        assert np.isfinite(sound).all()
        assert np.abs(sound).max() <= 1
    spans = forgery.spans_s
    assert spans.ndim == 2
    assert spans.shape[0] >= 1
    assert (spans[:, 0] < spans[:, 1]).all()
    assert (spans[1:, 0] >= spans[:-1, 1]).all()
    assert spans.min() >= 0
    assert spans.max() <= of.size / rate_hz + 1e-3


def loudness(sound: FloatArray, block: int = 320) -> FloatArray:
    return np.sqrt((sound[: sound.size // block * block].reshape(-1, block) ** 2).mean(axis=1))


def test_every_forger_is_found_once_under_its_own_name() -> None:
    found = discover_sound()
    assert set(NAMES) <= set(found)
    assert list(found) == sorted(found)
    assert not set(found) & set(discover())
    folder = Path(str(room.__file__)).parent
    with_one = [p.stem for p in folder.glob("*.py") if "\nSOUND_FORGER = " in p.read_text("utf-8")]
    assert sorted(with_one) == sorted(found)


def test_two_forgers_of_one_name_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    twice = discover_sound()["griffin_lim"]
    module = sys.modules["assay.training.forgeries.masks"]
    monkeypatch.setattr(module, "SOUND_FORGER", twice, False)
    with pytest.raises(RuntimeError, match="griffin_lim"):
        discover_sound()


def test_every_forger_says_what_it_is() -> None:
    for forger in discover_sound().values():
        assert isinstance(forger, SoundForger)
        assert forger.title
        assert forger.modality == "sound"
        assert len(forger.source) > 20
        assert forger.kind in ("voice_generated", "edited")
        assert forger.needs in ("voice", "two_voices")


@every_forger
def test_a_forgery_keeps_the_contract_and_changes_something(name: str) -> None:
    before = CLIP.copy()
    names = set()
    for seed in range(8):
        forgery = forge(name, seed)
        require_contract(forgery, CLIP)
        assert forgery.name.split("/")[0] == name
        names.add(forgery.name)
        assert not np.array_equal(forgery.fake, forgery.genuine)
    assert np.array_equal(CLIP, before)
    assert len(names) > 1


@every_forger
def test_the_same_seed_gives_the_same_forgery(name: str) -> None:
    first, again, other = (forge(name, seed) for seed in (5, 5, 6))
    assert np.array_equal(first.fake, again.fake)
    assert np.array_equal(first.spans_s, again.spans_s)
    assert first.name == again.name
    assert not np.array_equal(first.fake, other.fake)


@every_forger
def test_a_forgery_is_in_step_with_the_genuine_clip_and_as_loud(name: str) -> None:
    if name == "spliced_speech":
        pytest.skip("its changes have a test of their own")
    likeness = []
    for seed in range(6):
        forgery = forge(name, seed)
        likeness.append(np.corrcoef(loudness(forgery.genuine), loudness(forgery.fake))[0, 1])
        assert 0.4 < rms(forgery.fake) / rms(forgery.genuine) < 1.01
    assert float(np.median(likeness)) > 0.7


@every_forger
@pytest.mark.parametrize("rate_hz", [8_000, 44_100])
def test_other_rates_are_forged_too(name: str, rate_hz: int) -> None:
    clip = voiced(0.5, 2, rate_hz)
    for seed in range(4):
        require_contract(forge(name, seed, clip, rate_hz), clip, rate_hz)


@every_forger
def test_a_donor_is_not_required(name: str) -> None:
    maker = discover_sound()[name].make
    for seed in range(4):
        require_contract(maker(CLIP, RATE_HZ, np.random.default_rng(seed)), CLIP)


@every_forger
def test_bad_sound_is_refused_or_forged_into_sound(name: str) -> None:
    n = RATE_HZ // 5
    noise = np.random.default_rng(0).standard_normal(n).astype(np.float32)
    spoilt = noise.copy()
    spoilt[::7] = np.nan
    bad = [np.full(n, 0.9), noise * 50, spoilt, np.eye(1, n, n // 2)[0], np.sin(np.arange(n) / 3)]
    for sound in bad:
        for seed in range(3):
            try:
                forgery = forge(name, seed, sound.astype(np.float32))
            except InputError:
                continue
            require_contract(forgery, sound)


@every_forger
@pytest.mark.parametrize("n", [0, 1, 300, RATE_HZ])
def test_what_is_too_short_or_silent_is_refused(name: str, n: int) -> None:
    with pytest.raises(InputError):
        forge(name, 0, np.zeros(n, np.float32))


@every_forger
def test_a_read_only_clip_of_odd_length_is_forged(name: str) -> None:
    clip = voiced(0.31)[:4999]
    clip.flags.writeable = False
    require_contract(forge(name, 0, clip), clip)


def test_checked_refuses_what_is_no_channel_of_sound() -> None:
    for sound, rate_hz in ((np.zeros((2, 9999)), RATE_HZ), (CLIP, 10), (CLIP, 10**7)):
        with pytest.raises(InputError):
            checked(np.asarray(sound, np.float32), rate_hz)
    assert np.isfinite(checked(np.r_[CLIP, np.nan, np.inf].astype(np.float32), RATE_HZ)).all()


def test_finished_is_as_long_and_as_loud_and_never_over_full_scale() -> None:
    made = finished(0.01 * CLIP[:-100], CLIP, RATE_HZ, "x")
    assert made.fake.shape == CLIP.shape
    assert rms(made.fake) == pytest.approx(rms(CLIP), rel=0.01)
    assert made.spans_s.tolist() == [[0.0, pytest.approx(0.6)]]
    peaky = np.zeros_like(CLIP)
    peaky[500] = 1.0
    assert np.abs(finished(peaky, CLIP, RATE_HZ, "x").fake).max() <= 1
