"""WaveFake: one sentence by many vocoders is one source."""

from __future__ import annotations

import shutil
from pathlib import Path

from assay.training.datasets.readers.wavefake import WaveFake
from assay.training.datasets.records import Notice, Record, groups_of

from .made_audio_sets import wavefake

MADE = "generated_audio"


def read(root: Path) -> tuple[dict[str, Record], dict[str, int]]:
    found = list(WaveFake().read(root, {}))
    rows = {one.path: one for one in found if isinstance(one, Record)}
    return rows, {one.code: one.n for one in found if isinstance(one, Notice)}


def test_the_same_sentence_is_one_source_whatever_its_suffix(tmp_path: Path) -> None:
    rows, notices = read(wavefake(tmp_path))
    first = [row for row in rows.values() if row.source == "LJ001-0001"]
    assert {row.path for row in first} == {
        "LJSpeech-1.1/wavs/LJ001-0001.wav",
        f"{MADE}/ljspeech_melgan/LJ001-0001_gen.wav",
        f"{MADE}/ljspeech_hifiGAN/LJ001-0001_generated.wav",
        f"{MADE}/ljspeech_waveglow/LJ001-0001.wav",
    }
    assert len(set(groups_of(first))) == 1
    assert notices == {}


def test_the_vocoder_is_told_without_its_corpus(tmp_path: Path) -> None:
    rows, _ = read(wavefake(tmp_path))
    one = rows[f"{MADE}/jsut_parallel_wavegan/BASIC5000_0001_gen.wav"]
    assert (one.label, one.method, one.subset) == ("fake", "parallel_wavegan", "jsut")
    assert one.source == rows["jsut_ver1.1/basic5000/wav/BASIC5000_0001.wav"].source
    spoken = "common_voices_prompts_from_conformer_fastspeech2_pwg_ljspeech"
    assert rows[f"{MADE}/{spoken}/gen_1.wav"].source == ""
    assert len(set(groups_of(rows.values()))) > 4


def test_missing_genuine_speech_is_told(tmp_path: Path) -> None:
    wavefake(tmp_path)
    shutil.rmtree(tmp_path / "LJSpeech-1.1")
    rows, notices = read(tmp_path)
    assert {row.subset for row in rows.values() if row.label == "real"} == {"jsut"}
    assert notices == {"no_genuine": 6}


def test_an_unknown_folder_is_told_and_the_inner_folder_is_known(tmp_path: Path) -> None:
    (wavefake(tmp_path) / MADE / "ljspeech_newvocoder").mkdir()
    assert read(tmp_path)[1] == {"unknown_folder": 1}
    assert WaveFake().recognises(tmp_path / MADE)
    assert {row.label for row in read(tmp_path / MADE)[0].values()} == {"fake"}
