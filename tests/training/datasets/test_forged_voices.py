from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assay.errors import InputError
from assay.media.audio import read_waveform
from assay.media.probe import probe
from assay.training.datasets import forged_voices
from assay.training.datasets.forged_voices import (
    LOUDEST,
    activity,
    checked,
    main,
    make,
    write_flac,
)
from assay.training.datasets.forged_voices_plan import Config
from assay.training.datasets.manifest import read_manifest
from assay.training.datasets.speech_makers import Maker, Sound
from assay.training.datasets.speech_makers.programs import write_wave
from tests.training.datasets.test_forged_voices_plan import (  # noqa: F401
    CONFIG,
    config,
    hum,
    makers,
    written,
)


@pytest.fixture
def small(
    config: Config,  # noqa: F811
    makers: dict[str, Maker],  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> Config:
    """The small configuration, with recordings of 2.5 s to copy."""
    monkeypatch.setattr(forged_voices, "discover", lambda: makers)
    (config.folder / "a").mkdir(exist_ok=True)
    for i in range(4):
        write_wave(hum(2.5, 16_000, 0.1 + 0.1 * i), config.folder / "a" / f"{i}.wav")
    return config


def rows_of(out: Path) -> list[dict[str, str]]:
    with (out / "manifest.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def heard(path: Path) -> Sound:
    wave = read_waveform(probe(path), None, 60.0, lambda: None)
    return Sound(wave.samples, wave.sample_rate_hz)


def test_readings_and_copies_are_written_and_listed(small: Config, tmp_path: Path) -> None:
    out = tmp_path / "out"
    rows = make(small, out)
    assert rows == rows_of(out)
    assert len(rows) == 20 + 10 + 4 + 1
    items = {item.path: item for item in read_manifest(out)}  # the columns are the usual ones
    assert len(items) == len(rows)
    by_method = {m: [r for r in rows if r["method"] == m] for m in ("reader", "copier", "late")}
    assert {r["identity"] for r in by_method["reader"]} == {f"reader-v{i}" for i in range(10)}
    assert {r["source"] for r in by_method["reader"]} == {f"reader 1.0: v{i}" for i in range(10)}
    assert all("sentence en-" in r["note"] for r in by_method["reader"])
    assert [r["note"] for r in by_method["late"]] == ["copy of a/3.wav"]
    copy = next(r for r in by_method["copier"] if r["note"] == "copy of a/1.wav")
    assert (copy["identity"], copy["split"], copy["licence"]) == ("p1", "train", "PD; CC0")
    made, source = heard(out / copy["path"]), heard(small.folder / "a" / "1.wav")
    assert made.samples.size == 2 * 16_000  # copied_s
    np.testing.assert_allclose(made.samples, -source.samples[: made.samples.size], atol=1e-3)


def test_what_is_there_is_kept_and_what_is_broken_made_anew(small: Config, tmp_path: Path) -> None:
    out = tmp_path / "out"
    rows = make(small, out)
    kept, broken = out / rows[0]["path"], out / rows[1]["path"]
    kept_at, data = kept.stat().st_mtime_ns, broken.read_bytes()
    broken.write_bytes(data[:100])
    with (out / forged_voices.JOURNAL).open("a") as journal:
        journal.write('{"key": "cut off')
    assert make(small, out) == rows
    assert kept.stat().st_mtime_ns == kept_at
    assert broken.read_bytes() == data


def test_a_generator_that_is_absent_is_left_out_with_the_reason(
    small: Config,
    makers: dict[str, Maker],  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    makers["reader"].lacks = "the package reader"  # type: ignore[attr-defined]
    rows = make(small, tmp_path / "out")
    assert {r["method"] for r in rows} == {"stranger", "copier", "late"}
    assert "reader is left out: the package reader is not installed" in capsys.readouterr().err


def test_another_sentence_is_taken_for_one_that_is_too_long(
    small: Config,
    makers: dict[str, Maker],  # noqa: F811
    tmp_path: Path,
) -> None:
    seconds = makers["stranger"].seconds  # type: ignore[attr-defined]
    for i, text in enumerate(list(seconds)):
        seconds[text] = (0.5, 9.0, 2.0)[i % 3]
    rows = make(small, tmp_path / "out", ["stranger"])
    good = {f"sentence en-{i}" for i in range(10) if i % 3 == 2}
    assert len(rows) == 10
    assert {r["note"].split(";")[0] for r in rows} <= good
    seconds.clear()
    assert make(small, tmp_path / "none", ["stranger"]) == []


def test_only_some_families_and_then_the_others(small: Config, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert {r["method"] for r in make(small, out, ["late", "copier"])} == {"late", "copier"}
    assert len(make(small, out, ["stranger"])) == 15
    lines = (out / forged_voices.JOURNAL).read_text().splitlines()
    assert all(json.loads(line)["row"]["label"] == "fake" for line in lines)


@pytest.mark.parametrize(
    ("samples", "said"),
    [
        (np.zeros(0), "no sound"),
        (np.full(16_000, np.nan), "no sound"),
        (np.zeros(16_000), "dBFS"),
        (hum(2.0).samples * 1e-3, "dBFS"),
        (np.clip(hum(2.0).samples * 9, -1, 1), "at the limit"),
        (np.r_[hum(0.3).samples, np.zeros(14_000)], "15% of it active|14% of it active"),
        (hum(0.5).samples, "0.5 s long"),
        (hum(3.5).samples, "3.5 s long"),
    ],
)
def test_broken_sound_is_refused(small: Config, samples: np.ndarray, said: str) -> None:
    with pytest.raises(InputError, match=said):
        checked(Sound(samples.astype(np.float32), 8000), small)


def test_sound_is_only_ever_made_quieter(small: Config) -> None:
    loud = checked(hum(2.0, level=3.0), small)
    assert np.abs(loud.samples).max() == pytest.approx(LOUDEST, rel=1e-5)
    quiet = checked(hum(2.0, level=0.2), small)
    np.testing.assert_array_equal(quiet.samples, hum(2.0, level=0.2).samples)


def test_activity_is_of_the_loud_frames() -> None:
    sound = np.r_[hum(1.0, level=0.5).samples, np.zeros(24_000, np.float32)]
    level, share = activity(sound, 8000)
    loud = np.sqrt((hum(1.0, level=0.5).samples.astype(float) ** 2).mean())
    assert level == pytest.approx(20 * np.log10(loud), abs=0.1)
    assert share == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("rate_hz", [8000, 22_050, 44_100])
def test_flac_keeps_every_sample(tmp_path: Path, rate_hz: int) -> None:
    sound = hum(1.0, rate_hz)
    write_flac(sound, tmp_path / "a.flac")
    back = heard(tmp_path / "a.flac")
    assert back.rate_hz == rate_hz
    np.testing.assert_allclose(back.samples, sound.samples, atol=1 / 32768)
    assert [p.name for p in tmp_path.iterdir()] == ["a.flac"]


def test_the_command_tells_what_it_made(
    small: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = [str(tmp_path / "voices.toml"), "--out", str(out)]
    assert main([*arguments, "--only", "stranger,late"]) == 0
    printed = capsys.readouterr().out.split()
    assert printed == ["1", "val", "late", "10", "val", "stranger"]
    (tmp_path / "voices.toml").write_text("seed = 1")
    assert main(arguments) == 4 or "describes no" in capsys.readouterr().err


def test_a_changed_manner_is_made_anew(small: Config, tmp_path: Path) -> None:
    out = tmp_path / "out"
    make(small, out, ["stranger"])
    notes = [r["note"] for r in rows_of(out)]
    family = replace(small.voices[1], speed=(2.0, 2.0))
    make(replace(small, voices=(small.voices[0], family)), out, ["stranger"])
    assert len(rows_of(out)) == len(notes)
    assert all("speed 2" in r["note"] for r in rows_of(out))
