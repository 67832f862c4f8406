"""A small folder of real and fake voices: one recording at several speeds, and its vocoded twin."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assay.case import Case
from assay.media.probe import probe
from assay.options import Options
from tests.real_faces import ROOT
from tests.training.sound_makers import RATE_HZ, write_wav

N_SPEAKERS = 8


def write_voices(folder: Path, n_speakers: int = N_SPEAKERS, seconds: float = 5.0) -> Path:
    """`real/pN/` and `fake/vocoded/pN/`: each "speaker" is the same voice, faster or slower."""
    sides = {"real": "kennedy.flac", "fake/vocoded": "kennedy_vocoded.flac"}
    for side, name in sides.items():
        heard = Case(probe(ROOT / "examples" / name), Options()).waveform
        assert heard is not None
        for speaker in range(n_speakers):
            speed = 0.85 + 0.3 * speaker / max(1, n_speakers - 1)
            at = RATE_HZ / 2 + np.arange(round(seconds * RATE_HZ)) * speed
            path = folder / side / f"p{speaker}" / "0.wav"
            path.parent.mkdir(parents=True, exist_ok=True)
            sound = np.interp(at, np.arange(heard.samples.size), heard.samples)
            write_wav(str(path), sound.astype(np.float32))
    return folder
