"""The Options of an examination as fields of a request: which may be set, and how far.

What is a path on the server's disk, or the operator's to decide, cannot come from outside:
`reference` is sent as a file, `camera`, `threads` and `fail_on` are not open at all, and trained
networks are asked for by the name of a folder that the operator opened (`Settings.bundles`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from assay.errors import ConfigError
from assay.options import OPERATING_POINTS, Options, from_fields
from assay.report.sanitise import shortened, visible
from assay.web.refusals import ForbiddenError, UnprocessableError
from assay.web.settings import Settings

# The most that may be asked for; `time_limit_s` is the operator's (`Settings.time_limit_s`).
HIGHEST = {
    "frames": 1024,
    "max_faces": 128,
    "max_megapixels": 400.0,
    "max_sound_s": 14_400.0,
    "detector_time_limit_s": 3600.0,
}
OPEN = (
    "operating_point",
    "time_range_s",
    "detectors",
    "bundles",
    "bundle_counts",
    "allow_network",
    "frames",
    "max_faces",
    "max_megapixels",
    "max_sound_s",
    "motion_s",
    "time_limit_s",
    "detector_time_limit_s",
    "stability",
    "heatmaps",
    "embed_sound",
    "embed_video",
)
_DEFAULT = Options()


@dataclass(frozen=True, slots=True)
class OptionField:
    """One field for a form or a schema: `kind` is switch, whole, number, choice or text."""

    name: str
    kind: str
    default: Any
    highest: float | None = None
    choices: tuple[str, ...] = ()


def open_fields(settings: Settings) -> list[OptionField]:
    """The fields that a request may set on this service."""
    closed = set() if settings.allow_network else {"allow_network"}
    closed |= set() if settings.bundles else {"bundles", "bundle_counts"}
    return [_described(name, settings) for name in OPEN if name not in closed]


def options_from(given: Mapping[str, str], settings: Settings) -> dict[str, Any]:
    """The fields that differ from the default, as JSON values.

    `given` are texts of a form, notation as on the command line; an empty one counts as absent.
    Raises UnprocessableError on an unknown field or a value that is out of range, ForbiddenError
    on what the operator keeps closed.
    """
    wanted = {name: text for name, text in given.items() if text.strip()}
    for name in wanted:
        _require_open(name, settings)
    folders = _folders(wanted.pop("bundles", ""), settings)
    try:
        options = from_fields(wanted, "the request")
    except ConfigError as error:
        raise UnprocessableError(quoted(str(error))) from None
    found = {name: _plain(getattr(options, name)) for name in OPEN if _is_set(options, name)}
    if folders:
        found["bundles"] = folders
    _require_within(found, settings)
    _require_known(found.get("detectors", ()))
    return found


def options_of(held: Mapping[str, Any]) -> Options:
    """The Options of a stored examination; raises ConfigError where a field is unknown to us."""
    known = {field.name for field in fields(Options)}
    unknown = set(held) - known
    if unknown:
        raise ConfigError(f"There is no option {sorted(unknown)[0]!r}.")
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in held.items()
    }
    return Options(**values)


def as_shown(held: Mapping[str, Any]) -> dict[str, Any]:
    """Stored options as they are told outside: folders of networks by their names."""
    shown = dict(held)
    if "bundles" in shown:
        shown["bundles"] = [Path(folder).name for folder in shown["bundles"]]
    return shown


def quoted(text: str) -> str:
    """What was sent, as a refusal may repeat it: short, on one line."""
    return shortened(visible(text), 300)


def _described(name: str, settings: Settings) -> OptionField:
    default = getattr(_DEFAULT, name)
    highest = settings.time_limit_s if name == "time_limit_s" else HIGHEST.get(name)
    if name == "time_limit_s":
        default = min(default, settings.time_limit_s)
    if name == "operating_point":
        return OptionField(name, "choice", default, choices=OPERATING_POINTS)
    if name == "bundles":
        names = tuple(Path(folder).name for folder in settings.bundles)
        return OptionField(name, "text", default, choices=names)
    kinds: tuple[tuple[type, str], ...] = ((bool, "switch"), (int, "whole"), (float, "number"))
    kind = next((kind for one, kind in kinds if isinstance(default, one)), "text")
    return OptionField(name, kind, default, highest)


def _require_open(name: str, settings: Settings) -> None:
    if name == "allow_network" and not settings.allow_network:
        raise ForbiddenError("This service lets no examination use the network.")
    if name in OPEN:
        return
    if name in {field.name for field in fields(Options)}:
        raise ForbiddenError(f"The option {name} is the operator's to decide.")
    near = get_close_matches(name, OPEN, n=1, cutoff=0.5)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    raise UnprocessableError(f"There is no field {quoted(name)!r}.{hint}")


def _folders(text: str, settings: Settings) -> list[str]:
    known = {Path(folder).name: folder for folder in reversed(settings.bundles)}
    names = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for name in names:
        if name not in known:
            there = ", ".join(sorted(known)) or "none"
            raise UnprocessableError(
                f"There is no trained network {quoted(name)!r}; there are: {there}."
            )
    return [known[name] for name in names]


def _is_set(options: Options, name: str) -> bool:
    return bool(getattr(options, name) != getattr(_DEFAULT, name))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _require_within(found: dict[str, Any], settings: Settings) -> None:
    """Refuse what is above the highest; the default never takes longer than the operator allows."""
    for name, highest in {**HIGHEST, "time_limit_s": settings.time_limit_s}.items():
        if name in found and found[name] > highest:
            raise UnprocessableError(f"{name} may be {highest:g} at most, got {found[name]:g}.")
    if "time_limit_s" not in found and _DEFAULT.time_limit_s > settings.time_limit_s:
        found["time_limit_s"] = settings.time_limit_s


def _require_known(names: Any) -> None:
    from assay.detectors import discover

    known = tuple(discover()) if names else ()
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}."
            raise UnprocessableError(f"There is no detector {quoted(name)!r}.", remedy=hint)
