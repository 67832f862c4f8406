"""librosa's pYIN on a made voice: `python -m tests.golden.pitch` writes it anew.

Written with librosa 0.11.0 (ISC licence), which is no dependency of the tests.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.inputs.made_voices import RATE_HZ, voice

PATH = Path(__file__).with_name("pitch_of_librosa.npy")


def two_voices() -> np.ndarray:
    """A low voice that rises, a pause, a high one; both noisy and uneven, (n,) float32."""
    low = voice(110.0, 1.5, 0.01, 0.05, 20.0, seed=1, glide=0.3)
    high = voice(230.0, 1.5, 0.01, 0.05, 15.0, seed=2)
    gap = np.random.default_rng(0).normal(size=4000).astype(np.float32) * 1e-3
    return np.concatenate([low, gap, high])


def main() -> None:
    """Ask librosa and write its pitch (Hz, NaN where unvoiced) every 10 ms."""
    import librosa  # type: ignore[import-not-found]

    # Of YIN's frame librosa compares the whole, assay one half: 800 samples cover the same sound.
    f0, *_ = librosa.pyin(
        two_voices(),
        fmin=60,
        fmax=500,
        sr=RATE_HZ,
        frame_length=800,
        hop_length=160,
        resolution=0.2,
    )
    np.save(PATH, f0.astype(np.float32))


if __name__ == "__main__":
    main()
