"""A clip with its sound as networks of audio-visual forgeries see it: frames and log-mel.

One recipe, one cutter, for training and inference alike. After BA-TFD (Cai et al., DICTA 2022):
whole frames, 25 a second, and the sound of the same seconds, to a fixed length.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple

import numpy as np

from assay.errors import BundleMismatchError, InputError
from assay.inputs.log_mel import log_mel
from assay.inputs.recipe import fingerprint_of
from assay.media.audio import read_waveform, resampled
from assay.media.resample import resized
from assay.media.video import read_frames
from assay.types import Array, FloatArray, Media

MOST_FRAMES = 4096


@dataclass(frozen=True, slots=True)
class ClipInput:
    """How a clip is cut: `n_frames` frames at `fps`, each shrunk as a whole to a square of
    `size_px` by area, and `n_mels` bands of its sound, four columns a frame.

    `short`: what is shorter than `n_frames` is filled with black frames and silence. What is
    longer is read in several clips.
    """

    size_px: int = 96
    n_frames: int = 512
    fps: float = 25.0
    sample_rate_hz: int = 16000
    n_fft: int = 321
    n_mels: int = 64
    short: str = "zeros"
    shrink: str = "area"

    @classmethod
    def from_card(cls, stored: Mapping[str, Any]) -> ClipInput:
        """The recipe that a bundle's card states; a field that it lacks keeps its default.

        Raises BundleMismatchError on a field or a value that this cutter does not know.
        """
        return recipe_from_card(cls, stored)

    @property
    def n_samples(self) -> int:
        """Samples of one clip's sound."""
        return int(self.n_frames / self.fps * self.sample_rate_hz)

    @property
    def n_columns(self) -> int:
        """Columns of its spectrogram."""
        return 1 + self.n_samples // (self.n_fft // 2) - (self.n_samples % (self.n_fft // 2) == 0)

    @property
    def length_s(self) -> float:
        """Seconds of one clip."""
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
            and 8 <= self.size_px <= 1024
            and 8 <= self.n_frames <= MOST_FRAMES
            and 1 <= self.fps <= 120
            and 1000 <= self.sample_rate_hz <= 96000
            and 16 <= self.n_fft <= 4096
            and 1 <= self.n_mels <= 512
            and (self.short, self.shrink) == ("zeros", "area")
        )
        if not usable:
            raise BundleMismatchError(f"The recipe cannot be used: {asdict(self)}.")


def recipe_from_card(kind: type[Any], stored: Mapping[str, Any]) -> Any:
    """A recipe of that class with a `check`. Raises BundleMismatchError on what is unknown."""
    unknown = sorted(set(stored) - {field.name for field in fields(kind)})
    if unknown:
        raise BundleMismatchError(f"The recipe holds unknown fields: {', '.join(unknown)}.")
    try:
        recipe = kind(**dict(stored))
        recipe.check()
    except (TypeError, ValueError) as error:
        raise BundleMismatchError(f"The recipe cannot be used: {error}.") from error
    return recipe


class Clip(NamedTuple):
    """One cut clip: `frames` (n, s, s, 3) uint8, `mel` (bands, columns) float32, and how many of
    the frames are the recording's, the rest being black."""

    frames: Array
    mel: FloatArray
    n_valid: int


def prepare_clip(frames: Sequence[Array], samples: FloatArray, recipe: ClipInput) -> Clip:
    """What a network sees of up to `n_frames` frames (h, w, 3) at the recipe's rate, and of the
    samples (n,) at the recipe's rate that begin with the first of them.

    Raises InputError without a frame.
    """
    frames = frames[: recipe.n_frames]
    if not len(frames):
        raise InputError("A clip without frames cannot be cut.")
    side = recipe.size_px
    pictures = np.zeros((recipe.n_frames, side, side, 3), np.uint8)
    for number, frame in enumerate(frames):
        pictures[number] = resized(np.ascontiguousarray(frame), (side, side))
    return Clip(pictures, mel_of(samples, recipe), len(frames))


def mel_of(samples: FloatArray, recipe: Any) -> FloatArray:
    """(bands, columns): the spectrogram of the first `n_samples`, silence where they end."""
    n = recipe.n_samples
    sound = np.zeros(n, np.float32)
    given = np.nan_to_num(np.asarray(samples[:n], np.float32), posinf=1, neginf=-1)
    sound[: len(given)] = given
    mel = log_mel(sound, recipe.sample_rate_hz, recipe.n_fft, recipe.n_mels)
    return np.ascontiguousarray(mel[:, : recipe.n_columns])


def read_clip(
    media: Media, recipe: ClipInput, check: Callable[[], None], start_s: float = 0.0
) -> Clip:
    """One clip of a file, from `start_s` on; without sound in the file it is silent.

    Raises the errors of reading: InputError and its kin.
    """
    frames = frames_at(media, recipe.fps, recipe.n_frames, check, start_s)
    return prepare_clip(frames, samples_at(media, recipe, check, start_s), recipe)


def clip_starts(duration_s: float, recipe: Any, most: int = 8) -> tuple[float, ...]:
    """Where clips begin: one of a short file, else evenly spread, the last ending at the end."""
    over_s = max(0.0, duration_s - recipe.length_s)
    n = min(most, 1 + int(np.ceil(over_s / recipe.length_s)))
    starts = np.linspace(0, over_s, n) if n > 1 else np.zeros(1)
    return tuple(float(start) for start in starts)


def frames_at(
    media: Media, fps: float, n_frames: int, check: Callable[[], None], start_s: float = 0.0
) -> list[Array]:
    """At most `n_frames` frames (h, w, 3) at even times; a frame stays until the next one."""
    wanted = _wanted(media, fps, n_frames, start_s)
    found = [(frame.time_s, frame.rgb) for frame in read_frames(media, wanted, check)]
    return [found[i][1] for i in frames_near([time_s for time_s, _ in found], wanted, fps)]


def shrunk_frames(
    media: Media,
    recipe: ClipInput,
    check: Callable[[], None],
    start_s: float = 0.0,
    end_s: float | None = None,
) -> list[Array]:
    """The same frames, each shrunk to the recipe's square as it is decoded, so that a clip of any
    size takes little memory. They end with the last that the file holds, whatever it states.

    None lie behind `end_s`. Raises the errors of reading.
    """
    wanted = _wanted(media, recipe.fps, recipe.n_frames, start_s)
    wanted = tuple(time_s for time_s in wanted if end_s is None or time_s < end_s) or wanted[:1]
    side = (recipe.size_px, recipe.size_px)
    times_s, pictures = [], []
    for frame in read_frames(media, wanted, check):
        times_s.append(frame.time_s)
        pictures.append(resized(np.ascontiguousarray(frame.rgb), side))
    step_s = max(1 / recipe.fps, 1 / media.fps if media.fps else 0.0)
    there = [time_s for time_s in wanted if time_s <= times_s[-1] + step_s] or list(wanted[:1])
    return [pictures[i] for i in frames_near(times_s, there, recipe.fps)]


def _wanted(media: Media, fps: float, n_frames: int, start_s: float) -> tuple[float, ...]:
    end_s = start_s + n_frames / fps
    if media.duration_s:
        end_s = min(end_s, max(media.duration_s, start_s + 1 / fps))
    n = max(1, round((end_s - start_s) * fps))
    return tuple(start_s + k / fps for k in range(n))


def frames_near(times_s: Sequence[float], wanted_s: Sequence[float], fps: float) -> list[int]:
    """Which of the frames at `times_s` (ascending, not empty) stands for each wanted time."""
    at = np.searchsorted(np.array(times_s), np.array(wanted_s) - 0.5 / fps)
    return [int(i) for i in np.minimum(at, len(times_s) - 1)]


def samples_at(
    media: Media, recipe: Any, check: Callable[[], None], start_s: float = 0.0
) -> FloatArray:
    """Samples (n,) at the recipe's rate from `start_s` on; none where the file has no sound."""
    if not media.sample_rate_hz:
        return np.zeros(0, np.float32)
    span_s = (start_s, start_s + recipe.length_s)
    wave = read_waveform(media, span_s, recipe.length_s, check)
    late = max(0, round((wave.start_s - start_s) * wave.sample_rate_hz))
    samples = np.pad(wave.samples, (late, 0))
    return resampled(samples, wave.sample_rate_hz, recipe.sample_rate_hz)
