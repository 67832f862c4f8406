"""A tiny plain folder with real/ and fake/."""

from __future__ import annotations

from pathlib import Path

from .small_media import write_medium


def plain(root: Path, *, media: bool = False) -> Path:
    """Two people, each genuine and swapped, in two splits."""
    for split, person in (("train", "id00001"), ("test", "id00002")):
        write_medium(root / split / "real" / f"{person}_a.mp4", media=media, seed=1)
        write_medium(root / split / "fake" / "swap" / f"{person}_b.mp4", media=media, seed=2)
    return root


MAKERS = {"folder": plain}
