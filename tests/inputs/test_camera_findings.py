from __future__ import annotations

import pytest

from assay.inputs import camera_findings as rules
from tests.inputs.tag_cases import tags_with, told_by


def test_a_camera_is_named_and_a_workflow_is_none() -> None:
    tags = tags_with(("exif", "Make", "Nikon"), ("exif", "Model", "D70"))
    assert told_by(rules.camera, tags)["camera"].values == {"make": "Nikon", "model": "D70"}
    assert not told_by(rules.camera, tags_with(("exif", "Make", "workflow:{}")))


def test_notes_that_fit_are_a_fact_and_others_are_worth_a_look() -> None:
    make, maker = ("exif", "Make", "Canon"), ("maker", "Maker", "Apple")
    fitting = tags_with(make, maker, ("maker", "Fits the make", "yes"))
    assert set(told_by(rules.maker_notes, fitting)) == {"maker_notes"}
    other = told_by(rules.maker_notes, tags_with(make, maker, ("maker", "Fits the make", "no")))
    assert other["maker_notes_disagree"].severity == "notable"
    assert other["maker_notes_disagree"].values == {"make": "Canon", "maker_of_notes": "Apple"}
    assert not told_by(rules.maker_notes, tags_with(make))


def test_serial_numbers_are_a_note_on_privacy() -> None:
    told = told_by(rules.serial_numbers, tags_with(("exif", "BodySerialNumber", "0620")))
    assert told["serial_number"].values == {"camera": "0620"}
    assert "protect" in told["serial_number"].meaning or "source" in told["serial_number"].meaning
    for text in ("0000000", "N/A", "-"):
        assert not told_by(rules.serial_numbers, tags_with(("exif", "BodySerialNumber", text)))


@pytest.mark.parametrize(
    ("make", "model", "name", "text", "is_told"),
    [
        ("Canon", "EOS 40D", "Software", "NIKON D70 Ver.1.0", True),
        ("Apple", "iPhone 14", "Software", "Samsung firmware", True),
        ("Canon", "EOS 40D", "Software", "Nikon Transfer 1.1 W", False),
        ("Canon", "EOS 40D", "Software", "Firmware Version 1.1", False),
        ("Canon", "EOS 40D", "Software", "Adobe Photoshop", False),
        ("LEICA", "D-LUX", "Software", "Panasonic 1.0", False),
        ("PENTAX", "K-1", "Software", "RICOH 1.0", False),
        ("Apple", "iPhone 12", "LensModel", "iPhone 12 back camera 4.2mm f/1.6", False),
        ("Apple", "iPhone 12", "LensModel", "iPhone 7 back camera 4mm f/1.8", True),
        ("Xiaomi", "Mi 9", "LensModel", "iPhone 7 back camera 4mm f/1.8", True),
        ("Apple", "iPhone 12 Pro", "LensModel", "iPhone 12 Pro back triple camera 6mm", False),
    ],
)
def test_parts_of_another_camera(
    make: str, model: str, name: str, text: str, is_told: bool
) -> None:
    tags = tags_with(("exif", "Make", make), ("exif", "Model", model), ("exif", name, text))
    assert ("camera_disagrees" in told_by(rules.make_and_software, tags)) is is_told


def test_a_size_that_is_not_the_pictures() -> None:
    def sized(width: str, height: str) -> object:
        return tags_with(("exif", "PixelXDimension", width), ("exif", "PixelYDimension", height))

    assert "size_disagrees" in told_by(rules.size, sized("4000", "3000"))  # type: ignore[arg-type]
    for pair in (("96", "96"), ("0", "96"), ("x", "96"), ("9" * 5000, "1")):
        assert not told_by(rules.size, sized(*pair))  # type: ignore[arg-type]


def test_a_composite_and_a_profile_are_facts() -> None:
    assert told_by(rules.composite, tags_with(("exif", "CompositeImage", "3")))
    assert not told_by(rules.composite, tags_with(("exif", "CompositeImage", "1")))
    profile = tags_with(("icc", "Profile description", "Display P3"))
    assert told_by(rules.colour_profile, profile)["colour_profile"].severity == "info"
