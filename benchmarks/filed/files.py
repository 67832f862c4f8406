"""The files that the file forensics are measured on, each with what was done to it.

Groups: `edited` (forgeries with masks), `processed` (honest twins of the same sources, and copies
of camera files), `camera`
(files as their cameras wrote them, tags and all), `crop` (lossless crops of camera files, tags
gone), `program` (camera files that a program wrote again), `clip` and `sound` (genuine films and
recordings, as published).
"""

from __future__ import annotations

import csv
import hashlib
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assay.errors import ConfigError
from assay.media.image import read_image
from assay.media.probe import probe
from assay.training.honest_processing import draw_saving, process
from assay.training.shared import shared_folder

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "cache"
CROPS = ("camera-photos", "camera-photos-2")
A_SOURCE = 15
COPIES = ("tone", "social")
MOST_PX = 26_000_000


@dataclass(frozen=True, slots=True)
class OnHand:
    """One file. `kind` is what was done to it (an edit, a processing, `pristine`), `treatment`
    how its source was prepared, `camera` the cluster that intervals are drawn over."""

    path: Path
    name: str
    group: str
    kind: str
    camera: str
    split: str
    sha256: str
    label: str = "real"
    treatment: str = ""
    quality: str = ""
    mask: Path | None = None

    @property
    def is_pristine(self) -> bool:
        """Whether nobody did anything to it but save it once."""
        return self.kind == "pristine"


@dataclass(frozen=True, slots=True)
class Gathered:
    """The files, and what is missing with the reason."""

    files: list[OnHand]
    missing: dict[str, str]

    @property
    def data_hash(self) -> str:
        """Sixteen hexadecimal digits over all contents."""
        lines = sorted(f"{one.sha256} {one.kind} {one.group}" for one in self.files)
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]


def gather(cache: Path = CACHE) -> Gathered:
    """All that is there."""
    missing: dict[str, str] = {}
    files: list[OnHand] = []
    for name, read in {
        "edited_pictures": lambda: _edited(cache / "edited_pictures"),
        "camera_files": lambda: _camera_files(cache / "camera_files"),
        "camera crops": lambda: _crops(shared_folder() / "data"),
        "shared clips and sound": lambda: _shared_media(shared_folder() / "data"),
        "videos_web": lambda: _clips(cache / "videos_web"),
    }.items():
        try:
            found = list(read())
        except ConfigError as error:
            missing[name] = str(error)
            continue
        files += found
        if not found:
            missing[name] = "nothing in it"
    return Gathered(_unlike(files), missing)


def _rows(folder: Path) -> Iterator[dict[str, str]]:
    path = folder / "manifest.csv"
    if not path.is_file():
        raise ConfigError(f"there is no manifest.csv in {folder.name}")
    with path.open(newline="", encoding="utf-8") as file:
        yield from list(csv.DictReader(line.replace("\0", "") for line in file))


def _edited(folder: Path) -> Iterator[OnHand]:
    for row in _rows(folder):
        forged = row["label"] == "fake"
        yield OnHand(
            path=folder / row["path"],
            name=row["path"],
            group="edited" if forged else "processed",
            kind=row["kind"],
            camera=row["identity"],
            split=row["split"],
            sha256=row["sha256"],
            label=row["label"],
            treatment=row["method"],
            quality=row["quality_after"],
            mask=folder / row["mask"] if row["mask"] else None,
        )


def _camera_files(folder: Path) -> Iterator[OnHand]:
    for row in _rows(folder):
        is_own = row["pristine"] == "yes"
        if not is_own and "too small" in row["why"]:
            continue
        yield OnHand(
            path=folder / row["path"],
            name=f"camera_files/{row['path']}",
            group="camera" if is_own else "program",
            kind="pristine" if is_own else "by a program",
            camera=row["identity"] or row["sha256"][:8],
            split="",
            sha256=row["sha256"],
        )


def _crops(folder: Path) -> Iterator[OnHand]:
    for row in _rows(folder):
        if row["method"] in CROPS:
            # The source's name tells the model; the identity only the maker.
            model = Path(row["source"].split(":", 1)[-1]).stem.lower()
            yield OnHand(
                path=folder / row["path"],
                name=row["path"],
                group="crop",
                kind="pristine",
                camera=f"{row['identity'].removeprefix(row['method'])} {model}".strip("- "),
                split=row["split"],
                sha256=_digest(folder / row["path"]),
            )


def _shared_media(folder: Path) -> Iterator[OnHand]:
    taken: dict[str, int] = {}
    for row in _rows(folder):
        if row["label"] != "real" or row["modality"] not in ("video", "audio"):
            continue
        taken[row["method"]] = taken.get(row["method"], 0) + 1
        if taken[row["method"]] <= A_SOURCE:
            yield _medium(folder, row, row["modality"])


def _clips(folder: Path) -> Iterator[OnHand]:
    for row in _rows(folder):
        is_cut = "packets copied" in row["note"] or row["method"].endswith("-webp")
        if row["label"] == "real" and not is_cut:
            yield _medium(folder, row, "video")


def _medium(folder: Path, row: dict[str, str], modality: str) -> OnHand:
    return OnHand(
        path=folder / row["path"],
        name=f"{folder.name}/{row['path']}",
        group="clip" if modality == "video" else "sound",
        kind="pristine",
        camera=row["method"],
        split=row["split"],
        sha256=_digest(folder / row["path"]),
    )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _unlike(files: Iterable[OnHand]) -> list[OnHand]:
    """Each name once, in order."""
    return list({one.name: one for one in files}.values())


def processed_copies(files: Iterable[OnHand], folder: Path, seed: int = 0) -> list[OnHand]:
    """Camera files at their own size after tone and after two services; made once in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for one in files:
        if one.group != "camera":
            continue
        for kind in COPIES:
            path = folder / f"{one.sha256[:12]}-{kind}.jpg"
            if path.is_file() or _processed(one.path, kind, path, seed):
                found.append(
                    OnHand(
                        path=path,
                        name=f"processed/{path.name}",
                        group="processed",
                        kind=kind,
                        camera=one.camera,
                        split="",
                        sha256=_digest(path),
                        treatment="camera file",
                    )
                )
    return found


def _processed(source: Path, kind: str, path: Path, seed: int) -> bool:
    """Whether the copy could be made: the very largest are left out."""
    rgb = np.asarray(read_image(probe(source), 100.0).rgb, np.uint8)
    if rgb.shape[0] * rgb.shape[1] > MOST_PX:
        return False
    rng = np.random.default_rng([seed, zlib.crc32(f"{source.name} {kind}".encode())])
    data, _, _ = process(kind, rgb, draw_saving(rng, (75, 95)), rng)
    path.write_bytes(data)
    return True


def few(files: Sequence[OnHand]) -> list[OnHand]:
    """For a quick look: two sources of the edited set, and every sixth of the rest."""
    edited = [one for one in files if one.group in ("edited", "processed")]
    sources = sorted({_source(one) for one in edited})
    chosen = set(sources[:: max(1, len(sources) // 4)][:4])
    rest = [one for one in files if one.group not in ("edited", "processed")]
    return [one for one in edited if _source(one) in chosen] + rest[::6]


def _source(one: OnHand) -> str:
    return Path(one.name).stem.rsplit("-", 1)[0]
