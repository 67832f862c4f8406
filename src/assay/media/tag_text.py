"""Text out of hostile files: decoded without raising, bounded, without control characters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

MAX_TEXT = 300
_UNWANTED = re.compile(
    # C0 and C1 controls, bidirectional overrides and isolates, zero-width marks, surrogates.
    "[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff\ufff0-\uffff]+"
)
_SPACES = re.compile(r"\s{2,}")


def clean_text(value: object, limit: int = MAX_TEXT) -> str:
    """One printable line of at most `limit` characters; what was cut is marked with `…`.

    Bytes are read as UTF-8, else as Latin-1. Characters that could redraw a terminal or turn the
    reading direction become spaces.
    """
    text = decode(value) if isinstance(value, bytes | bytearray) else str(value)
    text = _UNWANTED.sub(" ", text[: limit * 4])
    text = _SPACES.sub(" ", text).strip()
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def decode(raw: bytes | bytearray) -> str:
    """The bytes as text: UTF-8 where it fits, else Latin-1; never raises."""
    try:
        return bytes(raw).decode("utf-8")
    except UnicodeDecodeError:
        return bytes(raw).decode("latin-1")


def clean_values(values: Mapping[str, Any], limit: int = MAX_TEXT) -> dict[str, Any]:
    """`values` with every text cleaned and every empty entry dropped; lists keep 20 entries."""
    kept = {clean_text(key, 60): _clean(value, limit) for key, value in values.items()}
    return {key: value for key, value in kept.items() if value not in (None, "", [], {})}


def _clean(value: Any, limit: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return clean_values(value, limit)
    if isinstance(value, list | tuple):
        return [_clean(entry, limit) for entry in value[:20]]
    return clean_text(value, limit)
