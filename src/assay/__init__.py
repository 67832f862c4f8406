"""assay tests whether a picture, a video or a recording of a person is genuine.

The whole public surface: `detect`, `Verdict`, `Evidence`, `Options` and the errors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["AssayError", "Evidence", "Options", "Verdict", "__version__", "detect"]

if TYPE_CHECKING:
    from assay.errors import AssayError
    from assay.examine import detect
    from assay.options import Options
    from assay.types import Evidence, Verdict

_HOMES = {
    "AssayError": "assay.errors",
    "Evidence": "assay.types",
    "Options": "assay.options",
    "Verdict": "assay.types",
    "detect": "assay.examine",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, so that `import assay` stays quick."""
    if name not in _HOMES:
        raise AttributeError(f"module 'assay' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
