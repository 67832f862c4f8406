from __future__ import annotations

import io
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from assay.errors import TooLargeError
from assay.media.tag_floods import MAX_TAGS, refuse_tag_flood
from tests.bad_input.metadata_makers import box, id3, info_list, mp4, waves

MANY = MAX_TAGS + 1


def flac(n_tags: int) -> bytes:
    body = struct.pack("<I", 1) + b"x" + struct.pack("<I", n_tags) + b"\x03\x00\x00\x00k=v" * n_tags
    return b"fLaC\x00\x00\x00\x22" + bytes(34) + b"\x84" + len(body).to_bytes(3, "big") + body


def ogg(n_tags: int) -> bytes:
    packet = b"OpusTags" + struct.pack("<I", 0) + struct.pack("<I", n_tags)
    packet += b"\x03\x00\x00\x00k=v" * n_tags
    pages = b""
    for start in range(0, len(packet), 255 * 255):
        part = packet[start : start + 255 * 255]
        sizes = [255] * (len(part) // 255) + ([len(part) % 255] if len(part) % 255 else [])
        pages += b"OggS" + bytes(10) + b"\x01\x00\x00\x00" + bytes(8) + bytes([len(sizes), *sizes])
        pages += part
    return pages


def matroska(n_tags: int) -> bytes:
    def element(kind: bytes, body: bytes) -> bytes:
        return kind + (len(body) | 1 << 56).to_bytes(8, "big") + body

    one = b"\x67\xc8\x88\x45\xa3\x81k\x44\x87\x81v"
    tags = element(b"\x12\x54\xc3\x67", element(b"\x73\x73", one * n_tags))
    return b"\x1a\x45\xdf\xa3\x80" + element(b"\x18\x53\x80\x67", tags)


def quicktime(n_tags: int) -> bytes:
    one = box(b"\xa9cmt", box(b"data", b"\x00\x00\x00\x01\x00\x00\x00\x00x"))
    return mp4(box(b"moov", box(b"udta", box(b"meta", bytes(4) + box(b"ilst", one * n_tags)))))


def ape(n_tags: int) -> bytes:
    return bytes(500) + b"APETAGEX" + struct.pack("<III", 2000, 32, n_tags) + bytes(12)


FORMS: dict[str, Callable[[int], bytes]] = {
    "flac": flac,
    "ogg": ogg,
    "matroska": matroska,
    "mp4": quicktime,
    "mp3": id3,
    "ape": ape,
    "wav": lambda n_tags: waves(info_list(n_tags)),
    "wav with id3": lambda n_tags: waves(
        b"id3 " + struct.pack("<I", len(id3(n_tags))) + id3(n_tags)
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_flood_is_refused_and_what_is_usual_is_not(form: str) -> None:
    for n_tags in (0, 3, 400):
        usual = io.BytesIO(FORMS[form](n_tags))
        refuse_tag_flood(usual, form, len(usual.getvalue()))
        assert usual.tell() == 0
    data = FORMS[form](MANY)
    with pytest.raises(TooLargeError, match="tags"):
        refuse_tag_flood(io.BytesIO(data), form, len(data))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.mov", "a.webm"])
def test_films_as_ffmpeg_writes_them_pass(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    codec = "libvpx" if name.endswith("webm") else "libx264"
    with av.open(str(path), "w") as container:
        for at in range(50):
            container.metadata[f"key{at}"] = "text"
        stream: Any = container.add_stream(codec, rate=10)
        stream.width = stream.height = 64
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        for packet in [*stream.encode(picture), *stream.encode()]:
            container.mux(packet)
    with path.open("rb") as file:
        refuse_tag_flood(file, name, path.stat().st_size)


@pytest.mark.parametrize("seed", range(6))
def test_damaged_bytes_never_raise_anything_else(seed: int) -> None:
    random = np.random.default_rng(seed)
    for form, make in FORMS.items():
        for _ in range(20):
            broken = np.frombuffer(make(20), np.uint8).copy()
            places = random.integers(0, min(len(broken), 200), 12)
            broken[places] = random.integers(0, 256, 12)
            data = broken[: int(random.integers(1, len(broken)))].tobytes()
            with suppress(TooLargeError):
                refuse_tag_flood(io.BytesIO(data), form, len(data))
