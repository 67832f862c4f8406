"""Every word of the page, by key, in one place: a translation is another set of these tables.

Values are put in by name (`{n}`) and are escaped where a page prints them. Keys that begin with
`script.` are handed to the script.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

FRAME = {
    "frame.brand": "assay",
    "frame.title": "{title} – assay",
    "frame.skip": "Skip to the content",
    "frame.nav": "Main",
    "frame.home": "Examine",
    "frame.history": "History",
    "frame.cases": "Cases",
    "frame.about": "About",
    "frame.sign_out": "Sign out",
    "frame.use": "Acceptable use",
    "frame.footer": "A score is a measurement with an error rate, not a proof.",
    "frame.version": "assay {version}",
    "problem.title": "That did not work",
    "problem.missing": "There is nothing here",
    "problem.back": "Back to the start",
    "problem.code": "Status {status}, code {code}",
}

HOME: dict[str, str] = {}

EXAMINATION: dict[str, str] = {}

HISTORY: dict[str, str] = {}

ABOUT: dict[str, str] = {}

CASES: dict[str, str] = {}

SIGN_IN: dict[str, str] = {
    "sign_in.title": "Sign in",
    "sign_in.lead": "This service asks who you are. Sign in with a key that its operator gave you.",
    "sign_in.key": "Key",
    "sign_in.enter": "Sign in",
    "sign_in.wrong": "This key is not valid, or not any more.",
    "sign_in.wait": "There were too many wrong keys. Try again in {n} s.",
    "sign_in.where": "Keys begin with assay_. The operator makes one with: assay keys create.",
}

SCRIPT: dict[str, str] = {}

SECTIONS = (FRAME, HOME, EXAMINATION, HISTORY, ABOUT, CASES, SIGN_IN, SCRIPT)
TEXTS: Mapping[str, str] = MappingProxyType(
    {key: text for section in SECTIONS for key, text in section.items()}
)


def say(key: str, **values: object) -> str:
    """The text of this key with the values put in. Raises KeyError where there is none."""
    text = TEXTS[key]
    return text.format(**values) if values else text


def for_script() -> dict[str, str]:
    """What the script says, by key."""
    return {key: text for key, text in TEXTS.items() if key.startswith("script.")}
