from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from assay.inputs.preview_findings import previews
from assay.media.tags import Tags
from tests.inputs.tag_cases import MEDIA
from tests.media.tag_makers import jpeg


@pytest.fixture
def picture(tmp_path: Path) -> str:
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg())
    return str(path)


def test_a_preview_of_another_picture_is_told_and_shown(picture: str) -> None:
    tags = Tags(previews=[("EXIF thumbnail", jpeg(seed=4)), ("large preview", jpeg(quality=40))])
    (found,), (view,) = previews(tags, replace(MEDIA, path=picture))
    assert (found.code, found.severity) == ("metadata_thumbnail_disagrees", "notable")
    assert found.values["preview"] == "EXIF thumbnail"
    assert found.values["likeness"] < 0.7
    assert found.innocent_causes
    assert not view.over
    assert view.rgb is not None
    assert view.rgb.shape == (320, 648, 3)
    assert "proves nothing" in view.weakness
    assert "96 x 96" in view.caption


@pytest.mark.parametrize("orientation", [1, 6])
def test_an_exchanged_part_is_told_with_its_place(picture: str, orientation: int) -> None:
    from PIL import Image

    whole = Image.open(picture).convert("RGB")
    changed = whole.copy()
    part = whole.crop((60, 20, 84, 44))
    changed.paste(part.point(lambda value: 255 - value), (60, 20))
    changed.save(picture, quality=92)
    tags = Tags(previews=[("EXIF thumbnail", jpeg(quality=70))])
    tags.add("exif", "Orientation", str(orientation))
    (found,), (view,) = previews(tags, replace(MEDIA, path=picture))
    assert (found.code, found.severity) == ("metadata_thumbnail_differs_in_part", "notable")
    assert found.innocent_causes
    assert found.region is not None
    assert found.region.box_px is not None
    x0, y0, x1, y1 = found.region.box_px
    middle = ((x0 + x1) / 2, (y0 + y1) / 2)
    # Turned upright by a quarter to the right, (72, 32) of 96 x 96 lies at (96 - 32, 72).
    place = (72, 32) if orientation == 1 else (64, 72)
    assert max(abs(middle[0] - place[0]), abs(middle[1] - place[1])) < 16
    assert view.rgb is not None


@pytest.mark.parametrize("data", [b"\xff\xd8no picture", b"", jpeg()[:200]])
def test_a_damaged_preview_cannot_be_compared(picture: str, data: bytes) -> None:
    tags = Tags(previews=[("EXIF thumbnail", data)])
    assert previews(tags, replace(MEDIA, path=picture)) == ([], [])


def test_only_jpegs_are_compared(picture: str) -> None:
    tags = Tags(previews=[("EXIF thumbnail", jpeg(seed=4))])
    media = replace(MEDIA, path=picture, media_type="image/tiff")
    assert previews(tags, media) == ([], [])
