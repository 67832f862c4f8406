"""Pictures as RGB: every colour mode, upright, refused from the header when too large."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from assay.errors import AssayError, DamagedMediaError, TooLargeError, UnsupportedMediaError
from assay.media.files import printable, reopen
from assay.media.png_pixels import without_texts
from assay.media.sniff import FORMATS, Format
from assay.types import Frame, Media

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from assay.types import Array

LEAST_SHARE = 0.5
"""Of a truncated picture at least this share must be there."""

_ORIENTATION, _SUBFILE, _SUB_IFDS, _DNG_VERSION = 0x0112, 0x00FE, 0x014A, 0xC612
_TURNS_CLOCKWISE_DEG = {3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270}
_MIRRORED = {2, 4, 5, 7}
_truncation = threading.Lock()


def open_picture(file: BinaryIO, form: Format) -> Picture:
    """Open a picture's header; no pixel is decoded.

    The plugin is called by name, since Pillow's own guard against bombs refuses before the size
    is known to us. Raises DamagedMediaError, TooLargeError, UnsupportedMediaError.
    """
    with decoding("The picture's header"):
        picture = _open_heif(file) if form.reader == "heif" else _open_plugin(file, form.plugin)
        if picture.width < 1 or picture.height < 1:
            raise DamagedMediaError("The picture has no pixels.")
        if form.plugin == "TIFF":
            _refuse_raw(picture)
    return picture


def _open_plugin(file: BinaryIO, plugin: str) -> Picture:
    from PIL import Image

    Image.init()
    # Notes on bad tags would land on stderr; a filter by module is safe between threads.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    file.seek(0)
    return Image.OPEN[plugin][0](without_texts(file) if plugin == "PNG" else file, "")


def _open_heif(file: BinaryIO) -> Picture:
    import pi_heif

    file.seek(0)
    container: Any = pi_heif.open_heif(file, convert_hdr_to_8bit=True)
    return _HeifPicture(container)  # type: ignore[return-value]


class _HeifPicture:
    """As much of a Pillow picture as is asked for here; libheif has turned it upright already."""

    format, is_animated, n_frames = "HEIF", False, 1

    def __init__(self, container: Any) -> None:
        self._container = container
        self.size, self.mode = container.size, container.mode
        self.width, self.height = container.size
        self.info: dict[str, Any] = {}

    def getexif(self) -> dict[int, int]:
        return {}

    def decoded(self) -> Picture:
        picture: Picture = self._container.to_pillow()
        return picture


def _refuse_raw(picture: Picture) -> None:
    tags = getattr(picture, "tag_v2", {})
    if _DNG_VERSION in tags or (tags.get(_SUBFILE) == 1 and _SUB_IFDS in tags):
        raise UnsupportedMediaError(
            "This is a camera's raw file, whose first picture is only a thumbnail.",
            remedy="Develop it to TIFF or JPEG.",
        )


@contextmanager
def decoding(what: str) -> Iterator[None]:
    """Turn whatever a decoder raises into the errors of assay."""
    try:
        yield
    except AssayError:
        raise
    except MemoryError as error:
        raise TooLargeError(f"{what} does not fit into memory.") from error
    except Exception as error:
        if type(error).__name__ == "DecompressionBombError":
            raise TooLargeError(f"{what} states a size that only a bomb has.") from error
        raise DamagedMediaError(f"{what} cannot be decoded.") from error


def orientation(picture: Picture) -> int:
    """The EXIF orientation, 1 (upright) to 8; 1 where there is none or it is broken."""
    from PIL import Image

    try:
        # Pillow's own method for PNG decodes the whole picture to look for tags behind it.
        tags = Image.Image.getexif if isinstance(picture, Image.Image) else type(picture).getexif
        value = tags(picture).get(_ORIENTATION, 1)  # type: ignore[arg-type]
        return int(value) if 1 <= int(value) <= 8 else 1
    except Exception:
        return 1


def turn_deg(value: int) -> int:
    """Degrees clockwise by which a picture of this EXIF orientation is turned to stand upright."""
    return _TURNS_CLOCKWISE_DEG.get(value, 0)


def upright(rgb: Array, value: int) -> Array:
    """Apply an EXIF orientation to (h, w, 3)."""
    import numpy as np

    if value == 1:
        return rgb
    # EXIF mirrors first where it does both; 5 and 7 are a mirror, then a quarter turn.
    mirrored = rgb[:, ::-1] if value in _MIRRORED else rgb
    turns = {4: 2, 5: 1, 7: 3}.get(value, -turn_deg(value) // 90)
    return np.ascontiguousarray(np.rot90(mirrored, turns))


def read_image(media: Media, max_megapixels: float) -> Frame:
    """Decode a picture to upright RGB.

    Alpha is laid over white, 16 bits are scaled to 8, the first page of several is taken. Of a
    truncated or damaged file what is there is decoded. Raises TooLargeError from the header alone,
    DamagedMediaError where less than half can be decoded, and the errors of `reopen`.
    """
    with reopen(media) as file:
        picture = open_picture(file, FORMATS[media.container])
        refuse_large(picture.size, max_megapixels, media.name)
        turn = orientation(picture)
        with decoding(f"The picture {printable(media.name)}"):
            rgb = _decode(picture, bool({"truncated", "damaged"} & set(media.notes)))
    return Frame(0, 0.0, upright(rgb, turn))


def refuse_large(size_px: tuple[int, int], max_megapixels: float, name: str) -> None:
    """Raise TooLargeError where width times height passes the limit."""
    megapixels = size_px[0] * size_px[1] / 1e6
    if megapixels > max_megapixels:
        raise TooLargeError(
            f"{printable(name)} has {size_px[0]} × {size_px[1]} pixels ({megapixels:.0f} "
            f"megapixels); the limit is {max_megapixels:g}."
        )


def _decode(picture: Picture, is_partial: bool) -> Array:
    if isinstance(picture, _HeifPicture):
        return to_rgb(picture.decoded())
    if not is_partial:
        picture.load()
        return to_rgb(picture)
    from PIL import ImageFile

    with _truncation:  # a switch of the whole process: held only as long as it takes
        before = ImageFile.LOAD_TRUNCATED_IMAGES
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        try:
            picture.load()
        finally:
            ImageFile.LOAD_TRUNCATED_IMAGES = before
    rgb = to_rgb(picture)
    if _share_decoded(rgb) < LEAST_SHARE:
        raise DamagedMediaError("Less than half of the picture is there.")
    return rgb


def _share_decoded(rgb: Array) -> float:
    """The share of rows above the flat filling that decoders put where data are missing."""
    flat = (rgb == rgb[-1, -1]).all(axis=(1, 2))
    return 1.0 - float(flat[::-1].argmin() if not flat.all() else len(flat)) / len(flat)


def to_rgb(picture: Picture) -> Array:
    """(h, w, 3) uint8 from a decoded picture of any mode."""
    import numpy as np
    from PIL import Image

    convert = _DEEP.get(picture.mode)
    if convert is not None:
        grey = convert(np.asarray(picture))
        return np.repeat(grey[:, :, None], 3, axis=2)
    if has_alpha(picture):
        layer = picture.convert("RGBA")
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        white.alpha_composite(layer)
        picture = white
    return np.array(picture if picture.mode == "RGB" else picture.convert("RGB"))


def has_alpha(picture: Picture) -> bool:
    """Whether some of it may be transparent."""
    return picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or (
        "transparency" in picture.info and picture.mode in ("P", "L", "RGB", "1")
    )


def is_deep(picture: Picture) -> bool:
    """Whether the decoded mode holds more than eight bits a channel."""
    return picture.mode in _DEEP


def _from_16_bit(grey: Any) -> Array:
    import numpy as np

    scaled: Array = ((grey.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return scaled


def _from_wide(grey: Any) -> Array:
    """Integers or floats without a fixed range: up to 1, 255, 65535, or the largest value."""
    import numpy as np

    values = np.nan_to_num(grey.astype(np.float64), posinf=0.0, neginf=0.0)
    top = float(values.max(initial=0.0))
    tops = (1.0, 255.0, 65535.0) if grey.dtype.kind == "f" else (255.0, 65535.0)
    white = next((limit for limit in tops if top <= limit), top)
    scaled: Array = np.clip(values * (255.0 / white) + 0.5, 0, 255).astype(np.uint8)
    return scaled


def _from_int(grey: Any) -> Array:
    # 16-bit pictures come as 32-bit integers too, so the range is 16 bits unless it is passed.
    import numpy as np

    clipped = np.maximum(grey, 0)
    return _from_16_bit(clipped) if clipped.max(initial=0) <= 65535 else _from_wide(clipped)


_DEEP: dict[str, Callable[[Any], Array]] = {
    "I;16": _from_16_bit,
    "I;16B": _from_16_bit,
    "I;16L": _from_16_bit,
    "I;16N": _from_16_bit,
    "I": _from_int,
    "F": _from_wide,
}
