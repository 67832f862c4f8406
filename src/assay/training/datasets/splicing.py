"""Genuine stretches of talking people, and what is replaced in their sound and their mouths."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from assay.errors import InputError
from assay.inputs.clip import frames_at
from assay.media.audio import read_waveform, resampled
from assay.media.probe import probe
from assay.media.resample import bordered, resized
from assay.training.datasets.spliced_clips_plan import Config, Source
from assay.training.forgeries import discover_sound, discover_video
from assay.training.forgeries.sound_forgery import rms
from assay.training.forgeries.spliced_speech import pasted
from assay.training.forgeries.video_forgery import FaceSequence
from assay.training.sound_forging import forge_sound
from assay.training.video_forging import follow_face, forge_video
from assay.types import Array, FloatArray, Waveform

VOCODERS = (
    "griffin_lim",
    "linear_prediction",
    "mel_reconstruction",
    "world_vocoder",
    "upsampled_excitation",
)
"""Forgers of sounds that make the whole clip anew."""
FADE_S = 0.01
FADE_FRAMES = 2
SEEN_SHARE = 0.9


@dataclass(frozen=True, slots=True)
class Stretch:
    """One person's face crops with the mesh, and the sound: `wide` (m,) float32 reaches
    `margin` samples beyond the frames at either end."""

    frames: FaceSequence
    wide: FloatArray
    margin: int

    @property
    def sound(self) -> FloatArray:
        """The samples (n,) of the frames."""
        return self.wide[self.margin : len(self.wide) - self.margin]


def read_stretch(source: Source, config: Config, folder: Path) -> Stretch:
    """A stretch, cut out around the face; kept in `folder` for the next time.

    Raises InputError (NoFaceError among them) where no face is followed, or the face or the sound
    is too small.
    """
    kept = folder / f"{source.sha256[:8]}-{round(source.start_s * 100)}-{config.fingerprint}.npz"
    if kept.is_file():
        with np.load(kept) as stored:
            rgb, mesh, wide = stored["rgb"], stored["mesh"], stored["wide"]
    else:
        rgb, mesh = _faces(source, config)
        wide = _sound(source, config)
        folder.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(f".{os.getpid()}.part")
        with part.open("wb") as file:
            np.savez_compressed(file, rgb=rgb, mesh=mesh, wide=wide)
        os.replace(part, kept)
    if rms(wide) < config.least_rms:
        raise InputError("The sound is too quiet.")
    times_s = (np.arange(len(rgb)) / config.fps).astype(np.float32)
    frames = FaceSequence(rgb, mesh, times_s)
    return Stretch(frames, wide, round(config.margin_s * config.sample_rate_hz))


def _faces(source: Source, config: Config) -> tuple[Array, FloatArray]:
    n = round(config.seconds * config.fps)
    frames = frames_at(probe(source.path), config.fps, n, lambda: None, source.start_s)
    if len(frames) < n:
        raise InputError(f"{len(frames)} frames are fewer than the {n} of a stretch.")
    whole = follow_face(np.stack(frames), (np.arange(n) / config.fps).astype(np.float32))
    if whole.seen.mean() < SEEN_SHARE:
        raise InputError(f"The face is seen in {whole.seen.mean():.0%} of the frames only.")
    mesh = whole.landmarks_px[whole.seen]
    low, high = mesh.min(axis=1), mesh.max(axis=1)
    face_px = float(np.median((high - low).max(axis=1)))
    if face_px < config.least_face_px:
        raise InputError(f"The face is {face_px:.0f} px high only.")
    side = round(face_px / config.face_share)
    centre = np.median((low + high) / 2, axis=0)
    left, top = (round(float(value) - side / 2) for value in centre)
    crops = [_cut(frame, left, top, side, config.size_px) for frame in whole.rgb]
    scale = config.size_px / side
    moved = (whole.landmarks_px - np.array([left, top], np.float32)) * scale
    return np.stack(crops), moved.astype(np.float32)


def _cut(rgb: Array, left: int, top: int, side: int, size_px: int) -> Array:
    height, width = rgb.shape[:2]
    x0, y0, x1, y1 = max(0, left), max(0, top), min(width, left + side), min(height, top + side)
    part = rgb[y0:y1, x0:x1]
    borders = (y0 - top, top + side - y1, x0 - left, left + side - x1)
    if any(borders):
        part = bordered(part, *borders)
    return np.ascontiguousarray(resized(np.ascontiguousarray(part), (size_px, size_px)))


def _sound(source: Source, config: Config) -> FloatArray:
    first_s = source.start_s - config.margin_s
    length_s = config.seconds + 2 * config.margin_s
    wave = read_waveform(
        probe(source.path), (max(0.0, first_s), first_s + length_s), length_s, lambda: None
    )
    late = max(0, round((wave.start_s - first_s) * wave.sample_rate_hz))
    samples = resampled(np.pad(wave.samples, (late, 0)), wave.sample_rate_hz, config.sample_rate_hz)
    n = round(config.seconds * config.fps) / config.fps * config.sample_rate_hz
    wanted = round(n) + 2 * round(config.margin_s * config.sample_rate_hz)
    if len(samples) < wanted - 0.1 * config.sample_rate_hz:
        raise InputError("The sound ends before the pictures do.")
    samples = np.clip(np.pad(samples, (0, max(0, wanted - len(samples))))[:wanted], -1, 1)
    return np.asarray(samples, np.float32)


def moved_sound(
    stretch: Stretch, config: Config, rng: np.random.Generator
) -> tuple[FloatArray, str]:
    """The sound earlier or later: its true continuation, not a jump, fills the end."""
    shift_s = float(rng.uniform(*config.shift_s)) * float(rng.choice([-1, 1]))
    start = stretch.margin + round(shift_s * config.sample_rate_hz)
    return stretch.wide[start : start + len(stretch.sound)], f"sound moved by {shift_s:+.2f} s"


def another_sound(
    stretch: Stretch, donor: Stretch, config: Config, rng: np.random.Generator
) -> tuple[FloatArray, str]:
    """Another person's sound, as loud."""
    n = len(stretch.sound)
    start = int(rng.integers(len(donor.wide) - n + 1))
    return _as_loud(donor.wide[start : start + n], stretch.sound), "another person's sound"


def replaced_sound(
    stretch: Stretch,
    donor: Stretch,
    spans: list[tuple[float, float]],
    config: Config,
    rng: np.random.Generator,
) -> tuple[FloatArray, str]:
    """The sound with its spans vocoded or, every other time, of another sentence, as loud."""
    rate_hz, genuine = config.sample_rate_hz, stretch.sound
    if rng.random() < 0.5:
        words, name = _vocoded(genuine, rate_hz, rng)
    else:
        words, name = another_sound(stretch, donor, config, rng)
    fake = genuine
    for start_s, end_s in spans:
        part = slice(round(start_s * rate_hz), round(end_s * rate_hz))
        word = _as_loud(words[part], genuine[part])
        fake, _ = pasted(fake, word, part.start, round(FADE_S * rate_hz))
    return np.clip(fake, -1, 1), name


def _vocoded(samples: FloatArray, rate_hz: int, rng: np.random.Generator) -> tuple[FloatArray, str]:
    known = discover_sound()
    forger = known[str(rng.choice([name for name in VOCODERS if name in known]))]
    forgery = forge_sound(forger, Waveform(samples, rate_hz, 0.0), None, int(rng.integers(2**31)))
    return forgery.fake, forgery.name


def _as_loud(word: FloatArray, like: FloatArray) -> FloatArray:
    return word * np.float32(min(rms(like) / max(rms(word), 1e-6), 8.0))


def replaced_mouth(
    frames: FaceSequence,
    spans: list[tuple[float, float]],
    config: Config,
    rng: np.random.Generator,
) -> tuple[FaceSequence, str]:
    """The frames with another moment's mouth in the spans, faded over two frames."""
    forger = discover_video()["mouth_in_time"]
    forgery = forge_video(forger, frames, None, int(rng.integers(2**31)))
    share = np.zeros(len(frames), np.float32)
    for start_s, end_s in spans:
        first, last = round(start_s * config.fps), round(end_s * config.fps)
        ramp = np.minimum(np.arange(1, last - first + 1), np.arange(last - first, 0, -1))
        share[first:last] = np.minimum(1.0, ramp / FADE_FRAMES)
    weight = share[:, None, None, None]
    mixed = frames.rgb + weight * (forgery.fake.astype(np.float32) - frames.rgb)
    rgb = np.clip(np.rint(mixed), 0, 255).astype(np.uint8)
    if np.array_equal(rgb, frames.rgb):
        raise InputError("The mouth is the same at every moment.")
    return FaceSequence(rgb, frames.landmarks_px, frames.times_s), forgery.name
