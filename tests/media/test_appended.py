from __future__ import annotations

import io
import zipfile

import pytest

from assay.media.appended import end_of_jpeg, kind_of, note_appended
from assay.media.tags import Tags
from tests.media.tag_makers import jpeg, png, with_segment


def archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as held:
        held.writestr("a.txt", "hidden")
    return out.getvalue()


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (bytes(500), "padding"),
        (jpeg(), "picture"),
        (bytes(100) + jpeg(), "picture"),
        (bytes(20) + b"\x02\xd8\xff\xdb\x00\x84", "picture"),
        (b"\r\n--5D9144052FC5--", "upload mark"),
        (png(), "picture"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(90), "film"),
        (archive(), "archive"),
        (b"MZ\x90\x00" + bytes(90), "program"),
        (b"%PDF-1.7\n\xe2\xe3", "document"),
        (b"\x01\x02<?php system($_GET[0]);", "script"),
        (b"a plain note of some length", "text"),
        (bytes(range(1, 255)) * 2, "unknown"),
    ],
)
def test_kinds(data: bytes, kind: str) -> None:
    assert kind_of(data) == kind


def test_notes_of_phones_and_programs_are_known_by_their_end() -> None:
    assert kind_of(b"\x00\x00\x01\x0a\x0e", b"SEFH....SEFT") == "camera notes"
    assert kind_of(b"\x80\x01", b"....cbipcbbl") == "program notes"


@pytest.mark.parametrize("progressive", [False, True])
def test_the_end_of_a_jpeg_is_where_its_writer_stopped(progressive: bool) -> None:
    data = jpeg(progressive=progressive)
    assert end_of_jpeg(io.BytesIO(data + b"more"), 2) == len(data)


def test_an_end_mark_inside_a_segment_is_not_the_end() -> None:
    data = with_segment(jpeg(), 0xE5, b"\xff\xd9 not the end \xff\xd9")
    assert end_of_jpeg(io.BytesIO(data), 2) == len(data)


def test_a_cut_jpeg_has_no_end() -> None:
    assert end_of_jpeg(io.BytesIO(jpeg()[:-40]), 2) == 0


def test_a_marker_across_two_reads_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assay.media.appended.CHUNK_BYTES", 7)
    data = jpeg()
    assert end_of_jpeg(io.BytesIO(data), 2) == len(data)


def test_what_follows_is_noted_with_place_and_size() -> None:
    tags = Tags()
    note_appended(io.BytesIO(b"picture" + archive()), 7, tags)
    (found,) = tags.appended
    assert (found.kind, found.at_byte, found.n_bytes) == ("archive", 7, len(archive()))


def test_nothing_follows() -> None:
    tags = Tags()
    note_appended(io.BytesIO(b"picture"), 7, tags)
    assert tags.appended == []
