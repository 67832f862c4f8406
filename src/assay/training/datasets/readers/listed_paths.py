"""Paths of a table of anybody's: find the file in the folder, and tell of what kind it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from assay.errors import ConfigError
from assay.training.datasets.readers.label_files import inside
from assay.training.datasets.readers.real_fake_folder import MODALITY_OF
from assay.training.datasets.records import Modality, Notice

_DRIVE = re.compile(r"^[A-Za-z]:")


class ListedPaths:
    """Answers paths from `root`; counts those that were made shorter or longer for it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cut_off = ""
        self.n_cut = 0
        self.n_named = 0

    def of(self, name: str, modality: str, where: str) -> tuple[str, Modality]:
        """(path from the root, modality) of a name in a table; `modality` is "" where the table
        does not tell. Raises ConfigError for a name that leaves the folder, an absolute one of
        which no end is in it, and one of unknown kind."""
        path = name.replace("\\", "/")
        if path.startswith("/") or _DRIVE.match(path):
            path = self._below(path, where)
        path = inside(path, where)
        if not self._suffix(path):
            path = self._with_suffix(path)
        kind = modality or MODALITY_OF.get(self._suffix(path), "")
        if not kind:
            # Names without any suffix are what protocols of sound have; a folder is of pictures.
            kind = "frames" if (self.root / path).is_dir() else "audio"
        for known in get_args(Modality):
            if kind == known:
                return path, known
        raise ConfigError(f"{where}: {kind[:40]!r} is no modality.")

    def notices(self) -> Iterator[Notice]:
        """What was done to paths."""
        yield Notice("cut_off", f"paths began with {self.cut_off!r}, which was cut off", self.n_cut)
        yield Notice("suffix_added", "names had no suffix and got their file's", self.n_named)

    def _suffix(self, path: str) -> str:
        suffix = Path(path).suffix.lower()
        return suffix if suffix in MODALITY_OF else ""

    def _with_suffix(self, path: str) -> str:
        there = (f"{path}{suffix}" for suffix in MODALITY_OF)
        found = next((longer for longer in there if (self.root / longer).is_file()), None)
        self.n_named += found is not None
        return found or path

    def _below(self, path: str, where: str) -> str:
        """The end of an absolute path that lies in the folder."""
        if ".." in path.split("/"):
            raise ConfigError(f"{where}: the path {path!r} leaves the set's folder.")
        if not self.cut_off:
            parts = path.split("/")
            ends = (k for k in range(1, len(parts)) if self._leads("/".join(parts[k:])))
            first = next(ends, None)
            self.cut_off = "/".join(parts[:first]) + "/" if first else ""
        if not self.cut_off or not path.startswith(self.cut_off):
            raise ConfigError(
                f"{where}: the absolute path {path!r} does not lead into {self.root}.",
                remedy="Give the folder that holds the files, or make the paths relative to it.",
            )
        self.n_cut += 1
        return path.removeprefix(self.cut_off)

    def _leads(self, end: str) -> bool:
        if not end:
            return False
        return any((self.root / f"{end}{suffix}").is_file() for suffix in ("", *MODALITY_OF))
