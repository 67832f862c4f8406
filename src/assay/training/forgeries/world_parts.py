"""The parts of a voice after WORLD (Morise et al., 2016): pitch, envelope, breath, and back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.errors import ConfigError
from assay.types import FloatArray

MIN_RATE_HZ = 8_000


@dataclass(frozen=True, slots=True)
class Voice:
    """Pitch (k,) in hertz, 0 where unvoiced; envelope and aperiodicity (k, bins), float64."""

    pitch_hz: NDArray[Any]
    envelope: NDArray[Any]
    breath: NDArray[Any]
    sample_rate_hz: int
    frame_ms: float


def taken_apart(
    sound: FloatArray, sample_rate_hz: int, way: str = "dio", frame_ms: float = 5.0
) -> Voice:
    """The parts of a clip (n,). `way`: how the pitch is found, "dio" (quick) or "harvest".

    Raises ConfigError where pyworld is missing or the rate is below 8 kHz.
    """
    world = _world()
    if sample_rate_hz < MIN_RATE_HZ:
        raise ConfigError("WORLD takes a voice apart from 8 kHz on only.")
    x = sound.astype(np.float64)
    find = world.harvest if way == "harvest" else world.dio
    pitch_hz, time_s = find(x, sample_rate_hz, frame_period=frame_ms)
    if way != "harvest":
        pitch_hz = world.stonemask(x, pitch_hz, time_s, sample_rate_hz)
    envelope = world.cheaptrick(x, pitch_hz, time_s, sample_rate_hz)
    breath = world.d4c(x, pitch_hz, time_s, sample_rate_hz)
    return Voice(pitch_hz, envelope, breath, sample_rate_hz, frame_ms)


def put_together(voice: Voice) -> FloatArray:
    """The sound of the parts, about as long as the clip that they came from."""
    sound = _world().synthesize(
        np.ascontiguousarray(voice.pitch_hz, np.float64),
        np.ascontiguousarray(voice.envelope, np.float64),
        np.ascontiguousarray(voice.breath, np.float64),
        voice.sample_rate_hz,
        voice.frame_ms,
    )
    return np.asarray(sound, np.float32)


def coded(voice: Voice, n_envelope: int) -> Voice:
    """Envelope and breath through the few numbers that statistical synthesis worked with."""
    world, rate_hz = _world(), voice.sample_rate_hz
    size = 2 * (voice.envelope.shape[1] - 1)
    few = world.code_spectral_envelope(voice.envelope, rate_hz, n_envelope)
    smooth = replace(voice, envelope=world.decode_spectral_envelope(few, rate_hz, size))
    if world.get_num_aperiodicities(rate_hz) < 1:
        return smooth  # too narrow a band: the breath has no number of its own
    breath = world.code_aperiodicity(voice.breath, rate_hz)
    return replace(smooth, breath=world.decode_aperiodicity(breath, rate_hz, size))


def warped(voice: Voice, factor: float) -> Voice:
    """The formants `factor` times as high, as of a shorter or longer vocal tract."""
    bins = voice.envelope.shape[1]
    at = np.minimum(np.arange(bins) / factor, bins - 1)
    low = np.minimum(at.astype(int), bins - 2)
    part = at - low
    moved = [(1 - part) * one[:, low] + part * one[:, low + 1] for one in _both(voice)]
    return replace(voice, envelope=moved[0], breath=np.clip(moved[1], 0, 1))


def _both(voice: Voice) -> tuple[NDArray[Any], NDArray[Any]]:
    return voice.envelope, voice.breath


def _world() -> Any:
    try:
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it asks setuptools for its own version
            import pyworld
    except ImportError as error:
        raise ConfigError(
            f"This forger needs pyworld: {error}.",
            remedy="Install it with: pip install 'assay[train]'",
        ) from error
    return pyworld
