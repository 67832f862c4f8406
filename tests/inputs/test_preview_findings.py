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


@pytest.mark.parametrize("data", [b"\xff\xd8no picture", b"", jpeg()[:200]])
def test_a_damaged_preview_cannot_be_compared(picture: str, data: bytes) -> None:
    tags = Tags(previews=[("EXIF thumbnail", data)])
    assert previews(tags, replace(MEDIA, path=picture)) == ([], [])


def test_only_jpegs_are_compared(picture: str) -> None:
    tags = Tags(previews=[("EXIF thumbnail", jpeg(seed=4))])
    media = replace(MEDIA, path=picture, media_type="image/tiff")
    assert previews(tags, media) == ([], [])
