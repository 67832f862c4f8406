"""Where the labelled media lie: the variable ASSAY_SHARED, or a folder `shared` nearby."""

from __future__ import annotations

import os
from pathlib import Path

from assay.errors import ConfigError


def shared_folder() -> Path:
    """The folder that holds `data/manifest.csv`.

    Raises ConfigError when it is neither named by ASSAY_SHARED nor beside the working directory.
    """
    named = os.environ.get("ASSAY_SHARED")
    candidates = [Path(named)] if named else [Path("shared"), Path("../shared")]
    for folder in candidates:
        if (folder / "data" / "manifest.csv").is_file():
            return folder
    raise ConfigError(
        "The labelled media were not found.",
        remedy="Set ASSAY_SHARED to the folder that holds data/manifest.csv.",
    )
