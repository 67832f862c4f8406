from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assay.errors import ConfigError
from assay.training.datasets.records import FakeSpan

from .made_video_sets import lav_df, lav_df_entry, put, put_json
from .reading import read

NAME = "lav_df"
FAKE = {"n_fakes": 1, "fake_periods": [[1, 2]], "modify_audio": True}


def test_periods_become_spans_of_what_was_modified(tmp_path: Path) -> None:
    rows, notices = read(NAME, lav_df(tmp_path))
    assert {path: (row.label, row.split, row.spans) for path, row in rows.items()} == {
        "train/000000.mp4": ("real", "train", ()),
        "train/000001.mp4": ("fake", "train", (FakeSpan(1.0, 1.5, "both"),)),
        "train/000002.mp4": ("fake", "train", (FakeSpan(1.0, 1.5, "audio"),)),
        "dev/000003.mp4": ("real", "val", ()),
        "test/000004.mp4": ("fake", "test", (FakeSpan(1.0, 1.5, "visual"),)),
        "test/000005.mp4": ("real", "test", ()),
    }
    assert {code: notice.n for code, notice in notices.items()} == {"unlisted": 1}
    only_heard = rows["train/000002.mp4"]
    assert (only_heard.visual_fake, only_heard.audio_fake) == (False, True)
    assert only_heard.source == rows["train/000000.mp4"].source
    assert rows["test/000004.mp4"].source == "test/000004.mp4"


def test_either_list_says_the_same(tmp_path: Path) -> None:
    root = lav_df(tmp_path)
    small, _ = read(NAME, root)
    (root / "metadata.min.json").unlink()
    assert read(NAME, root)[0] == small
    (root / "metadata.json").unlink()
    with pytest.raises(ConfigError, match=r"metadata\.min\.json is not there"):
        read(NAME, root)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"n_fakes": 1}, "do not agree"),
        ({"modify_video": True}, "do not agree"),
        ({"fake_periods": [[1, 2]]}, "do not agree"),
        ({**FAKE, "n_fakes": 2}, "do not agree"),
        ({**FAKE, "fake_periods": [[2, 1]]}, "no span"),
        ({**FAKE, "fake_periods": "1-2"}, "no list"),
        ({"modify_audio": "no"}, "neither true nor false"),
        ({"split": "test"}, "in the split 'test'"),
        ({"split": "eval"}, "in the split 'eval'"),
        ({"file": "../a.mp4"}, "leaves the set's folder"),
        ({"file": 3}, "is no path"),
        ({"original": "/a.mp4"}, "leaves the set's folder"),
    ],
)
def test_an_entry_that_contradicts_itself_is_told(
    tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    listed = [lav_df_entry("train/1.mp4"), {**lav_df_entry("train/2.mp4"), **changed}]
    put_json(tmp_path, "metadata.json", listed)
    with pytest.raises(ConfigError, match=said) as caught:
        read(NAME, tmp_path)
    assert "metadata.json, entry 2" in str(caught.value)


def test_a_list_of_something_else_is_told(tmp_path: Path) -> None:
    put(tmp_path, "train/1.mp4")
    for value, said in (([1], "entry 1: a int"), ({}, "holds a dict"), ([{}], "no field 'file'")):
        put_json(tmp_path, "metadata.json", value)
        with pytest.raises(ConfigError, match=said):
            read(NAME, tmp_path)
    entry = lav_df_entry("train/1.mp4")
    put_json(tmp_path, "metadata.json", [entry, entry])
    with pytest.raises(ConfigError, match="listed twice"):
        read(NAME, tmp_path)
