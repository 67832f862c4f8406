"""Make a plain folder of genuine faces and forged twins: something to train and compare nets on.

`python -m assay.training.datasets.forged_faces --out cache/forged_faces`

`train|val|test/real/SOURCE/PERSON/*.jpg` and `…/fake/FORGER/PERSON/*.jpg`. A genuine picture and
its forgery are shrunk by the same factor before, so that no block of an earlier JPEG is left, and
saved with the same tables after. People stand in one split only; a forger in `ONLY_TESTED` is never
trained on. A broken-off run goes on where it stopped.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from assay.errors import AssayError, ConfigError, InputError
from assay.media.image import read_image
from assay.media.probe import probe
from assay.media.resample import resized
from assay.training.datasets.manifest import Item, held_out, read_manifest
from assay.training.forgeries import discover
from assay.training.forging import forge_picture
from assay.training.progress import told
from assay.training.shared import shared_folder
from assay.types import Array

TRAINED = ("self_blend", "face_reconstruction")
ONLY_TESTED = ("two_faces", "mouth_rendering")
SOURCES = ("cfp", "unsplash", "web-portraits", "web-faces", "utkface", "celebrity-press")
SHRUNK = (0.5, 0.9)
QUALITIES = (60, 97)
MOST_PX, LEAST_PX = 512, 128
VAL_SHARE = 0.2
MAX_MEGAPIXELS = 100.0
PLAN = "made_by.json"


@dataclass(frozen=True, slots=True)
class Plan:
    """How many genuine pictures of each split are taken, from which sources; `seed` draws the
    factor, the quality and the forgery of each by its own number."""

    train: int = 700
    val: int = 160
    test: int = 200
    seed: int = 2026
    sources: tuple[str, ...] = SOURCES


@dataclass(frozen=True, slots=True)
class Job:
    """One genuine picture, the forger of its twin and, for a swap, the donor's picture."""

    number: int
    split: str
    item: Item
    donor: Item
    forger: str

    @property
    def person(self) -> str:
        """The folder's name of the person; a source's numbers may begin anew in another split."""
        name = re.sub(r"[^A-Za-z0-9.]+", "-", self.item.group).strip("-.")[:60] or "unnamed"
        return f"{name}-test" if self.split == "test" else name

    def path(self, label: str) -> str:
        """Where the genuine picture ("real") or its twin ("fake") is written."""
        kind = self.item.method if label == "real" else self.forger
        return f"{self.split}/{label}/{kind}/{self.person}/{self.number:05d}.jpg"


def plan(items: Iterable[Item], wanted: Plan) -> list[Job]:
    """The jobs, split by split; people are those of the manifest's groups.

    Pictures of the manifest's `val` split are the test; of the others a fifth of the people is for
    validation. Raises ConfigError where a split has fewer than three people.
    """
    faces = [
        item
        for item in items
        if (item.modality, item.label) == ("image", "real") and item.method in wanted.sources
    ]
    jobs: list[Job] = []
    for split in ("train", "val", "test"):
        chosen = _drawn([i for i in faces if _split(i) == split], getattr(wanted, split))
        if len({item.group for item in chosen}) < 3:
            raise ConfigError(f"There are fewer than three people for the split {split!r}.")
        forgers = TRAINED if split != "test" else (*TRAINED, *ONLY_TESTED)
        for i, item in enumerate(chosen):
            jobs.append(Job(len(jobs), split, item, _donor(chosen, i), forgers[i % len(forgers)]))
    return jobs


def _split(item: Item) -> str:
    if item.split == "val":
        return "test"
    return "val" if held_out(item.group, VAL_SHARE, "forged_faces") else "train"


def _drawn(items: Sequence[Item], count: int) -> list[Item]:
    """At most so many, drawn by the files' own hashes: the order of the manifest says nothing."""
    return sorted(items, key=lambda item: hashlib.sha256(item.sha256.encode()).digest())[:count]


def _donor(chosen: Sequence[Item], i: int) -> Item:
    """The next picture of somebody else, in the same split."""
    others = (chosen[(i + k) % len(chosen)] for k in range(1, len(chosen)))
    return next(other for other in others if other.group != chosen[i].group)


def make(items: Iterable[Item], wanted: Plan, out: Path) -> Counter[tuple[str, str, str]]:
    """Write the folder; how many files of each split, label and kind it then holds.

    A picture in which no face is found, or that cannot be forged, is left out with its twin.
    Raises ConfigError for a folder that was made by another plan, or by something else.
    """
    jobs = plan(items, wanted)
    _claim(out, wanted)
    made: Counter[tuple[str, str, str]] = Counter()
    for job in told(jobs, len(jobs), "forged faces"):
        if _write(job, wanted, out):
            made[job.split, "real", job.item.method] += 1
            made[job.split, "fake", job.forger] += 1
    return made


def _claim(out: Path, wanted: Plan) -> None:
    known = json.loads(json.dumps(asdict(wanted)))
    path = out / PLAN
    if path.is_file():
        if json.loads(path.read_text(encoding="utf-8")) != known:
            raise ConfigError(f"{out} was made by another plan.", remedy="Name another folder.")
        return
    if out.is_dir() and any(out.iterdir()):
        raise ConfigError(f"{out} holds other things.", remedy="Name another folder.")
    out.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")


def _write(job: Job, wanted: Plan, out: Path) -> bool:
    real, fake = out / job.path("real"), out / job.path("fake")
    skipped = fake.with_suffix(".skipped")
    if skipped.is_file() or (real.is_file() and fake.is_file()):
        return not skipped.is_file()
    for path in (real, fake):
        path.parent.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([wanted.seed, job.number])
    try:
        genuine, forged, quality = _pair(job, rng)
    except InputError as error:
        skipped.write_text(f"{error}\n", encoding="utf-8")
        return False
    for path, rgb in ((real, genuine), (fake, forged)):
        part = path.with_suffix(".part")
        part.write_bytes(_jpeg(rgb, quality))
        os.replace(part, path)
    return True


def _pair(job: Job, rng: np.random.Generator) -> tuple[Array, Array, int]:
    """The genuine picture, its forgery, both (h, w, 3) uint8, and the quality both are saved at."""
    scale, quality = float(rng.uniform(*SHRUNK)), int(rng.integers(QUALITIES[0], QUALITIES[1] + 1))
    genuine, donor = (_shrunk(item, scale) for item in (job.item, job.donor))
    forger = discover()[job.forger]
    lent = donor if forger.needs == "two_faces" else None
    forgery = forge_picture(forger, genuine, lent, int(rng.integers(2**31)))
    return forgery.genuine, forgery.fake, quality


def _shrunk(item: Item, scale: float) -> Array:
    rgb = np.asarray(read_image(probe(item.path), MAX_MEGAPIXELS).rgb, np.uint8)
    longer = max(rgb.shape[:2])
    # A small picture is shrunk no further than its face can bear.
    factor = min(scale, MOST_PX / longer) if longer * scale > LEAST_PX else 1.0
    size = (max(8, round(rgb.shape[1] * factor)), max(8, round(rgb.shape[0] * factor)))
    return np.ascontiguousarray(resized(rgb, size))


def _jpeg(rgb: Array, quality: int) -> bytes:
    from PIL import Image

    store = io.BytesIO()
    Image.fromarray(rgb).save(store, "JPEG", quality=quality, subsampling="4:2:0")
    return store.getvalue()


def main(arguments: list[str] | None = None) -> int:
    """The command line; the exit code of the error where there is one."""
    parser = argparse.ArgumentParser(prog="assay.training.datasets.forged_faces")
    parser.add_argument("--data", type=Path, help="a folder with manifest.csv")
    parser.add_argument("--out", type=Path, required=True)
    for split in ("train", "val", "test"):
        parser.add_argument(f"--{split}", type=int)
    given = parser.parse_args(arguments)
    counts = {s: getattr(given, s) for s in ("train", "val", "test") if getattr(given, s)}
    try:
        folder = given.data or shared_folder() / "data"
        made = make(read_manifest(folder), Plan(**counts), given.out)
    except AssayError as error:
        print(error.as_text(), file=sys.stderr)
        return error.exit_code
    for (split, label, kind), n in sorted(made.items()):
        print(f"{n:6d}  {split}  {label}  {kind}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
