"""Sound files inside published packages: .deb, .tar.gz, .whl and .zip; nothing is unpacked.

Only members asked for are read, into memory, so no member can choose a path; links are passed
over. A file that cannot be decoded is named in the error.
"""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import IO

import numpy as np

from assay.errors import DamagedMediaError, TooLargeError
from assay.types import FloatArray

MOST_FILE_BYTES = 128 << 20
MOST_UNPACKED_BYTES = 4 << 30
MOST_S = 1800.0
FORCED = {".g722": "g722", ".gsm": "gsm"}
RAW_CODECS = {"s16le": "<i2", "s16be": ">i2", "u8": "u1"}
_AR_MAGIC = b"!<arch>\n"
_AR_HEADER = 60
_QUEEN = "/queen.1c"
_QUEEN_HEAD, _QUEEN_PART = 15, 21


def read_package(path: Path, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """The wanted regular files by their names, without a leading "./".

    Raises DamagedMediaError for no such archive, TooLargeError for one that unpacks to too much.
    """
    found, unpacked = {}, 0
    try:
        for name, size, stream in _members(path):
            unpacked += size
            if unpacked > MOST_UNPACKED_BYTES or (wanted(name) and size > MOST_FILE_BYTES):
                raise TooLargeError(f"{path.name}: {name} unpacks to more than it should.")
            if wanted(name):
                with closing(stream()) as file:
                    found[name] = file.read(MOST_FILE_BYTES)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, RuntimeError) as error:
        raise DamagedMediaError(f"{path.name} cannot be unpacked: {error}") from error
    return found


def _members(path: Path) -> Iterator[tuple[str, int, Callable[[], IO[bytes]]]]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as wheel:
            for entry in wheel.infolist():
                yield entry.filename, entry.file_size, partial(wheel.open, entry)
        return
    with path.open("rb") as file:
        _enter_data(file)
        with tarfile.open(fileobj=file, mode="r|*") as ball:
            for member in ball:
                if member.isfile():
                    name = member.name.removeprefix("./")
                    if name.endswith(_QUEEN):
                        yield from _queen_members(name, _contents(ball, member).read())
                    else:
                        yield name, member.size, partial(_contents, ball, member)


def _queen_members(name: str, data: bytes) -> Iterator[tuple[str, int, Callable[[], IO[bytes]]]]:
    """The parts of the talking "Flight of the Amazon Queen": its speech is MP3, one part a line.

    Head: "QTBL", 9 bytes of version, a count; each part: name (12), kind (1), start, size (4 each).
    """
    if not data.startswith(b"QTBL") or len(data) < _QUEEN_HEAD:
        raise tarfile.ReadError(f"{name} is not the talking version of the game")
    count = int.from_bytes(data[13:15])
    for place in range(_QUEEN_HEAD, _QUEEN_HEAD + count * _QUEEN_PART, _QUEEN_PART):
        part = data[place : place + _QUEEN_PART]
        title = part[:12].rstrip(b"\0").decode("ascii", "replace")
        start, size = int.from_bytes(part[13:17]), int.from_bytes(part[17:21])
        yield f"{name}/{title}", size, partial(io.BytesIO, data[start : start + size])


def _contents(ball: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = ball.extractfile(member)
    if file is None:
        raise tarfile.ReadError(f"{member.name} has no contents")
    return file


def _enter_data(file: IO[bytes]) -> None:
    """Of a Debian package (an `ar` archive), go to where its data.tar begins."""
    if file.read(len(_AR_MAGIC)) != _AR_MAGIC:
        file.seek(0)
        return
    while len(header := file.read(_AR_HEADER)) == _AR_HEADER:
        if header.startswith(b"data.tar"):
            return
        try:
            size = int(header[48:58])
        except ValueError as error:
            raise tarfile.ReadError("a member of the ar archive has no size") from error
        file.seek(size + size % 2, io.SEEK_CUR)
    raise tarfile.ReadError("no data.tar in it")


def decode(
    data: bytes,
    name: str,
    raw_hz: int = 0,
    raw_format: str = "s16le",
    most_s: float = MOST_S,
) -> tuple[FloatArray, int]:
    """Mono float32 in [-1, 1] (mean of the channels) and the rate in Hz.

    `raw_hz` above 0: the bytes are samples of `raw_format` at that rate. At most `most_s` seconds
    are decoded. Raises DamagedMediaError.
    """
    if raw_hz:
        return _raw(data, raw_format), raw_hz
    import av

    suffix = Path(name).suffix.lower()
    try:
        with av.open(
            io.BytesIO(data), "r", format=FORCED.get(suffix), metadata_errors="replace"
        ) as container:
            stream = container.streams.audio[0]
            rate_hz = stream.codec_context.sample_rate
            blocks, left = [], int(most_s * rate_hz)
            for frame in container.decode(stream):
                blocks.append(_mono(frame))
                left -= len(blocks[-1])
                if left <= 0:
                    break
        return np.concatenate(blocks), rate_hz
    except (av.FFmpegError, IndexError, ValueError) as error:
        raise DamagedMediaError(f"{name} holds no sound that can be decoded: {error}") from error


def _mono(frame: object) -> FloatArray:
    values = frame.to_ndarray()  # type: ignore[attr-defined]
    form = frame.format  # type: ignore[attr-defined]
    scale = 1.0
    if values.dtype.kind in "iu":
        middle = 128 if values.dtype == np.uint8 else 0
        scale = float(2 ** (8 * form.bytes - 1))
        values = values.astype(np.float64) - middle
    if not form.is_planar:
        values = values.reshape(-1, len(frame.layout.channels)).T  # type: ignore[attr-defined]
    return (values.mean(axis=0) / scale).astype(np.float32)


def _raw(data: bytes, raw_format: str) -> FloatArray:
    kind = np.dtype(RAW_CODECS[raw_format])
    values = np.frombuffer(data[: len(data) // kind.itemsize * kind.itemsize], kind)
    middle, scale = (128, 128) if kind == np.uint8 else (0, 32768)
    return ((values.astype(np.float32) - middle) / scale).astype(np.float32)
