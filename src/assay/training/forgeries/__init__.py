"""The forgery lab: one file per forgery, each with the mask of what was changed."""

from __future__ import annotations

import importlib
import pkgutil

from assay.training.forgeries.forgery import Forger, Forgery, Subject

__all__ = ["Forger", "Forgery", "Subject", "discover"]


def discover() -> dict[str, Forger]:
    """All forgers by name, sorted: the `FORGER` of every module in this folder that has one.

    Raises RuntimeError when two share a name.
    """
    found: dict[str, Forger] = {}
    for module_info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        forger = getattr(module, "FORGER", None)
        if forger is None:
            continue
        if forger.name in found:
            raise RuntimeError(f"Two forgers are called {forger.name!r}.")
        found[forger.name] = forger
    return dict(sorted(found.items()))
