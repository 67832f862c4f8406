from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay import __version__
from assay.errors import TooLargeError, UsageError
from assay.media.generator_traces import find_traces
from assay.media.probe import probe
from assay.media.tags import Tags, read_tags
from assay.training.forgeries import Forger, Forgery
from assay.training.marks import (
    Mark,
    encode_marked,
    encode_mask,
    mark_of,
    media_type,
    picture_format,
)
from tests.media.tag_makers import scene
from tests.real_faces import textured

FORMATS = ("JPEG", "PNG", "WEBP")
MARK = Mark("made/square", "Made", 7, "compositeSynthetic")


def tags_of(data: bytes, path: Path) -> Tags:
    path.write_bytes(data)
    return read_tags(probe(path))


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_carries_the_mark_in_xmp_and_in_words(form: str, tmp_path: Path) -> None:
    tags = tags_of(encode_marked(textured(60, 80), form, MARK), tmp_path / "file")
    assert tags.damaged == []
    assert tags.texts("Iptc4xmpExt:DigitalSourceType") == [
        "http://cv.iptc.org/newscodes/digitalsourcetype/compositeSynthetic"
    ]
    assert f"assay {__version__} forge" in tags.texts("Software", places=["exif"])
    assert tags.texts("xmp:CreatorTool") == [f"assay {__version__} forge"]
    for text in (*tags.texts("dc:description"), *tags.texts("ImageDescription")):
        assert "made/square" in text
        assert "seed: 7" in text
    if form != "WEBP":
        assert "seed: 7" in tags.texts("Comment")[0]
    assert {trace.generator for trace in find_traces(tags)} == {"assay forge"}


@pytest.mark.parametrize("form", FORMATS)
def test_the_picture_stays(form: str) -> None:
    rgb = np.asarray(scene())
    decoded = Image.open(io.BytesIO(encode_marked(rgb, form, MARK)))
    assert decoded.format == form
    difference = np.abs(np.asarray(decoded.convert("RGB")).astype(int) - rgb)
    assert difference.mean() < (0.01 if form == "PNG" else 3)


def test_a_hostile_name_breaks_no_tag(tmp_path: Path) -> None:
    mark = Mark('"><!ENTITY x>&\n\x00\ud800' * 9, "t", 1, "compositeSynthetic")
    for form in FORMATS:
        tags = tags_of(encode_marked(textured(60, 80), form, mark), tmp_path / "file")
        assert tags.damaged == []
        assert len(tags.texts("Iptc4xmpExt:DigitalSourceType")) == 1
        assert '"><!ENTITY x>&' in tags.texts("dc:description")[0]


@pytest.mark.parametrize(
    ("kind", "covered", "term"),
    [
        ("generated", 1.0, "trainedAlgorithmicMedia"),
        ("generated", 0.5, "compositeWithTrainedAlgorithmicMedia"),
        ("face_altered", 1.0, "compositeSynthetic"),
        ("edited", 0.1, "compositeSynthetic"),
    ],
)
def test_the_source_type_tells_drawn_from_mixed(kind: str, covered: float, term: str) -> None:
    rgb = textured(20, 20)
    mask = np.zeros((20, 20), np.float32)
    mask[: int(20 * covered)] = 1
    forger = Forger("made", "Made", kind, "picture", "own", lambda *_: forgery)  # type: ignore[arg-type]
    forgery = Forgery(rgb, rgb, mask, "")
    mark = mark_of(forger, forgery, 3)
    assert mark.source_type.endswith(f"/{term}")
    assert (mark.forger, mark.seed) == ("made", 3)


@pytest.mark.parametrize(
    ("name", "form"),
    [("a.jpg", "JPEG"), ("a.b.JPEG", "JPEG"), ("/x/a.PNG", "PNG"), ("a.webp", "WEBP")],
)
def test_the_suffix_decides_the_format(name: str, form: str) -> None:
    assert picture_format(name) == form
    assert media_type(form) in ("image/jpeg", "image/png", "image/webp")


@pytest.mark.parametrize("name", ["a", "a.gif", "a.mp4", ".png", "", "a.jpg/b", "-"])
def test_other_suffixes_are_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"\.jpg, \.png or \.webp"):
        picture_format(name)


def test_a_picture_too_long_for_its_format_is_refused() -> None:
    rgb = np.zeros((1, 16_384, 3), np.uint8)
    with pytest.raises(TooLargeError, match="16,383"):
        encode_marked(rgb, "WEBP", MARK)
    assert encode_marked(rgb, "PNG", MARK)


def test_the_mask_is_written_as_grey() -> None:
    mask = np.array([[0.0, 0.5], [1.0, 0.25]], np.float32)
    picture = Image.open(io.BytesIO(encode_mask(mask)))
    assert (picture.format, picture.mode) == ("PNG", "L")
    assert np.asarray(picture).tolist() == [[0, 128], [255, 64]]
