"""Read the invisible watermark that the published scripts of some generators write into pictures.

The scheme ("dwtDct" of the package invisible-watermark): the blue difference of the picture, one
level of the Haar wavelet, its coarse part in blocks of 4 by 4; in each block the largest value but
the first (no cosine transform is made, whatever the name says) is moved to a quarter or three
quarters of a step of 36, which says 0 or 1. Block k, counted row by row, carries bit k modulo the
message's length. "dwtDctSvd" moves the largest singular value of the block instead.

Scripts that hand over pictures of whole levels have the blue difference around 128, those that
hand over floats around 0.5, where the package takes magnitudes: read as the package itself reads,
a block whose difference is below zero then says the opposite. Both are read here.

Reading follows that, but a bit is not decided by whether most of its blocks say 1: flat and bright
pictures make all blocks say the same. Bits are ranked by how many of their blocks say 1, and the
highest are taken as ones, as many as the message has; so only the differences between the bits
count, and the probability that a picture without the message agrees so well is that of drawing
lots (hypergeometric).
Source: the package's documentation (MIT); Cox et al., Digital Watermarking, 2008 (quantisation
index modulation).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from assay.types import Array, FloatArray

STEP = 36.0
BLOCK = 4  # of the coarse part: 8 pixels of the picture
MIN_PX = 256 * 256  # the writer refuses smaller pictures
MAX_PX = 4_000_000  # read from the top: the blocks are counted from there
MAX_SVD_PX = 1_000_000
# (red, green, blue) weights of brightness, and of what the writer scales to its second channel.
LUMA = (0.299, 0.587, 0.114)
BLUE_DIFFERENCE = 0.492
MIN_TEXT_AGREEMENT = 0.9  # letters share their upper bits, so tiled pictures could agree halfway


@dataclass(frozen=True, slots=True)
class Message:
    """A message that a published program writes: `bits` of it, and who writes it."""

    name: str
    writer: str
    bits: tuple[int, ...]
    is_text: bool = False


def _of_text(text: str, writer: str) -> Message:
    bits = np.unpackbits(np.frombuffer(text.encode("ascii"), np.uint8))
    return Message(f'"{text}"', writer, tuple(int(bit) for bit in bits), True)


def _of_number(number: int, name: str, writer: str) -> Message:
    # The scripts write the digits of bin(number), which has no leading zeros.
    return Message(name, writer, tuple(int(digit) for digit in f"{number:b}"))


MESSAGES = (
    _of_text("StableDiffusionV1", "the reference scripts of Stable Diffusion 1"),
    _of_text("StableDiffusionV1-Inpainting", "the inpainting script of Stable Diffusion 1"),
    _of_text("SDV2", "the reference scripts of Stable Diffusion 2"),
    _of_text("InvokeAI", "the program InvokeAI"),
    _of_number(
        0b101100111110110010010000011110111011000110011110,
        "the 48-bit number of SDXL",
        "the reference scripts of SDXL and the library diffusers",
    ),
    _of_number(
        0b001010101111111010000111100111001111010100101110,
        "the 46-bit number of FLUX",
        "the reference scripts of FLUX",
    ),
)


@dataclass(frozen=True, slots=True)
class Way:
    """How a program handed its picture to the writer."""

    name: str
    floats: bool = False  # levels with fractions, the difference around 0.5 and not 128
    exchanged: bool = False  # red where the writer expects blue
    singular: bool = False  # the method dwtDctSvd


PLAIN = Way("dwtDct")
SINGULAR = Way("dwtDctSvd", singular=True)
FLOATS = Way("dwtDct, from floats", floats=True)
EXCHANGED = Way("dwtDct, from floats, red and blue exchanged", floats=True, exchanged=True)
WAYS = (PLAIN, SINGULAR, FLOATS, EXCHANGED)


@dataclass(frozen=True, slots=True)
class Reading:
    """How well one message agrees: `chance` is for one look, `chance_of_any` for all looks made."""

    message: Message
    way: Way
    n_agreeing: int
    n_plain: int  # bits as the package itself decides them, that agree
    chance: float
    chance_of_any: float

    @property
    def n_bits(self) -> int:
        """Length of the message."""
        return len(self.message.bits)


def read_watermarks(
    rgb: Array, n_pictures: int = 1, stored: tuple[FloatArray, FloatArray] | None = None
) -> list[Reading]:
    """Every published message in one picture, the least probable agreement first.

    `rgb` is (h, w, 3) uint8. `stored` is the colour as a JPEG stores it (media.stored_colour),
    which holds the message better than the decoded picture. `n_pictures` is in how many pictures
    of the file is looked; each look weakens `chance_of_any`. Empty where the picture has fewer than
    256 x 256 pixels.
    """
    height, width = rgb.shape[:2]
    if height * width < MIN_PX or min(height, width) < 2 * BLOCK:
        return []
    sources = [_colour_of(rgb)] if stored is None else [_colour_of(rgb), stored]
    n_looks = len(MESSAGES) * len(WAYS) * len(sources) * n_pictures
    found = []
    for source in sources:
        for way in WAYS:
            votes = _votes(source, way)
            found += [_reading(votes, message, way, n_looks) for message in MESSAGES]
    return sorted(found, key=lambda reading: reading.chance)


def is_found(reading: Reading, cut: float) -> bool:
    """Whether the message is there: hardly by chance, and a text nearly whole."""
    if reading.chance_of_any >= cut:
        return False
    return not reading.message.is_text or (
        reading.n_agreeing >= MIN_TEXT_AGREEMENT * reading.n_bits
    )


def _reading(votes: FloatArray, message: Message, way: Way, n_looks: int) -> Reading:
    bits = np.array(message.bits)
    means = votes_by_bit(votes, len(bits))
    n_ones = int(bits.sum())
    read = ranked_bits(means, n_ones)
    agreeing = int((read == bits).sum())
    chance = chance_of(len(bits), n_ones, int(read.sum()), int((read & bits).sum()))
    plain = int(((means * 255 > 127) == bits).sum())
    return Reading(message, way, agreeing, plain, chance, min(1.0, chance * n_looks))


def votes_by_bit(votes: FloatArray, n_bits: int) -> FloatArray:
    """(n_bits,) share of the blocks of each bit that say 1; 0.5 for a bit without blocks."""
    index = np.arange(len(votes)) % n_bits
    n_blocks = np.bincount(index, minlength=n_bits)
    sums = np.bincount(index, weights=votes, minlength=n_bits)
    shares: FloatArray = np.where(n_blocks > 0, sums / np.maximum(n_blocks, 1), 0.5).astype("f4")
    return shares


def ranked_bits(means: FloatArray, n_ones: int) -> Array:
    """(n,) uint8: 1 for the highest, as near to `n_ones` of them as ties allow.

    Tied bits are never told apart: a picture in which every block says the same has no ones, or
    only ones.
    """
    cut = np.sort(means)[::-1][min(n_ones, len(means) - 1)]
    fewer, more = means > cut, means >= cut
    closer = abs(int(fewer.sum()) - n_ones) <= abs(int(more.sum()) - n_ones)
    return (fewer if closer else more).astype(np.uint8)


def chance_of(n_bits: int, n_ones: int, n_drawn: int, n_right: int) -> float:
    """The probability that `n_drawn` of `n_bits`, drawn blindly, hit `n_right` ones or more."""
    ways = sum(
        math.comb(n_ones, right) * math.comb(n_bits - n_ones, n_drawn - right)
        for right in range(n_right, min(n_ones, n_drawn) + 1)
    )
    return ways / math.comb(n_bits, n_drawn)


def _votes(colour: tuple[FloatArray, FloatArray], way: Way) -> FloatArray:
    """(n,) of 0 and 1: what each block says, row by row."""
    blocks = _blocks(_coarse(colour, way))
    if way.singular:
        values = np.linalg.svd(blocks, compute_uv=False)[:, 0]
    else:
        values = np.abs(blocks).reshape(len(blocks), -1)[:, 1:].max(axis=1)
    votes: FloatArray = (np.mod(values, STEP) > STEP / 2).astype(np.float32)
    return votes


def _colour_of(rgb: Array) -> tuple[FloatArray, FloatArray]:
    """Blue and red minus brightness, each the mean of two by two pixels, in levels."""
    height, width = rgb.shape[:2]
    n_rows = min(height, max(2 * BLOCK, MAX_PX // width)) // 2 * 2
    part = rgb[:n_rows, : width // 2 * 2]
    luma = np.matmul(part, np.array(LUMA, dtype=np.float32), dtype=np.float32)
    return _halved(part[..., 2] - luma), _halved(part[..., 0] - luma)


def _halved(plane: FloatArray) -> FloatArray:
    pairs = plane[0::2] + plane[1::2]
    halved: FloatArray = (pairs[:, 0::2] + pairs[:, 1::2]) * np.float32(0.25)
    return halved


def _coarse(colour: tuple[FloatArray, FloatArray], way: Way) -> FloatArray:
    """(h / 2, w / 2) coarse part of the Haar wavelet of the writer's second channel, in levels."""
    blue, red = colour
    width = blue.shape[1]
    n_rows = max(2 * BLOCK, (MAX_SVD_PX if way.singular else MAX_PX) // (4 * width))
    # The writer leaves out what is beyond a multiple of four pixels.
    rows, columns = slice(0, min(n_rows, len(blue)) // 2 * 2), slice(0, width // 2 * 2)
    difference = blue[rows, columns]
    if way.exchanged:  # what the writer takes for blue is red, and brightness is weighed so too
        swing = np.float32(LUMA[0] - LUMA[2]) * (difference - red[rows, columns])
        difference = red[rows, columns] - swing
    middle = 0.5 if way.floats else 128.0
    coarse: FloatArray = 2 * (difference * np.float32(BLUE_DIFFERENCE) + np.float32(middle))
    return coarse


def _blocks(coarse: FloatArray) -> FloatArray:
    """(n, 4, 4) blocks, row by row; what is left at the right and below carries nothing."""
    rows, columns = coarse.shape[0] // BLOCK, coarse.shape[1] // BLOCK
    whole = coarse[: rows * BLOCK, : columns * BLOCK]
    blocks = whole.reshape(rows, BLOCK, columns, BLOCK).swapaxes(1, 2)
    return np.ascontiguousarray(blocks.reshape(-1, BLOCK, BLOCK))
