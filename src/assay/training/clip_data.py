"""Clips of a manifest, decoded once: shrunk frames and sound, or mouths and sound.

What is stored is cut by the same functions as at inference; networks' inputs are then prepared
from it by `inputs.clip` and `inputs.lip_clip`, after augmentation.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assay.errors import ConfigError, InputError
from assay.inputs.clip import ClipInput, frames_at, samples_at
from assay.inputs.lip_clip import LipClipInput, cut_mouths, lip_starts
from assay.media.probe import probe
from assay.media.resample import resized
from assay.training.cache import INDEX, fill
from assay.training.datasets.manifest_file import Manifest, read_manifest_file
from assay.training.datasets.records import FakeSpan, Record, groups_of
from assay.training.progress import told
from assay.training.video_forging import follow_face
from assay.types import Array, FloatArray

CACHE_VERSION = 1
MOST_WINDOWS = 3


@dataclass(frozen=True, slots=True)
class StoredClip:
    """One decoded clip: `frames` (n, s, s, 3) uint8 at the recipe's rate and size, memory-mapped,
    `samples` (m,) float32 at the recipe's rate."""

    record: Record
    group: str
    frames: Array
    samples: FloatArray

    @property
    def fake(self) -> bool:
        """Whether anything in it is forged."""
        return self.record.label == "fake"

    @property
    def spans(self) -> tuple[FakeSpan, ...]:
        """What is forged; all of it where the manifest does not tell."""
        if not self.fake:
            return ()
        if self.record.spans is not None:
            return self.record.spans
        what: Any = "both"
        if self.record.visual_fake is False or self.record.audio_fake is False:
            what = "audio" if self.record.audio_fake else "visual"
        return (FakeSpan(0.0, 1e6, what),)


@dataclass(frozen=True, slots=True)
class StoredLips:
    """One person's clip: `mouths` of each window (n, s, s, 3) uint8, memory-mapped, the windows'
    first frames, and the `samples` (m,) of the whole clip."""

    record: Record
    group: str
    mouths: tuple[Array, ...]
    starts: tuple[int, ...]
    samples: FloatArray

    @property
    def fake(self) -> bool:
        """Whether it is forged."""
        return self.record.label == "fake"


def chosen_records(path: Path, root: str, methods: Sequence[str]) -> Manifest:
    """The manifest's videos: the genuine ones, and the fakes of these methods (none: all).

    Raises ConfigError where it cannot be read or a label is missing.
    """
    manifest = read_manifest_file(path, Path(root) if root else None)
    kept = [
        record
        for record in manifest.records
        if record.modality == "video"
        and (record.label == "real" or not methods or record.method in methods)
    ]
    if {record.label for record in kept} != {"real", "fake"}:
        raise ConfigError(f"{path} holds no genuine or no forged videos of these methods.")
    return manifest.with_records(kept, manifest.made_by)


def require_apart(manifest: Manifest) -> None:
    """Raise ConfigError where a person or a footage stands on both sides of the split."""
    groups = groups_of(manifest.records, with_donor=False)
    sides: dict[str, set[str]] = {}
    for record, group in zip(manifest.records, groups, strict=True):
        sides.setdefault(group, set()).add(record.split)
    both = sorted(group for group, splits in sides.items() if len(splits) > 1)
    if both:
        raise ConfigError(f"In more than one split: {', '.join(both[:5])}.")
    missing = {"train", "test"} - {record.split for record in manifest.records}
    if missing:
        raise ConfigError(f"The manifest has nothing in its split {', '.join(sorted(missing))}.")


def bundle_facts(raw: dict[str, Any], manifest: Manifest) -> dict[str, Any]:
    """What the card of a network tells of its training."""
    lines = sorted(f"{r.sha256 or r.path} {r.label} {r.split}" for r in manifest.records)
    return {
        "name": raw["name"],
        "version": raw["version"],
        "config": raw,
        "seed": raw["fit"].get("seed", 7),
        "data_hash": hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16],
    }


def trained_on(manifest: Manifest) -> list[dict[str, Any]]:
    """The sets that training saw, with their terms."""
    rows = Counter(
        (r.dataset, r.label, r.method, r.licence) for r in manifest.records if r.split == "train"
    )
    return [
        {"set": name, "label": label, "method": method, "licence": licence, "files": n}
        for (name, label, method, licence), n in sorted(rows.items())
    ]


def stored_clips(manifest: Manifest, recipe: ClipInput, cache: Path) -> list[StoredClip]:
    """Every clip that can be read, the first `length_s` seconds of each."""

    def write(record: Record, folder: Path) -> dict[str, Any]:
        media = probe(manifest.path_of(record))
        frames = frames_at(media, recipe.fps, recipe.n_frames, lambda: None)
        side = (recipe.size_px, recipe.size_px)
        shrunk = [resized(np.ascontiguousarray(frame), side) for frame in frames]
        np.save(folder / "frames.npy", np.stack(shrunk))
        np.save(folder / "samples.npy", samples_at(media, recipe, lambda: None))
        return {}

    def load(record: Record, group: str, place: Path, index: dict[str, Any]) -> StoredClip:
        frames = np.load(place / "frames.npy", mmap_mode="r")
        return StoredClip(record, group, frames, np.load(place / "samples.npy"))

    return _stored(manifest, recipe.fingerprint, cache, write, load)


def stored_lips(
    manifest: Manifest, recipe: LipClipInput, cache: Path, most: int = MOST_WINDOWS
) -> list[StoredLips]:
    """Every clip in which one face is followed, the first twenty seconds of each."""

    def write(record: Record, folder: Path) -> dict[str, Any]:
        media = probe(manifest.path_of(record))
        frames = np.stack(frames_at(media, recipe.fps, round(20 * recipe.fps), lambda: None))
        whole = ClipInput(n_frames=len(frames), fps=recipe.fps)
        times_s = (np.arange(len(frames)) / recipe.fps).astype(np.float32)
        sequence = follow_face(frames, times_s)
        starts = lip_starts(sequence.landmarks_px, recipe, most)
        if not starts:
            raise InputError("no sequence shows one face throughout")
        for number, start in enumerate(starts):
            mouths = cut_mouths(frames, sequence.landmarks_px, start, recipe)
            np.save(folder / f"mouths-{number}.npy", mouths)
        np.save(folder / "samples.npy", samples_at(media, whole, lambda: None))
        return {"starts": starts}

    def load(record: Record, group: str, place: Path, index: dict[str, Any]) -> StoredLips:
        starts = tuple(index["starts"])
        mouths = tuple(
            np.load(place / f"mouths-{n}.npy", mmap_mode="r") for n in range(len(starts))
        )
        return StoredLips(record, group, mouths, starts, np.load(place / "samples.npy"))

    return _stored(manifest, f"{recipe.fingerprint} {most}", cache, write, load)


def _stored(
    manifest: Manifest,
    recipe: str,
    cache: Path,
    write: Callable[[Record, Path], dict[str, Any]],
    load: Callable[[Record, str, Path, dict[str, Any]], Any],
) -> list[Any]:
    """Loaded from the cache, which is filled where it lacks one; why one is left out is told."""
    cache.mkdir(parents=True, exist_ok=True)
    groups = groups_of(manifest.records, with_donor=False)
    found, left_out = [], dict[str, int]()
    rows = list(zip(manifest.records, groups, strict=True))
    for record, group in told(rows, len(rows), "clips"):
        key = f"{CACHE_VERSION} {recipe} {record.sha256 or manifest.path_of(record)}"
        place = cache / hashlib.sha256(key.encode()).hexdigest()[:20]

        def attempt(folder: Path, record: Record = record) -> dict[str, Any]:
            try:
                return write(record, folder)
            except InputError as error:
                return {"why_not": error.as_text()}

        fill(place, attempt)
        index = json.loads((place / INDEX).read_text(encoding="utf-8"))
        if "why_not" in index:
            left_out[index["why_not"]] = left_out.get(index["why_not"], 0) + 1
            continue
        found.append(load(record, group, place, index))
    for why, n in left_out.items():
        print(f"{n} clips are left out: {why}")
    return found
