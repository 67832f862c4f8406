"""An item of a data set as one file that `probe` opens, wherever and however the set packs it."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from assay.errors import AssayError, DamagedMediaError, EmptyFileError, MissingFileError
from assay.media.files import printable
from assay.media.image import read_image
from assay.media.probe import probe
from assay.training.datasets.records import Bytes, Modality
from assay.types import Array

FRAMES_PER_S = 25
"""Folders of pictures are taken for videos of this rate, which most sets are cut from."""
MAX_PART_BYTES = 1 << 30
MAX_MEGAPIXELS = 50.0
PICTURES = frozenset((".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".ppm"))
_NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, slots=True)
class Opened:
    """A file to examine. `frames` holds, for a video joined from pictures, the number of each
    joined picture in its folder; empty: the file is the item itself."""

    path: Path
    frames: tuple[int, ...] = ()

    def moment(self, frame_index: int, time_s: float) -> tuple[int, float]:
        """A frame's number and time in the item, from those in the file."""
        if not self.frames:
            return frame_index, time_s
        number = self.frames[min(round(time_s * FRAMES_PER_S), len(self.frames) - 1)]
        return number, number / FRAMES_PER_S


@contextmanager
def opened(
    path: Path, modality: Modality, part: Bytes | None = None, n_frames: int = 32
) -> Iterator[Opened]:
    """The item as a file, for as long as the context lasts.

    Of a folder of numbered pictures those that examining `n_frames` frames of the whole would look
    at are joined, without loss. Raises InputError: nothing there, not readable, not decodable.
    """
    if modality != "frames" and part is None:
        if not path.is_file():
            raise MissingFileError(f"{printable(str(path))} is not there.")
        yield Opened(path)
        return
    with tempfile.TemporaryDirectory(prefix="assay-item-") as folder:
        if modality == "frames":
            yield _joined(path, Path(folder) / "joined.mkv", n_frames)
        else:
            assert part is not None
            target = Path(folder) / "part"
            with target.open("wb") as file:
                for piece in read_part(path, part):
                    file.write(piece)
            yield Opened(target)


def read_part(path: Path, part: Bytes) -> Iterator[bytes]:
    """The bytes of one member of a packed file, in pieces. Raises DamagedMediaError where they
    lie outside of the file, MissingFileError where there is none."""
    if not path.is_file():
        raise MissingFileError(f"{printable(str(path))} is not there.")
    size = path.stat().st_size
    inside = part.offset >= 0 and 0 < part.length <= MAX_PART_BYTES
    if not inside or part.offset + part.length > size:
        raise DamagedMediaError(
            f"Bytes {part.offset} to {part.offset + part.length} lie outside of "
            f"{printable(str(path))}, which has {size}."
        )
    left = part.length
    with path.open("rb") as file:
        file.seek(part.offset)
        while left:
            piece = file.read(min(left, 1 << 20))
            if not piece:
                raise DamagedMediaError(f"{printable(str(path))} became shorter while it was read.")
            left -= len(piece)
            yield piece


def pictures_of(folder: Path) -> list[Path]:
    """The pictures of a folder, by the numbers in their names. Raises MissingFileError where
    there is no such folder, EmptyFileError where it has none."""
    if not folder.is_dir():
        raise MissingFileError(f"The folder {printable(str(folder))} is not there.")
    # VidTIMIT's pictures are called 001, 002 … without a suffix.
    found = [p for p in folder.iterdir() if p.suffix.lower() in PICTURES or p.name.isdigit()]
    if not found:
        raise EmptyFileError(f"The folder {printable(str(folder))} holds no picture.")
    return sorted(found, key=_in_order)


def _in_order(path: Path) -> tuple[list[int], str]:
    return [int(digits[:18]) for digits in _NUMBER.findall(path.stem)], path.name


def fingerprint(path: Path, modality: Modality, part: Bytes | None = None) -> str:
    """What changes when the item's bytes do, without reading them: paths, sizes, times.

    Raises InputError where it is not there.
    """
    files = pictures_of(path) if modality == "frames" else [path]
    digest = hashlib.sha256()
    for file in files:
        try:
            facts = file.stat()
        except OSError as error:
            raise MissingFileError(f"{printable(str(file))} is not there.") from error
        name = str(file.resolve())
        line = f"{name} {facts.st_size} {facts.st_mtime_ns}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    if part is not None:
        digest.update(f"{part.offset} {part.length}".encode())
    return digest.hexdigest()


def sha256_of_item(path: Path, modality: Modality, part: Bytes | None = None) -> str:
    """64 hexadecimal digits over an item's bytes; of a folder over its pictures in their order.

    Raises InputError where it cannot be read.
    """
    digest = hashlib.sha256()
    if part is not None:
        for piece in read_part(path, part):
            digest.update(piece)
        return digest.hexdigest()
    try:
        for file in pictures_of(path) if modality == "frames" else [path]:
            with file.open("rb") as stream:
                while piece := stream.read(1 << 20):
                    digest.update(piece)
    except OSError as error:
        raise MissingFileError(
            f"{printable(str(path))} cannot be read: {error.strerror}."
        ) from error
    return digest.hexdigest()


def chosen_frames(count: int, n: int) -> tuple[int, ...]:
    """Which of `count` pictures are looked at when `n` are, as `media.sampling` chooses them."""
    n = max(1, min(n, count))
    return tuple(int((i + 0.5) * count / n) for i in range(n))


def _joined(folder: Path, target: Path, n_frames: int) -> Opened:
    pictures = pictures_of(folder)
    readable, faults = {}, []
    for number in chosen_frames(len(pictures), n_frames):
        try:
            readable[number] = probe(pictures[number])
        except AssayError as error:
            faults.append(str(error))
    kept: list[int] = []
    with _lossless(target, [media.size_px for media in readable.values()]) as add:
        for number, media in readable.items():
            try:
                add(read_image(media, MAX_MEGAPIXELS).rgb, len(kept))
                kept.append(number)
            except AssayError as error:
                faults.append(str(error))
    if not kept:
        raise DamagedMediaError(f"No picture of {printable(str(folder))} can be read: {faults[0]}")
    return Opened(target, tuple(kept))


@contextmanager
def _lossless(
    path: Path, sizes_px: Sequence[tuple[int, int] | None]
) -> Iterator[Callable[[Array, int], None]]:
    """What adds a picture to an FFV1 video of RGB, as large as the largest of `sizes_px`; the
    right and lower side of a smaller one are black."""
    width, height = (max((size[k] for size in sizes_px if size), default=2) for k in (0, 1))
    with av.open(str(path), "w", format="matroska") as container:
        stream: Any = container.add_stream("ffv1", rate=FRAMES_PER_S)
        stream.height, stream.width, stream.pix_fmt = height, width, "bgr0"

        def add(rgb: Array, number: int) -> None:
            missing = [(0, height - rgb.shape[0]), (0, width - rgb.shape[1]), (0, 0)]
            full = np.ascontiguousarray(np.pad(rgb, missing))
            frame = av.VideoFrame.from_ndarray(full, format="rgb24").reformat(format="bgr0")
            frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_S)
            container.mux(stream.encode(frame))

        yield add
        container.mux(stream.encode(None))
