"""ASVspoof 5: ten columns parted by blanks, coded twins of one recording."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import ConfigError
from assay.training.datasets.readers.asvspoof5 import AsvSpoof5
from assay.training.datasets.records import Notice, Record, groups_of

from .made_audio_sets import asvspoof5


def read(root: Path) -> tuple[dict[str, Record], dict[str, int]]:
    found = list(AsvSpoof5().read(root, {}))
    rows = {one.path: one for one in found if isinstance(one, Record)}
    return rows, {one.code: one.n for one in found if isinstance(one, Notice)}


def test_labels_attacks_and_codecs(tmp_path: Path) -> None:
    rows, notices = read(asvspoof5(tmp_path))
    one = rows["flac_T/T_0000000000.flac"]
    assert (one.label, one.method, one.split, one.identity) == ("fake", "A05", "train", "T_0001")
    assert (one.subset, one.note) == ("", "tag=AC3")
    genuine = rows["flac_D/D_0000000001.flac"]
    assert (genuine.label, genuine.method, genuine.split) == ("real", "", "val")
    coded = rows["flac_E_eval/E_0000000002.flac"]
    assert (coded.subset, coded.split, coded.note) == ("C01", "test", "quality=1 tag=AC2")
    assert notices == {}


def test_a_coded_recording_and_its_original_are_one_source(tmp_path: Path) -> None:
    rows, _ = read(asvspoof5(tmp_path))
    plain, coded = (rows[f"flac_E_eval/E_000000000{k}.flac"] for k in (0, 1))
    assert plain.source == coded.source == "E_0000000000"
    assert len(set(groups_of([plain, coded]))) == 1


def test_protocols_may_lie_beside_the_recordings(tmp_path: Path) -> None:
    top = asvspoof5(tmp_path) / "ASVspoof5_protocols"
    for path in top.iterdir():
        path.rename(tmp_path / path.name)
    assert len(read(tmp_path)[0]) == 7


def test_recordings_without_a_protocol_are_an_error(tmp_path: Path) -> None:
    protocol = asvspoof5(tmp_path) / "ASVspoof5_protocols/ASVspoof5.dev.track_1.tsv"
    protocol.unlink()
    with pytest.raises(ConfigError, match=r"ASVspoof5\.dev\.track_1\.tsv"):
        read(tmp_path)


def test_too_few_columns_are_named(tmp_path: Path) -> None:
    protocol = asvspoof5(tmp_path) / "ASVspoof5_protocols/ASVspoof5.train.tsv"
    protocol.write_text("T_0001 T_0000000000 F - - A05 spoof\n")
    with pytest.raises(ConfigError, match=r"train\.tsv, line 1: 7 columns where 9"):
        read(tmp_path)
