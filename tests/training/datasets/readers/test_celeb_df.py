from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import ConfigError

from .made_sets import Maker
from .made_video_sets import (
    celeb_df,
    celeb_df_pp,
    celeb_df_v1,
    celeb_df_v2,
    celeb_df_v2_crlf,
    put,
    put_text,
)
from .reading import READERS, read

LIST = "List_of_testing_videos.txt"


@pytest.mark.parametrize(
    ("name", "make"),
    [("celeb_df_v1", celeb_df_v1), ("celeb_df_v2", celeb_df_v2), ("celeb_df_v2", celeb_df_v2_crlf)],
)
def test_one_means_genuine_and_the_test_is_not_trained_on(
    tmp_path: Path, name: str, make: Maker
) -> None:
    rows, notices = read(name, make(tmp_path))
    assert {path: (row.label, row.split, row.listed) for path, row in rows.items()} == {
        "Celeb-real/id0_0000.mp4": ("real", "train", False),
        "Celeb-real/id0_0001.mp4": ("real", "train", False),
        "Celeb-real/id1_0000.mp4": ("real", "test", True),
        "Celeb-synthesis/id0_id1_0000.mp4": ("fake", "train", False),
        "Celeb-synthesis/id1_id0_0000.mp4": ("fake", "test", True),
        "YouTube-real/00000.mp4": ("real", "train", False),
        "YouTube-real/00170.mp4": ("real", "test", True),
    }
    assert not notices


def test_a_swap_is_tied_to_its_footage(tmp_path: Path) -> None:
    rows, _ = read("celeb_df_v2", celeb_df_v2(tmp_path))
    fake = rows["Celeb-synthesis/id0_id1_0000.mp4"]
    real = rows["Celeb-real/id0_0000.mp4"]
    other = rows["YouTube-real/00000.mp4"]
    assert (fake.identity, fake.donor, fake.source) == ("id0", "id1", real.source)
    assert (other.identity, other.source) == ("", "YouTube-real/00000")


def test_without_the_list_nothing_has_a_split(tmp_path: Path) -> None:
    root = celeb_df_v2(tmp_path)
    (root / LIST).unlink()
    rows, notices = read("celeb_df_v2", root)
    assert {row.split for row in rows.values()} == {""}
    assert "no_test_list" in notices


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("0 Celeb-real/id0_0000.mp4", r"labelled 0, which is fake"),
        ("1 Celeb-synthesis/id0_id1_0000.mp4", r"labelled 1, which is real"),
        ("1 ../Celeb-real/id0_0000.mp4", "leaves the set's folder"),
        ("1 /etc/passwd", "leaves the set's folder"),
        ("1 Other/id0_0000.mp4", "lies in no folder of the set"),
        ("1 id0_0000.mp4", "lies in no folder of the set"),
        ("Celeb-real/id0_0000.mp4 1", "is not `1 YouTube-real"),
        ("2 Celeb-real/id0_0000.mp4", "is not `1 YouTube-real"),
        ("1", "is not `1 YouTube-real"),
    ],
)
def test_a_line_that_contradicts_its_folder_is_told(tmp_path: Path, line: str, said: str) -> None:
    root = celeb_df_v2(tmp_path)
    put_text(root, LIST, f"\ufeff1 Celeb-real/id1_0000.mp4\n\n{line}\n")
    with pytest.raises(ConfigError, match=said) as caught:
        read("celeb_df_v2", root)
    assert f"{LIST}, line 3" in str(caught.value)


def test_a_line_twice_is_one_record(tmp_path: Path) -> None:
    root = celeb_df_v2(tmp_path)
    put_text(root, LIST, "1 Celeb-real/id1_0000.mp4\n1 Celeb-real\\id1_0000.mp4\n")
    rows, notices = read("celeb_df_v2", root)
    assert len(rows) == 6
    assert notices["listed_twice"].n == 1


def test_videos_cut_to_pictures_are_still_in_the_test(tmp_path: Path) -> None:
    put(tmp_path, "Celeb-real/frames/id1_0000/000.png", "Celeb-synthesis/frames/id1_id0_0000/0.png")
    put_text(tmp_path, LIST, "1 Celeb-real/id1_0000.mp4\n")
    rows, _ = read("celeb_df_v2", tmp_path)
    real = rows["Celeb-real/frames/id1_0000"]
    assert (real.split, real.identity, real.modality) == ("test", "id1", "frames")
    assert rows["Celeb-synthesis/frames/id1_id0_0000"].split == "train"


def test_the_versions_are_told_apart(tmp_path: Path) -> None:
    one, two = READERS["celeb_df_v1"], READERS["celeb_df_v2"]
    bare = celeb_df(tmp_path, "here")
    assert two.recognises(bare)
    assert not one.recognises(bare)
    put(bare, *(f"Celeb-synthesis/id1_id2_{n:04d}.mp4" for n in range(795)))
    assert one.recognises(bare)
    assert not two.recognises(bare)
    put_text(bare, LIST, "1 Celeb-real/id0_0000.mp4\n" * 518)
    assert two.recognises(bare)


def test_scenarios_and_methods_of_the_large_one(tmp_path: Path) -> None:
    rows, notices = read("celeb_df++", celeb_df_pp(tmp_path))
    assert not notices
    assert {(row.subset, row.method, row.split) for row in rows.values() if row.method} == {
        ("FaceSwap", "Celeb-DF", "train"),
        ("FaceSwap", "SimSwap", "test"),
        ("FaceReenact", "LivePortrait", "test"),
        ("TalkingFace", "SadTalker", "train"),
    }
    talking = rows["Celeb-synthesis/TalkingFace/SadTalker/id1_0000_audio.mp4"]
    assert (talking.identity, talking.donor, talking.source) == ("id1", "", "id1_0000")
