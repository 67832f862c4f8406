"""Forge one clip of sound: let a forger work, and check what it gave."""

from __future__ import annotations

import numpy as np

from assay.errors import AssayError, InstallationError, TooLargeError
from assay.training.forgeries.sound_forgery import SoundForger, SoundForgery
from assay.types import FloatArray, Waveform

MAX_SOUND_S = 300.0
"""The forgers hold a clip many times over: five minutes at 48 kHz take about 2 GB."""


def forge_sound(
    forger: SoundForger, sound: Waveform, donor: Waveform | None, seed: int
) -> SoundForgery:
    """The forgery of a clip at its own rate; the same arguments give the same one.

    `donor` is brought to the clip's rate. Raises TooLargeError, InstallationError (the forger
    failed or gave something that is no forgery), and what the forger says itself (ConfigError,
    InputError).
    """
    seconds = sound.samples.size / sound.sample_rate_hz
    if seconds > MAX_SOUND_S:
        raise TooLargeError(
            f"The sound lasts {seconds:.0f} s; at most {MAX_SOUND_S:g} s can be forged.",
            remedy="Cut out a part first.",
        )
    lent = None if donor is None else _at_rate(donor, sound.sample_rate_hz)
    forgery = _made(forger, sound, lent, seed)
    fault = _fault(forgery, sound)
    if fault:
        raise InstallationError(
            f"The forger {forger.name} gave no forgery: {fault}.", remedy="Please report it."
        )
    return forgery


def _at_rate(donor: Waveform, sample_rate_hz: int) -> FloatArray:
    from assay.training.sound_codecs import resampled

    part = donor.samples[: round(MAX_SOUND_S * donor.sample_rate_hz)]
    return resampled(part, round(part.size * sample_rate_hz / donor.sample_rate_hz))


def _made(
    forger: SoundForger, sound: Waveform, donor: FloatArray | None, seed: int
) -> SoundForgery:
    rng = np.random.default_rng(seed)
    try:
        return forger.make(sound.samples, sound.sample_rate_hz, rng, donor)
    except (AssayError, ModuleNotFoundError):
        raise
    except MemoryError as error:
        raise TooLargeError(f"The sound is too long for {forger.name}.") from error
    except Exception as error:
        raise InstallationError(
            f"The forger {forger.name} failed: {type(error).__name__}: {error}.",
            remedy="Please report it, with the sound's length and the seed.",
        ) from error


def _fault(forgery: object, sound: Waveform) -> str:
    """What is wrong with a forgery of that sound; "" where nothing is."""
    if not isinstance(forgery, SoundForgery):
        return f"a {type(forgery).__name__}"
    for name, samples in (("fake", forgery.fake), ("genuine", forgery.genuine)):
        if samples.shape != sound.samples.shape or samples.dtype != np.float32:
            return f"{name} is {samples.shape} {samples.dtype}"
        if not np.isfinite(samples).all() or np.abs(samples).max(initial=0) > 1:
            return f"{name} leaves the range from -1 to 1"
    spans_s = np.asarray(forgery.spans_s)
    if spans_s.ndim != 2 or spans_s.shape[1] != 2 or not len(spans_s):
        return "it does not say which seconds were changed"
    return ""
