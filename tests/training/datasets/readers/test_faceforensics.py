from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from assay.errors import ConfigError
from assay.training.datasets.readers.faceforensics import FIVE, icpr2020

from .made_video_sets import (
    FF_METHODS,
    faceforensics_flat,
    faceforensics_frames,
    faceforensics_old,
    faceforensics_plus_plus,
)
from .reading import read

NAME = "faceforensics++"
FAKE = "manipulated_sequences/Deepfakes/c23/videos/000_003.mp4"
REAL = "original_sequences/youtube/c23/videos/000.mp4"


def test_pairs_give_splits_both_ways_round(tmp_path: Path) -> None:
    rows, notices = read(NAME, faceforensics_plus_plus(tmp_path))
    assert len(rows) == 6 + 5 * 6
    assert set(notices) == {"not_chosen"}
    assert notices["not_chosen"].text.endswith("were not chosen: DeepFakeDetection")
    assert rows[REAL].split == rows[FAKE].split == "train"
    assert rows[FAKE.replace("000_003", "003_000")].split == "train"
    assert rows[FAKE.replace("000_003", "870_001")].split == "val"
    assert rows[FAKE.replace("000_003", "004_002")].split == "test"
    fake, real = rows[FAKE], rows[REAL]
    assert (fake.label, fake.method, fake.identity, fake.donor) == (
        "fake",
        "Deepfakes",
        "000",
        "003",
    )
    assert fake.source == real.source
    assert fake.mask == "manipulated_sequences/Deepfakes/masks/videos/000_003.mp4"
    assert fake.visual_fake
    assert fake.audio_fake is None
    assert (real.label, real.method, real.donor, real.subset) == ("real", "", "", "c23")
    assert {row.method for row in rows.values()} == {"", *FIVE}
    assert not any(row.mask for row in rows.values() if row.method in ("", "FaceShifter"))


def test_compressions(tmp_path: Path) -> None:
    root = faceforensics_plus_plus(tmp_path)
    heavy, _ = read(NAME, root, compression="c40")
    raw, _ = read(NAME, root, compression="raw")
    everything, _ = read(NAME, root, compression="all")
    assert [row.subset for row in heavy.values()] == ["c40"]
    assert [(path, row.subset) for path, row in raw.items()] == [
        ("original_sequences/youtube/c0/videos/000.mp4", "raw")
    ]
    assert len(everything) == 36 + 2


@pytest.mark.parametrize(
    ("method", "methods"),
    [
        ("four", {"", "Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures"}),
        ("all", {"", *FIVE, "DeepFakeDetection"}),
        ("FaceSwap", {"", "FaceSwap"}),
        ("DeepFakeDetection", {"", "DeepFakeDetection"}),
    ],
)
def test_methods_can_be_chosen(tmp_path: Path, method: str, methods: set[str]) -> None:
    rows, notices = read(NAME, faceforensics_plus_plus(tmp_path), method=method)
    assert ("not_chosen" in notices) == (method != "all")
    assert {row.method for row in rows.values()} == methods
    actors = [row for row in rows.values() if row.identity.startswith("actor")]
    assert bool(actors) == (method in ("all", "DeepFakeDetection"))
    assert not any(row.split for row in actors)
    if method == "DeepFakeDetection":
        assert len(actors) == len(rows) == 4


def test_a_flat_copy_tells_its_compression_by_its_name(tmp_path: Path) -> None:
    root = faceforensics_flat(tmp_path)
    rows, notices = read(NAME, root, method="all")
    assert {row.method for row in rows.values()} == {"", *FF_METHODS, "DeepFakeDetection"}
    assert {row.subset for row in rows.values()} == {"c23"}
    assert "compression_unknown" not in notices
    with pytest.raises(ConfigError, match="nothing of this set"):
        read(NAME, root, compression="c40")
    moved = root.rename(root.with_name("mine"))
    rows, notices = read(NAME, moved, compression="c40")
    assert {row.subset for row in rows.values()} == {""}
    assert notices["compression_unknown"].n == len(rows) == 7


def test_without_split_files_there_is_no_split(tmp_path: Path) -> None:
    rows, notices = read(NAME, faceforensics_frames(tmp_path))
    assert {row.split for row in rows.values()} == {""}
    assert "no_split_files" in notices
    assert {row.modality for row in rows.values()} == {"frames"}
    assert notices["frames"].n == 3


def test_one_split_file_that_is_missing_is_told(tmp_path: Path) -> None:
    root = faceforensics_plus_plus(tmp_path)
    (root / "splits" / "val.json").unlink()
    rows, notices = read(NAME, root)
    assert "splits/val.json" in notices["no_split_files"].text
    assert rows[FAKE].split == "train"
    assert rows[FAKE.replace("000_003", "870_001")].split == ""


def test_split_files_may_lie_where_the_repository_has_them(tmp_path: Path) -> None:
    root = faceforensics_plus_plus(tmp_path)
    (root / "dataset").mkdir()
    (root / "splits").rename(root / "dataset" / "splits")
    rows, _ = read(NAME, root)
    assert rows[REAL].split == "train"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[["000", "003", "005"]]', "entry 1"),
        ('[["000", "003"], ["../x", "003"]]', "entry 2"),
        ("[[0, 3]]", "entry 1"),
        ('{"000": "003"}', "holds a dict"),
        ('[["000", "003"]', "line 1"),
        ('[["001", "003"]]', "lists 001"),
    ],
)
def test_a_split_file_that_is_none_is_told(tmp_path: Path, text: str, said: str) -> None:
    root = faceforensics_plus_plus(tmp_path)
    (root / "splits" / "val.json").write_text(text)
    (root / "splits" / "train.json").write_text(json.dumps([["001", "870"]]))
    with pytest.raises(ConfigError, match=said) as caught:
        read(NAME, root)
    assert "val.json" in str(caught.value)


def test_icpr2020_is_the_permutation_with_seed_41() -> None:
    split, _ = icpr2020()
    state = np.random.get_state()
    np.random.seed(41)
    drawn = [f"{number:03d}" for number in np.random.permutation(np.arange(1000))]
    np.random.set_state(state)
    assert [split[name] for name in drawn] == ["train"] * 720 + ["val"] * 140 + ["test"] * 140


def test_icpr2020_puts_a_fake_where_its_target_is(tmp_path: Path) -> None:
    rows, notices = read(NAME, faceforensics_plus_plus(tmp_path), split="icpr2020")
    split, _ = icpr2020()
    fakes = [row for row in rows.values() if row.method]
    assert all(row.split == split[row.identity] for row in rows.values())
    parted = sum(split[row.identity] != split[row.donor] for row in fakes)
    assert notices["icpr2020_members"].text
    assert parted == (notices["donor_elsewhere"].n if "donor_elsewhere" in notices else 0)
    assert parted


def test_a_name_of_another_form_is_counted(tmp_path: Path) -> None:
    root = faceforensics_plus_plus(tmp_path)
    (root / "original_sequences/youtube/c23/videos/000_003.mp4").touch()
    (root / "manipulated_sequences/FaceSwap/c23/videos/copy of 000_003.mp4").touch()
    rows, notices = read(NAME, root)
    assert notices["unknown_name"].n == 2
    assert len(rows) == 36


def test_the_first_set_ties_altered_videos_to_originals_by_name(tmp_path: Path) -> None:
    rows, notices = read("faceforensics", faceforensics_old(tmp_path))
    assert len(rows) == 6
    assert not notices
    fake = rows["selfreenactment/train/altered/AbCdEfGhIjK_1_a.avi"]
    real = rows["selfreenactment/train/original/AbCdEfGhIjK_1_o.avi"]
    assert fake.source == real.source == "AbCdEfGhIjK"
    assert fake.mask == "selfreenactment/train/mask/AbCdEfGhIjK_1_m.avi"
    assert (fake.method, fake.split, real.mask) == ("self_reenactment", "train", "")
    other = rows["source_to_target/val/altered/ZZZZZZZZZZZ_1_a.avi"]
    assert (other.method, other.split, other.subset) == (
        "source_to_target",
        "val",
        "source_to_target",
    )
