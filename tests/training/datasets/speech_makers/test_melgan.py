from __future__ import annotations

import numpy as np
import pytest

from assay.training.datasets.speech_makers import melgan
from tests.training.datasets.speech_makers.test_vocoders import loudness, tone

torch = pytest.importorskip("torch", reason="the train extra is not installed")


def test_the_end_that_was_added_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that gives each frame's mean, 256 times."""
    monkeypatch.setattr(
        melgan, "_network", lambda: lambda mel: mel.mean(dim=1).repeat_interleave(256, dim=1)
    )
    made = melgan.MelGan().copy(tone(), 1)
    assert made.rate_hz == 22_050
    assert made.samples.size == (3 * 22_050) // 256 * 256
    assert made.samples[-1] > melgan.SILENCE


def test_a_copy_is_like_its_source() -> None:
    maker = melgan.MelGan()
    if reason := maker.missing():
        pytest.skip(f"{reason} is not installed")
    made = maker.copy(tone(), 1)
    assert loudness(made) @ loudness(tone()) > 0.8
    assert np.abs(made.samples).max() <= 1
