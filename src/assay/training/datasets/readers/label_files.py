"""Open the label files that sets come with: text, CSV and JSON, each line a stranger's."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from assay.errors import ConfigError
from assay.training.datasets.records import FakeSpan, What


def text_of(path: Path) -> str:
    """The file's text, without a byte order mark. Raises ConfigError naming the line of a bad byte
    or saying why the file cannot be read."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}.") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ConfigError(f"{path}, line {line}: this is no UTF-8 text.") from error


def lines_of(path: Path) -> Iterator[tuple[int, str]]:
    """(number from 1, text) of each line that is not empty; any line ending, no outer blanks."""
    for number, line in enumerate(text_of(path).split("\n"), start=1):
        if line.strip():
            yield number, line.strip()


def rows_of(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """(line, {column: value}) of each row of a CSV file with a header.

    Columns without a name are called "", further ones "+1", "+2"; values have no outer blanks.
    Raises ConfigError where one of `columns` is missing or a row has another number of fields.
    """
    reader = csv.reader(io.StringIO(text_of(path), newline=""), skipinitialspace=True)
    header: list[str] | None = None
    try:
        for row in reader:
            if not any(field.strip() for field in row):
                continue
            if header is None:
                header = _header(path, row, columns)
                continue
            # Some writers end each line with a comma.
            while len(row) > len(header) and not row[-1].strip():
                row.pop()
            if len(row) != len(header):
                raise ConfigError(
                    f"{path}, line {reader.line_num}: {len(row)} fields; the header has "
                    f"{len(header)}."
                )
            values = (value.strip() for value in row)
            yield reader.line_num, dict(zip(header, values, strict=True))
    except csv.Error as error:
        raise ConfigError(f"{path}, line {reader.line_num}: {error}.") from error
    if header is None:
        raise ConfigError(f"{path} is empty; it should have the columns {', '.join(columns)}.")


def _header(path: Path, row: list[str], columns: Sequence[str]) -> list[str]:
    names: list[str] = []
    for field in row:
        name = field.strip()
        extra = sum(1 for known in names if known == name or known.startswith(f"{name}+"))
        names.append(f"{name}+{extra}" if extra else name)
    missing = [column for column in columns if column not in names]
    if missing:
        shown = ", ".join(repr(name) for name in names)[:300]
        wanted = ", ".join(repr(name) for name in missing)
        raise ConfigError(f"{path}, line 1: there is no column {wanted}; there are {shown}.")
    return names


def json_of(path: Path, kind: type) -> Any:
    """The file's value, of this kind (dict or list). Raises ConfigError where it is another one,
    is cut short, or gives one key two different values."""
    text = text_of(path)

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            seen: dict[str, Any] = {}
            for key, value in pairs:
                if seen.setdefault(key, value) != value:
                    raise ConfigError(f"{path} says two different things of {key!r}.")
        return found

    try:
        value = json.loads(text, object_pairs_hook=unique)
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}, line {error.lineno}: {error.msg}.") from error
    except RecursionError as error:
        raise ConfigError(f"{path} is nested too deeply.") from error
    if not isinstance(value, kind):
        there = type(value).__name__
        raise ConfigError(f"{path} holds a {there} where a {kind.__name__} is expected.")
    return value


def inside(name: object, where: str) -> str:
    """A path as a label file gives it, with `/`, `./` removed. Raises ConfigError, naming
    `where`, for one that leaves the set's folder or is none."""
    if not isinstance(name, str) or not name.strip() or "\0" in name:
        raise ConfigError(f"{where}: {name!r} is no path.")
    parts = [part for part in name.strip().replace("\\", "/").split("/") if part != "."]
    if parts[0] == "" or parts[0].endswith(":") or ".." in parts:
        raise ConfigError(f"{where}: the path {name!r} leaves the set's folder.")
    return "/".join(part for part in parts if part)


def field_of(row: object, name: str, where: str) -> Any:
    """The field of an object of a JSON file. Raises ConfigError where there is none."""
    if not isinstance(row, dict):
        raise ConfigError(f"{where}: a {type(row).__name__} where an object is expected.")
    if name not in row:
        raise ConfigError(f"{where}: there is no field {name!r}.")
    return row[name]


def spans_of(pairs: object, what: What, where: str) -> tuple[FakeSpan, ...]:
    """Spans from a list of [start, end] in seconds. Raises ConfigError for anything else."""
    if not isinstance(pairs, list):
        raise ConfigError(f"{where}: {pairs!r} is no list of [start, end].")
    return tuple(_span(pair, what, where) for pair in pairs)


def _span(pair: object, what: What, where: str) -> FakeSpan:
    if isinstance(pair, list) and len(pair) == 2:
        start, end = pair
        numbers = type(start) in (int, float) and type(end) in (int, float)
        # Not a number is neither above nor below one.
        if numbers and 0 <= start <= end < math.inf:
            return FakeSpan(float(start), float(end), what)
    raise ConfigError(f"{where}: {str(pair)[:80]} is no span [start, end] in seconds.")
