from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assay.errors import ConfigError, InputError
from assay.training.datasets import forged_voices_plan
from assay.training.datasets.forged_voices_plan import (
    Config,
    Copy,
    Reading,
    held_out_voices,
    plan,
    read_config,
)
from assay.training.datasets.speech_makers import Maker, Manner, Sound, Voice
from tests.training.makers import write_manifest

CONFIGS = Path(__file__).parents[3] / "configs"
CONFIG = """
seed = 1
sentences = "lines.toml"
folder = "{folder}"
shortest_s = 1.0
longest_s = 3.0
copied_s = 2.0
held_out_share = 0.2

[[voices]]
name = "reader"
clips = 2

[[voices]]
name = "stranger"
clips = 1
held_out = true

[[vocoders]]
name = "copier"

[[vocoders]]
name = "late"
held_out = true
"""
LINES = """
en = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
"""


def hum(seconds: float, rate_hz: int = 8000, level: float = 0.3) -> Sound:
    """A tone that swells three times a second, so that few samples are near the loudest."""
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    swell = 0.75 + 0.25 * np.sin(6 * np.pi * t)
    return Sound((level * swell * np.sin(2 * np.pi * 150 * t)).astype(np.float32), rate_hz)


class Reader:
    """Hums for as long as `seconds` says of a text; refuses what is not in it."""

    licence = "CC0"

    def __init__(self, name: str, seconds: dict[str, float]) -> None:
        self.name, self.seconds, self.lacks = name, seconds, ""

    def missing(self) -> str:
        return self.lacks

    def source(self) -> str:
        return f"{self.name} 1.0"

    def voices(self) -> tuple[Voice, ...]:
        return (*(Voice(f"v{i}", "en") for i in range(10)), Voice("silent", "xx"))

    def say(self, text: str, voice: Voice, manner: Manner) -> Sound:
        if text not in self.seconds:
            raise InputError(f"cannot say {text}")
        return hum(self.seconds[text])


class Copier(Reader):
    def copy(self, sound: Sound, seed: int) -> Sound:
        return Sound(-sound.samples, sound.rate_hz)


@pytest.fixture
def makers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Maker]:
    seconds = dict.fromkeys(LINES.split('"')[1::2], 1.5)
    made: dict[str, Any] = {name: Reader(name, seconds) for name in ("reader", "stranger")}
    made |= {name: Copier(name, {}) for name in ("copier", "late")}
    monkeypatch.setattr(forged_voices_plan, "discover", lambda: made)
    return made


def recordings(folder: Path) -> Path:
    """A folder that names genuine recordings of four people, one of them for validation."""
    rows = []
    for i in range(4):
        values = {"path": f"a/{i}.wav", "modality": "audio", "label": "real", "sha256": f"{i:016x}"}
        split = "val" if i == 3 else "train"
        rows.append({**values, "identity": f"p{i}", "split": split, "licence": "PD"})
    rows.append({**rows[0], "path": "a/9.wav", "label": "fake", "identity": "p9"})
    write_manifest(folder, rows)
    return folder


@pytest.fixture
def config(tmp_path: Path, makers: dict[str, Maker]) -> Config:
    return written(tmp_path)


def written(tmp_path: Path, text: str = CONFIG, lines: str = LINES) -> Config:
    folder = tmp_path / "in"
    folder.mkdir(exist_ok=True)
    path = tmp_path / "voices.toml"
    path.write_text(text.format(folder=recordings(folder)), encoding="utf-8")
    (tmp_path / "lines.toml").write_text(lines, encoding="utf-8")
    return read_config(path)


def test_every_fifth_voice_is_held_out(config: Config) -> None:
    jobs = [j for j in plan(config, config.voices[0]) if isinstance(j, Reading)]
    assert len(jobs) == 20  # the voice without sentences says nothing
    assert [j.number for j in jobs] == [0] * 10 + [1] * 10
    held = {j.voice.name for j in jobs if j.split == "val"}
    assert len(held) == 2
    assert held == held_out_voices([j.voice for j in jobs], 0.2)
    assert all(j.split == "val" for j in plan(config, config.voices[1]))


def test_a_voice_says_nothing_twice(config: Config) -> None:
    jobs = [j for j in plan(config, config.voices[0]) if isinstance(j, Reading)]
    for voice in {j.voice.name for j in jobs}:
        first, second = (j for j in jobs if j.voice.name == voice)
        assert first.tries[0] != second.tries[0]
    assert len({j.tries[0] for j in jobs}) > 5


def test_a_higher_count_adds(tmp_path: Path, makers: dict[str, Maker]) -> None:
    few = written(tmp_path)
    more = written(tmp_path, CONFIG.replace("clips = 2", "clips = 3"))
    manners = [
        [(j.voice, j.number, j.manner, j.split) for j in plan(c, c.voices[0])]  # type: ignore[union-attr]
        for c in (few, more)
    ]
    assert manners[1][: len(manners[0])] == manners[0]
    assert len(manners[1]) == 30


def test_copies_stay_on_the_side_of_their_source(config: Config) -> None:
    jobs = [j for j in plan(config, config.vocoders[0]) if isinstance(j, Copy)]
    assert sorted((j.path, j.split, j.item.group) for j in jobs) == [
        ("a/0.wav", "train", "p0"),
        ("a/1.wav", "train", "p1"),
        ("a/2.wav", "train", "p2"),
        ("a/3.wav", "val", "p3"),
    ]
    late = list(plan(config, config.vocoders[1]))
    assert [(j.path, j.split) for j in late] == [("a/3.wav", "val")]  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name = "stranger"', 'name = "reader"', "twice"),
        ('name = "late"', 'name = "nobody"', "Unknown: nobody"),
        ("clips = 2", "clips = 0", "one clip or more"),
        ("clips = 2", "clips = 2\nspeed = [2.0, 0.5]", "ranges"),
        ("clips = 2", "clips = 2\npace = 1", "describes no artificial speech"),
        ("copied_s = 2.0", "copied_s = 5.0", "copied_s"),
        ("shortest_s = 1.0", "shortest_s = 4.0", "shortest_s"),
        ("held_out_share = 0.2", "held_out_share = 0.9", "held_out_share"),
        ("seed = 1", "", "describes no artificial speech"),
    ],
)
def test_a_wrong_configuration_is_named(
    tmp_path: Path, makers: dict[str, Maker], old: str, new: str, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        written(tmp_path, CONFIG.replace(old, new, 1))


def test_without_sentences_there_is_no_set(tmp_path: Path, makers: dict[str, Maker]) -> None:
    with pytest.raises(ConfigError, match="there are sentences"):
        written(tmp_path, lines="en = []")


def test_the_sets_own_configuration_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recordings(tmp_path / "data")
    monkeypatch.setenv("ASSAY_SHARED", str(tmp_path))
    config = read_config(CONFIGS / "forged_voices.toml")
    english = config.sentences["en"]
    assert len(english) >= 200
    assert all(len(set(lines)) == len(lines) for lines in config.sentences.values())
    assert all(30 <= len(line) <= 90 for line in english)
    assert any(f.held_out for f in config.voices)
    assert any(f.held_out for f in config.vocoders)
