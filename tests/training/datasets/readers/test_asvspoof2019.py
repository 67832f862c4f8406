"""ASVspoof 2019 LA: partitions, attacks and speakers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from assay.errors import ConfigError
from assay.training.datasets.readers.asvspoof2019 import AsvSpoof2019
from assay.training.datasets.records import Notice, Record

from .made_audio_sets import asvspoof2019

EVAL = "LA/ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.eval.trl.txt"


def read(root: Path) -> tuple[dict[str, Record], dict[str, int]]:
    found = list(AsvSpoof2019().read(root, {}))
    rows = {one.path: one for one in found if isinstance(one, Record)}
    notices = Counter[str]()
    for one in found:
        if isinstance(one, Notice):
            notices[one.code] += one.n
    return rows, dict(notices)


def test_partitions_labels_and_attacks(tmp_path: Path) -> None:
    rows, notices = read(asvspoof2019(tmp_path))
    one = rows["LA/ASVspoof2019_LA_eval/flac/LA_E_1000002.flac"]
    assert (one.label, one.method, one.split, one.identity) == ("fake", "A16", "test", "LA_0022")
    assert one.audio_fake
    genuine = rows["LA/ASVspoof2019_LA_dev/flac/LA_D_1000000.flac"]
    assert (genuine.label, genuine.method, genuine.split) == ("real", "", "val")
    assert len(rows) == 9
    assert notices == {}


def test_the_inner_folder_is_known_too(tmp_path: Path) -> None:
    asvspoof2019(tmp_path)
    assert len(read(tmp_path / "LA")[0]) == 9


def test_recordings_without_labels_are_an_error(tmp_path: Path) -> None:
    asvspoof2019(tmp_path)
    (tmp_path / EVAL).unlink()
    with pytest.raises(ConfigError, match=r"cm\.eval\.trl\.txt"):
        read(tmp_path)


def test_a_partition_that_was_not_fetched_is_told(tmp_path: Path) -> None:
    asvspoof2019(tmp_path)
    (tmp_path / EVAL).unlink()
    for path in (tmp_path / "LA/ASVspoof2019_LA_eval/flac").iterdir():
        path.unlink()
    rows, notices = read(tmp_path)
    assert {row.split for row in rows.values()} == {"train", "val"}
    assert notices == {"no_partition": 1}


def test_missing_recordings_are_given_and_others_counted(tmp_path: Path) -> None:
    asvspoof2019(tmp_path)
    flac = tmp_path / "LA/ASVspoof2019_LA_train/flac"
    (flac / "LA_T_1000000.flac").unlink()
    (flac / "LA_T_9999999.flac").touch()
    rows, notices = read(tmp_path)
    assert "LA/ASVspoof2019_LA_train/flac/LA_T_1000000.flac" in rows
    assert notices == {"unlisted": 1}


def test_one_utterance_in_two_partitions_with_two_labels_is_an_error(tmp_path: Path) -> None:
    asvspoof2019(tmp_path)
    with (tmp_path / EVAL).open("a") as file:
        file.write("LA_0000 LA_T_1000000 - A07 spoof\n")
    with pytest.raises(ConfigError, match="line 4: LA_T_1000000 is fake here and real in"):
        read(tmp_path)
