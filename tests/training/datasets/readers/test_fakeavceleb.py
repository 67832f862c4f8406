from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from assay.errors import ConfigError
from assay.training.datasets.records import groups_of

from .made_sets import Maker
from .made_video_sets import (
    FAKEAVCELEB_HEADER,
    fakeavceleb,
    fakeavceleb_underscored,
    put,
    put_text,
)
from .reading import read

NAME = "fakeavceleb"
LIPS = "FakeVideo-FakeAudio/{}/men/id00056/00028_id02332_wavtolip.mp4"


@pytest.mark.parametrize(
    ("make", "before", "race"),
    [
        (fakeavceleb, "", "Asian (East)"),
        (fakeavceleb_underscored, "FakeAVCeleb/", "Asian_East"),
    ],
)
def test_the_unnamed_column_and_the_folders_on_disk(
    tmp_path: Path, make: Maker, before: str, race: str
) -> None:
    root = make(tmp_path)
    rows, notices = read(NAME, root)
    assert len(rows) == 6
    assert all((root / path).is_file() for path in rows)
    assert {code: notice.n for code, notice in notices.items()} == {
        "listed_twice": 1,
        "unlisted": 1,
    }
    fake = rows[before + LIPS.format(race)]
    assert (fake.method, fake.note) == ("wav2lip", "also listed as faceswap-wav2lip")
    assert (fake.identity, fake.donor, fake.source) == ("id00056", "id02332", "id00056 00028")
    assert (fake.visual_fake, fake.audio_fake) == (True, True)


def test_what_is_forged_is_told_by_the_category(tmp_path: Path) -> None:
    rows, _ = read(NAME, fakeavceleb(tmp_path))
    found = {(row.subset, row.label, row.visual_fake, row.audio_fake) for row in rows.values()}
    assert found == {
        ("RealVideo-RealAudio", "real", False, False),
        ("RealVideo-FakeAudio", "fake", False, True),
        ("FakeVideo-RealAudio", "fake", True, False),
        ("FakeVideo-FakeAudio", "fake", True, True),
    }
    (real,) = (row for row in rows.values() if row.label == "real" and row.identity == "id00056")
    assert real.source == "id00056 00028"


def test_a_listed_video_that_is_missing_is_given(tmp_path: Path) -> None:
    root = fakeavceleb(tmp_path)
    (root / LIPS.format("Asian (East)")).unlink()
    rows, _ = read(NAME, root)
    assert rows[LIPS.format("Asian (East)")].listed


def test_without_its_list_the_folders_tell_the_labels(tmp_path: Path) -> None:
    root = fakeavceleb(tmp_path)
    (root / "meta_data.csv").unlink()
    rows, notices = read(NAME, root)
    assert "no_label_file" in notices
    assert Counter(row.method for row in rows.values()) == {
        "": 4,
        "rtvc": 1,
        "fsgan": 1,
        "wav2lip": 1,
    }
    assert rows[LIPS.format("Asian (East)")].identity == "id00056"
    assert not any(row.listed for row in rows.values())


def test_people_can_be_divided_and_donors_would_tie_them(tmp_path: Path) -> None:
    root = tmp_path / "set"
    rows = [FAKEAVCELEB_HEADER]
    people = [f"id{number:05d}" for number in range(100)]
    for person, other in zip(people, people[1:] + people[:1], strict=True):
        kinds = (("real", "A", "RealVideo-RealAudio"), ("fsgan", "C", "FakeVideo-RealAudio"))
        for method, letter, kind in kinds:
            donor = other if letter == "C" else "-"
            rows.append(
                f"{person},{donor},-,{method},{letter},{kind},African,men,{method}.mp4,"
                f"FakeAVCeleb/{kind}/African/men/{person}"
            )
    put_text(root, "meta_data.csv", "\ufeff" + "\r\n".join(rows))
    put(root, "RealVideo-RealAudio/African/men/id00000/real.mp4")
    found, _ = read(NAME, root, split="identity")
    of_person = {(row.identity, row.split) for row in found.values()}
    assert len(of_person) == 100
    assert Counter(split for _, split in of_person) == {"train": 70, "val": 15, "test": 15}
    assert len(set(groups_of(found.values()))) == 1
    assert len(set(groups_of(found.values(), with_donor=False))) == 100
    assert {row.split for row in read(NAME, root)[0].values()} == {""}


GOOD = "id1,-,-,real,A,RealVideo-RealAudio,African,men,a.mp4,FakeAVCeleb/RealVideo-RealAudio/x/id1"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (GOOD.replace(",A,", ",B,"), "do not agree"),
        (GOOD.replace(",RealVideo-RealAudio,", ",FakeVideo-RealAudio,"), "do not agree"),
        (GOOD.replace("FakeAVCeleb/RealVideo", "FakeAVCeleb/FakeVideo"), "do not agree"),
        (GOOD.replace(",real,", ",fsgan,"), "the method 'fsgan' in category A"),
        (GOOD.replace("a.mp4", "../../../../a.mp4"), "leaves the set's folder"),
        (GOOD.replace("FakeAVCeleb/", "/FakeAVCeleb/"), "leaves the set's folder"),
        (GOOD.replace(",African", ""), "9 fields; the header has 10"),
    ],
)
def test_a_row_that_contradicts_itself_is_told(tmp_path: Path, line: str, said: str) -> None:
    put_text(tmp_path, "meta_data.csv", f"{FAKEAVCELEB_HEADER}\n{GOOD}\n{line}\n")
    put(tmp_path, "RealVideo-RealAudio/x/id1/a.mp4")
    with pytest.raises(ConfigError, match=said) as caught:
        read(NAME, tmp_path)
    assert "meta_data.csv, line 3" in str(caught.value)


def test_a_list_without_its_unnamed_column_is_told(tmp_path: Path) -> None:
    put_text(tmp_path, "meta_data.csv", FAKEAVCELEB_HEADER.rstrip(",") + "\n")
    put(tmp_path, "RealVideo-RealAudio/x/id1/a.mp4")
    with pytest.raises(ConfigError, match="there is no column ''"):
        read(NAME, tmp_path)
