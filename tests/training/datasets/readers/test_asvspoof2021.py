"""ASVspoof 2021: column 6 is the label, column 8 the phase; no keys, no labels."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import ConfigError
from assay.training.datasets.readers.asvspoof2021 import AsvSpoof2021Df, AsvSpoof2021La
from assay.training.datasets.records import Notice, Record

from .made_audio_sets import asvspoof2021_df, asvspoof2021_la

KEYS = "keys/LA/CM/trial_metadata.txt"


def read(
    root: Path, phase: str = "eval", reader: type = AsvSpoof2021La
) -> tuple[dict[str, Record], dict[str, int]]:
    found = list(reader().read(root, {"phase": phase}))
    rows = {one.path.rsplit("/", 1)[-1]: one for one in found if isinstance(one, Record)}
    return rows, {one.code: one.n for one in found if isinstance(one, Notice)}


def test_labels_phases_and_channels(tmp_path: Path) -> None:
    rows, notices = read(asvspoof2021_la(tmp_path))
    one = rows["LA_E_9332881.flac"]
    assert (one.label, one.method, one.identity) == ("fake", "A07", "LA_0009")
    assert (one.split, one.subset) == ("test", "eval")
    assert one.note == "codec=alaw transmission=ita_tx trim=notrim"
    assert rows["LA_E_6866159.flac"].label == "real"
    assert notices == {"other_phase": 2}
    everything, notices = read(tmp_path, "all")
    assert [row.subset for row in everything.values()].count("eval") == 2
    assert len(everything) == 4
    assert notices == {}
    assert everything["LA_E_5464495.flac"].subset == "hidden"


def test_df_comes_in_parts_with_more_columns(tmp_path: Path) -> None:
    rows, notices = read(asvspoof2021_df(tmp_path), "all", AsvSpoof2021Df)
    one = rows["DF_E_2000013.flac"]
    assert one.path == "ASVspoof2021_DF_eval_part01/ASVspoof2021_DF_eval/flac/DF_E_2000013.flac"
    assert (one.label, one.method) == ("fake", "Task1-team20")
    assert "vocoder=neural_vocoder_nonautoregressive" in one.note
    assert "team=team20" in one.note
    genuine = rows["DF_E_2000024.flac"]
    assert (genuine.label, genuine.method) == ("real", "")
    assert (tmp_path / genuine.path).is_file()
    assert notices == {}


def test_no_keys_is_an_error_and_no_guess(tmp_path: Path) -> None:
    (asvspoof2021_la(tmp_path) / KEYS).unlink()
    assert AsvSpoof2021La().recognises(tmp_path)
    with pytest.raises(ConfigError, match="there are no labels") as refused:
        read(tmp_path)
    assert "LA-keys-full.tar.gz" in refused.value.remedy


def test_two_tracks_in_one_folder_are_not_mixed_up(tmp_path: Path) -> None:
    asvspoof2021_df(asvspoof2021_la(tmp_path))
    assert {name[:2] for name in read(tmp_path, "all")[0]} == {"LA"}
    assert {name[:2] for name in read(tmp_path, "all", AsvSpoof2021Df)[0]} == {"DF"}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("LA_0009 LA_E_1 alaw ita_tx A07 spoof notrim", "7 columns where 8"),
        ("LA_0009 LA_E_1 alaw ita_tx A07 spoof notrim final", "unknown phase 'final'"),
        ("LA_0009 LA_E_1 alaw ita_tx spoof A07 notrim eval", "neither bonafide nor spoof"),
        ("LA_0009 DF_E_1 alaw ita_tx A07 spoof notrim eval", "not of the track LA"),
        ("LA_0009 LA_E_9332881 alaw ita_tx - bonafide notrim eval", "is real here and fake in"),
    ],
)
def test_hostile_keys_are_named(tmp_path: Path, line: str, said: str) -> None:
    with (asvspoof2021_la(tmp_path) / KEYS).open("a") as file:
        file.write(line + "\n")
    with pytest.raises(ConfigError, match=said) as refused:
        read(tmp_path)
    assert "trial_metadata.txt" in str(refused.value)


def test_recordings_without_a_key_are_counted(tmp_path: Path) -> None:
    (asvspoof2021_la(tmp_path) / "ASVspoof2021_LA_eval/flac/LA_E_1.flac").touch()
    assert read(tmp_path, "all")[1] == {"unlisted": 1}
