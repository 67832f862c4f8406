"""The clip taken apart by WORLD and put together again, in several qualities."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.training.forgeries.sound_forgery import SoundForger, SoundForgery, checked, finished
from assay.training.forgeries.world_parts import Voice, coded, put_together, taken_apart
from assay.types import FloatArray

WAYS = ("plain", "coded", "smooth", "buzz", "flat")


def changed(voice: Voice, way: str, rng: np.random.Generator) -> Voice:
    """Less than WORLD's best: few numbers, smoothed over time, no breath, or a levelled pitch."""
    if way == "coded":
        return coded(voice, int(rng.choice([18, 25, 40, 60])))
    if way == "smooth":
        # Statistical models gave the mean of what they had heard.
        wide = int(rng.integers(3, 12))
        logs = np.log(np.maximum(voice.envelope, 1e-16))
        sums = np.cumsum(np.pad(logs, ((wide + 1, wide), (0, 0)), mode="edge"), axis=0)
        mean = (sums[2 * wide + 1 :] - sums[: -2 * wide - 1]) / (2 * wide + 1)
        return replace(voice, envelope=np.exp(mean))
    if way == "buzz":
        return replace(voice, breath=np.where(voice.pitch_hz[:, None] > 0, 1e-3, voice.breath))
    if way == "flat":
        return replace(voice, pitch_hz=_levelled(voice, float(rng.uniform(0.3, 1))))
    return voice


def _levelled(voice: Voice, amount: float) -> NDArray[Any]:
    voiced = voice.pitch_hz > 0
    if not voiced.any():
        return np.asarray(voice.pitch_hz)
    middle = float(np.median(voice.pitch_hz[voiced]))
    levelled = middle * (np.maximum(voice.pitch_hz, 1) / middle) ** (1 - amount)
    return np.where(voiced, levelled, 0.0)


def forge(
    samples: FloatArray,
    sample_rate_hz: int,
    rng: np.random.Generator,
    donor: FloatArray | None = None,
) -> SoundForgery:
    """The whole clip through WORLD."""
    genuine = checked(samples, sample_rate_hz)
    way = str(rng.choice(WAYS, p=[0.35, 0.3, 0.15, 0.1, 0.1]))
    finder, frame_ms = str(rng.choice(["dio", "dio", "harvest"])), float(rng.choice([5, 5, 10]))
    voice = changed(taken_apart(genuine, sample_rate_hz, finder, frame_ms), way, rng)
    name = f"world_vocoder/{way}_{finder}_{frame_ms:g}"
    return finished(put_together(voice), genuine, sample_rate_hz, name)


SOUND_FORGER = SoundForger(
    name="world_vocoder",
    title="The whole clip taken apart and put together by the WORLD vocoder",
    kind="voice_generated",
    needs="voice",
    source="pyworld (MIT), WORLD (BSD): Morise et al., IEICE 2016; D4C: Morise, 2016",
    make=forge,
)
