from __future__ import annotations

import shutil
from pathlib import Path

from assay.media.probe import probe
from assay.training.datasets.opening import pictures_of
from assay.training.datasets.records import groups_of

from .made_video_sets import deepfake_timit, deepfake_timit_joined, put
from .reading import READERS, read

NAME = "deepfake_timit"


def test_the_genuine_side_is_what_the_fakes_were_made_from(tmp_path: Path) -> None:
    rows, notices = read(NAME, deepfake_timit(tmp_path))
    assert {path: (row.label, row.modality) for path, row in rows.items()} == {
        "VidTIMIT/fadg0/video/sa1": ("real", "frames"),
        "VidTIMIT/fram1/video/sa1": ("real", "frames"),
        "higher_quality/fadg0/sa1-video-fram1.avi": ("fake", "video"),
        "higher_quality/fram1/sa1-video-fadg0.avi": ("fake", "video"),
        "lower_quality/fadg0/sa1-video-fram1.avi": ("fake", "video"),
        "lower_quality/fram1/sa1-video-fadg0.avi": ("fake", "video"),
    }
    assert set(notices) == {"frames"}
    fake = rows["higher_quality/fadg0/sa1-video-fram1.avi"]
    assert (fake.identity, fake.donor, fake.source) == ("fadg0", "fram1", "fadg0 sa1")
    assert (fake.visual_fake, fake.audio_fake) == (True, False)
    assert fake.source == rows["VidTIMIT/fadg0/video/sa1"].source
    assert len(set(groups_of(rows.values()))) == 1
    assert len(set(groups_of(rows.values(), with_donor=False))) == 2


def test_all_of_vidtimit_can_be_had(tmp_path: Path) -> None:
    rows, _ = read(NAME, deepfake_timit(tmp_path), reals="all", quality="lower_quality")
    assert sorted(path for path, row in rows.items() if row.label == "real") == [
        "VidTIMIT/fadg0/video/head",
        "VidTIMIT/fadg0/video/sa1",
        "VidTIMIT/fram1/video/sa1",
        "VidTIMIT/mwbt0/video/sa1",
    ]
    assert {row.subset for row in rows.values()} == {"lower_quality", "VidTIMIT"}


def test_frames_without_a_suffix_can_be_opened(tmp_path: Path) -> None:
    root = deepfake_timit(tmp_path, media=True)
    rows, _ = read(NAME, root)
    for row in rows.values():
        if row.modality == "frames":
            found = pictures_of(root / row.path)
            assert [path.name for path in found] == ["001", "002", "003"]
            assert probe(found[0]).size_px == (96, 96)


def test_without_vidtimit_nothing_is_genuine(tmp_path: Path) -> None:
    root = deepfake_timit(tmp_path)
    shutil.rmtree(root / "VidTIMIT")
    rows, notices = read(NAME, root)
    assert {row.label for row in rows.values()} == {"fake"}
    assert "no_reals" in notices


def test_joined_videos_are_taken_before_frames(tmp_path: Path) -> None:
    base = deepfake_timit_joined(tmp_path)
    put(base, "dftimitreal/fadg0/video/sa1/001")
    for start, before in ((base, ""), (base.parent, "DeepfakeTIMIT/")):
        rows, notices = read(NAME, start)
        assert {path: row.modality for path, row in rows.items()} == {
            f"{before}dftimitreal/fadg0/sa1.avi": "video",
            f"{before}higher_quality/fadg0/sa1-video-fram1.avi": "video",
        }
        assert notices["two_layouts"].n == 1


def test_a_name_without_its_donor_is_counted(tmp_path: Path) -> None:
    root = deepfake_timit(tmp_path)
    put(root, "lower_quality/fadg0/sa2.avi")
    assert READERS[NAME].recognises(root)
    assert read(NAME, root)[1]["unknown_name"].n == 1
