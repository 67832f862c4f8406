from __future__ import annotations

import io
import struct

from PIL import ImageCms

from assay.media.jpeg_blocks import MAX_SEGMENTS, read_jpeg
from assay.media.tags import Tags
from tests.media.tag_makers import jpeg, with_segment


def tags_of(data: bytes) -> Tags:
    tags = Tags()
    read_jpeg(io.BytesIO(data), tags)
    return tags


def test_a_profile_in_its_segment() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert tags_of(jpeg(icc_profile=profile)).first("Profile description") == "sRGB built-in"


def test_a_large_preview_of_a_file_of_several_pictures() -> None:
    first, second = jpeg(), jpeg(quality=50)
    head = b"MPF\x00MM\x00*\x00\x00\x00\x08" + struct.pack(
        ">HHHII", 1, 0xB002, 7, 32, 8 + 2 + 12 + 4
    )
    # Offsets count from the header of the MPF block, which stands 10 bytes into the file.
    start = len(first) + len(head) + 4 + 32 + 4
    entries = struct.pack(">4I", 0x030000, len(first), 0, 0)
    entries += struct.pack(">4I", 0x010001, len(second), start - 10, 0)
    data = with_segment(first, 0xE2, head + bytes(4) + entries)
    assert len(data) == start
    tags = tags_of(data + second)
    assert tags.previews == [("large preview", second)]
    assert [one.kind for one in tags.appended] == ["picture"]


def test_nothing_follows_a_plain_picture() -> None:
    tags = tags_of(jpeg())
    assert (tags.appended, tags.damaged, tags.oversized) == ([], [], [])


def test_too_many_segments_are_told() -> None:
    data = jpeg()
    data = data[:2] + b"\xff\xe5\x00\x02" * (MAX_SEGMENTS + 1) + data[2:]
    assert any("segments" in note for note in tags_of(data).oversized)


def test_any_number_of_fill_bytes_may_stand_before_a_marker() -> None:
    data = with_segment(jpeg(), 0xFE, b"a comment")
    for n_fill in (1, 2, 3, 4 * 2**20, 4 * 2**20 + 1):
        assert tags_of(data[:2] + b"\xff" * n_fill + data[2:]).texts("Comment") == ["a comment"]
