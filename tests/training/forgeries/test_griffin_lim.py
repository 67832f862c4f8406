from __future__ import annotations

import numpy as np

from assay.training.forgeries.griffin_lim import draw_iterations, phase_found
from assay.training.forgeries.spectrogram import Frames
from tests.training.sound_makers import voiced


def test_more_iterations_come_nearer_to_the_magnitudes_and_momentum_nearer_still() -> None:
    frames, sound = Frames(512, 128), voiced(0.7)
    wanted = np.abs(frames.spectra(sound)).astype(np.float32)

    def error(iterations: int, momentum: float) -> float:
        rng = np.random.default_rng(1)
        found = phase_found(wanted, frames, sound.size, rng, iterations, momentum)
        return float(
            np.linalg.norm(np.abs(frames.spectra(found)) - wanted) / np.linalg.norm(wanted)
        )

    few, many, fast = error(2, 0.0), error(40, 0.0), error(40, 0.99)
    assert fast < many < few


def test_iterations_are_drawn_from_4_to_60() -> None:
    drawn = [draw_iterations(np.random.default_rng(seed)) for seed in range(300)]
    counts = [count for count, _ in drawn]
    assert min(counts) >= 4
    assert max(counts) <= 60
    assert 0.35 < float(np.mean(np.array(counts) < 16)) < 0.65
    assert {momentum for _, momentum in drawn} == {0.0, 0.99}
