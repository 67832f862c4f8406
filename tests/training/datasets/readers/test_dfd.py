from __future__ import annotations

from pathlib import Path

from assay.training.datasets.records import groups_of

from .made_video_sets import dfd, dfd_flat, faceforensics_plus_plus, put
from .reading import READERS, read

FAKE = "manipulated_sequences/DeepFakeDetection/c23/videos/01_02__exit_phone_room__YVGY8LOK.mp4"
REAL = "original_sequences/actors/c23/videos/01__exit_phone_room.mp4"


def test_a_swap_is_tied_to_its_scene(tmp_path: Path) -> None:
    rows, notices = read("dfd", dfd(tmp_path))
    assert len(rows) == 4
    assert not notices
    fake, real = rows[FAKE], rows[REAL]
    assert (fake.identity, fake.donor, fake.source) == (
        "actor 01",
        "actor 02",
        "01__exit_phone_room",
    )
    assert fake.source == real.source
    assert fake.mask.endswith("masks/videos/01_02__exit_phone_room__YVGY8LOK.mp4")
    assert {row.split for row in rows.values()} == {""}


def test_donors_tie_everybody(tmp_path: Path) -> None:
    rows = list(read("dfd", dfd(tmp_path))[0].values())
    assert len(set(groups_of(rows))) == 1
    assert len(set(groups_of(rows, with_donor=False))) == 2


def test_names_of_another_form_are_counted(tmp_path: Path) -> None:
    put(dfd(tmp_path), "original_sequences/actors/c23/videos/01_02__a__YVGY8LOK.mp4")
    put(tmp_path, "manipulated_sequences/DeepFakeDetection/c23/videos/01__a.mp4")
    rows, notices = read("dfd", tmp_path)
    assert len(rows) == 4
    assert notices["unknown_name"].n == 2


def test_a_flat_copy_is_read(tmp_path: Path) -> None:
    rows, notices = read("dfd", dfd_flat(tmp_path))
    assert [(row.label, row.source) for row in rows.values()] == [
        ("fake", "01__exit_phone_room"),
        ("real", "01__exit_phone_room"),
    ]
    assert notices["compression_unknown"].n == 2


def test_inside_faceforensics_it_is_read_when_it_is_named(tmp_path: Path) -> None:
    root = faceforensics_plus_plus(tmp_path)
    assert not READERS["dfd"].recognises(root)
    assert READERS["faceforensics++"].recognises(root)
    assert len(read("dfd", root)[0]) == 4
