"""DFFD: both layouts, and masks that belong to forged pictures."""

from __future__ import annotations

from pathlib import Path

from assay.training.datasets.readers.dffd import Dffd
from assay.training.datasets.records import Notice, Record

from .made_image_sets import dffd_archives, dffd_code


def read(root: Path) -> tuple[dict[str, Record], dict[str, int]]:
    found = list(Dffd().read(root, {}))
    rows = {one.path: one for one in found if isinstance(one, Record)}
    return rows, {one.code: one.n for one in found if isinstance(one, Notice)}


def test_masks_go_with_forged_pictures_only(tmp_path: Path) -> None:
    rows, notices = read(dffd_code(tmp_path))
    forged = rows["data/train/Fake/stylegan_ffhq_0.png"]
    assert forged.mask == "data/train/Mask/stylegan_ffhq_0.png"
    assert (forged.method, forged.split) == ("stylegan_ffhq", "train")
    assert rows["data/validation/Fake/1_faceapp.png"].method == "unnamed"
    assert rows["data/validation/Fake/1_faceapp.png"].split == "val"
    genuine = rows["data/test/Real/ffhq_2.png"]
    assert (genuine.label, genuine.mask, genuine.method, genuine.subset) == ("real", "", "", "ffhq")
    assert not any("/Mask/" in path for path in rows)
    assert notices == {}


def test_missing_and_lonely_masks_are_counted(tmp_path: Path) -> None:
    top = dffd_code(tmp_path) / "data/train"
    (top / "Mask/stylegan_ffhq_0.png").unlink()
    (top / "Mask/nobody.png").touch()
    rows, notices = read(tmp_path)
    assert rows["data/train/Fake/stylegan_ffhq_0.png"].mask == ""
    assert notices == {"no_mask": 1, "mask_alone": 1}


def test_a_mask_may_have_another_suffix(tmp_path: Path) -> None:
    top = dffd_code(tmp_path) / "data/train"
    (top / "Fake/stylegan_ffhq_0.png").rename(top / "Fake/stylegan_ffhq_0.jpg")
    rows, _ = read(tmp_path)
    assert rows["data/train/Fake/stylegan_ffhq_0.jpg"].mask.endswith("Mask/stylegan_ffhq_0.png")


def test_in_the_archives_the_folder_is_the_source(tmp_path: Path) -> None:
    rows, notices = read(dffd_archives(tmp_path))
    assert rows["ffhq/train/0.png"].label == "real"
    assert rows["pggan_v1/validation/2.png"].method == "pggan_v1"
    assert rows["pggan_v1/validation/2.png"].split == "val"
    assert rows["faceapp/train/1.png"].mask == "faceapp/mask/train/1.png"
    assert rows["faceapp/test/1.png"].mask == ""
    assert "faceapp/mask/train/1.png" not in rows
    assert notices == {"no_mask": 8}


def test_folders_written_small_are_not_taken_for_it(tmp_path: Path) -> None:
    for label in ("real", "fake"):
        (tmp_path / "train" / label).mkdir(parents=True)
        (tmp_path / "train" / label / "1.png").touch()
    assert not Dffd().recognises(tmp_path)
