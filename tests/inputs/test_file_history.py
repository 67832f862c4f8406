from __future__ import annotations

from pathlib import Path

import numpy as np

from assay.findings import Finding
from assay.inputs.file_history import header_findings
from assay.media.probe import probe
from tests.inputs.made_history import encode, lossy, music, scene, wav


def found(path: Path) -> dict[str, Finding]:
    findings = header_findings(probe(str(path)))
    return {one.code.removeprefix("sound_history_"): one for one in findings}


def written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def test_an_mp3_and_two_in_one(tmp_path: Path) -> None:
    one = lossy(music(2), 44_100, "libmp3lame", 64_000, "mp3")[0]
    alone = found(written(tmp_path / "a.mp3", one))
    assert set(alone) == {"mp3_stream"}
    assert alone["mp3_stream"].values["kbit_s"] == [64]
    both = found(written(tmp_path / "ab.mp3", one + one))
    assert set(both) == {"mp3_stream", "mp3_joined", "mp3_length"}
    assert both["mp3_joined"].region is not None
    assert abs((both["mp3_joined"].region.start_s or 0) - 2.0) < 0.2
    assert both["mp3_length"].severity == "notable"
    assert "longer" in both["mp3_length"].title


def test_chunks_of_a_wav_are_named(tmp_path: Path) -> None:
    path = wav(tmp_path / "a.wav", music(1))
    assert found(path)["wav_chunks"].values["chunks"] == ["fmt ", "data"]
    data = path.read_bytes() + b"cart" + (8).to_bytes(4, "little") + bytes(8)
    assert found(written(tmp_path / "b.wav", data))["wav_chunks"].values["chunks"][-1] == "cart"


def test_a_trimmed_memo_still_holds_what_was_cut(tmp_path: Path) -> None:
    data = bytearray(lossy(music(6), 44_100, "aac", 64_000, "ipod")[0])
    assert "edit_list" not in found(written(tmp_path / "a.m4a", bytes(data)))
    at = data.index(b"elst") + 12
    data[at : at + 8] = (2000).to_bytes(4, "big") + (2 * 44_100).to_bytes(4, "big")
    hidden = found(written(tmp_path / "b.m4a", bytes(data)))["edit_list"]
    assert abs(hidden.values["hidden_before_s"] - 2.0) < 0.01
    assert hidden.values["hidden_after_s"] > 1.5
    assert hidden.innocent_causes


def test_other_files_say_nothing(tmp_path: Path) -> None:
    assert found(encode(tmp_path / "a.mp4", scene(5))) == {}
    flac = lossy(np.zeros(44_100, np.float32), 44_100, "flac", 0, "flac")[0]
    assert found(written(tmp_path / "a.flac", flac)) == {}
