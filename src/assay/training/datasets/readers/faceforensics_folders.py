"""The folders that FaceForensics++ and the set of Google and Jigsaw inside it share."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from assay.training.datasets.readers import Choice
from assay.training.datasets.readers.set_folder import VIDEOS, SetFolder
from assay.training.datasets.records import Modality

DFD = "DeepFakeDetection"
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


@dataclass(frozen=True, slots=True)
class Sequence:
    """One video: its path, `name` without suffix, its compression ("raw" for c0, too) and mask."""

    path: str
    modality: Modality
    name: str
    compression: str
    mask: str = ""


def sequences(tree: SetFolder, folder: str, compression: str) -> Iterator[Sequence]:
    """The videos below `original_sequences/x` or `manipulated_sequences/x`."""
    masks = {
        path.rsplit("/", 1)[-1].rsplit(".", 1)[0]: path
        for where in ("masks", "masks/videos")
        for path in tree.files(f"{folder}/{where}", VIDEOS)
    }
    for quality in QUALITIES[compression]:
        for path, modality in tree.videos(f"{folder}/{quality}"):
            name = path.rsplit("/", 1)[-1]
            stem = name if modality == "frames" else name.rsplit(".", 1)[0]
            said = "raw" if quality == "c0" else quality
            kind: Modality = "frames" if modality == "frames" else "video"
            yield Sequence(path, kind, stem, said, masks.get(stem, ""))
