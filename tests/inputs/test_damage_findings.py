from __future__ import annotations

import pytest

from assay.inputs import damage_findings as rules
from assay.media.tags import Appended, Tags
from tests.inputs.tag_cases import tags_with, told_by


@pytest.mark.parametrize("kind", list(rules.APPENDED))
def test_every_kind_of_appended_bytes_has_its_words(kind: str) -> None:
    tags = Tags(appended=[Appended(kind, 100, 20)])
    found = told_by(rules.appended, tags)["appended_data"]
    assert dict(found.values) == {"kind": kind, "at_byte": 100, "n_bytes": 20}
    usual = kind in ("padding", "picture", "film", "camera notes", "program notes", "upload mark")
    assert (found.severity == "info") is usual


def test_every_kind_that_is_told_apart_has_words() -> None:
    from assay.media.appended import KINDS

    assert {kind for _, kind in KINDS} <= set(rules.APPENDED)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("<script>alert(1)</script>", "code for web browsers"),
        ("<IMG SRC=x OnError=alert(1)>", "code for web browsers"),
        ("javascript:alert(1)", "code for web browsers"),
        ("a\x1b[2Jb", "terminal control sequences"),
        ("gpj.\u202eexe", "reversed reading direction"),
        ("seen\x00unseen", "hidden zero bytes"),
    ],
)
def test_text_that_acts(text: str, kind: str) -> None:
    found = told_by(rules.active_text, tags_with(("jpeg", "Comment", text)))["active_text"]
    assert dict(found.values) == {kind: ["jpeg:Comment"]}


@pytest.mark.parametrize(
    "text",
    [
        "A caption with 3 < 4 & 5 > 2",
        "\u05e9\u05dc\u05d5\u05dd \u200fand\u200e \u0633\u0644\u0627\u0645",
        "onward = forward",
        '{"class_type": "KSampler", "inputs": {}}',
        "two\nlines\tand a tab",
    ],
)
def test_ordinary_text_does_not(text: str) -> None:
    assert not told_by(rules.active_text, tags_with(("jpeg", "Comment", text)))
    assert not told_by(rules.active_text, tags_with(("maker", "Firmware", "\x1b[2J")))


def test_damage_and_size_name_their_blocks() -> None:
    tags = Tags(damaged=["XMP"], oversized=["a tEXt chunk: 9 bytes"])
    assert told_by(rules.damaged, tags)["damaged"].values == {"blocks": ["XMP"]}
    assert told_by(rules.oversized, tags)["oversized"].values == {"blocks": tags.oversized}
    assert not told_by(rules.damaged, Tags())
    assert not told_by(rules.oversized, Tags())


def test_nothing_is_not_suspicious() -> None:
    found = told_by(rules.nothing, tags_with(("container", "major_brand", "isom")))["none"]
    assert found.severity == "info"
    assert "not suspicious" in found.meaning
    assert "other" in told_by(rules.nothing, tags_with(("png", "Odd", "text")))
