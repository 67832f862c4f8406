from __future__ import annotations

from assay.media.iptc import read_iptc, read_photoshop
from assay.media.tags import Tags
from tests.media.tag_makers import iptc_record, photoshop_block


def test_wanted_records_are_kept_and_others_passed_over() -> None:
    tags = Tags()
    read_iptc(iptc_record(110, "A credit") + iptc_record(7, "x") + iptc_record(80, "Me"), tags)
    assert {tag.name: tag.text for tag in tags.found} == {"Credit": "A credit", "Byline": "Me"}


def test_resources_before_the_records_are_passed_over() -> None:
    tags = Tags()
    other = b"8BIM\x04\x0c\x03abc\x00\x00\x00\x03xyz\x00"
    read_photoshop(other + photoshop_block(iptc_record(120, "odd")), tags)
    assert tags.texts("Caption") == ["odd"]


def test_lengths_beyond_the_end_and_extended_records_end_the_reading() -> None:
    tags = Tags()
    read_iptc(b"\x1c\x02\x6e\x7f\xffcut", tags)
    read_iptc(b"\x1c\x02\x6e\x80\x04" + iptc_record(110, "hidden"), tags)
    assert [tag.text for tag in tags.found] == ["cut"]
