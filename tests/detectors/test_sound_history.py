from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from assay.case import Case
from assay.detectors.sound_history import SoundHistory
from assay.errors import InputError
from assay.media.audio import resampled
from assay.media.probe import probe
from assay.types import Evidence
from tests.inputs.made_history import RATE_HZ, codes, encode, lossy, music, scene, told, wav


def examined(path: Path) -> Evidence:
    return told(SoundHistory, path)


def finding(evidence: Evidence, code: str):  # type: ignore[no-untyped-def]
    return next(one for one in evidence.findings if one.code == f"sound_history_{code}")


def test_a_plain_recording_gets_bare_facts(tmp_path: Path) -> None:
    evidence = examined(wav(tmp_path / "a.wav", music(6)))
    assert codes(evidence) == {"wav_chunks"}
    assert evidence.details["raw_logit"] < 0
    assert evidence.details["best_mp3_score"] < 6
    plot = evidence.details["plot"]
    assert len(plot["frequencies_hz"]) == len(plot["level_db"]) > 100


@pytest.mark.parametrize(("codec", "form", "code"), [
    ("libmp3lame", "mp3", "mp3_before"), ("aac", "ipod", "aac_before"),
])  # fmt: skip
def test_a_lossless_file_that_was_lossy(codec: str, form: str, code: str, tmp_path: Path) -> None:
    sound = lossy(music(4), RATE_HZ, codec, 64_000, form)[1]
    evidence = examined(wav(tmp_path / "a.wav", sound[700:]))
    assert code in codes(evidence)
    assert finding(evidence, code).severity == "info"
    assert finding(evidence, code).innocent_causes
    assert "mp3_grid_jumps" not in codes(evidence)


def test_a_cut_after_the_mp3_is_told_with_its_seconds(tmp_path: Path) -> None:
    sound = lossy(music(8), RATE_HZ, "libmp3lame", 64_000, "mp3")[1]
    path = wav(tmp_path / "a.wav", np.r_[sound[:200_000], sound[211_111:]])
    found = finding(examined(path), "mp3_grid_jumps")
    assert found.severity == "notable"
    assert found.region.start_s - 0.3 < 200_000 / RATE_HZ < found.region.end_s + 0.3
    assert examined(path).details["raw_logit"] > 0


def test_resampled_sound_says_where_it_ends(tmp_path: Path) -> None:
    low = resampled(music(5), RATE_HZ, 16_000)
    found = finding(examined(wav(tmp_path / "a.wav", resampled(low, 16_000, RATE_HZ))), "bandwidth")
    assert found.values["cut_hz"] == pytest.approx(7700, abs=500)
    assert found.severity == "info"
    assert "16 kHz" in found.meaning
    assert "no sign of manipulation" in found.meaning


def test_parts_of_other_bandwidth_and_offset_are_told(tmp_path: Path) -> None:
    sound = music(12)
    low = resampled(resampled(sound, RATE_HZ, 16_000), 16_000, RATE_HZ)[: len(sound)]
    joined = np.r_[sound[: 6 * RATE_HZ], low[6 * RATE_HZ :] + 0.004]
    evidence = examined(wav(tmp_path / "a.wav", joined))
    assert {"band_joined", "offset_step"} <= codes(evidence)
    assert finding(evidence, "band_joined").region.start_s == pytest.approx(5, abs=1.1)
    assert finding(evidence, "offset_step").values["after"] == pytest.approx(0.004, abs=1e-3)


def test_bits_that_are_not_used(tmp_path: Path) -> None:
    coarse = np.round(music(3) * 128) / 128
    found = finding(examined(wav(tmp_path / "a.wav", coarse)), "bits")
    assert (found.values["stored"], found.values["used"]) == (16, 8)


def test_two_mp3_in_one(tmp_path: Path) -> None:
    one = lossy(music(2), RATE_HZ, "libmp3lame", 64_000, "mp3")[0]
    (tmp_path / "a.mp3").write_bytes(one + one)
    evidence = examined(tmp_path / "a.mp3")
    assert {"mp3_joined", "mp3_length", "mp3_stream"} <= codes(evidence)
    assert evidence.details["n_mp3_looks"] == 0, "a lossy file shows its own grid"


def test_a_mute_video_is_left_out(tmp_path: Path) -> None:
    evidence = examined(encode(tmp_path / "a.mp4", scene(5)))
    assert (evidence.status, str(evidence.reason)[:8]) == ("abstained", "no_sound")


@pytest.mark.parametrize("rate_hz", [1000, 8000, 192_000])
def test_hostile_sounds_are_answered(rate_hz: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    n = 3 * rate_hz
    sounds = [np.zeros(n), np.ones(n), np.sign(rng.standard_normal(n)), rng.random(3)]
    sounds += [np.tile(rng.random(rate_hz // 20), 60), np.r_[np.zeros(n), 1.0, np.zeros(n)]]
    for i, sound in enumerate(sounds):
        evidence = examined(wav(tmp_path / f"{i}.wav", sound, rate_hz))
        assert not {"mp3_before", "aac_before", "vorbis_before", "band_joined"} & codes(evidence)
        assert math.isfinite(evidence.details.get("raw_logit", 0.0))


def test_cut_and_damaged_files_are_answered(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for codec, form in (
        ("libmp3lame", "mp3"),
        ("aac", "ipod"),
        ("libopus", "ogg"),
        ("flac", "flac"),
    ):
        data = bytearray(lossy(music(2, 48_000), 48_000, codec, 64_000, form)[0])
        for place in rng.integers(len(data) // 3, len(data), 60):
            data[place] = rng.integers(0, 256)
        for k, piece in enumerate((data, data[: len(data) // 2], data + data)):
            path = tmp_path / f"{form}{k}"
            path.write_bytes(bytes(piece))
            try:
                media = probe(str(path))
            except InputError:
                continue
            (evidence,) = SoundHistory().examine(Case(media))
            assert evidence.status in ("reported", "abstained")
