"""Files that an examiner is handed and would rather not be; each made from nothing."""

from __future__ import annotations

import os
import socket
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from PIL import Image


def scene(width: int = 144, height: int = 96) -> np.ndarray:
    """A landscape without anybody in it; (height, width, 3) uint8."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([x * 200 // width, y * 200 // height, 90 + 0 * x], axis=2).astype(np.uint8)


def jpeg(path: Path, width: int = 144, height: int = 96) -> None:
    Image.fromarray(scene(width, height)).save(path, "JPEG", quality=90)


def mp4(path: Path, n_frames: int = 12, **options: str) -> None:
    with av.open(os.fspath(path), "w", format="mp4", options=options) as container:
        stream = container.add_stream("mpeg4", rate=12)
        stream.width, stream.height, stream.pix_fmt = 144, 96, "yuv420p"
        for index in range(n_frames):
            frame = av.VideoFrame.from_ndarray(np.roll(scene(), 7 * index, axis=1), "rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def cut(make: Callable[[Path], None], keep: float) -> Callable[[Path], None]:
    """The same file with only its first part left."""

    def make_cut(path: Path) -> None:
        make(path)
        data = path.read_bytes()
        path.write_bytes(data[: int(len(data) * keep)])

    return make_cut


def encrypted_mp4(path: Path) -> None:
    key = "76a6c65c5ea762046bd749a2e632ccbb"
    scheme = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": key}
    mp4(path, encryption_kid="a7e61c373e219033c21091fa607bf3b8", **scheme)


def zero_frame_mp4(path: Path) -> None:
    """A header and a track without a sample: as a recorder leaves it that died at once."""
    mp4(path, n_frames=1)
    data = path.read_bytes()
    for table in (b"stsz", b"stts", b"stsc", b"stco"):
        at = data.index(table) + 4 + 4 + (4 if table == b"stsz" else 0)
        data = data[:at] + bytes(4) + data[at + 4 :]
    path.write_bytes(data)


def bomb_png(path: Path, side: int = 30_000) -> None:
    """Nine hundred million pixels in about a hundred kilobytes."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        sum_ = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + sum_

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    packer = zlib.compressobj(9)
    rows = packer.compress(bytes((side // 8 + 1) * side)) + packer.flush()
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", rows), chunk(b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def animated_gif(path: Path) -> None:
    frames = [Image.fromarray(np.roll(scene(), 9 * index, axis=1)) for index in range(6)]
    frames[0].save(path, "GIF", save_all=True, append_images=frames[1:], duration=100)


def png(path: Path, width: int = 144, height: int = 96) -> None:
    Image.fromarray(scene(width, height)).save(path, "PNG")


def noise(path: Path) -> None:
    path.write_bytes(np.random.default_rng(0).bytes(5000))


def unix_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.fspath(path))


def crowd(path: Path, portrait: Path) -> None:
    """Five hundred small faces in rows: one portrait again and again."""
    with Image.open(portrait) as opened:
        face = opened.convert("RGB").resize((72, 90))
    picture = Image.new("RGB", (25 * 76, 20 * 94), (120, 120, 120))
    for index in range(500):
        picture.paste(face, (index % 25 * 76, index // 25 * 94))
    picture.save(path, "JPEG", quality=92)
