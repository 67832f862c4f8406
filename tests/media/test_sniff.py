from __future__ import annotations

import io

import pytest

from assay.errors import UnsupportedMediaError
from assay.media.sniff import FORMATS, sniff, suffix_contradicts


def brand(major: bytes, *others: bytes) -> bytes:
    body = b"ftyp" + major + bytes(4) + b"".join(others)
    return (len(body) + 4).to_bytes(4, "big") + body + bytes(64)


@pytest.mark.parametrize(
    ("head", "container"),
    [
        (brand(b"heic", b"mif1"), "heic"),
        (brand(b"mif1", b"heic"), "heic"),
        (brand(b"mif1", b"avif"), "avif"),
        (brand(b"avis", b"avif"), "avif"),
        (brand(b"qt  "), "mov"),
        (brand(b"isom", b"avc1"), "mp4"),
        (brand(b"M4A "), "mp4"),
        (b"\0\0\0\x08free\0\0\0\x10mdat", "mov"),
        (b"II+\0" + bytes(60), "tiff"),
        (b"RF64\xff\xff\xff\xffWAVEds64", "wav"),
        (b"ID3\4\0\0\0\0\0\2xxfLaC", "flac"),
        (b"ID3\4\0\0\0\0\0\2xx\xff\xf1\x50\x80", "aac"),
        (b"ID3\4\0\0\0\0\0\2xx\xff\xfb\x90\0", "mp3"),
        ((b"\0\0\0\0G" + bytes(187)) * 6, "mpegts"),
    ],
)
def test_by_content(head, container):
    assert sniff(io.BytesIO(head)).container == container


@pytest.mark.parametrize(
    "head", [b"BM is how this text begins, and no bitmap", b"\xff\xff\xff\xff", b"G"]
)
def test_a_likeness_is_not_enough(head):
    with pytest.raises(UnsupportedMediaError):
        sniff(io.BytesIO(head))


def test_endings():
    assert suffix_contradicts(FORMATS["png"], "a.JPG")
    assert suffix_contradicts(FORMATS["mp4"], "invoice.pdf")
    for name in ("a.png", "a.PNG", "a", "png", "a.backup", "a."):
        assert not suffix_contradicts(FORMATS["png"], name)
