from __future__ import annotations

from pathlib import Path

from assay.web import acceptable_use

DOCUMENT = Path(__file__).parents[2] / "docs" / "acceptable-use.md"


def test_the_document_holds_the_same_text() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == acceptable_use.as_markdown()


def test_what_is_ruled_out_is_said() -> None:
    told = acceptable_use.as_markdown()
    for words in ("search for a face", "not proof", "purpose", "audit log", "person can object"):
        assert words in told
