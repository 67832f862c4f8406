"""Files as answers: ranges, names, types."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from fastapi.responses import StreamingResponse

from assay.web.api.file_answers import (
    BYTES,
    SHOWN,
    Part,
    begins,
    disposition,
    file_answer,
    part_of,
)
from assay.web.refusals import NotFoundError


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (None, (0, 10, False)),
        ("bytes=0-", (0, 10, True)),
        ("bytes=0-0", (0, 1, True)),
        ("Bytes=2-4", (2, 5, True)),
        ("bytes=8-100", (8, 10, True)),
        ("bytes=-3", (7, 10, True)),
        ("bytes=-30", (0, 10, True)),
        ("bytes=-", (0, 10, False)),
        ("bytes=4-2", (0, 10, False)),
        ("bytes=0-1,3-4", (0, 10, False)),
        ("lines=0-1", (0, 10, False)),
        ("bytes=" + "9" * 400 + "-", (0, 10, False)),
    ],
)
def test_one_range_is_answered_and_nonsense_ignored(
    asked: str | None, expected: tuple[int, int, bool]
) -> None:
    start, end, was_asked = expected
    assert part_of(asked, 10) == Part(start, end, 10, was_asked)


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=99-100", "bytes=-0"])
def test_what_lies_outside_is_none(asked: str) -> None:
    assert part_of(asked, 10) is None


def test_an_empty_file_has_no_range() -> None:
    assert part_of("bytes=0-", 0) is None
    assert part_of(None, 0) == Part(0, 0, 0, was_asked=False)


async def _read(answer: StreamingResponse) -> bytes:
    return b"".join([bytes(chunk) async for chunk in answer.body_iterator])  # type: ignore[arg-type]


def test_a_file_that_is_deleted_meanwhile_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 1_000_000)
    answer = file_answer(path, "image/png", "a.png", asked="bytes=10-")
    path.unlink()
    assert isinstance(answer, StreamingResponse)
    assert answer.status_code == 206
    assert asyncio.run(_read(answer)) == b"x" * 999_990
    assert answer.headers["content-range"] == "bytes 10-999999/1000000"


def test_a_range_of_another_file_gets_the_whole(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"0123456789")
    told = {"etag": '"a"', "asked": "bytes=5-"}
    assert file_answer(path, BYTES, "a", **told, if_range='"b"').status_code == 200
    assert file_answer(path, BYTES, "a", **told, if_range='"a"').status_code == 206


def test_a_file_that_is_gone_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError):
        file_answer(tmp_path / "none", BYTES, "a")


def test_a_name_cannot_end_the_header() -> None:
    told = disposition('a"\r\nSet-Cookie: x=1; \u202egpj.exe', inline=False)
    assert told.isascii()
    assert "\r" not in told
    assert "\n" not in told
    assert '"' not in told.removeprefix("attachment; filename*=UTF-8''")
    assert "u202e" in told


def test_nothing_that_holds_a_script_is_shown() -> None:
    for kind in ("text/html", "image/svg+xml", "application/pdf", "text/xml", "image/tiff"):
        assert kind not in SHOWN


def test_a_reading_begins_with_the_first_byte() -> None:
    assert begins(None)
    assert begins("bytes=0-")
    assert not begins("bytes=100-")
