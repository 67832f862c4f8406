"""Makers of small media. Each frame carries its own number as a row of black and white blocks."""

from __future__ import annotations

import struct
from typing import Any

import av
import numpy as np
from PIL import Image

N_BITS = 12


def numbered(number: int, size_px: tuple[int, int] = (192, 128)) -> np.ndarray:
    """A smooth picture with its number in binary along the top."""
    width, height = size_px
    y, x = np.mgrid[0:height, 0:width]
    rgb = np.stack([x * 200 // width + 20, y * 200 // height + 20, 128 + 0 * x], axis=2)
    block = width // N_BITS
    for bit in range(N_BITS):
        rgb[: height // 4, bit * block : (bit + 1) * block] = 235 if number >> bit & 1 else 20
    return rgb.astype(np.uint8)


def number_of(rgb: np.ndarray) -> int:
    """The number that a decoded frame carries."""
    block = rgb.shape[1] // N_BITS
    row = rgb[: rgb.shape[0] // 4].mean(axis=(0, 2))
    means = [row[bit * block + 2 : (bit + 1) * block - 2].mean() for bit in range(N_BITS)]
    return sum(1 << bit for bit, mean in enumerate(means) if mean > 128)


def tone(seconds: float, rate_hz: int, hz: float = 440.0) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)).astype(
        np.float32
    )


def encode_tone(container: Any, stream: Any, seconds: float, rate_hz: int) -> None:
    samples = tone(seconds, rate_hz)
    for start in range(0, len(samples), 960):
        piece = samples[start : start + 960][None]
        frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
        frame.sample_rate, frame.pts = rate_hz, start
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def picture(width: int = 160, height: int = 120) -> Image.Image:
    """A picture whose four corners differ: red, green, blue, yellow."""
    rgb = np.full((height, width, 3), 128, np.uint8)
    h, w = height // 4, width // 4
    rgb[:h, :w], rgb[:h, -w:] = (250, 10, 10), (10, 250, 10)
    rgb[-h:, :w], rgb[-h:, -w:] = (10, 10, 250), (250, 250, 10)
    return Image.fromarray(rgb)


def photo(width: int = 640, height: int = 480) -> Image.Image:
    """Smoothed noise: no two rows alike, as in a photograph."""
    rng = np.random.default_rng(1)
    small = rng.integers(0, 255, (height // 8, width // 8, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def box(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return struct.pack(">I", len(body) + 8) + kind + body


def find(data: bytes, kind: bytes) -> bytes:
    """The body of the first box of a kind, found by its name."""
    at = data.index(kind)
    return data[at + 4 : at - 4 + struct.unpack(">I", data[at - 4 : at])[0]]


def heic_of(mp4: bytes, size_px: tuple[int, int]) -> bytes:
    """The one HEVC frame of an MP4 in a minimal HEIC (ISO 23008-12): there is no free encoder."""
    hvcc, sample = box(b"hvcC", find(mp4, b"hvcC")), find(mp4, b"mdat")
    ispe = box(b"ispe", bytes(4), struct.pack(">II", *size_px))
    ipma = box(b"ipma", struct.pack(">IIHBBB", 0, 1, 1, 2, 0x81, 0x02))
    infe = box(b"infe", b"\2\0\0\0", struct.pack(">HH", 1, 0), b"hvc1", b"\0")
    parts = [
        box(b"hdlr", bytes(8), b"pict", bytes(13)),
        box(b"pitm", bytes(4), struct.pack(">H", 1)),
        box(b"iinf", bytes(4), struct.pack(">H", 1), infe),
        box(b"iprp", box(b"ipco", hvcc, ispe), ipma),
    ]
    head = box(b"ftyp", b"heic", bytes(4), b"mif1heic")

    def meta(offset: int) -> bytes:
        place = struct.pack(">HHH", 1, 0, 1) + struct.pack(">II", offset, len(sample))
        iloc = box(b"iloc", bytes(4), b"\x44\x00", struct.pack(">H", 1), place)
        return box(b"meta", bytes(4), *parts, iloc)

    offset = len(head) + len(meta(0)) + 8
    return head + meta(offset) + box(b"mdat", sample)


def rotated_mp4(data: bytes, quarter_turns: int) -> bytes:
    """Write a clockwise rotation into the track header's matrix (ISO 14496-12, 8.3.2)."""
    cos, sin = ((1, 0), (0, 1), (-1, 0), (0, -1))[quarter_turns]
    one = 1 << 16
    matrix = struct.pack(">9i", cos * one, sin * one, 0, -sin * one, cos * one, 0, 0, 0, 1 << 30)
    at = data.index(b"tkhd") + 4 + 40
    return data[:at] + matrix + data[at + 36 :]
