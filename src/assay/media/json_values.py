"""Objects and arrays out of a JSON report whose form nobody vouches for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def as_dict(value: Any) -> dict[str, Any]:
    """`value` where it is an object; an empty one for anything else a hostile report holds."""
    return value if isinstance(value, dict) else {}


def as_list(value: Any) -> list[Any]:
    """`value` where it is an array; an empty one for anything else a hostile report holds."""
    return value if isinstance(value, list) else []


def walk(tree: Any, limit: int = 20_000) -> Iterator[tuple[str, Any]]:
    """Every key of every object in `tree` with its value; at most `limit` nodes are visited."""
    waiting = [tree]
    while waiting and limit > 0:
        limit -= 1
        node = waiting.pop()
        if isinstance(node, dict):
            for key, value in node.items():
                yield str(key), value
                waiting.append(value)
        elif isinstance(node, list):
            waiting.extend(node)
