"""Whether an object is what the published schema says: the keywords that it uses, and no others.

For results that come from a process that may have been taken over; no package is needed for it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from assay.report.as_json import schema

TYPES: dict[str, Callable[[Any], bool]] = {
    "null": lambda value: value is None,
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: _is_number(value) and float(value).is_integer(),
    "number": lambda value: _is_number(value),
    "string": lambda value: isinstance(value, str),
    "array": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict),
}
Rule = Mapping[str, Any]


def faults(value: Any) -> Iterator[str]:
    """Where `value` (as `json.loads` gives it) differs from the schema; nothing where it fits.

    A number that is no number (NaN, infinite) fits nowhere. Nested deeper than Python recurses it
    raises RecursionError.
    """
    yield from _faults(value, _schema(), "result")


@lru_cache(maxsize=1)
def _schema() -> Rule:
    return schema()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _faults(value: Any, rule: Any, at: str) -> Iterator[str]:
    if rule is True or rule is False:
        if not rule:
            yield f"{at} should not be there"
        return
    if "$ref" in rule:
        yield from _faults(value, _schema()["$defs"][rule["$ref"].rpartition("/")[2]], at)
    if not _is_plain(value, rule):
        yield f"{at} is of another type or out of range"
    elif isinstance(value, dict):
        yield from _in_object(value, rule, at)
    elif isinstance(value, list):
        for index, one in enumerate(value if "items" in rule else ()):
            yield from _faults(one, rule["items"], f"{at}/{index}")
    yield from _combined(value, rule, at)


def _is_plain(value: Any, rule: Rule) -> bool:
    types = rule.get("type", list(TYPES))
    kinds = [types] if isinstance(types, str) else types
    if not any(TYPES[kind](value) for kind in kinds):
        return False
    if "const" in rule and value != rule["const"]:
        return False
    if "enum" in rule and value not in rule["enum"]:
        return False
    if _is_number(value):
        return bool(rule.get("minimum", value) <= value <= rule.get("maximum", value))
    if isinstance(value, str):
        fits = re.search(rule["pattern"], value) if "pattern" in rule else True
        return bool(fits) and len(value) >= rule.get("minLength", 0)
    if isinstance(value, list):
        return bool(rule.get("minItems", 0) <= len(value) <= rule.get("maxItems", len(value)))
    return True


def _in_object(value: dict[str, Any], rule: Rule, at: str) -> Iterator[str]:
    for name in rule.get("required", ()):
        if name not in value:
            yield f"{at}/{name} is missing"
    known = rule.get("properties", {})
    for name, held in value.items():
        place = f"{at}/{name[:40]}"
        yield from _faults(held, known.get(name, rule.get("additionalProperties", True)), place)


def _combined(value: Any, rule: Rule, at: str) -> Iterator[str]:
    for one in rule.get("allOf", ()):
        yield from _faults(value, one, at)
    if "oneOf" in rule and sum(_fits(value, one) for one in rule["oneOf"]) != 1:
        yield f"{at} fits none of its forms"
    if "not" in rule and _fits(value, rule["not"]):
        yield f"{at} is what it must not be"
    if "if" in rule:
        yield from _faults(
            value, rule.get("then" if _fits(value, rule["if"]) else "else", True), at
        )


def _fits(value: Any, rule: Any) -> bool:
    return next(_faults(value, rule, ""), None) is None
