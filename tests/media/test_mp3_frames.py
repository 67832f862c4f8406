from __future__ import annotations

import io
import time

import numpy as np
import pytest

from assay.media.mp3_frames import Mp3Stream, read_mp3
from tests.inputs.made_history import lossy, music


def mp3(seconds: float = 2.0, rate_hz: int = 44_100, bit_rate: int = 128_000) -> bytes:
    return lossy(music(seconds, rate_hz), rate_hz, "libmp3lame", bit_rate, "mp3")[0]


def read(data: bytes) -> Mp3Stream:
    return read_mp3(io.BytesIO(data), len(data))


@pytest.mark.parametrize(("rate_hz", "bit_rate"), [(44_100, 128_000), (16_000, 32_000)])
def test_frames_and_the_tag_of_the_encoder(rate_hz: int, bit_rate: int) -> None:
    found = read(mp3(2.0, rate_hz, bit_rate))
    assert (found.rate_hz, found.n_channels) == (rate_hz, 1)
    assert set(found.bitrates) == {bit_rate // 1000}
    assert found.duration_s == pytest.approx(2.0, abs=0.2)
    assert found.stated_frames == found.n_frames
    assert found.encoder.startswith(("LAME", "Lav"))
    assert 500 < found.delay < 2000
    assert (found.starts, found.changes, found.junk_bytes, found.whole) == ([], [], 0, True)


def test_two_files_in_one_are_told_with_the_second() -> None:
    found = read(mp3(2.0) + mp3(1.5))
    assert found.starts == [pytest.approx(2.0, abs=0.2)]
    assert found.stated_frames is not None
    assert found.n_frames > found.stated_frames + 40
    other = read(mp3(2.0) + mp3(1.0, rate_hz=48_000))
    assert [what for _, what in other.changes] == ["44100 Hz becomes 48000 Hz"]


def test_a_cut_file_has_fewer_frames_than_it_says() -> None:
    data = mp3(3.0)
    found = read(data[: len(data) // 2])
    assert found.stated_frames is not None
    assert found.n_frames < 0.6 * found.stated_frames


def test_junk_and_tags_between_frames_are_stepped_over() -> None:
    data = mp3(1.0)
    found = read(data + b"\0" * 3000 + data)
    assert found.junk_bytes >= 2900
    assert found.n_frames > 60
    tagged = b"ID3\4\0\0\0\0\1\0" + bytes(128) + data + b"TAG" + bytes(125)
    assert read(tagged).starts == []


def test_hostile_bytes_are_answered_soon() -> None:
    rng = np.random.default_rng(0)
    started = time.monotonic()
    for data in (
        b"",
        b"\xff",
        b"\xff\xfb\x90\0" * 50_000,
        rng.bytes(300_000),
        b"ID3" + b"\x7f" * 40,
    ):
        found = read(data)
        assert found.duration_s >= 0
    data = bytearray(mp3(1.0))
    for place in rng.integers(0, len(data), 400):
        data[place] = 255
    read(bytes(data))
    assert time.monotonic() - started < 10
