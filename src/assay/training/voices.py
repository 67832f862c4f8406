"""The voices of the training media, decoded once: genuine, synthetic, and genuine ones beside what
a vocoder makes of the very same sentence."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assay.case import Case
from assay.errors import AssayError, InputError
from assay.media.probe import probe
from assay.options import Options
from assay.subjects.speech import SPEECH_RATE_HZ
from assay.training.cache import INDEX, fill
from assay.training.datasets.manifest import Item
from assay.training.forgeries import discover_sound
from assay.training.progress import told
from assay.types import FloatArray

CACHE_VERSION = 1
MIN_SPEECH_S = 1.0
MAX_SPEECH_S = 8.0
FULL_SCALE = 32767.0
Samples = NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class CachedVoice:
    """One stretch of speech, (n,) int16 at 16 kHz, from its first voice to its last. `twin` is the
    genuine sentence behind a forgery of it, (n,) and aligned, where there is one, and `source`
    where that is from."""

    group: str
    method: str
    split: str
    fake: bool
    samples: Samples
    source_path: str
    twin: Samples | None = None
    source: str = ""


def as_float(samples: Samples) -> FloatArray:
    """(n,) float32 in [-1, 1]."""
    return np.asarray(samples, np.float32) / np.float32(FULL_SCALE)


def as_stored(samples: FloatArray) -> Samples:
    """(n,) int16; what lies outside [-1, 1] is scaled down, not clipped."""
    peak = max(1.0, float(np.abs(samples).max(initial=0.0)))
    return np.asarray(np.rint(samples / peak * FULL_SCALE), np.int16)


def cached_voices(items: Sequence[Item], folder: Path) -> list[CachedVoice]:
    """The voices of all items, from the cache where it has them; memory-mapped.

    Files without a second of speech are left out. A copy of another item's sentence (the
    manifest's note says of which) has that one as its twin.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = {item.path: item for item in items}
    with _workers() as pool:
        jobs = [(item, paths.get(item.copy_of) if item.copy_of else None, folder) for item in items]
        done = pool.map(_of_item, jobs, chunksize=4)
        return [voice for voice in told(done, len(items), "voices") if voice is not None]


def _workers() -> ProcessPoolExecutor:
    n = max(1, (os.cpu_count() or 2) - 1)
    return ProcessPoolExecutor(n, mp_context=get_context("spawn"))


def _of_item(job: tuple[Item, Item | None, Path]) -> CachedVoice | None:
    item, original, folder = job
    key = f"voice {CACHE_VERSION} {item.sha256} {original.sha256 if original else ''}"
    place = folder / hashlib.sha256(key.encode()).hexdigest()[:20]
    fill(place, lambda folder: _store(item, original, folder))
    if not json.loads((place / INDEX).read_text())["found"]:
        return None
    twin = place / "twin.npy"
    return CachedVoice(
        group=item.group,
        method=item.method,
        split=item.split,
        fake=item.label == "fake",
        samples=np.load(place / "voice.npy", mmap_mode="r"),
        source_path=str(item.path),
        twin=np.load(twin, mmap_mode="r") if twin.is_file() else None,
        source=original.method if original else item.method,
    )


def _store(item: Item, original: Item | None, folder: Path) -> dict[str, bool]:
    try:
        sound, first, last = spoken_part(original.path if original else item.path)
        if original is not None:
            twin = sound
            sound = spoken_part(item.path)[0]
            last = min(last, len(sound))
            np.save(folder / "twin.npy", as_stored(twin[first:last]))
    except InputError:
        return {"found": False}
    if last - first < MIN_SPEECH_S * SPEECH_RATE_HZ:
        return {"found": False}
    np.save(folder / "voice.npy", as_stored(sound[first:last]))
    return {"found": True}


def spoken_part(path: Path) -> tuple[FloatArray, int, int]:
    """A file's sound at 16 kHz (n,), and the samples at which its speech begins and ends.

    At most 8 s of it. Raises InputError where there is no speech.
    """
    case = Case(probe(path), Options(max_sound_s=60, time_limit_s=600))
    speech = case.speech
    if speech is None or not len(speech.regions_s):
        raise InputError("There is no speech in it.")
    start_s = speech.waveform.start_s
    first = max(0, int((speech.regions_s[0, 0] - start_s) * SPEECH_RATE_HZ))
    last = int((speech.regions_s[-1, 1] - start_s) * SPEECH_RATE_HZ)
    return speech.waveform.samples, first, min(last, first + int(MAX_SPEECH_S * SPEECH_RATE_HZ))


def with_copies(
    voices: Sequence[CachedVoice],
    odds: Mapping[str, float],
    rounds: int,
    folder: Path,
    seed: int = 0,
) -> list[CachedVoice]:
    """The voices, and of every genuine one `rounds` forgeries of itself by different forgers of
    the lab, drawn by their odds and kept in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    jobs = list(_copy_jobs(voices, odds, rounds, folder, seed))
    with _workers() as pool:
        done = told(pool.map(_copy, jobs, chunksize=4), len(jobs), "copies")
        copies = [voice for voice in done if voice is not None]
    return [*voices, *copies]


@dataclass(frozen=True, slots=True)
class _Job:
    voice: CachedVoice
    forger: str
    seed: int
    folder: Path


def _copy_jobs(
    voices: Sequence[CachedVoice], odds: Mapping[str, float], rounds: int, folder: Path, seed: int
) -> Iterator[_Job]:
    names = sorted(odds)
    shares = np.array([odds[name] for name in names]) / sum(odds.values())
    for voice in voices:
        if voice.fake:
            continue
        code = int.from_bytes(hashlib.sha256(voice.samples.tobytes()).digest()[:6], "big")
        rng = np.random.default_rng([seed, code])
        for i in rng.choice(len(names), size=min(rounds, len(names)), replace=False, p=shares):
            yield _Job(voice, names[int(i)], code ^ seed, folder)


def _copy(job: _Job) -> CachedVoice | None:
    """One forgery of one voice; None where the forger cannot work on it."""
    digest = hashlib.sha256(job.voice.samples.tobytes()).hexdigest()
    key = f"copy {CACHE_VERSION} {digest} {job.forger} {job.seed}"
    place = job.folder / hashlib.sha256(key.encode()).hexdigest()[:20]
    fill(place, lambda folder: _store_copy(job, folder))
    if not json.loads((place / INDEX).read_text())["found"]:
        return None
    fake = np.load(place / "voice.npy", mmap_mode="r")
    twin = np.load(place / "twin.npy", mmap_mode="r")
    return replace(job.voice, method=job.forger, fake=True, samples=fake, twin=twin)


def _store_copy(job: _Job, folder: Path) -> dict[str, bool]:
    try:
        rng = np.random.default_rng(job.seed)
        sound = as_float(job.voice.samples)
        forgery = discover_sound()[job.forger].make(sound, SPEECH_RATE_HZ, rng)
    except AssayError:
        return {"found": False}
    n = min(len(forgery.fake), len(forgery.genuine))
    np.save(folder / "voice.npy", as_stored(forgery.fake[:n]))
    np.save(folder / "twin.npy", as_stored(forgery.genuine[:n]))
    return {"found": True}
