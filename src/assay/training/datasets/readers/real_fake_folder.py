"""A plain folder: what lies under `real/` is genuine, what lies under `fake/` is not."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from assay.errors import ConfigError
from assay.training.datasets.readers import About, Reader
from assay.training.datasets.records import NO_SPLIT, Label, Modality, Notice, Record, Split

LABELS: dict[str, Label] = {"real": "real", "genuine": "real", "fake": "fake"}
SPLITS: dict[str, Split] = {
    "train": "train", "training": "train",
    "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
SUFFIXES: dict[Modality, tuple[str, ...]] = {
    "image": (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".avif"),
    "video": (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v"),
    "audio": (".wav", ".flac", ".mp3", ".m4a", ".ogg", ".opus"),
}
MODALITY_OF = {suffix: name for name, suffixes in SUFFIXES.items() for suffix in suffixes}
# id00056_0003.mp4, p01-take2.wav, alice__cafe.mp4: what stands before the first separator.
_PERSON = re.compile(r"^([A-Za-z]+\d+|\d{3,}|[A-Za-z]{3,})(?=[_\-. ])")


class RealFakeFolder(Reader):
    """`[train|val|test]/real|fake/[method/][person/]file`, in any order of the first two."""

    about = About(
        name="folder",
        title="A plain folder with real/ and fake/",
        modalities=("image", "video", "audio"),
        labels=("real", "fake"),
        splits=("train", "val", "test"),
        licence="whatever the files' own terms are",
        obtain="any folder of yours",
        paper="",
        layout="[train|val|test]/{real,fake}/[method/][person/]*.{jpg,mp4,wav,…}",
        quirks=(
            "A file's person is the folder it lies in below a method, else the beginning of its "
            "name (`id07_take2.mp4` → id07); check the groups with `assay data verify`.",
            "A folder below fake/ names the method; a file directly in fake/ has the method "
            "`unnamed`.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """A real and a fake folder, at the top or below each split."""
        tops = [root, *(root / name for name in SPLITS if (root / name).is_dir())]
        return any({"real", "fake"} <= {p.name.lower() for p in top.glob("*/")} for top in tops)

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader; files of unknown kinds are counted in a notice."""
        strange = 0
        seen = False
        for path in sorted(root.rglob("*")):
            parts = path.relative_to(root).parts
            label = next((LABELS[p.lower()] for p in parts[:-1] if p.lower() in LABELS), None)
            if label is None or not path.is_file():
                continue
            modality = MODALITY_OF.get(path.suffix.lower())
            if modality is None:
                strange += 1
                continue
            seen = True
            yield _record(parts, modality, label)
        if strange:
            yield Notice("unknown_kind", "files are neither picture, video nor sound", strange)
        if not seen:
            raise ConfigError(
                f"There is no media file under a folder real/ or fake/ in {root}.",
                remedy="Put genuine files into real/ and forged ones into fake/.",
            )


def _record(parts: tuple[str, ...], modality: Modality, label: Label) -> Record:
    split: Split = next((SPLITS[p.lower()] for p in parts[:-1] if p.lower() in SPLITS), NO_SPLIT)
    below = [p for p in parts[:-1] if p.lower() not in LABELS and p.lower() not in SPLITS]
    method = (below[0] if below else "unnamed") if label == "fake" else ""
    people = below[1:] if label == "fake" else below
    named = _PERSON.match(parts[-1])
    return Record(
        dataset="folder",
        path="/".join(parts),
        modality=modality,
        label=label,
        method=method,
        identity=people[-1] if people else (named[1] if named else ""),
        split=split,
    )


READERS = (RealFakeFolder,)
