from __future__ import annotations

from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np
import pytest

from assay.errors import BundleMismatchError
from assay.inputs.waveform import MAX_WINDOWS, WaveformInput, cut_window, cut_windows

RECIPE = WaveformInput(sample_rate_hz=100, length_s=1.0)


def ramp(n: int) -> np.ndarray:
    return np.arange(n, dtype=np.float32)


@pytest.mark.parametrize("n", [1, 37, 99, 100])
def test_short_speech_is_repeated(n: int) -> None:
    windows = cut_windows(ramp(n), RECIPE)
    assert windows.shape == (1, 100)
    assert windows.dtype == np.float32
    assert (windows[0] == np.arange(100) % n).all()


@pytest.mark.parametrize(("n", "k"), [(101, 2), (200, 2), (201, 3), (10_000, MAX_WINDOWS)])
def test_long_speech_is_read_from_start_to_end(n: int, k: int) -> None:
    windows = cut_windows(ramp(n), RECIPE)
    assert windows.shape == (k, 100)
    assert windows[0, 0] == 0
    assert windows[-1, -1] == n - 1
    assert (np.diff(windows, axis=1) == 1).all()


def test_nothing_gives_no_window() -> None:
    assert cut_windows(ramp(0), RECIPE).shape == (0, 100)
    with pytest.raises(ValueError, match="no sound"):
        cut_window(ramp(0), 0, RECIPE)


@pytest.mark.parametrize("field", [field.name for field in fields(WaveformInput)])
def test_every_field_changes_the_fingerprint(field: str) -> None:
    other: dict[str, Any] = {"sample_rate_hz": 8000, "length_s": 3.0, "short": "zeros"}
    assert replace(RECIPE, **{field: other[field]}).fingerprint != RECIPE.fingerprint


def test_a_recipe_comes_back_from_its_card() -> None:
    assert WaveformInput.from_card(asdict(RECIPE)) == RECIPE


@pytest.mark.parametrize(
    "stored",
    [{"size_px": 4}, {"short": "zeros"}, {"length_s": 0}, {"length_s": None}, {"length_s": 1e9}],
)
def test_a_recipe_that_it_does_not_know_is_refused(stored: dict[str, Any]) -> None:
    with pytest.raises(BundleMismatchError):
        WaveformInput.from_card(stored)
