"""The mouth in consecutive frames and the sound of the same moment, for lip-sync networks.

One recipe, one cutter, for training and inference alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from assay.errors import BundleMismatchError, InputError
from assay.inputs.clip import MOST_FRAMES, mel_of, recipe_from_card
from assay.inputs.recipe import fingerprint_of
from assay.media.resample import bordered, resized
from assay.types import Array, FloatArray

# Corners, upper and lower edge of the lips, inside and out, in the 468-point mesh.
LIPS = (61, 291, 0, 17, 37, 267, 84, 314, 13, 14)
MAX_GAP_FRAMES = 5
"""Longer without a face, and the sequence is not cut."""


@dataclass(frozen=True, slots=True)
class LipClipInput:
    """How a mouth is cut: `n_frames` frames at `fps`, each a square of `size_px` around the lips
    whose side is `scale` times the longer side of the face (median over the sequence), and
    `n_mels` bands of the sound, four columns a frame.

    Enlarged linearly where the mouth is smaller, shrunk by area where it is larger.
    """

    size_px: int = 48
    n_frames: int = 50
    fps: float = 25.0
    scale: float = 0.5
    sample_rate_hz: int = 16000
    n_fft: int = 321
    n_mels: int = 64
    edges: str = "repeat"

    @classmethod
    def from_card(cls, stored: Mapping[str, Any]) -> LipClipInput:
        """The recipe that a bundle's card states; a field that it lacks keeps its default.

        Raises BundleMismatchError on a field or a value that this cutter does not know.
        """
        found: LipClipInput = recipe_from_card(cls, stored)
        return found

    @property
    def n_samples(self) -> int:
        """Samples of one sequence's sound."""
        return int(self.n_frames / self.fps * self.sample_rate_hz)

    @property
    def n_columns(self) -> int:
        """Columns of its spectrogram."""
        return 1 + self.n_samples // (self.n_fft // 2) - (self.n_samples % (self.n_fft // 2) == 0)

    @property
    def length_s(self) -> float:
        """Seconds of one sequence."""
        return self.n_frames / self.fps

    @property
    def fingerprint(self) -> str:
        """Twelve hexadecimal digits that change when any field changes."""
        return fingerprint_of(self)

    def check(self) -> None:
        """Raise BundleMismatchError where the values are of no use."""
        whole = all(isinstance(v, int) for v in (self.size_px, self.n_frames, self.n_mels))
        usable = (
            whole
            and 8 <= self.size_px <= 512
            and 8 <= self.n_frames <= MOST_FRAMES
            and 1 <= self.fps <= 120
            and 0.05 <= self.scale <= 4
            and 1000 <= self.sample_rate_hz <= 96000
            and 16 <= self.n_fft <= 4096
            and 1 <= self.n_mels <= 512
            and self.edges == "repeat"
        )
        if not usable:
            raise BundleMismatchError(f"The recipe cannot be used: {asdict(self)}.")


class LipClip(NamedTuple):
    """One cut sequence: `mouths` (n, s, s, 3) uint8, `mel` (bands, columns) float32."""

    mouths: Array
    mel: FloatArray


def prepare_lips(
    rgb: Array, landmarks_px: FloatArray, samples: FloatArray, start: int, recipe: LipClipInput
) -> LipClip:
    """One sequence from frame `start` on.

    `rgb` (n, h, w, 3) uint8 are frames at the recipe's rate, `landmarks_px` (n, 468, 2) the mesh
    in each, NaN where the face was not found: for a few frames the nearest one's place stands in.
    `samples` (m,) at the recipe's rate begin with frame 0. Raises InputError where the sequence
    leaves the frames or the face is lost for more than five frames.
    """
    mouths = cut_mouths(rgb, landmarks_px, start, recipe)
    first = round(start / recipe.fps * recipe.sample_rate_hz)
    return LipClip(mouths, mel_of(samples[first:], recipe))


def cut_mouths(rgb: Array, landmarks_px: FloatArray, start: int, recipe: LipClipInput) -> Array:
    """(n_frames, s, s, 3) uint8: see prepare_lips."""
    frames = slice(start, start + recipe.n_frames)
    if start < 0 or frames.stop > len(rgb):
        raise InputError(f"A sequence of {recipe.n_frames} frames does not begin at {start}.")
    mesh = _filled(landmarks_px[frames])
    extent = mesh.max(axis=1) - mesh.min(axis=1)
    side = max(4, round(float(np.median(extent.max(axis=1))) * recipe.scale))
    centres = mesh[:, list(LIPS)].mean(axis=1)
    cut = [_square(f, c, side, recipe.size_px) for f, c in zip(rgb[frames], centres, strict=True)]
    return np.stack(cut)


def lip_starts(landmarks_px: FloatArray, recipe: LipClipInput, most: int = 8) -> list[int]:
    """First frames of at most `most` sequences that hold a face, evenly over the recording."""
    last = len(landmarks_px) - recipe.n_frames
    if last < 0:
        return []
    n = min(most, 1 + int(np.ceil(last / recipe.n_frames)))
    starts = np.linspace(0, last, n).round().astype(int)
    return [int(s) for s in starts if _has_face(landmarks_px[s : s + recipe.n_frames])]


def _has_face(mesh: FloatArray) -> bool:
    seen = np.flatnonzero(np.isfinite(mesh).all(axis=(1, 2)))
    gaps = np.diff(np.r_[-1, seen, len(mesh)]) - 1
    return len(seen) > 0 and int(gaps.max()) <= MAX_GAP_FRAMES


def _filled(mesh: FloatArray) -> FloatArray:
    if not _has_face(mesh):
        raise InputError("The face is not seen throughout the sequence.")
    seen = np.flatnonzero(np.isfinite(mesh).all(axis=(1, 2)))
    nearest = np.abs(np.arange(len(mesh))[:, None] - seen[None]).argmin(axis=1)
    return np.asarray(mesh[seen[nearest]], np.float32)


def _square(rgb: Array, centre: FloatArray, side: int, size_px: int) -> Array:
    height, width = rgb.shape[:2]
    x, y = np.clip(centre, 0, (width - 1, height - 1))
    left, top = round(float(x) - side / 2), round(float(y) - side / 2)
    x0, y0, x1, y1 = max(0, left), max(0, top), min(width, left + side), min(height, top + side)
    part = rgb[y0:y1, x0:x1]
    borders = (y0 - top, top + side - y1, x0 - left, left + side - x1)
    if any(borders):
        part = bordered(part, *borders)
    return np.ascontiguousarray(resized(np.ascontiguousarray(part), (size_px, size_px)))
