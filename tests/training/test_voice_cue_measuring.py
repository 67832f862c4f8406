from __future__ import annotations

import hashlib
import os
import wave
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from assay.training import voice_cue_measuring as measuring
from assay.training.datasets.manifest import Item
from assay.training.voice_cue_measuring import WAYS, Clip, clips_of, measure_all, measure_sound
from assay.types import Waveform
from tests.inputs.made_voices import RATE_HZ, hostile_sounds, syllables
from tests.inputs.test_voice_stretches import speech_of

pytestmark = pytest.mark.train


def item(n: int, label: str = "real", method: str = "set", copy_of: Path | None = None) -> Item:
    digest = hashlib.sha256(f"{n} {label} {method}".encode()).hexdigest()
    return Item(
        Path(f"{method}-{n}"), "audio", label, method, f"p{n}", "train", "x", digest, copy_of
    )


def heard_whole(sound: Waveform) -> object:
    seconds = len(sound.samples) / RATE_HZ
    return speech_of(sound.samples, [(0.0, seconds, 1)] if seconds else [])


def test_of_each_set_a_bounded_number_is_drawn_the_same_each_time() -> None:
    items = [item(n) for n in range(20)] + [item(n, "fake", "maker") for n in range(20)]
    clips = clips_of(items, {"real": 8, "fake": 3}, [], 0)
    assert Counter(clip.method for clip in clips) == {"set": 8, "maker": 3}
    assert clips == clips_of(items[::-1], {"real": 8, "fake": 3}, [], 0)


def test_forgers_of_the_lab_work_on_genuine_sentences_alone() -> None:
    items = [item(n) for n in range(5)] + [item(9, "fake", "maker")]
    clips = clips_of(items, {"real": 5, "fake": 5}, ["griffin_lim", "world_vocoder"], 3)
    made = [clip for clip in clips if clip.forger]
    assert len(made) == 6
    assert all(clip.fake and clip.source == "set" for clip in made)
    assert {clip.method for clip in made} == {"griffin_lim", "world_vocoder"}


def test_a_copy_belongs_to_the_set_of_its_sentence() -> None:
    genuine = item(1)
    copy = item(2, "fake", "vocoder", genuine.path)
    clips = clips_of([genuine, copy], {"real": 5, "fake": 5}, [], 0)
    assert {clip.method: clip.source for clip in clips} == {"set": "set", "vocoder": "set"}


@pytest.mark.parametrize("name", WAYS)
def test_every_way_keeps_length_and_changes_the_sound(name: str) -> None:
    pytest.importorskip("scipy", reason="the train extra is not installed")
    sound = syllables(4.0, 1.0)
    rng = np.random.default_rng(1)
    changed = WAYS[name](sound, rng)
    assert changed.shape == sound.shape
    assert np.isfinite(changed).all()
    if name != "degraded":  # which may draw nothing
        assert np.abs(changed - sound).max() > 1e-4


def test_both_detectors_cues_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measuring, "find_speech", heard_whole)
    found = measure_sound(syllables(4.0, 3.0))
    assert found is not None
    prosody, spectrum = found
    assert np.isfinite(prosody).sum() > 10
    assert np.isfinite(spectrum).sum() > 10


@pytest.mark.parametrize("name", ["silence", "noise", "one_sample", "not_a_number"])
def test_what_is_no_voice_gives_no_row_or_few_numbers(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measuring, "find_speech", heard_whole)
    sound = np.nan_to_num(hostile_sounds()[name])
    found = measure_sound(sound)
    assert found is None or np.isnan(found[0]).any()


def write_wav(path: Path, sound: np.ndarray) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes((sound * 32_000).astype("<i2").tobytes())


def test_a_file_without_speech_gives_no_row_and_is_remembered(tmp_path: Path) -> None:
    pytest.importorskip("scipy", reason="the train extra is not installed")
    path = tmp_path / "a.wav"
    write_wav(path, np.zeros(RATE_HZ))
    clip = Clip(Item(path, "audio", "real", "set", "p", "train", "x", "0" * 64), "set")
    folder = tmp_path / "cache"
    folder.mkdir()
    assert measuring._measured(clip, folder) == []
    (kept,) = folder.glob("*.npz")
    before = kept.stat().st_mtime_ns
    assert measuring._measured(clip, folder) == []
    assert kept.stat().st_mtime_ns == before


@pytest.mark.shared
def test_genuine_and_synthetic_speech_become_rows(tmp_path: Path) -> None:
    pytest.importorskip("scipy", reason="the train extra is not installed")
    folder = Path(os.environ.get("ASSAY_SHARED", "")) / "data" / "audio"
    files = [sorted(folder.glob(f"{kind}/*/train*.flac"))[:1] for kind in ("real", "fake")]
    if not all(files):
        pytest.skip("ASSAY_SHARED names no folder with speech")
    clips = [
        Clip(Item(f[0], "audio", label, label, label, "train", "x", label * 8), label)
        for f, label in zip(files, ("real", "fake"), strict=True)
    ]
    table = measure_all(clips, tmp_path)
    assert set(table.fake.tolist()) == {True, False}
    assert "found" in table.copy.tolist()
    assert len(set(table.copy.tolist())) > 1
    assert np.isfinite(table.spectrum).mean() > 0.8
