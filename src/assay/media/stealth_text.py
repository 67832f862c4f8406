"""Read the parameters that some generators hide in the lowest bits of a PNG's pixels."""

from __future__ import annotations

import io
import zlib
from typing import TYPE_CHECKING

from assay.media.png_text import inflate
from assay.media.tag_text import decode

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_PIXELS = 8_000_000
MAX_CHUNKS = 20_000
MAX_FILE_BYTES = 64 * 2**20
PIXEL_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")
MAX_HIDDEN_BYTES = 2**20
MARK_BYTES = 15
# Four marks of one length: in alpha or in the colours, plain or gzipped.
MARKS = {
    b"stealth_pnginfo": False,
    b"stealth_pngcomp": True,
    b"stealth_rgbinfo": False,
    b"stealth_rgbcomp": True,
}


def read_stealth_text(path: str) -> str:
    """The hidden text, "" where there is none or the picture is larger than 8 megapixels.

    Bits run down the columns, most significant first: mark, length in bits (32), text. Raises
    OSError or ValueError where the picture cannot be decoded.
    """
    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(_pixels_alone(path)), formats=("PNG",)) as picture:
        if picture.width * picture.height > MAX_PIXELS or picture.mode not in ("RGB", "RGBA"):
            return ""
        pixels = np.asarray(picture)
    columns = pixels.transpose(1, 0, 2)
    layers = [columns[:, :, 3].reshape(-1)] if pixels.shape[2] == 4 else []
    for layer in [*layers, columns[:, :, :3].reshape(-1)]:
        text = _hidden(layer)
        if text:
            return text
    return ""


def _pixels_alone(path: str) -> bytes:
    """The file without its texts, which Pillow would read whole and one by one."""
    kept = bytearray()
    with open(path, "rb") as file:
        kept += file.read(8)
        for _ in range(MAX_CHUNKS):
            header = file.read(8)
            n_bytes = int.from_bytes(header[:4], "big")
            if header[4:] in PIXEL_CHUNKS and len(kept) + n_bytes < MAX_FILE_BYTES:
                kept += header + file.read(n_bytes + 4)
            else:
                file.seek(n_bytes + 4, 1)
            if len(header) < 8 or header[4:] == b"IEND":
                return bytes(kept)
    raise ValueError("too many chunks")


def _hidden(layer: NDArray) -> str:
    import numpy as np

    lead = np.packbits(layer[: (MARK_BYTES + 4) * 8] & 1).tobytes()
    mark = lead[:MARK_BYTES]
    if mark not in MARKS:
        return ""
    n_bits = int.from_bytes(lead[MARK_BYTES : MARK_BYTES + 4], "big")
    start = (MARK_BYTES + 4) * 8
    n_bits = min(n_bits, MAX_HIDDEN_BYTES * 8)
    data = np.packbits(layer[start : start + n_bits] & 1).tobytes()
    return decode(inflate(data, MAX_HIDDEN_BYTES, zlib.MAX_WBITS | 16) if MARKS[mark] else data)
