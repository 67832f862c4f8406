from __future__ import annotations

from pathlib import Path

import pytest

from assay.media.tags import MAX_BLOCK_BYTES, MAX_REPEATS, MAX_TAG_CHARS, MAX_TAGS, Tags, read_tags
from tests.media.tag_makers import media_at


def test_many_long_and_repeated_tags_are_bounded() -> None:
    tags = Tags()
    for number in range(MAX_TAGS + 9):
        tags.add("png", "same", "text")
        tags.add("png", f"name {number}", "text")
    tags_of_one = Tags()
    tags_of_one.add("png", "long", "x" * (MAX_TAG_CHARS + 1))
    assert len(tags.found) == MAX_TAGS
    assert len(tags.texts("same")) == MAX_REPEATS
    assert len(tags_of_one.found[0].text) == MAX_TAG_CHARS


def test_blank_tags_are_not_kept() -> None:
    tags = Tags()
    tags.add("exif", "Make", " \x00\n")
    assert tags.found == []


def test_names_ignore_case_and_places_narrow() -> None:
    tags = Tags()
    tags.add("exif", "Software", "one")
    tags.add("png", "software", "two")
    assert tags.texts("SOFTWARE") == ["one", "two"]
    assert tags.texts("Software", places=("png",)) == ["two"]


def test_room_runs_out() -> None:
    tags = Tags()
    granted = [tags.spend(2 * MAX_BLOCK_BYTES) for _ in range(40)]
    assert granted[0] == MAX_BLOCK_BYTES
    assert granted[-1] == 0


def test_a_reader_that_raises_is_noted_once() -> None:
    tags = Tags()
    for _ in range(2):
        tags.attempt("EXIF", lambda: 1 / 0)
    assert tags.damaged == ["EXIF"]


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.tif", "a.gif", "a.heic", "a.mp4"])
@pytest.mark.parametrize(
    "data",
    [
        b"x",
        b"\xff\xd8\xff\xe1\x00",
        b"\x89PNG\r\n\x1a\n\xff\xff\xff\xfftEXt",
        b"RIFF\x00\x00\x00\x00WEBPEXIF\xff\xff\xff\xff",
        b"II*\x00\xff\xff\xff\xff",
        b"MM\x00*\x00\x00\x00\x04\xff\xff",
        b"GIF89a",
        b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00heicmif1",
        b"\x00\x00\x00\x18ftypavif\x00\x00\x00\x00avifmif1",
    ],
)
def test_stumps_never_raise(tmp_path: Path, name: str, data: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(data)
    assert read_tags(media_at(path)).found == []


def test_a_missing_file_raises(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"x")
    media = media_at(path)
    path.unlink()
    with pytest.raises(FileNotFoundError):
        read_tags(media)
