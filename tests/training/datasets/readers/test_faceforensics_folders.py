from __future__ import annotations

from pathlib import Path

from assay.training.datasets.readers.faceforensics_folders import QUALITIES, sequences
from assay.training.datasets.readers.set_folder import SetFolder

from .made_video_sets import put

FOLDER = "manipulated_sequences/Deepfakes"


def test_masks_lie_beside_the_compressions(tmp_path: Path) -> None:
    put(tmp_path, f"{FOLDER}/raw/videos/000_003.mp4", f"{FOLDER}/c0/001_870.mp4")
    put(tmp_path, f"{FOLDER}/masks/000_003.mp4", f"{FOLDER}/masks/videos/001_870.mp4")
    found = list(sequences(SetFolder(tmp_path), FOLDER, "raw"))
    assert [(one.name, one.compression) for one in found] == [
        ("000_003", "raw"),
        ("001_870", "raw"),
    ]
    assert [one.mask for one in found] == [
        f"{FOLDER}/masks/000_003.mp4",
        f"{FOLDER}/masks/videos/001_870.mp4",
    ]


def test_all_reads_every_compression() -> None:
    assert set(QUALITIES["all"]) == {name for names in QUALITIES.values() for name in names}
