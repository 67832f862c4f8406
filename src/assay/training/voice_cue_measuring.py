"""Measure the cues of `voice_prosody` and `voice_spectrum` on labelled speech: as found, degraded,
and through codecs and a telephone, the same for both labels.

Every copy is searched for speech anew and cut by the detectors' own hand at 16 kHz.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from assay.case import Case
from assay.errors import AssayError
from assay.inputs import spectrum_cues, voice_cues
from assay.inputs.spectrum_cues import SpectrumCueInput
from assay.inputs.voice_cues import VoiceCueInput
from assay.inputs.voice_stretches import stretches_of
from assay.media.probe import probe
from assay.options import Options
from assay.subjects.speech import SPEECH_RATE_HZ, find_speech
from assay.training.datasets.manifest import Item
from assay.training.progress import told
from assay.training.sound_codecs import round_trip
from assay.training.sound_degrade import (
    SoundOdds,
    band_passed,
    draw_sound_degradation,
    mu_law,
    resampled,
)
from assay.types import FloatArray, Waveform

VERSION = 2
MOST_SOUND_S = 7.0
COLUMNS = ("prosody", "spectrum", "copy", "fake", "method", "group", "split", "source")
Change = Callable[[FloatArray, np.random.Generator], FloatArray]


@dataclass(frozen=True, slots=True)
class VoiceTable:
    """One row a measured copy: `prosody` (n, 17) and `spectrum` (n, 14), NaN where not measured;
    `fake` (n,) bool; `copy`, `method`, `group`, `split`, `source` (n,) text. `source` is the set
    that the genuine sentence is from; of speech made anew, its maker."""

    prosody: NDArray[np.float64]
    spectrum: NDArray[np.float64]
    copy: NDArray[np.str_]
    fake: NDArray[np.bool_]
    method: NDArray[np.str_]
    group: NDArray[np.str_]
    split: NDArray[np.str_]
    source: NDArray[np.str_]

    def __len__(self) -> int:
        return len(self.fake)

    def rows(self, chosen: NDArray[Any]) -> VoiceTable:
        """The rows of a mask or an index array."""
        return VoiceTable(*(getattr(self, name)[chosen] for name in COLUMNS))


@dataclass(frozen=True, slots=True)
class Clip:
    """One labelled file, and the forger of the lab that makes a fake of it (none: as it is)."""

    item: Item
    source: str
    forger: str = ""

    @property
    def fake(self) -> bool:
        """Whether what is measured is forged."""
        return bool(self.forger) or self.item.label == "fake"

    @property
    def method(self) -> str:
        """The forger or generator; of a genuine clip, its source."""
        return self.forger or self.item.method


def clips_of(
    items: Sequence[Item], most: Mapping[str, int], forgers: Sequence[str], each: int
) -> list[Clip]:
    """At most `most` ("real", "fake") files of each method and split, drawn by hash, and of
    genuine ones `each` forgeries by every forger named, of other sentences each time."""
    voices = [i for i in items if i.modality == "audio" and i.label in ("real", "fake")]
    voices = sorted((i for i in voices if not i.not_speech), key=lambda i: _draw(i.sha256))
    sources = {i.path: i.method for i in voices}
    taken: dict[tuple[str, str, str], int] = {}
    clips = []
    for item in voices:
        key = (item.method, item.label, item.split)
        taken[key] = taken.get(key, 0) + 1
        if taken[key] <= most[item.label]:
            source = sources.get(item.copy_of, item.method) if item.copy_of else item.method
            clips.append(Clip(item, source))
    genuine = [clip for clip in clips if not clip.fake]
    for forger in forgers:
        drawn = sorted(genuine, key=lambda c: _draw(f"{forger} {c.item.sha256}"))[:each]
        clips += [Clip(c.item, c.source, forger) for c in drawn]
    return clips


def _draw(text: str) -> str:
    return hashlib.sha256(f"voice cues:{text}".encode()).hexdigest()


def measure_all(clips: Sequence[Clip], folder: Path) -> VoiceTable:
    """Measure every copy of every clip; what was measured before is kept in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    n_workers = max(1, min(2, (os.cpu_count() or 2)))
    work = partial(_measured, folder=folder)
    rows: list[tuple[Any, ...]] = []
    with ProcessPoolExecutor(n_workers, mp_context=get_context("spawn")) as pool:
        done = told(pool.map(work, clips, chunksize=4), len(clips), "voices")
        for clip, found in zip(clips, done, strict=True):
            item = clip.item
            about = (clip.fake, clip.method, item.group, item.split, clip.source)
            rows += [(prosody, spectrum, copy, *about) for copy, prosody, spectrum in found]
    columns: list[Any] = [np.array(column) for column in zip(*rows, strict=True)]
    return VoiceTable(*columns)


Measured = list[tuple[str, NDArray[np.float64], NDArray[np.float64]]]


def _measured(clip: Clip, folder: Path) -> Measured:
    recipes = f"{VoiceCueInput().fingerprint} {SpectrumCueInput().fingerprint}"
    key = _draw(f"{VERSION} {recipes} {clip.item.sha256} {clip.forger}")
    path = folder / f"{key[:24]}.npz"
    if not path.is_file():
        found = _measure(clip, int(key[:12], 16))
        unfinished = path.with_name(f".{uuid4().hex}.npz")
        np.savez(
            unfinished,
            copy=np.array([name for name, *_ in found], str),
            prosody=np.array([row for _, row, _ in found], np.float64),
            spectrum=np.array([row for *_, row in found], np.float64),
        )
        unfinished.rename(path)
    with np.load(path) as kept:
        return [
            (str(name), kept["prosody"][n], kept["spectrum"][n])
            for n, name in enumerate(kept["copy"])
        ]


def _measure(clip: Clip, seed: int) -> Measured:
    rng = np.random.default_rng(seed)
    try:
        sound = _sound_of(clip, rng)
    except AssayError:
        return []
    found = []
    for name, copy in _copies(sound, rng):
        rows = measure_sound(copy)
        if rows is not None:
            found.append((name, *rows))
    return found


def _sound_of(clip: Clip, rng: np.random.Generator) -> FloatArray:
    """The clip at 16 kHz (n,). Raises AssayError where it cannot be read or forged."""
    case = Case(probe(clip.item.path), Options(max_sound_s=MOST_SOUND_S, time_limit_s=600))
    speech = case.speech
    if speech is None:
        return np.zeros(0, np.float32)
    sound = speech.waveform.samples
    if not clip.forger:
        return sound
    from assay.training.forgeries import discover_sound

    return discover_sound()[clip.forger].make(sound, SPEECH_RATE_HZ, rng).fake


def _copies(sound: FloatArray, rng: np.random.Generator) -> Iterator[tuple[str, FloatArray]]:
    """As found, and one of the ways: four times in ten degraded at random."""
    yield "found", sound
    shares = [0.4, *[0.6 / (len(WAYS) - 1)] * (len(WAYS) - 1)]
    name = str(rng.choice(list(WAYS), p=shares))
    yield name, WAYS[name](sound, rng)


def _noisy(sound: FloatArray, rng: np.random.Generator) -> FloatArray:
    noise = rng.normal(size=len(sound)).astype(np.float32)
    strength = float(np.sqrt(np.mean(sound.astype(np.float64) ** 2))) if len(sound) else 0.0
    return np.clip(sound + noise * np.float32(strength * 10 ** (-20 / 20)), -1, 1)


def _telephone(sound: FloatArray, _: np.random.Generator) -> FloatArray:
    narrow = resampled(band_passed(sound, 300, 3400, 8), max(2, len(sound) // 2))
    return resampled(mu_law(narrow), len(sound))


def _degraded(sound: FloatArray, rng: np.random.Generator) -> FloatArray:
    return draw_sound_degradation(rng, SoundOdds(telephone=0.0))(sound)


WAYS: dict[str, Change] = {
    "degraded": _degraded,
    "mp3 32k": lambda sound, _: round_trip(sound, "mp3", 32_000),
    "opus 16k": lambda sound, _: round_trip(sound, "opus", 16_000),
    "telephone": _telephone,
    "noise 20 dB": _noisy,
}


def measure_sound(sound: FloatArray) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Both detectors' cues of the longest speaking voice of a sound (n,) at 16 kHz; None where
    both would abstain."""
    speech = find_speech(Waveform(np.asarray(sound, np.float32), SPEECH_RATE_HZ))
    recipes = VoiceCueInput(), SpectrumCueInput()
    prosody = np.full(len(voice_cues.CUES), np.nan)
    spectrum = np.full(len(spectrum_cues.CUES), np.nan)
    for voice in stretches_of(speech, recipes[0].most_s, voice_cues.ALLOWED)[:1]:
        if voice.segments:
            prosody[:] = voice_cues.measure_voice(voice, speech, recipes[0]).values
    for voice in stretches_of(speech, recipes[1].most_s)[:1]:
        if voice.segments:
            parts = [segment.waveform for segment in voice.segments]
            spectrum[:] = spectrum_cues.measure_voice(parts, SPEECH_RATE_HZ, recipes[1]).values
    if not (np.isfinite(prosody).any() or np.isfinite(spectrum).any()):
        return None
    return prosody, spectrum
