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
        ("Ver.1.02", "software"),
        ("Nikon Transfer 1.1 W", "software"),
        ("gnome-screenshot", "software"),
    ],
)
def test_group_by_purpose(program: str, group: str) -> None:
    tags = Tags()
    tags.add("exif", "Software", program)
    assert [name for name, found in group_programs(tags).items() if found] == [group]
