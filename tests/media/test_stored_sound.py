from __future__ import annotations

from pathlib import Path

import numpy as np

from assay.media.probe import probe
from assay.media.stored_sound import StoredBits, is_lossless, read_bits
from tests.inputs.made_history import lossy, music, wav


def bits(path: Path) -> StoredBits | None:
    return read_bits(probe(str(path)))


def test_all_bits_are_in_use(tmp_path: Path) -> None:
    found = bits(wav(tmp_path / "a.wav", music(1.0)))
    assert found == StoredBits(16, 16, 44_100)


def test_sound_of_eight_bits_in_sixteen(tmp_path: Path) -> None:
    coarse = np.round(music(1.0) * 128) / 128
    assert bits(wav(tmp_path / "a.wav", coarse)) == StoredBits(16, 8, 44_100)


def test_silence_and_lossy_sound_say_nothing(tmp_path: Path) -> None:
    assert bits(wav(tmp_path / "a.wav", np.zeros(44_100))) is None
    path = tmp_path / "a.mp3"
    path.write_bytes(lossy(music(1.0), 44_100, "libmp3lame", 64_000, "mp3")[0])
    assert bits(path) is None


def test_which_codecs_keep_each_sample() -> None:
    assert all(map(is_lossless, ("pcm_s16le", "pcm_s24le", "flac", "alac")))
    assert not any(map(is_lossless, (None, "pcm_alaw", "pcm_mulaw", "mp3", "aac", "opus")))
