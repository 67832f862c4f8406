"""Parts of optional packages: an import, or a folder of weights, with a remedy when missing."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path
from typing import Any

from assay.errors import ConfigError


def imported(package: str, remedy: str) -> Any:
    """The imported package. Raises ConfigError with that remedy when it cannot be imported."""
    try:
        return importlib.import_module(package)
    except ImportError as error:
        raise _missing(package, remedy) from error


def weights_folder(package: str, folder: str, remedy: str) -> Path:
    """The folder `folder` inside an installed package.

    The package is located, not imported: its wrapper may need what is not there (a Vulkan driver,
    a library long withdrawn) while its weights are in order.
    Raises ConfigError with that remedy when the package or the folder is missing.
    """
    spec = importlib.util.find_spec(package)
    for place in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(place) / folder).is_dir():
            return Path(place) / folder
    raise _missing(package, remedy)


def _missing(package: str, remedy: str) -> ConfigError:
    return ConfigError(f"This forgery needs the package {package!r}.", remedy=remedy)
