from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assay.errors import InputError
from assay.training.datasets.speech_makers import Manner, Voice
from assay.training.datasets.speech_makers.neural import (
    NODE_MODULES,
    STYLES_BY_LENGTH,
    Kokoro,
    Piper,
    absent,
    npm_folder,
    packed,
)


class Input:
    def __init__(self, name: str) -> None:
        self.name = name


class Network:
    """Stands for the ONNX session: keeps what it is given, answers with a second of noise."""

    given: dict[str, np.ndarray]

    def get_inputs(self) -> list[Input]:
        return [Input("input_ids"), Input("style"), Input("speed")]

    def run(self, names: None, given: dict[str, np.ndarray]) -> list[np.ndarray]:
        self.given = given
        return [np.full((1, 24_000), 0.1, np.float32)]


class Tokenizer:
    def phonemize(self, text: str, language: str) -> str:
        return text

    def tokenize(self, phonemes: str) -> list[int]:
        return list(range(1, len(phonemes) + 1))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """node_modules with one voice whose styles tell the number of phonemes, and a strange one."""
    voices = tmp_path / "kokoro-js" / "voices"
    voices.mkdir(parents=True)
    styles = np.broadcast_to(np.arange(510, dtype="<f4")[:, None, None], STYLES_BY_LENGTH)
    styles.tofile(voices / "bf_test.bin")
    styles.tofile(voices / "xx_unknown.bin")
    monkeypatch.setenv(NODE_MODULES, str(tmp_path))
    return tmp_path


def test_kokoro_takes_the_style_of_the_length(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, maker = Network(), Kokoro()
    monkeypatch.setattr(maker, "_network", lambda: (network, Tokenizer()))
    assert maker.voices() == (Voice("bf_test", "en"),)
    said = maker.say("ninetynine", maker.voices()[0], Manner(speed=1.25))
    assert said.rate_hz == 24_000
    assert said.samples.shape == (24_000,)
    assert network.given["input_ids"].tolist() == [[0, *range(1, 11), 0]]
    assert (network.given["style"] == 10).all()
    assert network.given["speed"] == 1.25
    with pytest.raises(InputError, match="600 phonemes"):
        maker.say("x" * 600, maker.voices()[0], Manner())


def test_what_is_absent_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert npm_folder("kokoro-js") == folder / "kokoro-js"
    assert npm_folder("another") is None
    assert absent("json", "no_such_module") == "the package no_such_module"
    assert absent("json") == ""
    assert packed("no-such-package") == "no-such-package"
    assert packed("numpy") == f"numpy {np.__version__}"


@pytest.mark.parametrize("maker", [Kokoro(), Piper()], ids=lambda maker: maker.name)
def test_the_network_speaks_where_it_is_installed(maker: Kokoro | Piper) -> None:
    if reason := maker.missing():
        pytest.skip(f"{reason} is not installed")
    said = maker.say("A short sentence about a boat.", maker.voices()[0], Manner())
    assert 1 < said.samples.size / said.rate_hz < 5
    assert 0.05 < np.abs(said.samples).max() < 2
