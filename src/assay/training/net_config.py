"""What one `assay train NET` run is told: the network, the data, the recipe. A TOML file, too."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from assay.errors import ConfigError
from assay.training.augment import chain_named
from assay.training.nets import net_named
from assay.training.nets.spec import Decay, Fit, Loss, NetSpec, Optimiser

DEVICES = ("auto", "cpu", "gpu")
KEYS = (
    *("kind", "name", "net", "data", "out", "cache", "device", "workers", "start"),
    *("split_seed", "fit", "arguments"),
)
SPLIT_SEED = 7
_WORDS = {"optimiser": Optimiser, "decay": Decay, "loss": Loss}
_COUNTS = {"epochs", "batch", "every", "n_frames"}
_POSITIVE = {"learning_rate", "fakes_per_real", "factor", "margin"}


@dataclass(frozen=True, slots=True)
class NetRun:
    """One resolved run. `data` is a data set's folder or a manifest.parquet; `out` receives
    everything; `fit` is the network's own recipe with what the user changed; `start` is a file of
    weights (of this network, or its public checkpoint) that training goes on from; `arguments` go
    to the network's `build`; `workers` processes load examples (None: by the device). `split_seed`
    divides a set that has no split: alike for every network, so that they are tested alike."""

    spec: NetSpec
    data: Path
    out: Path
    cache: Path
    fit: Fit
    device: str = "auto"
    workers: int | None = None
    start: Path | None = None
    split_seed: int = SPLIT_SEED
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The run's name: that of its folder."""
        return self.out.name


def run_of(stored: Mapping[str, Any]) -> NetRun:
    """The run that these keys describe. Raises ConfigError naming what is wrong with which."""
    _known(stored, KEYS, "a run has no key")
    for key in ("net", "data"):
        if not isinstance(stored.get(key), str) or not stored[key]:
            raise ConfigError(f"A run needs `{key}`, as text.")
    spec = net_named(stored["net"])
    device, workers = stored.get("device", "auto"), stored.get("workers")
    if device not in DEVICES:
        raise ConfigError(f"The device {device!r} is none of {', '.join(DEVICES)}.")
    if workers is not None and not (_whole(workers) and 0 <= workers <= 64):
        raise ConfigError(f"workers = {workers!r} is no number of processes.")
    split_seed = stored.get("split_seed", SPLIT_SEED)
    if not (_whole(split_seed) and 0 <= split_seed < 1 << 32):
        raise ConfigError(f"split_seed = {split_seed!r} is no seed.")
    paths = {key: _path(stored, key) for key in ("data", "out", "cache", "start")}
    return NetRun(
        spec=spec,
        data=paths["data"] or Path(),
        out=paths["out"] or Path("runs") / str(stored.get("name", spec.name)),
        cache=paths["cache"] or Path("cache") / "prepared",
        fit=_fit(_plain(spec), stored.get("fit", {})),
        device=device,
        workers=workers,
        start=paths["start"],
        split_seed=split_seed,
        arguments=_table(stored, "arguments"),
    )


def read_run(path: Path) -> NetRun:
    """The run of a TOML file of the kind "net". Raises ConfigError naming the file."""
    try:
        stored = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} is no usable training configuration: {error!r}.") from error
    try:
        return run_of(stored)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}", remedy=error.remedy) from error


def as_toml(run: NetRun) -> str:
    """The run as a file that `assay train FILE` runs again: every value that counts is in it."""
    head: dict[str, Any] = {
        "kind": "net",
        "net": run.spec.name,
        "data": str(run.data),
        "out": str(run.out),
        "cache": str(run.cache),
        "device": run.device,
        "workers": run.workers,
        "start": None if run.start is None else str(run.start),
        "split_seed": run.split_seed,
    }
    lines = [f"{key} = {_value(value)}" for key, value in head.items() if value is not None]
    lines += ["", "[fit]", *(f"{name} = {_value(value)}" for name, value in told(run.fit).items())]
    if run.arguments:
        lines += ["", "[arguments]"]
        lines += [f"{name} = {_value(value)}" for name, value in run.arguments.items()]
    return "\n".join(lines) + "\n"


def told(fit: Fit) -> dict[str, Any]:
    """A recipe as plain values; "none" is written as 0, which `read_run` reads back as none."""
    values = {one.name: getattr(fit, one.name) for one in fields(Fit) if one.name != "sure"}
    return {
        name: list(value) if isinstance(value, tuple) else 0 if value is None else value
        for name, value in values.items()
    }


def differing(text: str, other: str) -> list[str]:
    """The keys in which two such files differ; an unreadable one differs in everything."""
    try:
        one, two = (_flat(tomllib.loads(part)) for part in (text, other))
    except tomllib.TOMLDecodeError:
        return ["everything"]
    return sorted(key for key in one.keys() | two.keys() if one.get(key) != two.get(key))


def _plain(spec: NetSpec) -> Fit:
    """The network's recipe; assay's own networks, which learn from pairs by their own
    configurations, are trained on labels here."""
    own = spec.own and spec.fit.loss == "own"
    return replace(spec.fit, loss="binary") if own else spec.fit


def _fit(own: Fit, changes: Any) -> Fit:
    if not isinstance(changes, Mapping):
        raise ConfigError("[fit] is no table.")
    _known(changes, [one.name for one in fields(Fit)], "[fit] has no key")
    values = {name: _fit_value(own, name, value) for name, value in changes.items()}
    if "epochs" in values and "steps" not in values:
        values["steps"] = None  # who names epochs means epochs
    fit = replace(own, **values)
    chain_named(fit.augment)  # said before hours of preparing
    return fit


def _fit_value(own: Fit, name: str, value: Any) -> Any:
    if name in ("steps", "patience") and value == 0:
        return None
    kind = type(getattr(own, name)) if name not in ("steps", "patience") else int
    if kind is float and _whole(value):
        value = float(value)
    if kind is tuple and isinstance(value, list):
        value = tuple(float(one) if _whole(one) else one for one in value)
    fits = isinstance(value, kind) and (kind is bool or not isinstance(value, bool))
    if name in _WORDS:
        fits = value in get_args(_WORDS[name])
    if fits and kind in (int, float):
        fits = _in_range(name, value)
    if fits and kind is tuple:
        fits = len(value) == 2 and all(isinstance(b, float) and 0 <= b < 1 for b in value)
    if not fits:
        raise ConfigError(f"[fit] {name} = {value!r} cannot be used.")
    return value


def _in_range(name: str, value: float) -> bool:
    if not abs(value) < 1e12:  # NaN and infinity, too
        return False
    if name in _COUNTS or name in ("steps", "patience"):
        return value >= 1
    return value > 0 if name in _POSITIVE else value >= 0


def _known(stored: Mapping[str, Any], known: Any, said: str) -> None:
    for key in stored:
        if key not in known:
            near = get_close_matches(key, list(known), n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(known)}."
            raise ConfigError(f"{said} {key!r}.", remedy=hint)


def _path(stored: Mapping[str, Any], key: str) -> Path | None:
    value = stored.get(key)
    if value is None:
        return None
    if not isinstance(value, str) or not value or "\0" in value:
        raise ConfigError(f"{key} = {value!r} is no path.")
    return Path(value)


def _table(stored: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = stored.get(key, {})
    if not isinstance(value, dict):
        raise ConfigError(f"[{key}] is no table.")
    return dict(value)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_value(one) for one in value) + "]"
    if isinstance(value, str):
        # JSON's escapes are TOML's; only DEL must be escaped there and is not here.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value)


def _flat(stored: Mapping[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in stored.items():
        if isinstance(value, dict):
            flat |= {f"{key}.{name}": one for name, one in value.items()}
        else:
            flat[key] = value
    return flat
