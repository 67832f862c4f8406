from __future__ import annotations

import io
import struct

import pytest

from assay.media.exif import read_exif
from assay.media.tags import Tags, read_tags
from tests.media.tag_makers import FORENSIC, jpeg, media_at

NOTES_AT = 200


def facts_of(make: str, notes: bytes) -> tuple[dict[str, str], Tags]:
    """What is read of a block with this make and these notes at byte NOTES_AT."""
    name = make.encode() + b"\x00"
    entries = struct.pack(">HHII", 0x010F, 2, len(name), 100)
    entries += struct.pack(">HHII", 0x927C, 7, len(notes), NOTES_AT)
    block = b"MM\x00*\x00\x00\x00\x08\x00\x02" + entries + bytes(4)
    block = block.ljust(100, b"\x00") + name
    tags = Tags()
    read_exif(io.BytesIO(block.ljust(NOTES_AT, b"\x00") + notes), tags)
    return {tag.name: tag.text for tag in tags.found if tag.place == "maker"}, tags


def directory(order: str, tag: int, text: bytes, text_at: int) -> bytes:
    return struct.pack(f"{order}HHHII", 1, tag, 2, len(text), text_at) + bytes(4) + text


def test_notes_whose_places_count_from_the_exif_block() -> None:
    text = b"Firmware Version 1.10\x00"
    notes = directory(">", 0x07, text, NOTES_AT + 18)
    assert facts_of("Canon", notes)[0] == {"Maker": "Canon", "Firmware": "Firmware Version 1.10"}


def test_notes_with_a_header_of_their_own() -> None:
    inner = b"II*\x00\x08\x00\x00\x00" + directory("<", 0x1D, b"2006123\x00", 26)
    facts, _ = facts_of("NIKON CORPORATION", b"Nikon\x00\x02\x10\x00\x00" + inner)
    assert facts == {"Maker": "Nikon", "Fits the make": "yes", "Serial number": "2006123"}


def test_notes_whose_places_count_from_themselves() -> None:
    notes = b"Apple iOS\x00\x00\x01MM" + directory(">", 0x11, b"8A-4E-LIVE\x00", 32)
    facts, _ = facts_of("Apple", notes)
    assert facts == {"Maker": "Apple", "Fits the make": "yes", "Live Photo": "8A-4E-LIVE"}


def test_notes_of_another_maker_than_the_make() -> None:
    facts, _ = facts_of("Canon", b"Apple iOS\x00\x00\x01MM\x00\x00")
    assert (facts["Maker"], facts["Fits the make"]) == ("Apple", "no")


def test_firmware_in_numbers() -> None:
    notes = b"Panasonic\x00\x00\x00" + struct.pack(">HHHI4s", 1, 2, 7, 4, b"\x00\x01\x00\x08")
    assert facts_of("Panasonic", notes + bytes(4))[0]["Firmware"] == "0.1.0.8"


def test_a_picture_instead_of_notes_is_a_preview() -> None:
    facts, tags = facts_of("Samsung Techwin", jpeg())
    assert facts == {"Maker": "a picture"}
    assert tags.previews == [("maker's preview", jpeg())]


def test_notes_that_a_program_moved_are_no_damage_of_the_file() -> None:
    facts, tags = facts_of("Canon", directory(">", 0x07, b"", 0xFFFFFF)[:8] + b"\xff" * 20)
    assert facts["Maker"] == "Canon"
    assert "State" in facts
    assert tags.damaged == []


@pytest.mark.parametrize("seed", range(20))
def test_noise_behind_any_lead_never_raises(seed: int) -> None:
    import numpy as np

    from assay.media.maker_notes import FORMS

    random = np.random.default_rng(seed)
    for form in FORMS:
        noise = random.integers(0, 256, 400, dtype=np.uint8).tobytes()
        _, tags = facts_of(form.makes[0], form.lead + noise)
        assert "maker notes" not in tags.damaged


# The same numbers as ExifRead 3.5.1 and exiftool's own test results give for these files.
@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("camera-exif/train-Canon_PowerShot_S40.jpg", {"Firmware": "Firmware Version 1.10"}),
        ("tag-variety/train-Canon.jpg", {"Serial number": "560018150", "Owner": "Phil Harvey"}),
        ("tag-variety/train-NikonD70.jpg", {"Shutter count": "526"}),
        ("tag-variety/train-OlympusE1.jpg", {"Camera id": "OLYMPUS DIGITAL CAMERA"}),
    ],
)
def test_files_of_real_cameras(name: str, facts: dict[str, str]) -> None:
    path = FORENSIC / name
    if not path.is_file():
        pytest.skip("the shared media folder is not there")
    found = {tag.name: tag.text for tag in read_tags(media_at(path)).found if tag.place == "maker"}
    assert facts.items() <= found.items()
    assert found.get("Fits the make", "yes") == "yes"
