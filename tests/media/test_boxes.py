from __future__ import annotations

import io
import struct
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assay.media.boxes import MAX_BOXES, MAX_DEPTH, Edit, read_movie, walk_boxes
from tests.bad_input.makers import mp4
from tests.media.makers import box


def read(data: bytes) -> Any:
    return read_movie(io.BytesIO(data), len(data))


def test_a_file_of_our_own(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    mp4(path, n_frames=12)
    movie = read(path.read_bytes())
    assert movie.brand == "isom"
    assert movie.top == ("ftyp", "free", "mdat", "moov")
    assert movie.index_first is False
    assert movie.encoder.startswith("Lavf")
    assert movie.faults == ()
    (track,) = movie.tracks
    assert (track.handler, track.handler_name, track.codec) == ("vide", "VideoHandler", "mp4v")
    assert track.n_samples == 12
    assert len(track.steps) == 1
    assert track.media_duration_s == pytest.approx(1.0)
    assert track.edits[0].duration_s == pytest.approx(1.0)
    mp4(path, movflags="faststart")
    assert read(path.read_bytes()).index_first is True
    mp4(path, movflags="frag_keyframe+empty_moov")
    assert read(path.read_bytes()).n_fragments >= 1


def movie_with(*parts: bytes, version: int = 0) -> bytes:
    """A moov with dates of 2020 and one track whose clock has 1000 ticks a second."""
    seconds = int(
        (datetime(2020, 5, 4, tzinfo=UTC) - datetime(1904, 1, 1, tzinfo=UTC)).total_seconds()
    )
    form = ">B3xQQIQ" if version else ">B3xIIII"
    head = struct.pack(form, version, seconds, seconds, 1000, 9000)
    hdlr = box(b"hdlr", bytes(8), b"vide", bytes(12), b"Core Media Video\0")
    mdia = box(b"mdia", box(b"mdhd", head), hdlr)
    return box(b"moov", box(b"mvhd", head), box(b"trak", mdia, *parts))


@pytest.mark.parametrize("version", [0, 1])
def test_dates_and_edits_of_both_versions(version: int) -> None:
    entry = ">QqI" if version else ">IiI"
    edits = struct.pack(entry, 500, -1, 65536) + struct.pack(entry, 4000, 2500, 65536)
    elst = box(b"elst", bytes([version, 0, 0, 0]), struct.pack(">I", 2), edits)
    movie = read(movie_with(box(b"edts", elst), version=version))
    assert movie.created == datetime(2020, 5, 4, tzinfo=UTC)
    assert movie.duration_s == 9.0
    (track,) = movie.tracks
    assert track.handler_name == "Core Media Video"
    assert track.edits == (Edit(0.5, None), Edit(4.0, 2.5))


def test_sample_tables_are_summed_up() -> None:
    stts = box(b"stts", bytes(4), struct.pack(">IIIII", 2, 90, 40, 10, 41))
    stss = box(b"stss", bytes(4), struct.pack(">II", 1, 1))
    minf = box(b"minf", box(b"stbl", stts, stss))
    (track,) = read(movie_with(box(b"mdia", minf))).tracks
    assert (track.n_samples, track.steps, track.n_keys) == (100, ((40, 90), (41, 10)), 1)


def test_a_hundred_gigabytes_of_media_are_passed_over() -> None:
    class Huge(io.RawIOBase):
        """ftyp, an mdat of 100 GB that is not there, moov."""

        head = box(b"ftyp", b"mp42", bytes(4)) + struct.pack(">I4sQ", 1, b"mdat", 100 << 30)
        tail = movie_with()
        size = len(head) - 16 + (100 << 30) + len(tail)
        place = n_read = 0

        def seek(self, place: int, whence: int = 0) -> int:
            self.place = place
            return place

        def read(self, n: int = -1) -> bytes:
            start = self.size - len(self.tail)
            data = self.head[self.place :] if self.place < len(self.head) else b""
            if self.place >= start:
                data = self.tail[self.place - start :]
            self.n_read += min(n, len(data))
            return data[:n]

    file: Any = Huge()
    movie = read_movie(file, file.size)
    assert movie.top == ("ftyp", "mdat", "moov")
    assert movie.duration_s == 9.0
    assert file.n_read < 10_000


def deep(n: int) -> bytes:
    data = b""
    for _ in range(n):
        data = box(b"moov", data)
    return data


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (deep(40), "too_deep"),
        (box(b"free") * (MAX_BOXES + 10), "too_many"),
        (struct.pack(">I4s", 5, b"free"), "too_small"),
        (struct.pack(">I4sQ", 1, b"mdat", 3), "too_small"),
        (struct.pack(">I4sQ", 1, b"mdat", (1 << 64) - 1), "past_end"),
        (box(b"ftyp", b"isom") + struct.pack(">I4s", 900, b"moov"), "past_end"),
        (movie_with(*[box(b"edts", box(b"elst", b"\xff" * 60))]), ""),
        (movie_with()[:50], "past_end"),
        (b"\xff" * 5000, "past_end"),
        (b"", ""),
    ],
)
def test_lying_sizes_are_harmless(data: bytes, fault: str) -> None:
    started = time.monotonic()
    movie = read(data)
    assert time.monotonic() - started < 3
    assert fault in movie.faults or not fault
    assert movie.n_boxes <= MAX_BOXES


def test_every_cut_of_a_file_is_answered(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    mp4(path, movflags="faststart")
    data = path.read_bytes()
    for length in range(0, min(len(data), 1500), 7):
        read(data[:length])


def test_boxes_lie_within_their_parents() -> None:
    data = movie_with(struct.pack(">I4s", 1 << 30, b"edts"))
    found = list(walk_boxes(io.BytesIO(data), len(data)))
    assert all(one.end <= len(data) and one.depth < MAX_DEPTH for one in found)
    assert [one.kind for one in found if one.depth == 0] == ["moov"]


def test_unknown_boxes_are_named_and_control_codes_are_not_printed() -> None:
    movie = read(box(b"ftyp", b"isom", bytes(4)) + box(b"beam", b"x") + box(b"a\x1b[1", b""))
    assert "beam" in movie.unknown
    assert all(name.isprintable() for name in movie.unknown)
    assert all(name.isprintable() for name in movie.top)
