from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("sklearn", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.inputs.waveform import WaveformInput  # noqa: E402
from assay.training.config import read_config  # noqa: E402
from assay.training.voice_calibration import measure_voices, readings  # noqa: E402
from tests.training.makers import make_voice, write_config  # noqa: E402

RECIPE = WaveformInput(length_s=1.0)


class ByLevel:
    """Says of each window how loud it is."""

    def run(self, windows: np.ndarray) -> dict[str, Any]:
        assert windows.shape[1] == RECIPE.n_samples
        level = np.log(windows.std(axis=1) + 1e-6)
        return {"logit": level, "features": np.repeat(level[:, None], 3, axis=1)}


def loud(seed: int):
    voice = make_voice(seed, fake=True)
    return replace(voice, samples=np.asarray(voice.samples // 1 * 1, np.int16))


def config(tmp_path):
    return replace(read_config(write_config(tmp_path)), kind="voice", recipe=RECIPE)


def test_each_clip_is_read_as_found_and_degraded() -> None:
    voice = make_voice(3, length_s=2.5)
    found, degraded = readings(voice, RECIPE, 7)
    assert found.shape == degraded.shape == (3, RECIPE.n_samples)
    assert not np.allclose(found, degraded)
    again = readings(voice, RECIPE, 7)
    assert (again[1] == degraded).all()
    assert not np.allclose(readings(voice, RECIPE, 8)[1], degraded)


def test_the_card_holds_a_reading_for_each_genuine_one(tmp_path) -> None:
    genuine = [make_voice(n, group=f"g{n}") for n in range(30)]
    quiet = [replace(v, samples=np.asarray(v.samples // 8, np.int16)) for v in genuine]
    voices = [*quiet, *(loud(n) for n in range(30))]
    measured = measure_voices(ByLevel(), voices, config(tmp_path))  # type: ignore[arg-type]
    assert len(measured.bona_fide) == len(measured.forged) == 60
    assert measured.forged.mean() > measured.bona_fide.mean()
    card = measured.as_card()
    assert "30 genuine clips of 30 speakers" in card["calibration"]["fitted_on"]
    assert card["calibration"]["scale"] > 0
    assert "far_5" in {point["name"] for point in card["operating_points"]}
