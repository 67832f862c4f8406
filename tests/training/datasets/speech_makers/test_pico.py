from __future__ import annotations

import sys
import types

import numpy as np
import pytest

from assay.errors import InputError
from assay.training.datasets.speech_makers import Manner
from assay.training.datasets.speech_makers.pico import Pico


def engine(pcm: bytes, calls: list[tuple[object, ...]]) -> types.ModuleType:
    module = types.ModuleType("py_nanotts")

    class NanoTTS:
        def speak(self, *arguments: object) -> bytes:
            calls.append(arguments)
            return pcm

    module.NanoTTS = NanoTTS  # type: ignore[attr-defined]
    return module


def test_its_samples_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[object, ...]] = []
    pcm = np.array([0, 16384, -32768], "<i2").tobytes()
    monkeypatch.setitem(sys.modules, "py_nanotts", engine(pcm, calls))
    said = Pico().say("Hello.", Pico().voices()[1], Manner(1.2, 0.9))
    assert said.rate_hz == 16_000
    assert said.samples.tolist() == [0.0, 0.5, -1.0]
    assert calls[0][:4] == ("Hello.", "en-GB", 1.2, 0.9)


def test_silence_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "py_nanotts", engine(b"", []))
    with pytest.raises(InputError, match="says nothing"):
        Pico().say("Hello.", Pico().voices()[0], Manner())


def test_it_speaks_where_it_is_installed() -> None:
    if reason := Pico().missing():
        pytest.skip(f"{reason} is not installed")
    said = Pico().say("This is a trial.", Pico().voices()[1], Manner())
    assert 0.5 < said.samples.size / said.rate_hz < 4
