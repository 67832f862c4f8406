from __future__ import annotations

import pytest

from assay.media.program_names import group_programs
from assay.media.tags import Tags


@pytest.mark.parametrize(
    ("program", "group"),
    [
        ("Adobe Photoshop CS5.1 Macintosh", "editing"),
        ("Snapseed 2.0", "editing"),
        ("DaVinci Resolve", "editing"),
        ("FaceApp", "retouching"),
        ("Lavf58.45.100", "encoder"),
        ("Lavc60.3.100 libx264", "encoder"),
        ("HandBrake 1.6.1", "encoder"),
        ("x264 - core 164 r3095", "encoder"),
        ("LAME3.100", "encoder"),
        ("OBS Studio (30.2.0)", "screen_recorder"),
        ("Bandicam 7.0", "screen_recorder"),
        ("ReplayKitRecording", "screen_recorder"),
        ("CapCut", "editing"),
        ("Ver.1.02", "software"),
        ("Nikon Transfer 1.1 W", "software"),
        ("gnome-screenshot", "software"),
    ],
)
def test_group_by_purpose(program: str, group: str) -> None:
    tags = Tags()
    tags.add("exif", "Software", program)
    assert [name for name, found in group_programs(tags).items() if found] == [group]


def test_tracks_are_named_by_every_writer_and_tell_nothing() -> None:
    tags = Tags()
    for name in ("VideoHandler", "SoundHandle", "Core Media Video", "Apple Sound Media Handler"):
        tags.add("stream", "handler_name", name)
    assert not any(group_programs(tags).values())


def test_a_track_of_a_known_program_tells() -> None:
    tags = Tags()
    tags.add("stream", "handler_name", "Mainconcept Video Media Handler")
    assert group_programs(tags)["encoder"] == ["Mainconcept Video Media Handler"]


def test_the_makers_own_notes_name_no_program() -> None:
    tags = Tags()
    tags.add("maker", "Firmware", "Firmware Version 1.0")
    assert not any(group_programs(tags).values())
