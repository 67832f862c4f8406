from __future__ import annotations

import stat
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from assay.errors import InputError
from assay.training.datasets.speech_makers import Manner, Reader, Sound, discover
from assay.training.datasets.speech_makers import programs as room
from assay.training.datasets.speech_makers.programs import Flite, read_wave, run, write_wave


@pytest.mark.parametrize("maker", room.MAKERS, ids=lambda maker: maker.name)
def test_every_program_that_is_installed_speaks(maker: Reader) -> None:
    if reason := maker.missing():
        pytest.skip(f"{reason} is not installed")
    voice = maker.voices()[0]
    text = {"ja": "これはためしです。", "ru": "Это проверка.", "en": "This is a trial."}
    said = maker.say(text.get(voice.language, "trial"), voice, Manner(speed=1.1))
    assert said.rate_hz >= 8000
    assert 0.2 < said.samples.size / said.rate_hz < 10
    assert np.abs(said.samples).max() > 0.01
    assert "-" in maker.source() or " " in maker.source()


def test_a_faster_manner_is_shorter() -> None:
    maker = cast(Reader, discover()["espeak"])
    if maker.missing():
        pytest.skip("espeak-ng is not installed")
    voice = maker.voices()[0]
    slow, fast = (
        maker.say("One two three four five.", voice, Manner(s)).samples.size for s in (0.8, 1.3)
    )
    assert fast < 0.8 * slow


def test_a_program_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert Flite().missing() == "the program flite (flite)"


def test_a_program_that_fails_says_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "flite"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="flite failed"):
        Flite().say("Hello.", Flite().voices()[0], Manner())
    with pytest.raises(InputError, match="no-such-program failed"):
        run(["no-such-program"])


def test_waves_are_read_as_they_were_written(tmp_path: Path) -> None:
    sound = Sound(np.array([0.0, 0.5, -1.0, 1.0], np.float32), 8000)
    write_wave(sound, tmp_path / "a.wav")
    back = read_wave(tmp_path / "a.wav")
    assert back.rate_hz == 8000
    np.testing.assert_allclose(back.samples, sound.samples, atol=1e-4)


@pytest.mark.parametrize("data", [b"", b"RIFF\x00\x00", b"text"])
def test_what_is_no_wave_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(data)
    with pytest.raises(InputError, match="holds no sound"):
        read_wave(tmp_path / "a.wav")
