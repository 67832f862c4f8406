"""Walk a set's folder, and answer in order: what every reader of folders shares."""

from __future__ import annotations

import itertools
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from assay.errors import ConfigError
from assay.training.datasets.records import Notice, Record

VIDEOS = (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v")
SOUNDS = (".wav", ".flac", ".mp3", ".m4a", ".ogg", ".opus")
PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
_DEEPEST = 64
_SAID = {
    "name_not_utf8": "names are no UTF-8 text; rename them to have them read",
    "link_loop": "folders are links to a folder above them and were not entered",
    "too_deep": "folders lie deeper than 64 levels and were not entered",
    "unreadable_folder": "folders may not be read",
    "unknown_kind": "files are of no kind that the set holds",
    "two_layouts": "folders hold videos and also pictures cut from them; the videos are taken",
    "frames": "videos are given as folders of pictures",
}


class SetFolder:
    """One set's folder. It counts what was passed over; `notices` tells it.

    Names beginning with a dot (and macOS's `__MACOSX`) are no part of a set and are not counted.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.counts: Counter[str] = Counter()
        self._told: set[tuple[str, str]] = set()

    def folders(self, folder: str = "") -> list[str]:
        """Names of the folders in this one, sorted; none where it does not exist. A link to a
        folder above it is none."""
        above = self._above(folder)
        return [
            entry.name
            for entry in self._entries(folder)
            if _is_folder(entry) and not self._is_loop(entry, _join(folder, entry.name), above)
        ]

    def files(self, folder: str, suffixes: Sequence[str], *, deep: bool = False) -> list[str]:
        """Paths of the files with these suffixes, from the root, sorted; `deep`: below, too.

        Links are followed, unless they lead to a folder above themselves.
        """
        return sorted(self._walk(folder, tuple(suffixes), deep, self._above(folder)))

    def has(self, path: str) -> bool:
        """Whether there is a file of that path."""
        return (self.root / path).is_file()

    def videos(self, folder: str) -> list[tuple[str, str]]:
        """(path, modality) of a folder's videos: files in `videos/` or in the folder itself;
        where there is none, folders of pictures in `images/` or `frames/`."""
        found = self.files(f"{folder}/videos", VIDEOS) or self.files(folder, VIDEOS)
        cut = next((n for n in ("images", "frames") if self.folders(f"{folder}/{n}")), "")
        if found:
            self.counts["two_layouts"] += bool(cut)
            return [(path, "video") for path in found]
        names = self.folders(f"{folder}/{cut}") if cut else []
        self.counts["frames"] += len(names)
        return [(f"{folder}/{cut}/{name}", "frames") for name in names]

    def notices(self) -> Iterator[Notice]:
        """What was passed over."""
        for code, n in sorted(self.counts.items()):
            if n:
                yield Notice(code, _SAID[code], n)

    def _entries(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(self.root / folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError:
            self._tell("unreadable_folder", folder)
            return []
        return [entry for entry in entries if self._is_named(entry.name, folder)]

    def _is_named(self, name: str, folder: str) -> bool:
        if name.startswith(".") or name == "__MACOSX":
            return False
        try:
            name.encode()
        except UnicodeEncodeError:
            self._tell("name_not_utf8", _join(folder, name))
            return False
        return True

    def _walk(
        self, folder: str, suffixes: tuple[str, ...], deep: bool, above: frozenset[tuple[int, int]]
    ) -> Iterator[str]:
        for entry in self._entries(folder):
            path = _join(folder, entry.name)
            if not _is_folder(entry):
                if entry.name.lower().endswith(suffixes):
                    yield path
            elif not deep or self._is_loop(entry, path, above):
                continue
            elif path.count("/") >= _DEEPEST:
                self._tell("too_deep", path)
            else:
                yield from self._walk(path, suffixes, deep, above | {self._number(path)})

    def _is_loop(
        self, entry: os.DirEntry[str], path: str, above: frozenset[tuple[int, int]]
    ) -> bool:
        looped = entry.is_symlink() and self._number(path) in above
        if looped:
            self._tell("link_loop", path)
        return looped

    def _above(self, folder: str) -> frozenset[tuple[int, int]]:
        """The set's own folder, this one and those between them."""
        parts = [part for part in folder.split("/") if part]
        return frozenset(self._number("/".join(parts[:n])) for n in range(len(parts) + 1))

    def _number(self, folder: str) -> tuple[int, int]:
        try:
            about = os.stat(self.root / folder)
        except OSError:
            return (-1, -1)
        return (about.st_dev, about.st_ino)

    def _tell(self, code: str, path: str) -> None:
        """Count it, however often the folder is looked at."""
        self.counts[code] += (code, path) not in self._told
        self._told.add((code, path))


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def in_order(
    records: Iterable[Record], notices: Iterable[Notice], expected: str
) -> Iterator[Record | Notice]:
    """The records by path, then what is to be said of them.

    Raises ConfigError where one path comes twice, or where there is no record at all; `expected`
    is the layout that was looked for.
    """
    rows = sorted(records, key=lambda record: record.key)
    if not rows:
        raise ConfigError(
            "There is nothing of this set in the folder.", remedy=f"Expected here: {expected}"
        )
    for before, after in itertools.pairwise(rows):
        if before.key == after.key:
            raise ConfigError(f"{after.path} is listed twice.")
    yield from rows
    yield from (notice for notice in notices if notice.n)
