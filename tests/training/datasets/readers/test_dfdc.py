from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import ConfigError

from .made_video_sets import dfdc, put, put_json, put_text
from .reading import READERS, read

NAME = "dfdc"


def test_label_files_say_what_is_fake_and_folders_in_which_split(tmp_path: Path) -> None:
    rows, notices = read(NAME, dfdc(tmp_path))
    assert {path: (row.label, row.split, row.source) for path, row in rows.items()} == {
        "dfdc_train_part_0/aaaaaaaaaa.mp4": ("real", "train", "aaaaaaaaaa"),
        "dfdc_train_part_0/bbbbbbbbbb.mp4": ("fake", "train", "aaaaaaaaaa"),
        "dfdc_train_part_0/cccccccccc.mp4": ("fake", "train", "cccccccccc"),
        "dfdc_train_part_36/dddddddddd.mp4": ("real", "train", "dddddddddd"),
        "dfdc_train_part_49/eeeeeeeeee.mp4": ("fake", "train", "dddddddddd"),
        "test/ffff.mp4": ("real", "test", "ffff"),
        "test/gggg.mp4": ("fake", "test", "gggg"),
        "validation/hhhh.mp4": ("real", "val", "hhhh"),
        "validation/iiii.mp4": ("fake", "val", "iiii"),
    }
    assert all(row.listed for row in rows.values())
    assert {code: notice.n for code, notice in notices.items()} == {"unlisted": 1}
    fake = rows["test/gggg.mp4"]
    assert fake.visual_fake is None
    assert fake.audio_fake is None


def test_validation_holds_all_of_its_videos(tmp_path: Path) -> None:
    """A published rearrangement keeps only the last one."""
    rows, _ = read(NAME, dfdc(tmp_path))
    assert len([row for row in rows.values() if row.split == "val"]) == 2


def test_parts_can_be_the_splits(tmp_path: Path) -> None:
    rows, _ = read(NAME, dfdc(tmp_path), split="icpr2020")
    found = {path.split("/")[0]: row.split for path, row in rows.items()}
    assert found == {
        "dfdc_train_part_0": "train",
        "dfdc_train_part_36": "val",
        "dfdc_train_part_49": "test",
        "test": "",
        "validation": "",
    }


@pytest.mark.parametrize(
    ("number", "split"), [(34, "train"), (35, "val"), (39, "val"), (40, "test")]
)
def test_where_the_parts_are_divided(tmp_path: Path, number: int, split: str) -> None:
    put_json(
        tmp_path, f"train/dfdc_train_part_{number}/metadata.json", {"a.mp4": {"label": "REAL"}}
    )
    rows, _ = read(NAME, tmp_path, split="icpr2020")
    assert {path: row.split for path, row in rows.items()} == {
        f"train/dfdc_train_part_{number}/a.mp4": split
    }


def test_one_part_alone_is_a_set(tmp_path: Path) -> None:
    root = dfdc(tmp_path) / "dfdc_train_part_36"
    assert READERS[NAME].recognises(root)
    rows, _ = read(NAME, root, split="icpr2020")
    assert rows["dddddddddd.mp4"].split == "val"


def test_videos_cut_to_pictures(tmp_path: Path) -> None:
    put(tmp_path, "test/frames/a/000.png")
    put_text(tmp_path, "test/labels.csv", "\ufefffilename,label\r\na.mp4,1\r\nb.mp4,0\r\n")
    rows, _ = read(NAME, tmp_path)
    assert {path: (row.label, row.modality) for path, row in rows.items()} == {
        "test/b.mp4": ("real", "video"),
        "test/frames/a": ("fake", "frames"),
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a.mp4": {"label": "MAYBE"}}', "neither REAL nor FAKE"),
        ('{"a.mp4": {"split": "train"}}', "no field 'label'"),
        ('{"a.mp4": "FAKE"}', "a str where an object"),
        ('{"../../a.mp4": {"label": "FAKE"}}', "leaves the set's folder"),
        ('{"a.mp4": {"label": "FAKE", "original": "/b.mp4"}}', "leaves the set's folder"),
        ('{"a.mp4": {"label": "FAKE"}, "a.mp4": {"label": "REAL"}}', "two different things"),
        ('[{"a.mp4": {"label": "FAKE"}}]', "holds a list"),
        ('{"a.mp4": ', "line 1"),
        ("", "line 1"),
    ],
)
def test_metadata_that_contradict_themselves_are_told(tmp_path: Path, text: str, said: str) -> None:
    put_text(tmp_path, "dfdc_train_part_7/metadata.json", text)
    with pytest.raises(ConfigError, match=said) as caught:
        read(NAME, tmp_path)
    assert "dfdc_train_part_7/metadata.json" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("filename\na.mp4\n", "no column 'label'"),
        ("filename,label\na.mp4,2\n", "line 2: the label '2'"),
        ("filename,label\na.mp4,1\na.mp4,0\n", "line 3: a.mp4 is labelled fake above"),
        ("filename,label\n/a.mp4,1\n", "line 2: the path"),
    ],
)
def test_labels_that_contradict_themselves_are_told(tmp_path: Path, text: str, said: str) -> None:
    put_text(tmp_path, "test/labels.csv", text)
    with pytest.raises(ConfigError, match=said) as caught:
        read(NAME, tmp_path)
    assert "test/labels.csv" in str(caught.value)


def test_labels_may_be_written_in_any_case(tmp_path: Path) -> None:
    listed = {"a.mp4": {"label": "real"}, "b.mp4": {"label": "Fake "}}
    put_json(tmp_path, "train_sample_videos/metadata.json", listed)
    put_text(tmp_path, "test/labels.csv", "filename,label\nc.mp4,FAKE\nd.mp4,Real\n")
    rows, _ = read(NAME, tmp_path)
    assert {path: row.label for path, row in rows.items()} == {
        "test/c.mp4": "fake",
        "test/d.mp4": "real",
        "train_sample_videos/a.mp4": "real",
        "train_sample_videos/b.mp4": "fake",
    }
