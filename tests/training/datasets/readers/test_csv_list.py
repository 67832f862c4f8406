"""Any table: labels in words, 0 and 1 only when it is said which is which."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from assay.errors import ConfigError
from assay.training.datasets.readers.csv_list import CsvList
from assay.training.datasets.records import Notice, Record

from .made_image_sets import csv_list


def read(root: Path, one_means: str = "words") -> tuple[dict[str, Record], dict[str, int]]:
    found = list(CsvList().read(root, {"one_means": one_means}))
    rows = {one.path: one for one in found if isinstance(one, Record)}
    notices = Counter[str]()
    for one in found:
        if isinstance(one, Notice):
            notices[one.code] += one.n
    return rows, dict(notices)


def write(root: Path, text: str, name: str = "list.csv") -> Path:
    (root / name).write_text(text)
    return root


def test_all_columns_are_taken(tmp_path: Path) -> None:
    rows, notices = read(csv_list(tmp_path))
    one = rows["clips/anna_fake.jpg"]
    assert (one.label, one.method, one.identity, one.split) == ("fake", "swap", "anna", "train")
    assert rows["clips/ben_real.jpg"].split == "test"
    assert notices == {}


@pytest.mark.parametrize("word", ["real", "Genuine", "BONAFIDE", "bona-fide", "original"])
def test_words_for_genuine(tmp_path: Path, word: str) -> None:
    rows, _ = read(write(tmp_path, f"File_Name,Label\na.wav,{word}\n"))
    assert rows["a.wav"].label == "real"


@pytest.mark.parametrize("word", ["fake", "Spoof", "generated", "AI", "deepfake"])
def test_words_for_forged(tmp_path: Path, word: str) -> None:
    rows, _ = read(write(tmp_path, f"path,label\na.wav,{word}\n"))
    assert (rows["a.wav"].label, rows["a.wav"].method) == ("fake", "unnamed")


def test_numbers_are_refused_until_it_is_said_what_one_means(tmp_path: Path) -> None:
    write(tmp_path, "path,label\na.jpg,1\nb.jpg,0.0\n")
    with pytest.raises(ConfigError, match=r"list\.csv, line 2") as refused:
        read(tmp_path)
    assert "one_means=fake" in refused.value.remedy
    assert [row.label for row in read(tmp_path, "fake")[0].values()] == ["fake", "real"]
    assert [row.label for row in read(tmp_path, "real")[0].values()] == ["real", "fake"]
    assert not CsvList().recognises(tmp_path)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("b.jpg,2,,", "no word for real or fake"),
        ("b.jpg,,,", "no word for real or fake"),
        ("b.jpg,paired,,", "no word for real or fake"),
        ("../b.jpg,real,,", "leaves the set's folder"),
        ("/etc/passwd,real,,", "does not lead into"),
        ("b.jpg,real,training set,", "no split"),
        ("b.jpg,real,,../m.png", "leaves the set's folder"),
        ("a.jpg,fake,,", "told otherwise in"),
        ("a.jpg,real,train,", "told otherwise in"),
        ("b.jpg,real", "2 fields; the header has 4"),
    ],
)
def test_a_hostile_row_is_named(tmp_path: Path, row: str, said: str) -> None:
    write(tmp_path, f"path,label,split,mask\na.jpg,real,,\n{row}\n")
    with pytest.raises(ConfigError, match=said) as refused:
        read(tmp_path)
    assert "list.csv, line 3" in str(refused.value)


def test_tables_called_by_a_split_give_it(tmp_path: Path) -> None:
    write(tmp_path, "path,label\na.jpg,real\n", "train.csv")
    write(tmp_path, "path,label\nb.jpg,fake\n", "valid.csv")
    write(tmp_path, "id,score\n1,2\n", "scores.csv")
    write(tmp_path, "", "empty.csv")
    rows, notices = read(tmp_path)
    assert {path: row.split for path, row in rows.items()} == {"a.jpg": "train", "b.jpg": "val"}
    assert notices == {"not_read": 2}


def test_a_byte_order_mark_windows_and_rows_said_again(tmp_path: Path) -> None:
    text = '\ufeffpath,label\r\n"a,1.jpg",real\r\n"a,1.jpg",real\r\n"b\n2.jpg",fake\r\n'
    (tmp_path / "list.csv").write_bytes(text.encode())
    rows, notices = read(tmp_path)
    assert set(rows) == {"a,1.jpg", "b\n2.jpg"}
    assert notices == {"listed_twice": 1}


def test_speech_df_arena_has_absolute_names_without_suffix(tmp_path: Path) -> None:
    (tmp_path / "VALLE").mkdir()
    (tmp_path / "VALLE" / "62.valle_.wav").touch()
    write(tmp_path, "file_name,label\n/sets/SONAR/VALLE/62.valle_,spoof\n", "SONAR.csv")
    rows, notices = read(tmp_path)
    assert rows["VALLE/62.valle_.wav"].modality == "audio"
    assert notices == {"cut_off": 1, "suffix_added": 1}


OURS = "path,modality,label,method,identity,split,box,source,licence,note,sha256\n"


def test_assays_own_manifest(tmp_path: Path) -> None:
    write(
        tmp_path,
        OURS
        + "a.jpg,image,real,cfp,p1,train,,repo@1:a.jpg,CC,,00\n"
        + f"b.flac,audio,fake,melgan,,train,,x,,copy of c.flac; 16 kHz,{'0f' * 8}\n"
        + "c.flac,audio,real,ljspeech,,val,,x,,,00\n"
        + "d.png,eye,closed,web-eyes,,train,,x,,,00\n"
        + "e.mp4,video,paired,dfl,p2,train,,x,,left half real,00\n"
        + "f.jpg,file,forensic,c2pa,,train,,x,,bytes untouched,00\n"
        + "v/train-mead-hdtf_3_M005_x.mp4,video,real,mead-hdtf,,train,,x,,,00\n",
        "manifest.csv",
    )
    write(tmp_path, "path,label\nz.jpg,real\n", "another.csv")
    rows, notices = read(tmp_path)
    assert (rows["a.jpg"].method, rows["a.jpg"].subset, rows["a.jpg"].source) == ("", "cfp", "")
    assert rows["b.flac"].source == rows["c.flac"].source == "c.flac"
    assert rows["b.flac"].method == "melgan"
    eye = rows["d.png"]
    assert (eye.modality, eye.label, eye.eye) == ("image", "real", "closed")
    assert rows["v/train-mead-hdtf_3_M005_x.mp4"].identity == "mead-M005"
    assert [row.sha256 for row in rows.values() if row.sha256] == ["0f" * 8]
    assert not rows.keys() & {"e.mp4", "f.jpg", "z.jpg"}
    assert notices == {"paired": 1, "forensic": 1, "not_read": 1}


@pytest.mark.parametrize("text", ["", "id,score\n1,2\n", "path\na.jpg\n", "path,label\n"])
def test_no_list_is_an_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError):
        read(write(tmp_path, text))


def test_a_list_that_cannot_be_read_is_not_passed_over(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(b"path,label\n\xff.jpg,real\n")
    with pytest.raises(ConfigError, match="line 2: this is no UTF-8"):
        read(tmp_path)


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    write(tmp_path, "path,label\na.jpg,real\n")
    with pytest.raises(ConfigError, match="is a file"):
        read(tmp_path / "list.csv")
