"""Animated GIF, PNG, WebP and AVIF: when each picture is shown, and the pictures by time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, BinaryIO

from assay.errors import DamagedMediaError
from assay.media.files import reopen
from assay.media.image import decoding, open_picture, refuse_large, to_rgb
from assay.media.sampling import Wishes
from assay.media.sniff import FORMATS
from assay.media.structure import find_box, gif_images, png_chunks, riff_chunks
from assay.types import Frame, Media

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

MAX_MEGAPIXELS = 40.0
"""Of one picture of an animation; several are held at a time."""

_SHOWN_AT_LEAST_S = 0.011
_SHOWN_INSTEAD_S = 0.1


def picture_delays_s(file: BinaryIO, container: str, n_bytes: int) -> list[float]:
    """How long each picture of a file is shown, from the container alone; [] where unknown.

    Delays up to 10 ms become 100 ms, as browsers show them.
    """
    read = {"gif": _gif, "png": _png, "webp": _webp, "avif": _avif}.get(container)
    delays = read(file, n_bytes) if read else []
    file.seek(0)
    return [d if d >= _SHOWN_AT_LEAST_S else _SHOWN_INSTEAD_S for d in delays]


def _gif(file: BinaryIO, n_bytes: int) -> list[float]:
    return [delay for part, delay in gif_images(file) if part == "image"]


def _png(file: BinaryIO, n_bytes: int) -> list[float]:
    delays: list[float] = []
    for kind, start, length in png_chunks(file):
        if kind == b"IDAT" and not delays:
            delays.append(0.0)  # a picture for readers that know no animation comes first
        elif kind == b"fcTL" and length >= 26 and start + length <= n_bytes:
            file.seek(start + 20)
            data = file.read(4)
            delays.append(
                int.from_bytes(data[:2], "big") / (int.from_bytes(data[2:], "big") or 100)
            )
    return delays


def _webp(file: BinaryIO, n_bytes: int) -> list[float]:
    delays = []
    for kind, start, length in riff_chunks(file, n_bytes):
        if kind == b"ANMF" and length >= 16:
            file.seek(start + 12)
            delays.append(int.from_bytes(file.read(3), "little") / 1000)
    return delays


def _avif(file: BinaryIO, n_bytes: int) -> list[float]:
    track = (b"moov", b"trak", b"mdia")
    table = find_box(file, (*track, b"minf", b"stbl", b"stts"), n_bytes)
    header = find_box(file, (*track, b"mdhd"), n_bytes)
    at = 20 if header[:1] == b"\1" else 12
    scale = int.from_bytes(header[at : at + 4], "big") or 1000
    delays: list[float] = []
    for entry in range(8, min(len(table), 8 + 8 * 100_000) - 7, 8):
        count = int.from_bytes(table[entry : entry + 4], "big")
        delay = int.from_bytes(table[entry + 4 : entry + 8], "big") / scale
        delays += [delay] * min(count, 100_000 - len(delays))
    return delays


def read_animation(
    media: Media, times_s: tuple[float, ...], check: Callable[[], None]
) -> Iterator[Frame]:
    """The pictures shown at the given times, in order, each once, laid over white.

    Each picture is drawn over the one before, so all up to the last wanted one are decoded.
    Raises DamagedMediaError where none can be.
    """
    refuse_large(media.size_px or (1, 1), MAX_MEGAPIXELS, media.name)
    wishes = Wishes(times_s, slack_s=1e-4)
    n_yielded = 0
    with reopen(media) as file:
        delays = picture_delays_s(file, media.container, media.n_bytes)
        picture = open_picture(file, FORMATS[media.container])
        for index, start_s, end_s in _shown(delays):
            check()
            if not _seek(picture, index):
                break
            if wishes.met_by(end_s - 2e-4):
                n_yielded += 1
                yield Frame(index, start_s, to_rgb(picture))
            if wishes.next_s is None:
                return
    if not n_yielded:
        raise DamagedMediaError("No picture of the animation can be decoded.")


def _shown(delays: list[float]) -> Iterator[tuple[int, float, float]]:
    start_s = 0.0
    for index, delay in enumerate(delays):
        yield index, start_s, start_s + delay
        start_s += delay


def _seek(picture: Picture, index: int) -> bool:
    try:
        with decoding("A picture of the animation"):
            picture.seek(index)
            picture.load()
    except DamagedMediaError:
        return False
    return True
