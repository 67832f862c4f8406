"""Network architectures, never imported at inference: one file each, found by walking it."""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

from assay.errors import ConfigError

if TYPE_CHECKING:
    from assay.training.nets.spec import NetSpec


def discover() -> dict[str, NetSpec]:
    """All networks by name, sorted: each module's `NETS`; parts of networks have none.

    Raises ConfigError where two share a name.
    """
    found: dict[str, NetSpec] = {}
    for module in pkgutil.iter_modules(__path__):
        for net in getattr(importlib.import_module(f"{__name__}.{module.name}"), "NETS", ()):
            if net.name in found:
                raise ConfigError(f"Two networks are called {net.name!r}.")
            found[net.name] = net
    return dict(sorted(found.items()))


def net_named(name: str) -> NetSpec:
    """The network of that name. Raises ConfigError naming the nearest."""
    from difflib import get_close_matches

    known = discover()
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f"Did you mean {near[0]!r}?" if near else "See `assay nets`."
        raise ConfigError(f"There is no network {name!r}.", remedy=hint)
    return known[name]
