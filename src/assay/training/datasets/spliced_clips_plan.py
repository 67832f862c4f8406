"""What clips are to be spliced: the configuration, the genuine stretches and their products."""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tomllib
import zlib
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from assay.errors import AssayError, ConfigError
from assay.media.probe import probe
from assay.training.datasets.manifest import Item, read_manifest
from assay.training.datasets.records import Split, What
from assay.training.shared import shared_folder

REAL, SHIFTED, SWAPPED = "real", "shifted_sound", "swapped_sound"
SPANS: dict[str, What] = {"sound_span": "audio", "mouth_span": "visual", "both_spans": "both"}
METHODS = (REAL, *SPANS, SHIFTED, SWAPPED)


@dataclass(frozen=True, slots=True)
class Config:
    """A checked configuration. `folders` each hold a manifest.csv; of the genuine videos with
    sound whose method is in `methods` stretches of `seconds` are taken, at least `margin_s` from
    either end. `test` names the groups of people that are kept apart. `draws` is how many clips
    of each kind a stretch gives. `shift_s` is how far a sound is moved at least and at most."""

    seed: int
    folders: tuple[Path, ...]
    methods: tuple[str, ...]
    test: tuple[str, ...]
    draws: dict[str, int]
    seconds: float = 2.2
    margin_s: float = 0.4
    most_stretches: int = 3
    size_px: int = 192
    face_share: float = 0.55
    least_face_px: float = 80.0
    least_fps: float = 20.0
    least_rms: float = 0.008
    fps: float = 25.0
    sample_rate_hz: int = 16000
    span_s: tuple[float, float] = (0.4, 1.0)
    one_span_share: float = 0.7
    shift_s: tuple[float, float] = (0.16, 0.4)
    crf: tuple[int, ...] = (18, 23, 28)
    sound_bit_s: tuple[int, ...] = (48000, 64000, 96000)

    @property
    def fingerprint(self) -> str:
        """Changes with everything that changes a clip, but not with which others there are."""
        values = asdict(self)
        for name in ("folders", "methods", "test", "draws", "most_stretches"):
            del values[name]
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:12]


@dataclass(frozen=True, slots=True)
class Source:
    """One stretch of genuine footage with sound, from `start_s` on."""

    path: Path
    name: str
    identity: str
    split: Split
    licence: str
    sha256: str
    start_s: float

    @property
    def footage(self) -> str:
        """The file and where the stretch begins."""
        return f"{self.name}@{self.start_s:.2f}s"

    @property
    def stem(self) -> str:
        """The folder of its products."""
        name = re.sub(r"[^A-Za-z0-9._]+", "-", Path(self.name).stem)[:60].strip("-.")
        return f"{self.split}/{name}-{self.sha256[:6]}-{round(self.start_s * 100):04d}"

    @property
    def code(self) -> int:
        """A number of its own, for drawing."""
        return zlib.crc32(self.footage.encode())


@dataclass(frozen=True, slots=True)
class Product:
    """One clip to write: the `draw`-th of a method."""

    source: Source
    method: str
    draw: int

    @property
    def stem(self) -> str:
        """Its path without the suffix."""
        return f"{self.source.stem}/{self.method}-{self.draw}"

    @property
    def code(self) -> int:
        """A number of its own, for drawing."""
        return zlib.crc32(f"{self.source.footage}/{self.method}-{self.draw}".encode())


def read_config(path: Path) -> Config:
    """Read and check a configuration. Raises ConfigError naming what is wrong."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        folders = tuple(
            Path(name) if name else shared_folder() / "data" for name in raw.pop("folders", [""])
        )
        tuples = {f.name for f in fields(Config) if str(f.type).startswith("tuple")} - {"folders"}
        given: dict[str, Any] = {name: tuple(v) if name in tuples else v for name, v in raw.items()}
        config = Config(folders=folders, **given)
        _check(config)
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} describes no spliced clips: {error!r}.") from error
    return config


def _check(config: Config) -> None:
    rules = {
        "seconds is from 1 to 20": 1 <= config.seconds <= 20,
        "size_px is even, from 32 to 512": config.size_px % 2 == 0 and 32 <= config.size_px <= 512,
        "fps is from 5 to 60": 5 <= config.fps <= 60,
        "draws names known methods": set(config.draws) <= set(METHODS),
        "draws holds whole numbers from 0 to 100": all(
            isinstance(n, int) and 0 <= n <= 100 for n in config.draws.values()
        ),
        "genuine twins are drawn as often as anything": config.draws.get(REAL, 0)
        >= max(config.draws.values(), default=0),
        "span_s grows and fits": 0 < config.span_s[0] <= config.span_s[1] <= config.seconds,
        "shift_s grows and stays in margin_s": 0
        < config.shift_s[0]
        <= config.shift_s[1]
        <= config.margin_s,
        "face_share is from .2 to 1": 0.2 <= config.face_share <= 1,
        "crf is of numbers from 0 to 51": bool(config.crf) and set(config.crf) <= set(range(52)),
        "seed is a whole number from 0": isinstance(config.seed, int) and config.seed >= 0,
    }
    if broken := [rule for rule, is_kept in rules.items() if not is_kept]:
        raise ConfigError(f"The configuration breaks a rule: {'; '.join(broken)}.")


def sources(config: Config) -> list[Source]:
    """The stretches, those of the test side first. Raises ConfigError where there is none."""
    found: list[Source] = []
    for folder in config.folders:
        if not (folder / "manifest.csv").is_file():
            print(f"{folder} is left out: it has no manifest.csv", file=sys.stderr)
            continue
        for item in read_manifest(folder):
            wanted = item.modality == "video" and item.label == "real"
            if wanted and item.method in config.methods:
                found += _stretches(item, folder, config)
    if not found:
        raise ConfigError("The folders hold no genuine video with sound of these methods.")
    return sorted(found, key=lambda s: (s.split, s.footage))


def _stretches(item: Item, folder: Path, config: Config) -> list[Source]:
    """Stretches of one file, one behind the other; none of a file that is of no use."""
    try:
        media = probe(item.path)
    except AssayError as error:
        print(f"{item.path} is left out: {error.as_text()}", file=sys.stderr)
        return []
    length_s = media.duration_s or 0.0
    whole_s = config.seconds + 2 * config.margin_s
    if not media.sample_rate_hz or (media.fps or 0) < config.least_fps or length_s < whole_s - 0.05:
        return []
    room_s = max(0.0, length_s - whole_s)
    n = min(config.most_stretches, 1 + int(room_s // config.seconds))
    name = item.path.relative_to(folder).as_posix()
    split: Split = "test" if item.group in config.test else "train"
    places = [config.margin_s + k * room_s / max(1, n - 1) for k in range(n)]
    return [
        Source(item.path, name, item.group, split, item.licence, item.sha256, place)
        for place in places
    ]


def products(source: Source, config: Config) -> list[Product]:
    """What is to be written of one stretch, the genuine twin of each draw first."""
    most: int = max(config.draws.values(), default=0)
    found: list[Product] = []
    for draw in range(most):
        found += [
            Product(source, name, draw) for name in METHODS if draw < config.draws.get(name, 0)
        ]
    return found
