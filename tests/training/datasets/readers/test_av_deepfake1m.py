from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assay.errors import ConfigError
from assay.training.datasets.records import FakeSpan

from .made_video_sets import av_deepfake1m, av_deepfake1m_entry, put_json, put_text
from .reading import read

NAME = "av_deepfake1m"
HERE = "train/id00012/21Uxsk56VDQ/00001"


def test_segments_say_what_was_changed(tmp_path: Path) -> None:
    rows, notices = read(NAME, av_deepfake1m(tmp_path))
    assert {path: (row.label, row.spans) for path, row in rows.items()} == {
        f"{HERE}/fake_video_fake_audio.mp4": (
            "fake",
            (FakeSpan(0.5, 0.75, "both"), FakeSpan(1.0, 1.25, "audio")),
        ),
        f"{HERE}/fake_video_real_audio.mp4": ("fake", (FakeSpan(0.5, 0.75, "visual"),)),
        f"{HERE}/real.mp4": ("real", ()),
        f"{HERE}/real_video_fake_audio.mp4": (
            "fake",
            (FakeSpan(0.5, 0.75, "audio"), FakeSpan(1.0, 1.25, "audio")),
        ),
        "val/id00099/AAAAAAAAAAA/00007/real.mp4": ("real", ()),
    }
    assert {code: notice.n for code, notice in notices.items()} == {
        "no_labels": 2,
        "stray_segments": 1,
    }
    heard = rows[f"{HERE}/real_video_fake_audio.mp4"]
    assert (heard.visual_fake, heard.audio_fake, heard.method) == (False, True, "vits")
    assert {row.source for row in rows.values() if row.split == "train"} == {
        "id00012/21Uxsk56VDQ/00001"
    }
    assert {row.identity for row in rows.values()} == {"id00012", "id00099"}


def test_the_short_list_has_segments_of_both(tmp_path: Path) -> None:
    entry = av_deepfake1m_entry("a/b/c/x.mp4", "both-modified")
    entry.update(fake_segments=[[1, 2]], modify_type="both-modified")
    del entry["audio_fake_segments"], entry["visual_fake_segments"]
    put_json(tmp_path, "val_metadata.json", [{**entry, "split": "val"}])
    rows, _ = read(NAME, tmp_path)
    assert rows["val/a/b/c/x.mp4"].spans == (FakeSpan(1, 2, "both"),)


def test_a_fake_without_segments_is_fake_somewhere(tmp_path: Path) -> None:
    entry = av_deepfake1m_entry("a/b/c/x.mp4", "audio_modified", audio_fake_segments=[])
    put_json(tmp_path, "train_metadata.json", [entry])
    rows, notices = read(NAME, tmp_path)
    assert rows["train/a/b/c/x.mp4"].spans is None
    assert {code: notice.n for code, notice in notices.items()} == {"no_segments": 1}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"modify_type": "half"}, "'half' is no modify_type"),
        ({"split": "test"}, "of the split 'test'"),
        ({"audio_fake_segments": [[2, 1]]}, "no span"),
        ({"file": "../a.mp4"}, "leaves the set's folder"),
    ],
)
def test_an_entry_that_contradicts_itself_is_told(
    tmp_path: Path, changed: dict[str, Any], said: str
) -> None:
    good = av_deepfake1m_entry("a/b/c/real.mp4", "real")
    bad = {**av_deepfake1m_entry("a/b/c/x.mp4", "audio_modified"), **changed}
    put_json(tmp_path, "train_metadata.json", [good, bad])
    with pytest.raises(ConfigError, match=said) as caught:
        read(NAME, tmp_path)
    assert "train_metadata.json, entry 2" in str(caught.value)


def test_a_list_cut_short_is_told(tmp_path: Path) -> None:
    put_text(tmp_path, "train_metadata.json", '[{"file": "a.mp4"},\n {"fi')
    with pytest.raises(ConfigError, match=r"train_metadata\.json, line 2"):
        read(NAME, tmp_path)
