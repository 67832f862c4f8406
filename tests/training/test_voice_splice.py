from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from assay.errors import ConfigError
from assay.training.voice_splice import Row, at_one_percent, run, summary
from tests.training.sound_makers import voiced, write_wav

CONFIG = """kind = "voice_splice"
name = "made"
seed = 1
[data]
folders = ["{folder}"]
most_per_set = 2
most_s = 5.0
[splices]
per_clip = 1
[treatments]
mp3 = 64000
"""


def recordings(folder: Path) -> None:
    columns = ["path", "modality", "label", "method", "identity", "split", "box", "source"]
    columns += ["licence", "note", "sha256"]
    with (folder / "manifest.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, columns)
        table.writeheader()
        for n in range(6):
            write_wav(str(folder / f"{n}.wav"), voiced(3.0, n))
            row = {"path": f"{n}.wav", "modality": "audio", "label": "real", "method": "made"}
            split = "val" if n % 2 else "train"
            table.writerow({**row, "identity": f"p{n}", "split": split, "sha256": f"{n}"})


def test_a_small_measurement_runs_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    recordings(tmp_path)
    monkeypatch.chdir(tmp_path)
    config = tmp_path / "splice.toml"
    config.write_text(CONFIG.format(folder=tmp_path))
    told = json.loads((run(config) / "measured.json").read_text())
    assert json.loads(capsys.readouterr().out) == told
    assert set(told["genuine"]) == {"as found", "mp3"}
    assert told["genuine"]["as found"]["n"] == 4
    assert sum(one["n"] for one in told["found"]["mp3"].values() if one["n"]) == 4


@pytest.mark.parametrize("text", ["", "kind = 3", 'name = "x"\n[data]\nfolders = []'])
def test_a_configuration_that_lacks_something_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match="usable"):
        run(path)


def test_without_recordings_there_is_nothing_to_measure(tmp_path: Path) -> None:
    path = tmp_path / "empty.toml"
    path.write_text(CONFIG.format(folder=tmp_path))
    with pytest.raises(ConfigError, match="genuine"):
        run(path)


def row(split: str, way: str, step_db: float, at_cut: bool = False, codes: tuple = ()) -> Row:
    return Row("set", split, way, "as found", 36.0, codes, codes if way else (), step_db, at_cut)


def test_alarms_are_counted_by_the_hour_and_cuts_by_the_share() -> None:
    code = "splice_repeat"
    rows = [row("val", "", 0, codes=(code,) * 2), *(row("val", "", 0) for _ in range(99))]
    rows += [row("val", "moved", 0, codes=(code,)), row("val", "moved", 0)]
    told = summary(rows)
    assert told["genuine"]["as found"]["per_hour"] == {code: 2.0}
    assert told["genuine"]["as found"]["share_of_recordings"] == 0.01
    assert told["found"]["as found"]["moved"][code] == 0.5
    assert told["genuine_by_set"] == {"set": [100, 1, 60.0]}


def test_the_cut_at_one_percent_is_drawn_on_one_split_and_measured_on_the_other() -> None:
    rng = np.random.default_rng(0)
    rows = [row("train", "", float(x)) for x in rng.normal(0, 1, 500)]
    rows += [row("val", "", float(x)) for x in rng.normal(0, 1, 500)]
    rows += [
        row("val", "other", 5.0, True),
        row("val", "other", 5.0),
        row("val", "other", -5.0, True),
    ]
    told = at_one_percent(rows, "as found")
    assert 1.8 < told["step_db"] < 3
    assert told["false_alarms"] < 0.03
    assert told["found"] == pytest.approx(1 / 3, abs=1e-3)
    assert at_one_percent(rows[:500], "as found") == {}
