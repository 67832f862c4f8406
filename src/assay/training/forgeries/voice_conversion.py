"""Another voice says it: WORLD's pitch and formants moved, or matched to a donor's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.errors import InputError
from assay.training.forgeries.sound_forgery import SoundForger, SoundForgery, checked, finished
from assay.training.forgeries.world_parts import Voice, coded, put_together, taken_apart, warped
from assay.types import FloatArray

DONOR_S = 8.0
"""So much of the donor is enough to know its pitch and its mean spectrum."""


def as_another(voice: Voice, rng: np.random.Generator) -> Voice:
    """Up to eight semitones and a vocal tract up to a quarter longer or shorter."""
    up = float(rng.uniform(2, 8) * rng.choice([-1, 1]))
    # A higher voice comes from a shorter tract; not always quite as it should.
    warp = float(np.clip(2 ** (up / 36 + rng.normal(0, 0.06)), 0.78, 1.28))
    return replace(warped(voice, warp), pitch_hz=voice.pitch_hz * 2 ** (up / 12))


def as_donor(voice: Voice, donor: Voice) -> Voice:
    """Mean and spread of the pitch, and mean and spread of the log envelope, are the donor's.

    The simplest conversion there is (Toda et al., 2007, begin with it): per frequency, over the
    voiced frames.
    """
    if not ((voice.pitch_hz > 0).any() and (donor.pitch_hz > 0).any()):
        raise InputError("A voice is needed, with a pitch.")
    pitch = _matched(np.log(np.maximum(voice.pitch_hz, 1)), voice, donor, _log_pitch(donor))
    logs, wanted = _log(voice.envelope), _log(donor.envelope)
    envelope = np.exp(_matched(logs, voice, donor, wanted))
    hz = np.where(voice.pitch_hz > 0, np.clip(np.exp(pitch), 60, 600), 0.0)
    return replace(voice, pitch_hz=hz, envelope=np.clip(envelope, 1e-16, None))


def _matched(
    values: NDArray[Any], voice: Voice, donor: Voice, wanted: NDArray[Any]
) -> NDArray[Any]:
    own, other = values[voice.pitch_hz > 0], wanted[donor.pitch_hz > 0]
    spread = np.clip(other.std(axis=0) / np.maximum(own.std(axis=0), 1e-3), 0.5, 2)
    return (values - own.mean(axis=0)) * spread + other.mean(axis=0)


def _log(envelope: NDArray[Any]) -> NDArray[Any]:
    return np.log(np.maximum(envelope, 1e-16))


def _log_pitch(voice: Voice) -> NDArray[Any]:
    return np.log(np.maximum(voice.pitch_hz, 1))


def forge(
    samples: FloatArray,
    sample_rate_hz: int,
    rng: np.random.Generator,
    donor: FloatArray | None = None,
) -> SoundForgery:
    """The whole clip in another voice: the donor's, where there is one, or a drawn one."""
    genuine = checked(samples, sample_rate_hz)
    voice = taken_apart(genuine, sample_rate_hz, str(rng.choice(["dio", "harvest"])))
    if rng.random() < 0.4:
        voice = coded(voice, int(rng.choice([25, 40, 60])))
    if donor is not None and rng.random() < 0.7:
        lent = checked(donor, sample_rate_hz)[: round(DONOR_S * sample_rate_hz)]
        other, way = as_donor(voice, taken_apart(lent, sample_rate_hz)), "donor"
    else:
        other, way = as_another(voice, rng), "drawn"
    fake = put_together(other)
    return finished(fake, genuine, sample_rate_hz, f"voice_conversion/{way}")


SOUND_FORGER = SoundForger(
    name="voice_conversion",
    title="The words of the clip in another voice, by WORLD",
    kind="voice_generated",
    needs="two_voices",
    source="pyworld (MIT): Morise et al., IEICE 2016; matching after Toda et al., 2007",
    make=forge,
)
