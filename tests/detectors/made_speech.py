"""Cases whose sound and speech are given instead of decoded and found."""

from __future__ import annotations

import numpy as np

from assay.case import Case
from assay.subjects.speech import Speech
from assay.types import Reason, Waveform
from tests.inputs.test_voice_stretches import speech_of
from tests.verdict.doubles import make_media


class SpeechCase(Case):
    """A sound file at 16 kHz with these segments (start s, end s, speaker)."""

    def __init__(
        self,
        sound: np.ndarray,
        segments: list[tuple[float, float, int]],
        reasons: dict[int, tuple[Reason, ...]] | None = None,
        own: Waveform | None = None,
    ) -> None:
        super().__init__(make_media("audio"))
        speech = speech_of(np.asarray(sound, np.float32), segments, 0.0, reasons)
        self.__dict__["speech"] = speech
        self.__dict__["waveform"] = own or speech.waveform


class SilentCase(Case):
    """A file whose speech, or the lack of any sound, is given."""

    def __init__(self, speech: Speech | None) -> None:
        super().__init__(make_media("audio"))
        self.__dict__["speech"] = speech
        self.__dict__["waveform"] = None if speech is None else speech.waveform
