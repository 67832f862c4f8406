"""A configuration that ships, with something in it made wrong."""

from __future__ import annotations

from pathlib import Path


def changed(config: Path, folder: Path, old: str, new: str) -> Path:
    """A copy in `folder` in which `old`, which must be there, is `new`."""
    text = config.read_text(encoding="utf-8")
    assert old in text
    copy = folder / "c.toml"
    copy.write_text(text.replace(old, new), encoding="utf-8")
    return copy
