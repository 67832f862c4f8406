"""The genuine pictures that edited pictures are made of, each with its camera and JPEG history.

Two treatments: `as_saved`, a lossless crop of a camera file, whose blocks begin in its corner and
whose tables are the camera's own; and `shrunk`, a window of a large camera file, shrunk to a half
by area (no block and no colour-filter trace is left) and saved once at a known quality.
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from assay.errors import ConfigError
from assay.media.resample import resized
from assay.training.datasets.jpeg_history import history_of
from assay.training.datasets.manifest import held_out
from assay.training.honest_processing import Saving, draw_saving
from assay.training.shared import shared_folder
from assay.types import Array

AS_SAVED, SHRUNK = "as_saved", "shrunk"
MAX_PIXELS = 60_000_000
DARKEST, BRIGHTEST = 8, 247
LEAST_USABLE, LEAST_SPREAD = 0.75, 12.0


@dataclass(frozen=True, slots=True)
class Crops:
    """How many crops of which methods are taken as they are."""

    methods: tuple[str, ...] = ()
    count: int = 0


@dataclass(frozen=True, slots=True)
class Windows:
    """How many windows of large camera files are shrunk: `window_px` before, `least_px` the
    shorter side of a file that is large enough, `a_file` at most of one, `qualities` of the first
    saving."""

    count: int = 0
    window_px: int = 1536
    least_px: int = 900
    a_file: int = 2
    qualities: tuple[int, int] = (86, 97)


@dataclass(frozen=True, slots=True)
class Config:
    """A checked configuration; `qualities` has one range for each number of a file."""

    seed: int
    folders: tuple[Path, ...]
    crops: Crops
    windows: Windows
    qualities: tuple[tuple[int, int], ...]
    png_share: float
    val_share: float
    salt: str


@dataclass(frozen=True, slots=True)
class Original:
    """One genuine picture. `camera` is its maker, `box_px` (x, y, w, h) the window before it is
    shrunk, `first` how it was first saved, as far as that is known (`q93 4:2:0`)."""

    name: str
    path: Path
    camera: str
    split: str
    treatment: str
    first: str
    source: str
    licence: str
    sha256: str
    box_px: tuple[int, int, int, int] | None = None

    @property
    def facts(self) -> dict[str, Any]:
        """All that its pixels depend on, for a key."""
        return {**asdict(self), "path": ""}


def read_config(path: Path) -> Config:
    """Read and check a configuration. Raises ConfigError naming what is wrong."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        crops, windows, saving = raw["crops"], raw["windows"], raw["saving"]
        config = Config(
            seed=int(raw["seed"]),
            folders=tuple(_folder(name) for name in raw["folders"]),
            crops=Crops(tuple(crops["methods"]), crops["count"]),
            windows=Windows(**{**windows, "qualities": tuple(windows["qualities"])}),
            qualities=tuple((int(low), int(high)) for low, high in saving["qualities"]),
            png_share=float(saving["png_share"]),
            val_share=float(raw["split"]["val_share"]),
            salt=str(raw["split"]["salt"]),
        )
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} describes no edited pictures: {error!r}.") from error
    for low, high in (*config.qualities, config.windows.qualities):
        if not 1 <= low <= high <= 100:
            raise ConfigError(f"{path}: a quality is from 1 to 100, the lower one first.")
    if len(config.qualities) != 2 or not 0 <= config.png_share < 1 or not 0 < config.val_share < 1:
        raise ConfigError(f"{path}: two ranges of quality, and shares between 0 and 1.")
    return config


def _folder(name: str) -> Path:
    return Path(name) if name else shared_folder() / "data"


def originals(config: Config) -> list[Original]:
    """Crops and windows in turn. Raises ConfigError where there is none."""
    rows = [(folder, row) for folder in config.folders for row in _rows(folder)]
    crops = _in_turn(_crops(rows, config), config.crops.count)
    windows = _in_turn(_windows(rows, config), config.windows.count)
    longest = max(len(crops), len(windows))
    parts = [part[i : i + 1] for i in range(longest) for part in (crops, windows)]
    found = [one for part in parts for one in part]
    if not found:
        raise ConfigError("No genuine camera pictures were found in the folders named.")
    return found


def _rows(folder: Path) -> list[dict[str, str]]:
    path = folder / "manifest.csv"
    if not path.is_file():
        return []
    # Makers' names in some camera files end in zero bytes.
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(line.replace("\0", "") for line in file))


def _crops(rows: Iterable[tuple[Path, dict[str, str]]], config: Config) -> Iterator[Original]:
    for folder, row in rows:
        method = row.get("method", "")
        if method not in config.crops.methods:
            continue
        history = history_of(folder / row["path"])
        maker = maker_of(row["identity"].removeprefix(f"{method}-"))
        if history is None or history.is_grey or not maker:
            continue
        yield Original(
            name=slug(f"{maker}-{Path(row['path']).stem.split('-', 1)[-1]}"),
            path=folder / row["path"],
            camera=maker,
            split=split_of(maker, config),
            treatment=AS_SAVED,
            first=history.words,
            source=row["source"],
            licence=row["licence"],
            sha256=row["sha256"],
        )


def _windows(rows: Iterable[tuple[Path, dict[str, str]]], config: Config) -> Iterator[Original]:
    for folder, row in rows:
        size = [int(part) for part in row.get("size", "").split()]
        if row.get("pristine") != "yes" or len(size) != 2 or min(size) < config.windows.least_px:
            continue
        maker = maker_of(row["make"])
        for number, box_px in enumerate(_boxes(size, config.windows)):
            name = slug(f"{maker}-{row['model']}-{row['sha256'][:6]}-w{number}")
            rng = np.random.default_rng([config.seed, zlib.crc32(name.encode())])
            yield Original(
                name=name,
                path=folder / row["path"],
                camera=maker,
                split=split_of(maker, config),
                treatment=SHRUNK,
                first=draw_saving(rng, config.windows.qualities).words,
                source=row["source"],
                licence=row["licence"],
                sha256=row["sha256"],
                box_px=box_px,
            )


def _boxes(size: Sequence[int], windows: Windows) -> Iterator[tuple[int, int, int, int]]:
    """Windows about the middle, side by side where there is room; sides are multiples of 16."""
    width, height = size
    w, h = (min(side, windows.window_px) // 16 * 16 for side in size)
    n = min(windows.a_file, max(1, width // w))
    for number in range(n):
        x = round((width - n * w) / 2) + number * w
        yield x // 2 * 2, (height - h) // 4 * 2, w, h


def _in_turn(found: Iterable[Original], count: int) -> list[Original]:
    """Makers in turn, each one's pictures in their order, at most `count`; none that is black,
    blown out or flat."""
    parts: dict[str, list[Original]] = defaultdict(list)
    for one in found:
        parts[one.camera].append(one)
    longest = max(map(len, parts.values()), default=0)
    turns = (part[i] for i in range(longest) for part in parts.values() if i < len(part))
    return list(islice(filter(_has_content, turns), count))


def _has_content(one: Original) -> bool:
    grey = np.asarray(decoded(start(one)[0]), np.float32).mean(axis=2)
    usable = ((grey > DARKEST) & (grey < BRIGHTEST)).mean()
    return bool(usable >= LEAST_USABLE and grey.std() >= LEAST_SPREAD)


def decoded(data: bytes) -> Array:
    """The picture in a file's bytes, (h, w, 3) uint8, as it is stored."""
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image.convert("RGB"), np.uint8)


def maker_of(make: str) -> str:
    """The first word of a maker's name in small letters; empty where there is none."""
    words = re.findall(r"[a-z0-9]+", make.lower())
    first = words[0] if words else ""
    return {"eastman": "kodak", "asahi": "pentax", "lge": "lg", "seiko": "epson"}.get(first, first)


def split_of(maker: str, config: Config) -> str:
    """`train` or `val`, the same for every picture of a maker."""
    return "val" if held_out(maker, config.val_share, config.salt) else "train"


def slug(text: str) -> str:
    """A text as a part of a file's name."""
    return re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-.").lower()


@lru_cache(maxsize=8)
def start(original: Original) -> tuple[bytes, Saving | None]:
    """The bytes of the picture before any edit, and how they were saved where that was done here.

    Those of a crop are the file's own. Raises OSError where the file cannot be read.
    """
    if original.box_px is None:
        return original.path.read_bytes(), None
    quality, subsampling = original.first.removeprefix("q").split()
    saving = Saving(int(quality), subsampling)
    return saving.encode(_shrunk(original.path, original.box_px)), saving


def _shrunk(path: Path, box_px: tuple[int, int, int, int]) -> Array:
    from pi_heif import register_heif_opener
    from PIL import Image

    register_heif_opener()
    x, y, w, h = box_px
    with Image.open(path) as image:
        if image.width * image.height > MAX_PIXELS:
            raise OSError(f"{path.name} is too large")
        # As it is stored: the size in the manifest is that of the stored picture.
        rgb = np.asarray(image.convert("RGB").crop((x, y, x + w, y + h)), np.uint8)
    return resized(rgb, (w // 2, h // 2))
