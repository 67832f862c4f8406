"""In-the-Wild: meta.csv, bona-fide with a hyphen."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import ConfigError
from assay.training.datasets.readers.in_the_wild import InTheWild
from assay.training.datasets.records import Notice, Record

from .made_audio_sets import in_the_wild

META = "release_in_the_wild/meta.csv"


def read(root: Path) -> tuple[dict[str, Record], dict[str, int]]:
    found = list(InTheWild().read(root, {}))
    rows = {one.path: one for one in found if isinstance(one, Record)}
    return rows, {one.code: one.n for one in found if isinstance(one, Notice)}


def test_labels_and_speakers(tmp_path: Path) -> None:
    rows, notices = read(in_the_wild(tmp_path))
    one, other = rows["release_in_the_wild/0.wav"], rows["release_in_the_wild/3.wav"]
    assert (one.label, one.identity, one.method) == ("fake", "Alec Guinness", "unknown")
    assert (other.label, other.identity, other.method) == ("real", "Barack Obama", "")
    assert notices == {}


def test_quotes_windows_and_what_no_row_names(tmp_path: Path) -> None:
    in_the_wild(tmp_path)
    text = (tmp_path / META).read_text().replace("0.wav,Alec Guinness", '0.wav,"Guinness, Alec"')
    text += text.splitlines()[-1]
    (tmp_path / META).write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    (tmp_path / "release_in_the_wild" / "9.wav").touch()
    assert InTheWild().recognises(tmp_path)
    rows, notices = read(tmp_path)
    assert rows["release_in_the_wild/0.wav"].identity == "Guinness, Alec"
    assert notices == {"listed_twice": 1, "unlisted": 1}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("9.wav,X,bonafide", "neither bona-fide nor spoof"),
        ("0.wav,Alec Guinness,bona-fide", "told otherwise above"),
        ("0.wav,Other,spoof", "told otherwise above"),
        ("../9.wav,X,spoof", "leaves the set's folder"),
        ("9.wav,spoof", "2 fields; the header has 3"),
        (",X,spoof", "is no path"),
    ],
)
def test_a_hostile_row_is_named(tmp_path: Path, row: str, said: str) -> None:
    with (in_the_wild(tmp_path) / META).open("a") as file:
        file.write(row + "\n")
    with pytest.raises(ConfigError, match=said) as refused:
        read(tmp_path)
    assert "meta.csv, line 6" in str(refused.value)
