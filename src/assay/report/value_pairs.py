"""A mapping read from a file as pairs of words: what was measured, and its value."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assay.report.sanitise import plain, shortened
from assay.report.wording import measure_name

MAX_VALUES = 24
MAX_NAME = 80
MAX_VALUE_TEXT = 300


def value_pairs(values: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """The mapping as pairs of words, nested keys joined; bounded in number and length."""
    pairs: list[tuple[str, str]] = []
    for key, value in plain(values).items():
        name = measure_name(key)
        name = f"{prefix}{name[:1].lower()}{name[1:]}" if prefix else name
        if isinstance(value, dict):
            pairs.extend(value_pairs(value, f"{name}, "))
        elif value is not None and value != []:
            pairs.append((shortened(name, MAX_NAME), shortened(_in_words(value), MAX_VALUE_TEXT)))
    return pairs[:MAX_VALUES]


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(_in_words(item) for item in value[:MAX_VALUES])
    if isinstance(value, dict):
        pairs = list(value.items())[:MAX_VALUES]
        return "; ".join(f"{measure_name(key)}: {_in_words(item)}" for key, item in pairs)
    return str(value)
