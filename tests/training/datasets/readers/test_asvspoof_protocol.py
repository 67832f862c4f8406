"""Protocols of ASVspoof: columns by place, contradictions named with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import ConfigError
from assay.training.datasets.readers.asvspoof_protocol import Trials, first_file, sounds, unlisted
from assay.training.datasets.readers.set_folder import SetFolder


def trials() -> Trials:
    return Trials(utterance=1, attack=3, label=4, n_columns=5)


def test_spoof_is_fake_and_a_dash_is_no_attack(tmp_path: Path) -> None:
    path = tmp_path / "p.txt"
    path.write_bytes(b"\xef\xbb\xbfS1 U1 - A01 spoof\r\n\r\nS1 U2 - - bonafide\r\n")
    found = [(t.utterance, t.label, t.attack, t.columns[0]) for t in trials().of(path)]
    assert found == [("U1", "fake", "A01", "S1"), ("U2", "real", "", "S1")]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("S1 U2 - spoof", "4 columns where 5"),
        ("S1 U2 - A01 fake", "neither bonafide nor spoof"),
        ("S1 U2 - A01 SPOOF", "neither bonafide nor spoof"),
        ("S1 U2 - A01 bonafide", "does not go with 'bonafide'"),
        ("S1 U2 - - spoof", "does not go with 'spoof'"),
        ("S1 ../../etc/passwd - A01 spoof", "leaves the set's folder"),
        ("S1 /etc/passwd - A01 spoof", "leaves the set's folder"),
        ("S1 a/b - A01 spoof", "no name of an utterance"),
        ("S1 U1 - - bonafide", "U1 is real here and fake in"),
    ],
)
def test_a_hostile_line_is_named(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "p.txt"
    path.write_text(f"S1 U1 - A01 spoof\n{line}\n")
    with pytest.raises(ConfigError, match=said) as refused:
        list(trials().of(path))
    assert "p.txt, line 2" in str(refused.value)


def test_what_is_said_again_is_counted_across_files(tmp_path: Path) -> None:
    one = trials()
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("S1 U1 - A01 spoof\n")
    assert len(list(one.of(tmp_path / "a.txt"))) == 1
    assert list(one.of(tmp_path / "b.txt")) == []
    assert [notice.n for notice in one.notices()] == [1]


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_bytes(b"S1 U1 - A01 spoof\nS1 \xff\xfe - A01 spoof\n")
    with pytest.raises(ConfigError, match="line 2: this is no UTF-8"):
        list(trials().of(tmp_path / "p.txt"))


def test_recordings_and_label_files_are_found(tmp_path: Path) -> None:
    (tmp_path / "flac").mkdir()
    for name in ("U1.flac", "U9.flac", "._U1.flac", "U1.txt"):
        (tmp_path / "flac" / name).touch()
    (tmp_path / "p.txt").write_text("S1 U1 - A01 spoof\n")
    folder, one = SetFolder(tmp_path), trials()
    assert first_file(folder, ["keys", ""], "p.txt") == tmp_path / "p.txt"
    assert first_file(folder, ["keys"], "p.txt") is None
    list(one.of(tmp_path / "p.txt"))
    found = sounds(folder, ["flac"])
    assert found == {"U1": "flac/U1.flac", "U9": "flac/U9.flac"}
    assert unlisted(found, one, "protocol").n == 1
