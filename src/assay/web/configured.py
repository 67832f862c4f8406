"""The settings of a service: flag > `ASSAY_SERVE_*` > table [serve] of assay.toml > default.

The keys are the fields of Settings; times may be written as `7d`, sizes as `2GiB`.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from assay.errors import ConfigError
from assay.options import (
    SERVE_PREFIX,
    SERVE_TABLE,
    find_config,
    known_key,
    parse_switch,
    read_config,
)
from assay.web.settings import Settings

SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
BYTES = {"B": 1, "kB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
BYTES |= {"KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


def configured(
    flags: Mapping[str, object], environ: Mapping[str, str], start_folder: Path
) -> Settings:
    """Gather the settings from all places. Raises ConfigError naming the place.

    `flags` maps field names to values; None means that the flag was not given. The assay.toml
    that counts is the nearest one upward from `start_folder`.
    """
    values: dict[str, Any] = {"data": default_data(environ)}
    for name, value, source in _given(flags, environ, start_folder):
        try:
            values[name] = _PARSERS[name](value)
        except (ValueError, TypeError) as error:
            told = "…" if name == "database" else repr(value)  # it may hold a password
            raise ConfigError(f"{name} = {told}: {error} (set by {source})") from None
    return Settings(**values)


def default_data(environ: Mapping[str, str]) -> Path:
    """Where a service keeps what it is given: the same place from wherever it is started."""
    shared = environ.get("XDG_DATA_HOME") or ""
    base = Path(shared) if shared.startswith("/") else Path.home() / ".local" / "share"
    return base / "assay"


def _given(
    flags: Mapping[str, object], environ: Mapping[str, str], start_folder: Path
) -> Iterator[tuple[str, object, str]]:
    """(name, value, source) from the weakest place to the strongest; the last one counts."""
    path = find_config(start_folder)
    table = read_config(path).get(SERVE_TABLE, {}) if path is not None else {}
    if not isinstance(table, Mapping):
        raise ConfigError(f"{SERVE_TABLE} in {path} must be a table.")
    for key, value in table.items():
        yield _known(key, key, f"[{SERVE_TABLE}] of {path}"), value, str(path)
    for variable, text in environ.items():
        if variable.startswith(SERVE_PREFIX):
            key = variable.removeprefix(SERVE_PREFIX).lower()
            yield _known(key, variable, "the environment"), text, f"environment {variable}"
    for key, value in flags.items():
        if value is not None:
            yield _known(key, key, "the arguments"), value, "argument"


def _known(key: str, written: str, place: str) -> str:
    return known_key(key, written, place, Settings, SERVE_PREFIX)


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value:
        raise ValueError("a text is expected")
    return value.strip()


def _folder(value: object) -> Path:
    text = os.fsdecode(value) if isinstance(value, str | os.PathLike) else ""
    if not text or "\0" in text:
        raise ValueError("the path of a folder is expected")
    return Path(text).expanduser().absolute()


def _folders(value: object) -> tuple[str, ...]:
    parts = value.split(os.pathsep) if isinstance(value, str) else value
    if not isinstance(parts, list | tuple):
        raise ValueError("the paths of folders are expected")
    return tuple(dict.fromkeys(str(_folder(part)) for part in parts if part))


def _networks(value: object) -> tuple[str, ...]:
    """Addresses and networks; a word in their place would be trusted by nobody, or `*` by all."""
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or not all(isinstance(one, str) for one in parts):
        raise ValueError("addresses separated by commas are expected")
    found = tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))
    for one in found:
        ipaddress.ip_network(one)  # ValueError says what is wrong with it
    return found


def _whole(least: int, most: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        text = "" if isinstance(value, bool) else str(value).strip()
        if not re.fullmatch(r"\d{1,18}", text, re.ASCII) or not least <= int(text) <= most:
            raise ValueError(f"a whole number from {least} to {most} is expected")
        return int(text)

    return parse


def _measured(units: Mapping[str, int], example: str) -> Callable[[object], float]:
    """A parser of a number above zero with one of these units, or of one without."""

    def parse(value: object) -> float:
        text = "" if isinstance(value, bool) else str(value).strip()
        found = re.fullmatch(r"(\d{1,18}(?:\.\d{1,9})?) ?([A-Za-z]*)", text, re.ASCII)
        if found is None or (found[2] and found[2] not in units) or not float(found[1]) > 0:
            raise ValueError(f"a number above zero is expected, such as {example}")
        return float(found[1]) * units.get(found[2], 1)

    return parse


seconds = _measured(SECONDS, "90, 90s, 15min, 12h, 7d or 4w")
_sized = _measured(BYTES, "2GiB, 500MB or 1000000 (bytes)")


def n_bytes(value: object) -> int:
    """A size such as `500MB` in bytes. Raises ValueError."""
    return int(_sized(value))


def _bytes_or_none(value: object) -> int:
    return 0 if str(value).strip() == "0" else n_bytes(value)


def _keep(value: object) -> float | None:
    """How long; `forever` is None, which a flag can then say against an assay.toml."""
    return None if value == "forever" else seconds(value)


def _database(value: object) -> str:
    text = _text(value)
    if not re.match(r"(postgres(ql)?(\+pg8000)?|sqlite)://", text):
        raise ValueError("postgresql://USER@HOST/NAME is expected")
    return text


def _public(value: object) -> str:
    text = value.strip().rstrip("/") if isinstance(value, str) else "?"
    parts = urlsplit(text)
    if text and (parts.scheme not in ("http", "https") or not parts.hostname or parts.path):
        raise ValueError("https://HOST is expected, without a path")
    return text


_A_DAY_S = 86400.0


def _limit(value: object) -> float:
    number = seconds(value)
    if number > _A_DAY_S:
        raise ValueError("a day at most is expected")
    return number


_PARSERS: dict[str, Callable[[object], Any]] = {
    "data": _folder,
    "host": _text,
    "port": _whole(0, 65535),
    "database": _database,
    "n_workers": _whole(0, 256),
    "auth": parse_switch,
    "keep_s": _keep,
    "privacy": parse_switch,
    "max_queue": _whole(1, 10**7),
    "max_upload_bytes": n_bytes,
    "max_batch_files": _whole(1, 10**4),
    "min_free_bytes": _bytes_or_none,
    "time_limit_s": _limit,
    "memory_limit_bytes": n_bytes,
    "max_attempts": _whole(1, 100),
    "lost_after_s": _limit,
    "requests_per_minute": _whole(1, 10**6),
    "allow_urls": parse_switch,
    "allow_network": parse_switch,
    "allow_private_addresses": parse_switch,
    "bundles": _folders,
    "public_url": _public,
    "forwarded_from": _networks,
    "open_to_all": parse_switch,
}
