"""Measure a voice network on speakers and sources that training never heard."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from assay.bundles.network import Network
from assay.inputs.waveform import WaveformInput, cut_windows
from assay.training.calibration import Measured, Scored, fitted, score
from assay.training.sound_degrade import draw_sound_degradation
from assay.training.voices import CachedVoice, as_float
from assay.types import FloatArray

if TYPE_CHECKING:
    from assay.training.config import TrainingConfig

CHUNK = 64


def measure_voices(
    network: Network, voices: Sequence[CachedVoice], config: TrainingConfig
) -> Measured:
    """Each clip as found and degraded as in training, the mean over its windows; what the card
    holds is fitted on them."""
    assert isinstance(config.recipe, WaveformInput)
    recipe, seed = config.recipe, config.schedule.seed
    parts = [
        score(
            network,
            [cut for voice in voices[i : i + CHUNK] for cut in readings(voice, recipe, seed)],
        )
        for i in range(0, len(voices), CHUNK)
    ]
    logits = np.concatenate([part.logits for part in parts])
    distances = np.concatenate([part.distances for part in parts])
    fake = np.repeat([voice.fake for voice in voices], 2)
    genuine = [voice for voice in voices if not voice.fake]
    on = (
        f"{2 * len(genuine)} readings of {len(genuine)} genuine clips of "
        f"{len({v.group for v in genuine})} speakers or recordings from "
        f"{len({v.method for v in genuine})} sources "
        f"({len(config.data.calibration_sources)} of these wholly kept out of training), each once "
        "as found and once degraded (room, noise, telephone, codec)"
    )
    methods = sorted({voice.method for voice in voices if voice.fake})
    forgeries = f"{int(fake.sum())} readings of synthetic ones ({', '.join(methods)})"
    bona_fide, forged = (Scored(logits[chosen], distances[chosen]) for chosen in (~fake, fake))
    return fitted(bona_fide, forged, (on, forgeries), seed, None)


def readings(voice: CachedVoice, recipe: WaveformInput, seed: int) -> list[FloatArray]:
    """The windows (k, n) of a clip as found, and of it degraded as in training."""
    sound = as_float(voice.samples)
    rng = np.random.default_rng([seed, zlib.crc32(voice.samples.tobytes())])
    degrade = draw_sound_degradation(rng)
    return [cut_windows(version, recipe) for version in (sound, degrade(sound))]
