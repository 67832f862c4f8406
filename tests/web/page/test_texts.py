"""Words: all in one place, each used, each there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import assay.web
from assay.report import wording
from assay.web.page import texts
from assay.web.store.schema import STATUSES

WEB = Path(assay.web.__file__).parent
TEMPLATES = sorted((WEB / "templates").glob("*.html"))
SCRIPT = (WEB / "static" / "page.js").read_text(encoding="utf-8")
SOURCES = [*TEMPLATES, *sorted((WEB / "page").glob("*.py"))]
# Attributes that a reader hears or sees.
TOLD = ("alt", "aria-label", "aria-description", "aria-valuetext", "title", "placeholder")
# Keys that are put together from such a beginning and a code.
MADE = (
    "change.", "feedback.", "label.", "meaning.", "point.", "script.label.", "script.step.",
    "status.",
)  # fmt: skip


def own_words(template: str) -> list[str]:
    """What a template says without asking for a text."""
    plain = re.sub(r"\{#.*?#\}|\{%.*?%\}", " ", template, flags=re.S)
    plain = re.sub(r"\{\{.*?\}\}", " ", plain, flags=re.S)
    plain = re.sub(r"&\w+;", " ", plain)
    found = re.findall(rf"\b(?:{'|'.join(TOLD)})=\"([^\"]*)\"", plain)
    found += re.sub(r"<[^>]*>", "\n", plain).splitlines()
    words = [one.strip() for one in found if re.search(r"[A-Za-z]{2}", one)]
    return [one for one in words if one != "https://"]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_has_no_words_of_its_own(path: Path) -> None:
    assert own_words(path.read_text(encoding="utf-8")) == []


def test_the_check_of_words_can_fail() -> None:
    assert own_words('<p title="Two">{{ say("a.b") }} One</p><b>&nbsp;</b>') == ["Two", "One"]


def test_every_text_that_is_asked_for_is_there() -> None:
    for path in SOURCES:
        source = path.read_text(encoding="utf-8")
        for key in re.findall(r"""\bsay\(\s*["']([a-z0-9_.]+[a-z0-9_])["']\s*[),]""", source):
            assert key in texts.TEXTS, f"{path.name} asks for {key}"
    for key in re.findall(r"""\bsay\("([a-z0-9_.]+)"[,)]""", SCRIPT):
        assert key in texts.TEXTS, f"page.js asks for {key}"


def test_every_text_is_used() -> None:
    asked = "\n".join(
        path.read_text(encoding="utf-8") for path in SOURCES if path.name != "texts.py"
    )
    unused = [
        key for key in texts.TEXTS
        if f'"{key}"' not in asked + SCRIPT and f"'{key}'" not in asked
        and not key.startswith(MADE)
        and not re.fullmatch(r"examination\.(right|false_alarm|missed)_hint", key)
    ]  # fmt: skip
    assert unused == []


def test_verdicts_states_and_steps_have_words() -> None:
    for label in wording.LABELS:
        for key in (f"label.{label}", f"script.label.{label}", f"meaning.{label}"):
            assert texts.TEXTS[key]
        assert texts.TEXTS[f"label.{label}"] == texts.TEXTS[f"script.label.{label}"]
    assert all(texts.TEXTS[f"status.{status}"] for status in STATUSES)


def test_values_are_put_in_by_name() -> None:
    assert texts.say("frame.title", title="{x} <b>") == "{x} <b> – assay"
    with pytest.raises(KeyError):
        texts.say("there.is.none")
    assert set(texts.for_script()) == {key for key in texts.TEXTS if key.startswith("script.")}
