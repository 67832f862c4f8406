"""Make text and values from a hostile file safe to write: no escapes, no NaN, nothing endless."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

MAX_TEXT = 4000
MAX_ITEMS = 1000
MAX_DEPTH = 12

# Direction overrides turn "gpj.exe" into "exe.jpg" on screen; U+2028/9 end a line in some readers;
# tag characters (U+E0000..) hide whole sentences.
_HIDDEN = frozenset(
    [0x061C, 0x200E, 0x200F, 0x2028, 0x2029, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
)


def _is_hidden(code: int) -> bool:
    return (
        code < 0x20
        or 0x7F <= code <= 0x9F
        or 0xD800 <= code <= 0xDFFF
        or 0xE0000 <= code <= 0xE007F
        or code in _HIDDEN
    )


def _escaped(code: int) -> str:
    if 0xDC80 <= code <= 0xDCFF:  # a byte that the file system could not decode (PEP 383)
        return f"\\x{code - 0xDC00:02x}"
    if code <= 0xFF:
        return {0x09: "\\t", 0x0A: "\\n", 0x0D: "\\r"}.get(code, f"\\x{code:02x}")
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def visible(text: str) -> str:
    r"""The text on one line, with what a terminal or a reader would act on spelled out.

    Control characters, newlines, direction overrides and undecodable bytes become `\x1b`, `\n`,
    `\u202e`, `\xff`; everything else stays.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(ord(c)) if _is_hidden(ord(c)) else c for c in text)


def shortened(text: str, limit: int = 80) -> str:
    """The text, its middle replaced by an ellipsis where it is longer than `limit`."""
    if len(text) <= limit:
        return text
    tail = limit // 3
    return f"{text[: limit - tail - 1]}…{text[-tail:]}"


def encodable(text: str) -> str:
    r"""The text with lone surrogates spelled out (`\xff`), so that it is valid UTF-8."""
    if len(text) > MAX_TEXT:
        text = f"{text[:MAX_TEXT]}… ({len(text) - MAX_TEXT} characters more)"
    return "".join(_escaped(ord(c)) if 0xD800 <= ord(c) <= 0xDFFF else c for c in text)


def finite(value: float | None) -> float | None:
    """The number as a float; None where it is absent, NaN or infinite."""
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def plain(value: Any, depth: int = 0) -> Any:
    """The value as JSON knows it: dict, list, str, int, float, bool or None.

    NaN and infinities become None, bytes become hexadecimal, what is unknown becomes its text.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return encodable(value)
    if depth >= MAX_DEPTH:
        return "…"
    if isinstance(value, Mapping):
        pairs = list(value.items())[:MAX_ITEMS]
        return {encodable(str(key)): plain(item, depth + 1) for key, item in pairs}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item, depth + 1) for item in list(value)[:MAX_ITEMS]]
    return _plain_leaf(value, depth)


def _plain_leaf(value: Any, depth: int) -> Any:
    if isinstance(value, int):
        # Python refuses to print integers of more than 4300 digits.
        return int(value) if value.bit_length() < 1000 else encodable(hex(value))
    if isinstance(value, float):
        return finite(value)
    if isinstance(value, (bytes, bytearray, memoryview)):
        return encodable(bytes(value[: MAX_TEXT // 2]).hex())
    if hasattr(value, "tolist"):  # a numpy scalar or array
        return plain(value.tolist(), depth + 1)
    return encodable(str(value))
