"""The benchmark of the histories: its tables are right, and it measures files that are made."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from tests.inputs.made_history import encode, lossy, music, scene

PATH = Path(__file__).resolve().parents[2] / "benchmarks" / "histories.py"


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_of_histories", PATH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_table_counts_each_code_once_a_file(benchmark: ModuleType) -> None:
    made = benchmark.table([{"a", "b"}, {"a"}, set(), set()])
    assert made["n"] == 4
    assert {code: one["n"] for code, one in made["told"].items()} == {"a": 2, "b": 1}
    low, high = made["told"]["a"]["interval"]
    assert low < 0.5 < high
    assert made["none_of_the_rest_in"][0] == 0.0


def test_edits_do_what_they_say(benchmark: ModuleType) -> None:
    frames = [np.full((6, 4), i, np.uint8) for i in range(100)]
    made = {
        name: [int(one[0, 0]) for one in edit] for name, edit in benchmark.edits_of(frames).items()
    }
    assert made["nothing"] == list(range(100))
    assert len(made["7 pictures taken out"]) == 93
    assert made["10 pictures frozen"].count(50) == 10
    assert made["30 pictures repeated"][80:110] == list(range(40, 70))


def test_it_measures_what_lies_in_folders(benchmark: ModuleType, tmp_path: Path) -> None:
    videos, voices = tmp_path / "videos" / "real", tmp_path / "voices"
    data = tmp_path / "data"
    for folder in (videos, voices, data / "video" / "real", data / "audio" / "real"):
        folder.mkdir(parents=True)
    encode(videos / "a.mp4", scene(100, width=256, height=192))
    flac = lossy(music(5), 44_100, "flac", 0, "flac")[0]
    (voices / "a.flac").write_bytes(flac)
    out = tmp_path / "out.json"
    benchmark.main([str(data), str(tmp_path / "videos"), str(voices), "--out", str(out)])
    found = json.loads(out.read_text())
    assert found["genuine_videos"]["n"] == 1
    assert found["made_videos"]["MPEG-4, nothing"]["n"] == 1
    assert found["made_sounds"]["MP3 64 kbit/s"]["told"]["mp3_before"]["n"] == 1
    assert "mp3_grid_jumps" in found["made_sounds"]["MP3 64 kbit/s, then cut"]["told"]
