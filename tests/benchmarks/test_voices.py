"""The benchmark of voices on tiny made sounds: every table, with and without our detector."""

from __future__ import annotations

import csv
import hashlib
import json
import sys
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the train extra")
pytest.importorskip("sklearn", reason="needs the train extra")
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))

import torch
import voices
from heard import page, scoring, sounds, speed, tables
from held_out.scores import keep_compact

from assay.evaluation.metrics import auc
from assay.evaluation.pieces import Piece
from assay.evaluation.scores import Row
from assay.training.peers import PEERS, LoadedPeer
from tests.benchmarks.made_scores import NETWORKS, write_run

pytestmark = pytest.mark.train
RATE_HZ = 16_000
COLUMNS = ("path", "modality", "label", "method", "identity", "split", "note", "licence", "sha256")
PARTS = {"provenance", "separation", "vocoders", "corpora", "robustness", "alarms", "speed"}


def write_wav(path: Path, samples: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((samples * 20000).astype("<i2").tobytes())


def write_set(folder: Path, methods: dict[str, tuple[str, str, str]], n: int = 6) -> Path:
    """n clips a method; a fake is louder, which `Loudness` hears. {method: (label, split, note)}"""
    rows = []
    for number, (method, (label, split, note)) in enumerate(methods.items()):
        for i in range(n):
            rng = np.random.default_rng([number, i])
            loud = (0.5 if label == "fake" else 0.05) * rng.uniform(0.5, 1.5)
            path = f"{method}/{i}.wav"
            write_wav(folder / path, np.clip(rng.normal(0, loud, 8000), -1, 1))
            digest = hashlib.sha256((folder / path).read_bytes()).hexdigest()[:16]
            row = {"path": path, "modality": "audio", "label": label, "method": method}
            row |= {"identity": f"{method}-{i}", "split": split, "note": note, "sha256": digest}
            rows.append({name: row.get(name, "") for name in COLUMNS})
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return folder


class Loudness(torch.nn.Module):
    def forward(self, waveform: torch.Tensor) -> torch.Tensor:
        return waveform.abs().mean(dim=1) * 10 - 1


@pytest.fixture
def peer() -> LoadedPeer:
    return LoadedPeer(PEERS["AASIST"], "0" * 64, Loudness())


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("sets")
    one = {
        "studio": ("real", "val", ""),
        "seen": ("real", "train", ""),
        "vocoder": ("fake", "val", ""),
        "whisper": ("fake", "val", ""),
    }
    two = {
        "web": ("real", "val", ""),
        "singing-choir": ("real", "train", "not speech; a choir"),
    }
    return {"made": write_set(place / "made", one), "web": write_set(place / "web", two)}


@pytest.fixture
def without_ours(monkeypatch: pytest.MonkeyPatch, peer: LoadedPeer, tmp_path: Path) -> None:
    monkeypatch.setattr(voices, "sound_detectors", lambda: {scoring.MAIN: "it is not there"})
    monkeypatch.setattr(voices, "available_peers", lambda: ["AASIST"])
    monkeypatch.setattr(voices, "load_peer", lambda name: peer)
    monkeypatch.setattr(voices, "RAW", tmp_path / "raw")
    monkeypatch.setenv("ASSAY_SHARED", str(tmp_path / "nowhere"))


def row(path: str, label: str, method: str, detector: str, logit: float | None, **more: Any) -> Row:
    status = "abstained" if logit is None else "scored"
    fired = None if logit is None else logit > 0
    given = {"status": status, "logit": logit, "fired": fired, "group": path, **more}
    return Row(path=path, label=label, method=method, detector=detector, **given)


def made_rows(detector: str, shift: float, n: int = 30, variant: str = "") -> list[Row]:
    """Fakes of `easy` lie far above genuine clips, those of `hard` hardly."""
    rng = np.random.default_rng(abs(hash((round(shift, 3), variant))) % 1000)
    found = []
    for method, label, mean in (("easy", "fake", 4.0), ("hard", "fake", 0.5), ("lab", "real", -1)):
        for i in range(n):
            path = f"shared/{method}/{i}.flac"
            logit = float(mean + rng.normal() + (shift if label == "fake" else 0))
            found.append(row(path, label, method, detector, logit, variant=variant))
    return found


def test_what_is_heard_and_what_is_missing(folders: dict[str, Path], tmp_path: Path) -> None:
    found = sounds.gather({**folders, "gone": tmp_path}, tmp_path, 3)
    assert {p.method for p in found.speech} == {"studio", "vocoder", "whisper", "web"}
    assert len(found.speech) == 12
    assert {p.split for p in found.speech} == {"val"}
    assert {p.method for p in found.other} == {"singing-choir", "silence", "noise", "music"}
    assert {p.label for p in found.other} == {"real"}
    assert list(found.missing) == ["gone"]
    assert sounds.pool_of(found.speech[0].name) == "made"
    assert len({p.name for p in found.pieces}) == len(found.pieces)
    without = sounds.gather({"made": folders["made"]}, tmp_path, 3)
    assert "singing" in without.missing
    assert without.data_hash != found.data_hash


def test_made_sounds_are_heard_and_the_same_every_time(tmp_path: Path) -> None:
    first, again = sounds.made_sounds(tmp_path / "a"), sounds.made_sounds(tmp_path / "b")
    assert [p.sha256 for p in first] == [p.sha256 for p in again]
    assert len({p.sha256 for p in first}) == len(first)
    for piece in first:
        with wave.open(str(piece.path)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        assert len(samples) == RATE_HZ * sounds.MADE_S
        if piece.method != "silence":
            assert 3000 < np.abs(samples).max() < 32767


def test_each_clip_has_its_codecs(folders: dict[str, Path], tmp_path: Path) -> None:
    speech = sounds.gather(folders, tmp_path, None).speech
    copies = sounds.changed(speech, 2)
    names = {p.variant for p in copies}
    assert {"mp3_32", "opus_16", voices.TELEPHONE, "noise_10db", "reverberation"} <= names
    assert len(copies) == 4 * 2 * len(names)


def test_a_peer_hears_files_and_remembers(
    folders: dict[str, Path], tmp_path: Path, peer: LoadedPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    speech = sounds.gather({"made": folders["made"]}, tmp_path, 2).speech
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF no sound")
    bad = Piece("made/broken.wav", broken, "real", "studio", "b", "audio", "val", "x")
    pieces = [*speech, *sounds.changed(speech, 1), bad]
    rows = scoring.score_peer(pieces, tmp_path / "work", peer)
    assert [r.key for r in rows] == [(p.name, p.variant) for p in pieces]
    assert [r.status for r in rows] == ["scored"] * (len(pieces) - 1) + ["failed"]
    assert rows[-1].reason
    for one in rows[:-1]:
        assert one.fired == (one.logit is not None and one.logit > 0)
    plain = [one for one in rows[:-1] if not one.variant]
    assert {one.fired for one in plain if one.label == "fake"} == {True}
    assert {one.fired for one in plain if one.label == "real"} == {False}

    path = next((tmp_path / "work").glob("AASIST-*.jsonl"))
    path.write_text(path.read_text() + '{"path": "made/ha')
    monkeypatch.setattr(scoring, "_heard", lambda *_: pytest.fail("heard again"))
    again = scoring.score_peer(pieces[:-1], tmp_path / "work", peer)
    assert [r.logit for r in again] == pytest.approx([r.logit for r in rows[:-1]])


def test_worst_first_and_only_on_what_both_answered() -> None:
    rows = [*made_rows("ours", 0.0), *made_rows("AASIST", -0.4)]
    silent = {"shared/hard/0.flac", "shared/lab/3.flac"}
    rows = [
        row(r.path, r.label, r.method, r.detector, None)
        if r.detector == "ours" and r.path in silent
        else r
        for r in rows
    ]
    found = tables.separation(rows, ["ours", "AASIST"], ["other"], 50)
    assert list(found) == ["shared"]
    methods = found["shared"]["methods"]
    assert [entry["name"] for entry in methods] == ["hard", "easy"]
    hard = methods[0]
    assert (hard["fakes"], hard["reals"]) == (30, 30)
    assert hard["compared_on"] == {"fakes": 29, "reals": 29}
    kept = [r for r in rows if r.detector == "AASIST" and r.method in ("hard", "lab")]
    kept = [r for r in kept if r.path not in silent]
    expected = auc(np.array([r.logit for r in kept]), np.array([r.label == "fake" for r in kept]))
    assert hard["systems"]["AASIST"]["auc"]["value"] == pytest.approx(expected)
    worth = hard["systems"]["worth"]["auc"]["value"]
    assert worth == pytest.approx(hard["systems"]["ours"]["auc"]["value"] - expected)
    assert hard["alone"]["AASIST"]["answered_reals"] == 30
    assert hard["alone"]["ours"]["of_reals"] == 30
    assert hard["alone"]["other"]["too_small"]


def test_pools_of_their_own_and_all_together() -> None:
    rows = made_rows("AASIST", 0.0)
    rows += [row(f"made/tts/{i}", "fake", "tts", "AASIST", 3.0 + i) for i in range(6)]
    found = tables.separation(rows, ["AASIST"], [], 20)
    assert list(found) == ["shared", tables.EVERYTHING]
    assert [m["name"] for m in found["shared"]["methods"]] == ["hard", "easy"]
    everything = {m["name"]: m for m in found[tables.EVERYTHING]["methods"]}
    assert everything["tts"]["systems"]["AASIST"]["auc"]["value"] > 0.95
    assert "worth" not in everything["tts"]["systems"]


def test_alarms_abstentions_and_failures_are_told_apart() -> None:
    rows = [row(f"web/a/{i}", "real", "choir", "ours", 2.0 if i < 2 else -2.0) for i in range(6)]
    rows += [row(f"web/a/{i}", "real", "choir", "ours", None, reason="music: loud") for i in (6, 7)]
    rows += [row("web/a/8", "real", "choir", "ours", None, status="failed", reason="damaged")]
    rows += [row(f"web/b/{i}", "real", "hum", "ours", -1.0) for i in range(5)]
    rows += [row("web/c/0", "fake", "tts", "ours", 5.0)]
    first, second = tables.alarms(rows, ["ours", "AASIST"])
    assert (first["source"], second["source"]) == ("choir", "hum")
    cell = first["systems"]["ours"]
    assert (cell["files"], cell["alarms"], cell["abstained"], cell["failed"]) == (9, 2, 2, 1)
    assert cell["rate"]["value"] == pytest.approx(2 / 9)
    assert cell["reasons"] == {"music": 2, "damaged": 1}
    assert second["systems"]["ours"]["rate"]["high"] > 0.3
    assert first["systems"]["AASIST"] == {"too_small": "not run"}


def test_what_a_codec_takes_away_comes_first() -> None:
    rows = made_rows("AASIST", 0.0)
    rows += made_rows("AASIST", 0.0, variant="mp3_32") + made_rows("AASIST", -3.0, variant="noise")
    entries = tables.robustness(rows, ["AASIST"], 50)["AASIST"]
    assert [entry["variant"] for entry in entries] == ["noise", "mp3_32"]
    assert entries[0]["eer_after"]["value"] > entries[0]["eer_before"]["value"] + 0.2
    assert entries[0]["auc_change"]["high"] < 0


def test_speed_is_a_ratio_of_the_same_turns() -> None:
    calls: list[str] = []
    actions = {name: (lambda name=name: calls.append(name)) for name in ("a", "b")}
    taken = speed.in_turns(actions, 3)
    assert calls == ["a", "b"] * 4
    assert [len(of) for of in taken.values()] == [3, 3]
    found = speed.summary({"network_alone": [0.5, 0.1, 0.5], "AASIST": [5.0, 2.0, 6.0]})
    assert found["network_alone"]["times_real_time"] == pytest.approx(60)
    assert found["network_alone"]["times_AASIST"] == pytest.approx(12)
    assert found["AASIST"] == {"seconds": 5.0, "times_real_time": 6.0}


def test_thirty_seconds_of_genuine_speech(folders: dict[str, Path], tmp_path: Path) -> None:
    speech = sounds.gather(folders, tmp_path, None).speech
    samples = speed.joined(speech)
    assert len(samples) == 30 * RATE_HZ
    assert np.abs(samples).max() < 0.5  # no fake, which are louder
    assert sum(map(len, speed.cut_windows_of(samples))) >= len(samples)
    with pytest.raises(ValueError, match="No genuine speech"):
        speed.joined([p for p in speech if p.label == "fake"])


@pytest.mark.usefixtures("without_ours")
def test_quick_hears_a_few_and_says_why_ours_is_missing(
    folders: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (voices.RESULTS / "voices.json").is_file() and (voices.RESULTS / "voices.json").stat()
    work = tmp_path / "work"
    voices.main(["--quick", "--work", str(work), "--folders", *map(str, folders.values())])
    result = json.loads((work / "voices.json").read_text())
    assert result["skipped"][scoring.MAIN] == "it is not there"
    assert "skipped" in result["left_out"]
    assert result["systems"] == ["AASIST"]
    assert result["networks"] == {"AASIST": "0" * 64}
    assert result["files"]["speech"] == 8
    assert {entry["source"] for entry in result["alarms"]["other"]} >= {"silence", "singing-choir"}
    assert result["speed"]["AASIST"]["times_real_time"] > 1
    assert "network_alone" not in result["speed"]
    said = capsys.readouterr().out
    assert "it is not there" in said
    assert "Not measured" in said
    after = (voices.RESULTS / "voices.json").is_file() and (voices.RESULTS / "voices.json").stat()
    assert before == after


@pytest.mark.usefixtures("without_ours")
def test_the_whole_page_is_written_with_left_out_tables(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = write_run(tmp_path / "runs" / scoring.MAIN)
    target = tmp_path / "voices.md"
    target.write_text(voices.PAGE.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(voices, "PAGE", target)
    monkeypatch.setattr(voices, "RESULTS", tmp_path)
    arguments = ["--from-run", str(run), "--work", str(tmp_path / "work"), "--draws", "40"]
    arguments += ["--changed-per-source", "2", "--no-speed"]
    voices.main([*arguments, "--folders", *map(str, folders.values())])
    result = json.loads((tmp_path / "voices.json").read_text())
    left = result["left_out"]
    assert left["generators"][0]["left_out"] == "talking"
    assert {e["left_out"] for e in left["real_sources"]} >= {"cfp"}
    source = next(e for e in left["real_sources"] if e["left_out"] == "cfp")
    assert source["against_fakes"]["without cfp"]["equal_error_rate"]["value"] > 0
    text = target.read_text(encoding="utf-8")
    assert "Not measured yet" not in text
    assert "| `cfp` |" in text
    assert "`vocoder`" in text
    assert set(page.blocks(result)) == PARTS


@pytest.mark.usefixtures("without_ours")
def test_ours_and_the_peer_side_by_side(
    folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ours(pieces: list[Piece], _work: Path, names: list[str]) -> list[Row]:
        found = []
        for piece in pieces:
            for name in (*names, "file"):
                logit = 3.0 if piece.label == "fake" and piece.method != "whisper" else -3.0
                logit += len(found) % 7 / 10
                heard = piece.method not in ("silence", "noise") and name == scoring.MAIN
                one = row(
                    piece.name, piece.label, piece.method, name, logit if heard else None,
                    variant=piece.variant, group=piece.group, reason="" if heard else "silence: x",
                )  # fmt: skip
                found.append(one)
        return found

    monkeypatch.setattr(voices, "sound_detectors", lambda: {scoring.MAIN: None})
    monkeypatch.setattr(voices, "score_ours", ours)
    arguments = ["--work", str(tmp_path), "--draws", "40", "--no-speed", "--per-source", "9"]
    chosen = voices._parser().parse_args([*arguments, "--folders", *map(str, folders.values())])
    result = voices.measured(chosen)
    assert result["systems"] == [scoring.MAIN, "AASIST"]
    assert result["skipped"].keys() == set()
    everything = result["separation"][tables.EVERYTHING]
    assert [entry["name"] for entry in everything["methods"]] == ["whisper", "vocoder"]
    worth = everything["methods"][0]["systems"]["worth"]["auc"]
    assert worth["high"] < 0  # the peer, who hears loudness, is better here, and that is said
    found = {entry["source"]: entry["systems"] for entry in result["alarms"]["other"]}
    assert found["silence"][scoring.MAIN]["abstained"] == found["silence"][scoring.MAIN]["files"]
    assert found["noise"][scoring.MAIN]["reasons"] == {"silence": 5}
    assert {entry["source"] for entry in result["alarms"]["telephone"]} == {"studio", "web"}
    assert set(result["robustness"]) == {scoring.MAIN, "AASIST"}
    text = page.blocks(result)
    assert "`voice_synthesis` − `AASIST`, AUC" in text["separation"]
    assert "0 alarms, 0 % [0, 43.4]; 5 abstained" in text["alarms"]


def test_the_raw_scores_are_kept_apart_from_the_pictures(tmp_path: Path) -> None:
    # generalisation.py takes every scores_*.csv.gz right in benchmarks/results for its own.
    assert voices.RAW.parent == voices.RESULTS
    assert voices.RAW != voices.RESULTS
    keep_compact(write_run(tmp_path / "runs" / scoring.MAIN), tmp_path)
    assert (tmp_path / f"scores_{scoring.MAIN}.csv.gz").is_file()
    assert NETWORKS[0] == "all"


def test_detectors_of_sound_say_why_they_cannot_run(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ears:
        needs, bundle = "sound", "ears"

    class Eyes:
        needs, bundle = "faces", None

    monkeypatch.setattr(scoring, "discover", lambda: {"ears": Ears, "eyes": Eyes})
    monkeypatch.setattr(scoring, "bundle_names", lambda: [])
    found = scoring.sound_detectors()
    assert set(found) == {scoring.MAIN, "ears"}
    assert found["ears"] == "its bundle ears is not installed"
    monkeypatch.setattr(scoring, "bundle_names", lambda: ["ears"])
    assert scoring.sound_detectors()["ears"] is None
