"""What is to be said and copied: the configuration of a set of artificial speech, and its jobs.

Every job is drawn by its family, its voice and its own number: a higher count adds to a family and
changes nothing in it.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from assay.errors import ConfigError
from assay.training.datasets.manifest import Item, read_manifest
from assay.training.datasets.speech_makers import Copier, Manner, Reader, Voice, discover
from assay.training.shared import shared_folder

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*")
HELD_OUT = "val"
TRIES = 8


@dataclass(frozen=True, slots=True)
class Family:
    """One generator. `clips` are for each voice, or, of a vocoder, at most so many copies
    (0: all); `speed` and `pitch` are the ranges that a manner is drawn from. With `held_out`
    the whole family is for validation: training never meets it."""

    name: str
    clips: int = 0
    speed: tuple[float, float] = (0.9, 1.1)
    pitch: tuple[float, float] = (1.0, 1.0)
    held_out: bool = False


@dataclass(frozen=True, slots=True)
class Config:
    """A checked configuration. `sentences` by language; `folder` holds the genuine recordings
    that are copied, the first `copied_s` of each; `held_out_share` of the voices of a family are
    for validation."""

    seed: int
    sentences: dict[str, tuple[str, ...]]
    folder: Path
    splits: tuple[str, ...]
    shortest_s: float
    longest_s: float
    copied_s: float
    held_out_share: float
    voices: tuple[Family, ...]
    vocoders: tuple[Family, ...]


@dataclass(frozen=True, slots=True)
class Reading:
    """One clip of one voice. `tries` are the sentences to take, in this order, and their
    numbers: the first that lasts long enough and not too long is kept."""

    family: Family
    voice: Voice
    number: int
    split: str
    manner: Manner
    tries: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Copy:
    """One genuine recording to take apart and put together again, its first `seconds`; `path`
    is the one that its manifest names."""

    family: Family
    item: Item
    path: str
    split: str
    seconds: float
    seed: int


Job = Reading | Copy


def read_config(path: Path) -> Config:
    """Read and check a configuration. Raises ConfigError naming what is wrong."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        folder = raw.pop("folder", "")
        config = Config(
            sentences=_sentences(path.parent / raw.pop("sentences")),
            folder=Path(folder) if folder else shared_folder() / "data",
            splits=tuple(raw.pop("splits", ["train", "val"])),
            voices=tuple(_family(f) for f in raw.pop("voices", [])),
            vocoders=tuple(_family(f) for f in raw.pop("vocoders", [])),
            **raw,
        )
        _check(config)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} describes no artificial speech: {error!r}.") from error
    return config


def _sentences(path: Path) -> dict[str, tuple[str, ...]]:
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    return {language: tuple(lines) for language, lines in found.items()}


def _family(raw: dict[str, Any]) -> Family:
    settings = dict(raw)
    settings |= {name: tuple(raw[name]) for name in ("speed", "pitch") if name in raw}
    return Family(**settings)


def _check(config: Config) -> None:
    families = [*config.voices, *config.vocoders]
    spans = [span for f in families for span in (f.speed, f.pitch)]
    rules = {
        "a family is there twice": len({f.name for f in families}) == len(families),
        "names are of small letters, digits, - and _": all(
            NAME.fullmatch(f.name) for f in families
        ),
        "ranges are [low, high] within 0.3 and 3": all(
            len(s) == 2 and 0.3 <= s[0] <= s[1] <= 3 for s in spans
        ),
        "a voice says one clip or more": all(f.clips > 0 for f in config.voices),
        "clips are 0 or more": all(f.clips >= 0 for f in config.vocoders),
        "held_out_share is from 0 to 0.5": 0 <= config.held_out_share <= 0.5,
        "0 < shortest_s < longest_s": 0 < config.shortest_s < config.longest_s,
        "copied_s is within them": config.shortest_s <= config.copied_s <= config.longest_s,
        "there are sentences": bool(config.sentences) and all(config.sentences.values()),
    }
    if broken := [rule for rule, is_kept in rules.items() if not is_kept]:
        raise ConfigError(f"The configuration breaks a rule: {'; '.join(broken)}.")
    unknown = [f.name for f in families if f.name not in discover()]
    if unknown:
        raise ConfigError(
            f"Unknown: {', '.join(unknown)}.", remedy=f"Choose of {', '.join(discover())}."
        )


def held_out_voices(voices: Iterable[Voice], share: float) -> set[str]:
    """The voices for validation: of n voices the round(share * n) whose hashes come first."""
    names = sorted((v.name for v in voices), key=lambda n: hashlib.sha256(n.encode()).digest())
    return set(names[: round(share * len(names))])


def readings(family: Family, config: Config) -> Iterator[Reading]:
    """The clips of one family, one of every voice before the second of any."""
    reader = cast(Reader, discover()[family.name])
    voices = [v for v in reader.voices() if v.language in config.sentences]
    held = held_out_voices(voices, config.held_out_share)
    for number in range(family.clips):
        for voice in voices:
            is_held = family.held_out or voice.name in held
            yield _reading(family, voice, number, HELD_OUT if is_held else "train", config)


def _reading(family: Family, voice: Voice, number: int, split: str, config: Config) -> Reading:
    code = zlib.crc32(f"{family.name}/{voice.name}".encode())
    rng = np.random.default_rng([config.seed, code, number])
    lines = config.sentences[voice.language]
    # One order for all clips of a voice: it says nothing twice while there is something new.
    order = np.random.default_rng([config.seed, code]).permutation(len(lines))
    speed, pitch = float(rng.uniform(*family.speed)), float(rng.uniform(*family.pitch))
    if family.clips <= len(lines):
        ways = [order[(number + k * family.clips) % len(lines)] for k in range(TRIES)]
    else:
        ways = list(rng.permutation(len(lines))[:TRIES])
    tries = tuple((int(i), lines[int(i)]) for i in dict.fromkeys(ways))
    manner = Manner(round(speed, 3), round(pitch, 3), int(rng.integers(2**31)))
    return Reading(family, voice, number, split, manner, tries)


def copies(family: Family, config: Config) -> Iterator[Copy]:
    """One copy of each genuine recording, in the split of the recording; of a family that is
    held out only those of validation."""
    items = [i for i in read_manifest(config.folder) if (i.modality, i.label) == ("audio", "real")]
    splits = (HELD_OUT,) if family.held_out else config.splits
    chosen = sorted((i for i in items if i.split in splits), key=lambda i: i.sha256)
    for item in chosen[: family.clips or None]:
        path = item.path.relative_to(config.folder).as_posix()
        seed = zlib.crc32(f"{config.seed}/{family.name}/{path}".encode()) % 2**31
        yield Copy(family, item, path, item.split, config.copied_s, seed)


def plan(config: Config, family: Family) -> Iterator[Job]:
    """The jobs of one family."""
    yield from readings(family, config) if family in config.voices else copies(family, config)


def copier_of(job: Copy) -> Copier:
    """The vocoder of a job."""
    return cast(Copier, discover()[job.family.name])


def reader_of(job: Reading) -> Reader:
    """The generator of a job."""
    return cast(Reader, discover()[job.family.name])
