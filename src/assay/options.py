"""One set of options; CLI flags, HTTP fields and API arguments are its three faces.

Order: argument > environment (`ASSAY_FRAMES=16`) > assay.toml > default. The assay.toml that counts
is the nearest one upward from the working directory; its keys stand at the top level and are the
fields of `Options`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from assay.errors import ConfigError

OPERATING_POINTS = ("far_0.1", "far_1", "far_5")
FAIL_ON = ("strong", "some", "inconclusive", "never")
MAX_MOTION_S = 30.0  # of faces frame by frame: up to 300 MB a person
CONFIG_NAME = "assay.toml"
ENVIRONMENT_PREFIX = "ASSAY_"
# What `assay serve` is told by (web/configured.py).
SERVE_PREFIX, SERVE_TABLE = "ASSAY_SERVE_", "serve"
# Not settings of an examination: where the shared media lie (tests, benchmarks), the trust list of
# the provenance detector, and what `assay forge` signs with.
OTHER_VARIABLES = (
    "ASSAY_SHARED",
    "ASSAY_C2PA_TRUST_ANCHORS",
    "ASSAY_FORGE_KEY",
    "ASSAY_FORGE_CERT",
)


@dataclass(frozen=True, slots=True)
class Options:
    """How one file is examined. Every field can be set by flag, `ASSAY_*` variable or assay.toml.

    `operating_point` names a measured false-alarm rate in percent ("far_1" = 1 %).
    `time_range_s` limits the examination to (start, end) in seconds. `detectors` names those to
    run, all when None. `reference` is a folder or file of known footage of one person, to compare
    faces with; `camera` is a folder of pictures from one camera, to compare its fingerprint with.
    `bundles` are folders of trained networks to examine with, beside assay's own; what they say
    is shown, and with `bundle_counts` the calibrated ones count in the verdict.
    `allow_network` lets a manifest be fetched from the address that the file names; without it
    nothing ever leaves the machine. `frames` is how many frames of a video are examined at most,
    `motion_s` how many seconds of it are followed frame by frame (0: none). `embed_sound` lets a
    report hold up to a minute of the sound, `embed_video` up to 20 s of small pictures. `fail_on`
    is the weakest label for which the command line ends with exit code 1. Raises ConfigError on a
    value out of range.
    """

    operating_point: str = "far_1"
    time_range_s: tuple[float, float] | None = None
    detectors: tuple[str, ...] | None = None
    reference: str | None = None
    camera: str | None = None
    bundles: tuple[str, ...] | None = None
    bundle_counts: bool = False
    allow_network: bool = False
    frames: int = 32
    max_faces: int = 16
    max_megapixels: float = 200.0
    max_sound_s: float = 1800.0
    motion_s: float = 12.0
    time_limit_s: float = 120.0
    detector_time_limit_s: float = 60.0
    stability: bool = True
    heatmaps: bool = True
    embed_sound: bool = True
    embed_video: bool = True
    threads: int = 0
    fail_on: str = "strong"

    def __post_init__(self) -> None:
        _require_one_of("operating_point", self.operating_point, OPERATING_POINTS)
        _require_one_of("fail_on", self.fail_on, FAIL_ON)
        if self.time_range_s is not None:
            start, end = self.time_range_s
            if not 0 <= start < end:
                raise ConfigError(
                    f"time_range_s {start}:{end} must start at 0 or later and end after."
                )
        for name in _ABOVE_ZERO:
            if not getattr(self, name) > 0:
                raise ConfigError(f"{name} must be above zero, got {getattr(self, name)!r}.")
        if not 0 <= self.motion_s <= MAX_MOTION_S:
            raise ConfigError(f"motion_s must lie in 0 to {MAX_MOTION_S:g}, got {self.motion_s!r}.")
        if self.threads < 0:
            raise ConfigError(f"threads must be 0 (all cores) or more, got {self.threads}.")


_ABOVE_ZERO = (
    "frames",
    "max_faces",
    "max_megapixels",
    "max_sound_s",
    "time_limit_s",
    "detector_time_limit_s",
)


def _require_one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise ConfigError(
            f"{name} {value!r} is none of {', '.join(known)}.{_nearest(str(value), known)}"
        )


@dataclass(frozen=True, slots=True)
class Resolved:
    """The options of a run and, by field name, where each value came from."""

    options: Options
    sources: Mapping[str, str]
    config_path: Path | None = None


def resolve(
    flags: Mapping[str, object], environ: Mapping[str, str], start_folder: Path
) -> Resolved:
    """Gather the options from all places. Raises ConfigError naming the place and the remedy.

    `flags` maps field names to values; None means that the flag was not given. `start_folder` is
    where the search for assay.toml begins.
    """
    config_path = find_config(start_folder)
    values: dict[str, Any] = {}
    sources = {field.name: "default" for field in fields(Options)}
    for name, value, source in _settings(flags, environ, config_path):
        values[name] = _checked(name, value, source)
        sources[name] = source
    return Resolved(Options(**values), sources, config_path)


def from_fields(given: Mapping[str, object], source: str) -> Options:
    """The options of these fields alone: neither the environment nor an assay.toml counts.

    `source` names where they came from, for the errors. Raises ConfigError.
    """
    named = {_known(name, name, source): value for name, value in given.items()}
    return Options(**{name: _checked(name, value, source) for name, value in named.items()})


def find_config(start_folder: Path) -> Path | None:
    """The nearest assay.toml in `start_folder` or above it, None where there is none."""
    start = start_folder.resolve()
    for folder in (start, *start.parents):
        if (folder / CONFIG_NAME).is_file():
            return folder / CONFIG_NAME
    return None


def _settings(
    flags: Mapping[str, object], environ: Mapping[str, str], config_path: Path | None
) -> Iterator[tuple[str, object, str]]:
    """(name, value, source) from the weakest place to the strongest; the last one counts."""
    if config_path is not None:
        for key, value in read_config(config_path).items():
            if key == SERVE_TABLE:
                continue
            yield _known(key, key, str(config_path)), value, str(config_path)
    for variable, text in environ.items():
        if variable.startswith(SERVE_PREFIX) or variable in OTHER_VARIABLES:
            continue
        if variable.startswith(ENVIRONMENT_PREFIX):
            key = variable.removeprefix(ENVIRONMENT_PREFIX).lower()
            yield _known(key, variable, "the environment"), text, f"environment {variable}"
    for key, value in flags.items():
        if value is not None:
            yield _known(key, key, "the arguments"), value, "argument"


def read_config(path: Path) -> dict[str, Any]:
    """What an assay.toml holds. Raises ConfigError."""
    import tomllib

    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}.") from error


def _known(key: str, written: str, place: str) -> str:
    return known_key(key, written, place, Options, ENVIRONMENT_PREFIX)


def known_key(key: str, written: str, place: str, settings: type, prefix: str) -> str:
    """`key` where it is a field of the dataclass `settings`; ConfigError names the nearest else.

    `written` is how it stands in `place`: a variable has the `prefix` before it.
    """
    names = tuple(field.name for field in fields(settings))
    if key in names:
        return key
    near = _nearest(key, names, prefix if written != key else "")
    raise ConfigError(f"Unknown setting {written!r} in {place}.{near}")


def _nearest(word: str, known: tuple[str, ...], prefix: str = "") -> str:
    import difflib

    matches = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    if not matches:
        return ""
    name = prefix + matches[0].upper() if prefix else matches[0]
    return f" Did you mean {name!r}?"


def _checked(name: str, value: object, source: str) -> Any:
    """The value in its field's type and range; the error says where the value was set."""
    try:
        parsed = _PARSERS[name](value)
        probe: dict[str, Any] = {name: parsed}
        Options(**probe)
    except ConfigError as error:
        raise ConfigError(f"{error} (set by {source})") from None
    except (ValueError, TypeError) as error:
        raise ConfigError(f"{name} = {value!r}: {error} (set by {source})") from None
    return parsed


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a text is expected")
    return value.strip()


def _place(value: object) -> str:
    text = os.fsdecode(value) if isinstance(value, str | os.PathLike) else ""
    if not text or "\0" in text:
        raise ValueError("the path of a file or folder is expected")
    return text


def _places(value: object) -> tuple[str, ...]:
    """Paths from a list, or from a text in which the system's path separator divides them."""
    if isinstance(value, str):
        value = [part for part in value.split(os.pathsep) if part]
    if not isinstance(value, (list, tuple)) or not value:
        raise ValueError("the path of at least one folder is expected")
    return tuple(dict.fromkeys(_place(part) for part in value))


def _whole_number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        raise ValueError("a whole number is expected")
    try:
        return int(value)
    except ValueError:
        raise ValueError("a whole number is expected") from None


def _number(value: object) -> float:
    try:
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            raise ValueError
        number = float(value)
    except (ValueError, OverflowError):
        raise ValueError("a number is expected") from None
    if not math.isfinite(number):
        raise ValueError("a finite number is expected")
    return number


_SWITCHES = {"1": True, "true": True, "yes": True, "on": True}
_SWITCHES |= {"0": False, "false": False, "no": False, "off": False}


def parse_switch(value: object) -> bool:
    """True or false, as it is written in any of our places. Raises ValueError."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _SWITCHES:
        return _SWITCHES[value.strip().lower()]
    raise ValueError("true or false is expected")


def _names(value: object) -> tuple[str, ...]:
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)) or not all(isinstance(part, str) for part in parts):
        raise ValueError("names separated by commas are expected")
    names = tuple(part.strip() for part in parts if part.strip())
    if not names:
        raise ValueError("at least one name is expected")
    return tuple(dict.fromkeys(names))


def parse_time_range(value: object) -> tuple[float, float]:
    """(start, end) in seconds from "12:30.5" (seconds), "0:12-1:05", "0:12:1:05" or a pair.

    Two times in one notation: seconds:seconds, m:ss:m:ss or h:mm:ss:h:mm:ss; a hyphen between
    them may mix notations. Raises ValueError.
    """
    if isinstance(value, (list, tuple)) and len(value) == 2:
        return _number(value[0]), _number(value[1])
    if not isinstance(value, str):
        raise ValueError("a range such as 12:30 (seconds) or 0:12-1:05 is expected")
    first, hyphen, second = value.strip().partition("-")
    if not hyphen:
        parts = value.strip().split(":")
        if len(parts) % 2:
            raise ValueError("two times of one notation are expected: 12:30, 0:12:1:05, 0:12-1:05")
        half = len(parts) // 2
        first, second = ":".join(parts[:half]), ":".join(parts[half:])
    return _clock_time(first), _clock_time(second)


def _clock_time(text: str) -> float:
    *larger, seconds = text.strip().split(":")
    total = 0.0
    for part in larger:
        total = total * 60 + _whole_number(part)
    if larger and not 0 <= _number(seconds) < 60:
        raise ValueError(f"{text!r} has {seconds} seconds; after a minute they lie below 60")
    return (total * 60 if larger else 0.0) + _number(seconds)


_PARSERS = {
    "operating_point": _text,
    "time_range_s": parse_time_range,
    "detectors": _names,
    "reference": _place,
    "camera": _place,
    "bundles": _places,
    "bundle_counts": parse_switch,
    "allow_network": parse_switch,
    "frames": _whole_number,
    "max_faces": _whole_number,
    "max_megapixels": _number,
    "max_sound_s": _number,
    "motion_s": _number,
    "time_limit_s": _number,
    "detector_time_limit_s": _number,
    "stability": parse_switch,
    "heatmaps": parse_switch,
    "embed_sound": parse_switch,
    "embed_video": parse_switch,
    "threads": _whole_number,
    "fail_on": _text,
}
