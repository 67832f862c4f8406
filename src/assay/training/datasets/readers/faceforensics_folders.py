"""The folders that FaceForensics++ and the set of Google and Jigsaw inside it share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from assay.training.datasets.readers import Choice
from assay.training.datasets.readers.set_folder import VIDEOS, SetFolder
from assay.training.datasets.records import Modality, Notice, Record

DFD = "DeepFakeDetection"
FIVE = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter")
YOUTUBE = "original_sequences/youtube"
# The loss-free videos were called c0 in the first releases.
QUALITIES = {
    "c23": ("c23",),
    "c40": ("c40",),
    "raw": ("raw", "c0"),
    "all": ("raw", "c0", "c23", "c40"),
}
COMPRESSION = Choice(
    tuple(QUALITIES), "the H.264 quality: c23 (light), c40 (heavy), raw (none); all reads each"
)
# Copies that go round have flat folders; the copy's own name may tell the compression.
_COPIES = {
    YOUTUBE: ("original",),
    "original_sequences/actors": ("DFD_original_sequences", "DFD_original sequences"),
    f"manipulated_sequences/{DFD}": (
        DFD,
        "DFD_manipulated_sequences",
        "DFD_manipulated_sequences/DFD_manipulated_sequences",
    ),
}
_IN_NAME = re.compile(r"(?<![a-z0-9])(raw|c0|c23|c40)(?![a-z0-9])")


@dataclass(frozen=True, slots=True)
class Sequence:
    """One video: its path, `name` without suffix, its compression ("raw" for c0, too; "" where
    nothing tells it) and mask."""

    path: str
    modality: Modality
    name: str
    compression: str
    mask: str = ""


def is_faceforensics(root: Path) -> bool:
    """Whether the videos of YouTube or one of the five methods on them are here."""
    names = (YOUTUBE, *(f"manipulated_sequences/{name}" for name in FIVE))
    copied = (root / "original").is_dir() and any((root / name).is_dir() for name in FIVE)
    return copied or any((root / name).is_dir() for name in names)


def sequences(tree: SetFolder, folder: str, compression: str) -> Iterator[Sequence]:
    """The videos below `original_sequences/x` or `manipulated_sequences/x`."""
    masks = {
        path.rsplit("/", 1)[-1].rsplit(".", 1)[0]: path
        for where in ("masks", "masks/videos")
        for path in tree.files(f"{folder}/{where}", VIDEOS)
    }
    for place, quality in _places(tree, folder, compression):
        for path, modality in tree.videos(place):
            name = path.rsplit("/", 1)[-1]
            stem = name if modality == "frames" else name.rsplit(".", 1)[0]
            said = "raw" if quality == "c0" else quality
            kind: Modality = "frames" if modality == "frames" else "video"
            yield Sequence(path, kind, stem, said, masks.get(stem, ""))


def _places(tree: SetFolder, folder: str, compression: str) -> Iterator[tuple[str, str]]:
    """(folder, compression) of where the videos of `folder` lie."""
    if tree.folders(folder):
        yield from ((f"{folder}/{quality}", quality) for quality in QUALITIES[compression])
        return
    told = _IN_NAME.search(tree.root.resolve().name.lower().replace("_", " "))
    quality = told[1] if told else ""
    if not quality or quality in QUALITIES[compression]:
        for copy in _COPIES.get(folder, (folder.rsplit("/", 1)[-1],)):
            yield copy, quality


def without_compression(rows: Iterable[Record]) -> Notice:
    """How many videos lie in a copy that does not tell their compression."""
    text = "videos lie in a copy whose name does not tell their compression"
    return Notice("compression_unknown", text, sum(not row.subset for row in rows))
