from __future__ import annotations

import io

import numpy as np

from assay.media.ogg_pages import OggPages, read_ogg
from tests.inputs.made_history import lossy, music


def ogg(seed: int) -> bytes:
    return lossy(music(3.0, 48_000, seed), 48_000, "libopus", 48_000, "ogg")[0]


def read(data: bytes) -> OggPages:
    return read_ogg(io.BytesIO(data), len(data))


def test_one_stream_is_no_chain() -> None:
    found = read(ogg(1))
    assert len(found.serials) == 1
    assert found.n_pages >= 3
    assert (found.chained, found.n_lost, found.whole) == (0, 0, True)


def test_a_stream_behind_another_is_a_chain() -> None:
    second = bytearray(ogg(2))
    first_serial = ogg(1)[14:18]
    other = bytes(b ^ 0x55 for b in first_serial)
    at = 0
    while (at := second.find(b"OggS", at)) >= 0:
        second[at + 14 : at + 18] = other
        at += 4
    found = read(ogg(1) + bytes(second))
    assert (len(found.serials), found.chained) == (2, 1)


def test_hostile_bytes_end_the_walk() -> None:
    data = ogg(1)
    assert not read(data[:-10]).whole
    assert not read(data + b"\0" * 2000).whole
    for bad in (b"", b"OggS", b"OggS" * 5000, np.random.default_rng(0).bytes(5000)):
        assert read(bad).n_pages <= 20_000
