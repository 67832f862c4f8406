"""What is to be forged: the configuration of a forged set, and one job for each picture of it.

Every job is drawn by its own number: a higher count adds to a set and changes nothing in it.
"""

from __future__ import annotations

import fnmatch
import re
import tomllib
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from assay.errors import ConfigError
from assay.training.datasets.jpeg_history import JpegHistory, history_of
from assay.training.datasets.manifest import Item, read_manifest
from assay.training.forgeries import discover
from assay.training.forgeries.super_resolution import ENLARGERS
from assay.training.shared import shared_folder

CONTROL = "resampling"
"""In the place of a forger's name: genuine pictures, shrunk and enlarged by plain filters."""
Treatment = Literal["resaved", "shrunk"]
NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
SMALLEST_PX = 64


@dataclass(frozen=True, slots=True)
class Jpeg:
    """How every file is saved in the end, forged and genuine alike."""

    quality: int = 97
    subsampling: str = "4:4:4"


@dataclass(frozen=True, slots=True)
class History:
    """How a forgery and its twin are made to have the same JPEG blocks: `resaved_share` of the
    forgeries are saved as their sources were; the others are made of a copy shrunk by a factor
    within `shrunk`, whose shorter side stays `least_px` or more."""

    resaved_share: float = 0.5
    shrunk: tuple[float, float] = (0.4, 0.6)
    least_px: int = 176

    def scales_for(self, shorter_px: int) -> tuple[float, float]:
        """The least and the greatest factor for a picture of that shorter side."""
        return max(self.shrunk[0], min(1.0, self.least_px / shorter_px)), self.shrunk[1]

    def allows(self, shorter_px: int) -> bool:
        """Whether such a picture can be shrunk so far."""
        return shorter_px * self.shrunk[1] >= self.least_px


@dataclass(frozen=True, slots=True)
class Set:
    """One folder of the result: `count` pictures by one forger.

    `method` is what the manifest calls them. `size_px` shrinks what a forger draws out of
    nothing; `window_px` is the largest side that is cut out (0: all of it). `ways` says how often
    each way of super-resolution is taken. `licence` is added to that of the source picture.
    """

    name: str
    forger: str
    count: int
    licence: str
    method: str = ""
    size_px: int = 0
    window_px: int = 0
    ways: dict[str, float] = field(default_factory=dict)

    @property
    def is_control(self) -> bool:
        """Whether nothing is forged here."""
        return self.forger == CONTROL

    @property
    def needs_picture(self) -> bool:
        """Whether it starts from a genuine picture."""
        return self.is_control or discover()[self.forger].needs == "picture"


@dataclass(frozen=True, slots=True)
class Config:
    """A checked configuration. `folders` each hold a manifest.csv, with the name that rows call
    the folder by; `shares` says how often the sources that match a pattern are drawn."""

    seed: int
    folders: tuple[tuple[str, Path], ...]
    splits: tuple[str, ...]
    shares: dict[str, float]
    jpeg: Jpeg
    history: History
    sets: tuple[Set, ...]


@dataclass(frozen=True, slots=True)
class Base:
    """One genuine picture. `group` may not be divided between splits; `history` is None where its
    JPEG blocks are not known."""

    path: Path
    source: str
    method: str
    group: str
    split: str
    licence: str
    sha256: str
    shorter_px: int
    history: JpegHistory | None


@dataclass(frozen=True, slots=True)
class Job:
    """One picture to make. What is made out of nothing has a base too, whose JPEG history it
    borrows, unless it is to have none."""

    set: Set
    number: int
    treatment: Treatment
    base: Base | None


def read_config(path: Path) -> Config:
    """Read and check a configuration. Raises ConfigError naming what is wrong."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        history = dict(raw.pop("history", {}))
        if "shrunk" in history:
            history["shrunk"] = tuple(history["shrunk"])
        config = Config(
            folders=tuple(map(_folder, raw.pop("folders", [""]))),
            splits=tuple(raw.pop("splits", ["train"])),
            jpeg=Jpeg(**raw.pop("jpeg", {})),
            history=History(**history),
            sets=tuple(Set(**{"method": s["name"], **s}) for s in raw.pop("set")),
            **raw,
        )
        _check(config)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} describes no forged set: {error!r}.") from error
    return config


def _folder(name: str) -> tuple[str, Path]:
    return ("", shared_folder() / "data") if not name else (f"{Path(name).name}/", Path(name))


def _check(config: Config) -> None:
    for wanted in config.sets:
        _check_set(wanted)
    names = [wanted.name for wanted in config.sets]
    low, high = config.history.shrunk
    shares = config.shares.values()
    rules = {
        "a set's name is there twice": len(set(names)) == len(names),
        "shrunk is [low, high] within 0 and 1": 0 < low <= high < 1,
        "resaved_share is from 0 to 1": 0 <= config.history.resaved_share <= 1,
        "least_px is 64 or more": config.history.least_px >= SMALLEST_PX,
        "shares are above 0": bool(shares) and min(shares) > 0,
        "quality is from 1 to 100": 1 <= config.jpeg.quality <= 100,
        "subsampling": config.jpeg.subsampling in ("4:4:4", "4:2:2", "4:2:0"),
        "seed is a whole number from 0": isinstance(config.seed, int) and config.seed >= 0,
    }
    if broken := [rule for rule, is_kept in rules.items() if not is_kept]:
        raise ConfigError(f"The configuration breaks a rule: {'; '.join(broken)}.")


def _check_set(wanted: Set) -> None:
    usable = [f.name for f in discover().values() if f.needs in ("picture", "nothing")]
    if wanted.forger not in (*usable, CONTROL):
        raise ConfigError(
            f"{wanted.forger!r} forges no whole pictures.",
            remedy=f"Choose one of {', '.join([*usable, CONTROL])}.",
        )
    if not (NAME.fullmatch(wanted.name) and NAME.fullmatch(wanted.method)):
        raise ConfigError(f"{wanted.name!r}, {wanted.method!r}: small letters, digits, - and _.")
    if wanted.ways and (wanted.forger != "super_resolution" or not {*wanted.ways} <= {*ENLARGERS}):
        raise ConfigError(f"{wanted.name}: ways are for super_resolution: {', '.join(ENLARGERS)}.")
    sides = (wanted.size_px, wanted.window_px)
    if wanted.count < 0 or any(0 < side < SMALLEST_PX or side < 0 for side in sides):
        raise ConfigError(f"{wanted.name}: a count below 0, or a side below {SMALLEST_PX} px.")


def bases(config: Config) -> list[Base]:
    """The genuine pictures of the configured splits, without those that no pattern matches."""
    found = []
    for prefix, folder in config.folders:
        items = [i for i in read_manifest(folder) if (i.modality, i.label) == ("image", "real")]
        trained = {item.group for item in items if item.split == "train"}
        for item in items:
            if item.split in config.splits and _pattern(item.method, config) is not None:
                group = item.group
                if item.split != "train" and group in trained:
                    # Some sets number each split anew: one name, two pictures.
                    group = f"{item.split}-{group}"
                found.append(_base(item, group, prefix + item.path.relative_to(folder).as_posix()))
    return [base for base in found if base.shorter_px >= SMALLEST_PX]


def _base(item: Item, group: str, source: str) -> Base:
    from PIL import Image

    try:
        with Image.open(item.path) as image:
            shorter = min(image.size)
    except OSError:
        shorter = 0
    facts = (item.method, group, item.split, item.licence, item.sha256)
    return Base(item.path, source, *facts, shorter, history_of(item.path))


def _pattern(method: str, config: Config) -> str | None:
    return next((p for p in config.shares if fnmatch.fnmatchcase(method, p)), None)


def plan(config: Config) -> Iterator[Job]:
    """One job for each picture. Pictures and people that were taken least come first."""
    parts: dict[str, list[Base]] = {}
    for base in bases(config):
        parts.setdefault(str(_pattern(base.method, config)), []).append(base)
    taken: Counter[Any] = Counter()
    for wanted in config.sets:
        for number in range(wanted.count):
            rng = np.random.default_rng([config.seed, zlib.crc32(wanted.name.encode()), number])
            treatment: Treatment = "resaved"
            if rng.random() >= config.history.resaved_share:
                treatment = "shrunk"
            if not wanted.needs_picture and treatment == "shrunk":
                yield Job(wanted, number, treatment, None)
                continue
            base = _drawn(parts, treatment, config, taken, rng)
            if wanted.needs_picture:
                taken.update([base.path, (base.split, base.group)])
            yield Job(wanted, number, treatment, base)


def _drawn(
    parts: dict[str, list[Base]],
    treatment: Treatment,
    config: Config,
    taken: Counter[Any],
    rng: np.random.Generator,
) -> Base:
    """A picture that this treatment suits: its source by the shares, then the least taken."""
    suitable = {
        name: [b for b in part if _suits(b, treatment, config)] for name, part in parts.items()
    }
    names = [name for name in config.shares if suitable.get(name)]
    if not names:
        raise ConfigError(f"No genuine picture can be {treatment}.")
    odds = np.asarray([config.shares[name] for name in names])
    part = suitable[names[int(rng.choice(len(names), p=odds / odds.sum()))]]
    order = rng.permutation(len(part))
    least = min(order, key=lambda i: (taken[part[i].path], taken[part[i].split, part[i].group]))
    return part[int(least)]


def _suits(base: Base, treatment: Treatment, config: Config) -> bool:
    if treatment == "resaved":
        return base.history is not None
    return config.history.allows(base.shorter_px)
