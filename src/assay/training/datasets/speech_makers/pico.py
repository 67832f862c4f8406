"""SVOX Pico, the small classic of Android: hidden Markov models, inside py-nanotts."""

from __future__ import annotations

import importlib

import numpy as np

from assay.errors import InputError
from assay.training.datasets.speech_makers import Maker, Manner, Sound, Voice
from assay.training.datasets.speech_makers.neural import absent, packed

RATE_HZ = 16_000
VOLUME = 0.5  # at 1 it clips itself
VOICES = ("de-DE", "en-GB", "en-US", "es-ES", "fr-FR", "it-IT")


class Pico:
    """Six voices, one for each language."""

    name = "pico"
    licence = "Apache-2.0"

    def missing(self) -> str:
        """Empty, or the package."""
        return absent("py_nanotts")

    def source(self) -> str:
        """The package of the engine and its voices."""
        return packed("py-nanotts")

    def voices(self) -> tuple[Voice, ...]:
        """By the names of their languages."""
        return tuple(Voice(name, name[:2]) for name in VOICES)

    def say(self, text: str, voice: Voice, manner: Manner) -> Sound:
        """At 16 kHz."""
        engine = importlib.import_module("py_nanotts").NanoTTS()
        pcm = engine.speak(text, voice.name, manner.speed, manner.pitch, VOLUME)
        if len(pcm) < 2:
            raise InputError("Pico says nothing")
        return Sound(np.frombuffer(pcm, "<i2").astype(np.float32) / 32768.0, RATE_HZ)


MAKERS: tuple[Maker, ...] = (Pico(),)
