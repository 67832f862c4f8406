"""Which sounds are heard: held-out speech, genuine and made, and sounds that nobody speaks in."""

from __future__ import annotations

import hashlib
import wave
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from assay.evaluation.pieces import Piece, limited, pieces_of, varied
from assay.training.datasets.manifest import Item, read_manifest
from assay.training.sound_rooms import noise_of

RATE_HZ = 16_000
MADE = "made here"
MADE_S = 8.0
SINGING = "singing"

Samples = np.ndarray


@dataclass(frozen=True, slots=True)
class Sounds:
    """`speech`: held-out clips of both labels. `other`: genuine sounds that are no speech. Each
    piece's name begins with its pool, the name of the folder. `data_hash` is of all manifests."""

    speech: list[Piece]
    other: list[Piece]
    missing: dict[str, str]
    data_hash: str

    @property
    def pieces(self) -> list[Piece]:
        return [*self.speech, *self.other]


def pool_of(name: str) -> str:
    """The folder that a piece is from."""
    return name.split("/", 1)[0]


def gather(folders: Mapping[str, Path], work: Path, per_source: int | None) -> Sounds:
    """All of the `val` splits; of each label and method at most `per_source` files a folder.

    Sounds that are no speech are taken from every split: nothing is trained on them. Folders
    without a manifest are told in `missing`.
    """
    speech, other, missing, hashes = [], [], {}, []
    for pool, folder in folders.items():
        if not (folder / "manifest.csv").is_file():
            missing[pool] = f"there is no manifest.csv in {folder.name}"
            continue
        items = [item for item in read_manifest(folder) if item.modality == "audio"]
        spoken = [item for item in items if item.split == "val" and not item.not_speech]
        silent = [item for item in items if item.not_speech]
        speech += limited(_named(spoken, folder, pool), per_source)
        other += limited(_named(silent, folder, pool), per_source)
        hashes += [f"{item.sha256} {item.label} {item.split}" for item in (*spoken, *silent)]
    other += made_sounds(work / "made_sounds")
    if not any(SINGING in piece.method for piece in other):
        missing[SINGING] = "no folder holds a recording of singing"
    digest = hashlib.sha256("\n".join(sorted(hashes)).encode()).hexdigest()[:16]
    return Sounds(speech, other, missing, digest)


def _named(items: Iterable[Item], folder: Path, pool: str) -> list[Piece]:
    return [replace(p, name=f"{pool}/{p.name}") for p in pieces_of(items, folder)]


def changed(pieces: Sequence[Piece], per_source: int | None) -> list[Piece]:
    """Copies through each codec and room, of at most `per_source` clips of a label and method."""
    return varied(limited(pieces, per_source))


def made_sounds(folder: Path) -> list[Piece]:
    """Silence, noises and music made by rule, 8 s each, written once."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for method, makers in MAKERS.items():
        for number, make in enumerate(makers):
            path = folder / f"{method}-{number}.wav"
            samples = make(np.random.default_rng([8, number]))
            _write(path, samples)
            found.append(_piece(path, method))
    return found


def _piece(path: Path, method: str) -> Piece:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    name = f"{MADE}/{path.name}"
    return Piece(name, path, "real", method, path.stem, "audio", "val", digest)


def _write(path: Path, samples: Samples) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.rint(np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())


def _noise(kind: str) -> Callable[[np.random.Generator], Samples]:
    def make(rng: np.random.Generator) -> Samples:
        noise = noise_of(kind, round(MADE_S * RATE_HZ), rng)
        return noise / max(float(np.abs(noise).max()), 1e-9) * 0.3

    return make


def _silence(rng: np.random.Generator) -> Samples:
    return np.zeros(round(MADE_S * RATE_HZ))


def _hiss(rng: np.random.Generator) -> Samples:
    return rng.normal(0, 10 ** (-75 / 20), round(MADE_S * RATE_HZ))


def _chords(rng: np.random.Generator) -> Samples:
    """A chord a second, each note a decaying row of harmonics."""
    out = np.zeros(round(MADE_S * RATE_HZ))
    for second in range(int(MADE_S)):
        base = 110 * 2 ** (int(rng.integers(0, 12)) / 12)
        for step in (0, 4, 7, 12):
            _add(out, second, _note(base * 2 ** (step / 12), 1.5, rng))
    return 0.4 * out / np.abs(out).max()


def _melody(rng: np.random.Generator) -> Samples:
    """Four notes a second over a drum."""
    out = np.zeros(round(MADE_S * RATE_HZ))
    for beat in range(int(4 * MADE_S)):
        pitch = 220 * 2 ** (int(rng.choice([0, 2, 4, 7, 9, 12, 14])) / 12)
        _add(out, beat / 4, _note(pitch, 0.4, rng))
        if beat % 4 == 0:
            at = np.arange(3200) / RATE_HZ
            _add(out, beat / 4, 2 * np.sin(2 * np.pi * 60 * at) * np.exp(-at * 18))
        if beat % 2:
            _add(out, beat / 4, rng.normal(0, 0.4, 1600) * np.exp(-np.arange(1600) / 300))
    return 0.4 * out / np.abs(out).max()


def _note(pitch_hz: float, length_s: float, rng: np.random.Generator) -> Samples:
    at = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    orders = np.arange(1, max(2, int(7000 // pitch_hz)))[:12, None]
    waves = np.sin(2 * np.pi * pitch_hz * orders * at + rng.uniform(0, 6, (len(orders), 1)))
    return (waves * np.exp(-at * orders) / orders).sum(axis=0) * np.minimum(at * 100, 1)


def _add(out: Samples, start_s: float, part: Samples) -> None:
    room = out[round(start_s * RATE_HZ) :][: len(part)]
    room += part[: len(room)]


MAKERS: dict[str, tuple[Callable[[np.random.Generator], Samples], ...]] = {
    "silence": (_silence, _hiss),
    "noise": tuple(map(_noise, ("white", "pink", "brown", "hum", "babble"))),
    "music": (_chords, _melody, _chords, _melody),
}
