"""Windows of speech as voice networks hear them: one recipe, one cutter, for training too."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from assay.errors import BundleMismatchError
from assay.inputs.recipe import fingerprint_of
from assay.types import FloatArray

MAX_WINDOWS = 8


@dataclass(frozen=True, slots=True)
class WaveformInput:
    """How speech is cut: windows of `length_s` at `sample_rate_hz`, mono float32.

    `short`: speech shorter than a window is repeated until it is full. Longer speech is read in
    windows that overlap as little as they can, the first at its start, the last at its end. Level
    and transformation to a spectrum belong to the network.
    """

    sample_rate_hz: int = 16000
    length_s: float = 4.0
    short: str = "repeat"

    @classmethod
    def from_card(cls, stored: Mapping[str, Any]) -> WaveformInput:
        """The recipe that a bundle's card states; a field that it lacks keeps its default.

        Raises BundleMismatchError on a field or a value that this cutter does not know.
        """
        known = {field.name for field in fields(cls)}
        unknown = sorted(set(stored) - known)
        if unknown:
            raise BundleMismatchError(f"The recipe holds unknown fields: {', '.join(unknown)}.")
        try:
            recipe = cls(**dict(stored))
            usable = recipe.sample_rate_hz > 0 and 0 < recipe.length_s <= 60
        except TypeError as error:
            raise BundleMismatchError(f"The recipe cannot be used: {error}.") from error
        if not usable or recipe.short != "repeat":
            raise BundleMismatchError(f"The recipe cannot be used: {asdict(recipe)}.")
        return recipe

    @property
    def n_samples(self) -> int:
        """Samples of one window."""
        return round(self.length_s * self.sample_rate_hz)

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change when any field changes."""
        return fingerprint_of(self)


def cut_window(samples: FloatArray, start: int, recipe: WaveformInput) -> FloatArray:
    """One window (n,) float32 from sample `start` on; `samples` is (m,) at the recipe's rate.

    Raises ValueError where there is no sample.
    """
    if not len(samples):
        raise ValueError("there is no sound to cut")
    n = recipe.n_samples
    part = samples[start : start + n]
    if len(part) < n:
        part = np.resize(samples, n)  # repeats
    return np.ascontiguousarray(part, np.float32)


def cut_windows(samples: FloatArray, recipe: WaveformInput) -> FloatArray:
    """All windows of one stretch of speech, (k, n) float32, k from 1 to 8; (0, n) of nothing."""
    n = recipe.n_samples
    if not len(samples):
        return np.zeros((0, n), np.float32)
    k = min(MAX_WINDOWS, max(1, -(-len(samples) // n)))
    starts = np.linspace(0, max(0, len(samples) - n), k).round().astype(int)
    return np.stack([cut_window(samples, int(start), recipe) for start in starts])
