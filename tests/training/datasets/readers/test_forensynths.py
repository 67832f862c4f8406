"""ForenSynths: generator, class and split from the folders, `train` being a class, too."""

from __future__ import annotations

from pathlib import Path

from assay.training.datasets.readers import discover
from assay.training.datasets.readers.forensynths import ForenSynths
from assay.training.datasets.records import Notice, Record

from .made_image_sets import forensynths


def read(root: Path) -> tuple[dict[str, Record], dict[str, int]]:
    found = list(ForenSynths().read(root, {}))
    rows = {one.path: one for one in found if isinstance(one, Record)}
    return rows, {one.code: one.n for one in found if isinstance(one, Notice)}


def told(row: Record) -> tuple[str, str, str, str, str]:
    return row.label, row.method, row.subset, row.split, row.note


def test_generators_classes_and_splits(tmp_path: Path) -> None:
    rows, notices = read(forensynths(tmp_path))
    assert told(rows["train/progan/airplane/1_fake/00000.png"]) == (
        "fake", "progan", "progan", "train", "class=airplane",
    )  # fmt: skip
    # The class `train` (a vehicle) below the split `train`.
    assert told(rows["train/progan/train/0_real/00001.png"]) == (
        "real", "", "progan", "train", "class=train",
    )  # fmt: skip
    assert told(rows["test/biggan/0_real/00003.png"]) == ("real", "", "biggan", "test", "")
    assert told(rows["diffusion_datasets/ldm_200/1_fake/0.png"]) == (
        "fake", "ldm_200", "ldm_200", "", "",
    )  # fmt: skip
    assert notices == {"one_label": 2}


def test_classes_without_a_generator_are_progans(tmp_path: Path) -> None:
    for kind in ("airplane", "cat", "train"):
        (tmp_path / "train" / kind / "1_fake").mkdir(parents=True)
        (tmp_path / "train" / kind / "1_fake" / "1.png").touch()
    rows, _ = read(tmp_path)
    assert told(rows["train/train/1_fake/1.png"]) == (
        "fake", "progan", "progan", "train", "class=train",
    )  # fmt: skip
    inner, _ = read(tmp_path / "train")
    assert told(inner["train/1_fake/1.png"])[1:] == ("progan", "progan", "", "class=train")


def test_one_generators_folder_alone_gives_its_name(tmp_path: Path) -> None:
    rows, _ = read(forensynths(tmp_path) / "test" / "biggan")
    assert told(rows["1_fake/00003.png"]) == ("fake", "biggan", "biggan", "", "")


def test_the_plain_folders_reader_leaves_it_alone(tmp_path: Path) -> None:
    assert not discover()["folder"].recognises(forensynths(tmp_path))


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    top = forensynths(tmp_path) / "test" / "biggan"
    (top / "again").symlink_to(tmp_path)
    (top / "1_fake" / "up").symlink_to(top)
    assert "test/biggan/1_fake/00003.png" in read(tmp_path)[0]
