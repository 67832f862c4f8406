"""Look at one item of a data set: can it be decoded, what is it, and what else than a forgery could
tell its label (codec, size, sharpness, loudness …)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assay.errors import AssayError, DamagedMediaError
from assay.media.audio import read_waveform
from assay.media.image import read_image
from assay.media.jpeg_tables import read_jpeg_tables
from assay.media.probe import probe
from assay.media.resample import luma
from assay.media.video import read_frames
from assay.training.datasets.opening import (
    chosen_frames,
    opened,
    pictures_of,
    sha256_of_item,
)
from assay.training.datasets.perceptual_hash import picture_code, sound_code
from assay.training.datasets.records import Bytes, Modality
from assay.types import Array, FloatArray, Media

MAX_MEGAPIXELS = 200.0
MAX_SOUND_S = 600.0
CODED_SHARES = (0.25, 0.5, 0.75)
"""Where in a video its pictures are hashed; the one in the middle is measured."""
LEAST_LOUD_DB = -40.0
"""Below the loudest moment: what is weaker at the beginning is leading silence."""
_MOMENT_S = 0.02


@dataclass(frozen=True, slots=True)
class Seen:
    """What one item is. `problem` is "" or, as `code: text`, why it cannot be decoded whole.

    `codes` and `sound_code` are perceptual hashes, "" where there is nothing to hash. Of `sha256`
    see `sha256_of_item`. A fact that does not apply is None; `kind` is what the bytes say.
    """

    problem: str = ""
    sha256: str = ""
    kind: str = ""
    codes: tuple[str, ...] = ()
    sound_code: str = ""
    container: str | None = None
    codec: str | None = None
    audio_codec: str | None = None
    width_px: float | None = None
    height_px: float | None = None
    fps: float | None = None
    duration_s: float | None = None
    sample_rate_hz: float | None = None
    n_channels: float | None = None
    bits_per_pixel: float | None = None
    jpeg_quality: float | None = None
    sharpness: float | None = None
    brightness: float | None = None
    colour: float | None = None
    loudness_db: float | None = None
    leading_silence_s: float | None = None
    bandwidth_hz: float | None = None

    @property
    def missing(self) -> bool:
        """Whether there was no such file."""
        return self.problem.startswith("file_missing")


@dataclass(frozen=True, slots=True)
class Look:
    """One item to look at, for a process of its own."""

    path: Path
    modality: Modality
    part: Bytes | None = None


def look(job: Look) -> Seen:
    """What the item is; what is wrong with it is told, never raised."""
    try:
        with opened(job.path, job.modality, job.part, n_frames=8) as item:
            media = probe(item.path)
            facts = _seen(media, job)
            if job.modality == "frames":
                _require_whole_pictures(job.path)
        plain = job.modality != "frames" and job.part is None
        return Seen(**{**facts, "sha256": media.sha256 if plain else _sha256(job)})
    except AssayError as error:
        return Seen(problem=f"{error.code}: {error}", sha256=_sha256(job))
    except (OSError, ValueError, ArithmeticError) as error:
        problem = f"internal_error: {type(error).__name__}: {error}"
        return Seen(problem=problem, sha256=_sha256(job))


def _sha256(job: Look) -> str:
    try:
        return sha256_of_item(job.path, job.modality, job.part)
    except (AssayError, OSError):
        return ""


def _seen(media: Media, job: Look) -> dict[str, Any]:
    facts: dict[str, Any] = {"kind": media.kind, "problem": _problem(media, job.modality)}
    facts |= _of_the_file(media)
    if job.modality == "frames":  # the joined video is ours: its codec says nothing of the set
        own = probe(pictures_of(job.path)[0])
        n = len(pictures_of(job.path))
        facts |= _of_the_file(own) | {"fps": None, "duration_s": n / 25}
    if media.kind == "image":
        facts |= _of_pictures([read_image(media, MAX_MEGAPIXELS).rgb])
    elif media.kind == "video":
        facts |= _of_pictures(_pictures(media))
    if media.sample_rate_hz is not None:
        waveform = read_waveform(media, None, MAX_SOUND_S, lambda: None)
        facts |= _of_sound(waveform.samples, waveform.sample_rate_hz)
    return facts


def _problem(media: Media, modality: Modality) -> str:
    broken = [note for note in ("truncated", "damaged", "damaged_start") if note in media.notes]
    if broken:
        return f"media_damaged: The file is {' and '.join(broken).replace('_', ' at its ')}."
    expected = {"frames": "video"}.get(modality, modality)
    if media.kind != expected and not (media.kind == "video" and "animated" in media.notes):
        return f"wrong_kind: The manifest says {modality}, and the file is {media.kind}."
    return ""


def _of_the_file(media: Media) -> dict[str, Any]:
    width, height = media.size_px or (None, None)
    pixels = width * height * (media.n_frames or 1) if width and height else 0
    has_frames = media.kind == "image" or bool(media.n_frames)
    return {
        "container": media.container,
        "codec": media.codec,
        "audio_codec": media.audio_codec,
        "width_px": width,
        "height_px": height,
        "fps": media.fps,
        "duration_s": media.duration_s,
        "sample_rate_hz": media.sample_rate_hz,
        "n_channels": media.n_channels,
        "bits_per_pixel": media.n_bytes * 8 / pixels if pixels and has_frames else None,
        "jpeg_quality": _jpeg_quality(media),
    }


def _jpeg_quality(media: Media) -> float | None:
    from assay.inputs.jpeg_families import nearest_quality

    if media.container != "jpeg":
        return None
    with open(media.path, "rb") as file:
        tables = read_jpeg_tables(file)
    if tables is None or not tables.luma_table:
        return None
    return float(nearest_quality(tables.luma_table)[0])


def _pictures(media: Media) -> list[Array]:
    """Those at CODED_SHARES; the first and the last frame are decoded too. Raises
    DamagedMediaError where the file ends before the time that it promises."""
    duration_s = media.duration_s or 0.0
    step_s = 1 / (media.fps or 25.0)
    last_s = max(0.0, duration_s - 1.5 * step_s)
    wanted = [0.0, *(share * last_s for share in CODED_SHARES), last_s]
    found = list(read_frames(media, tuple(wanted), lambda: None))
    if found[-1].time_s < last_s - max(1.0, 12 * step_s) and media.container != "animation":
        raise DamagedMediaError(
            f"The last frame is at {found[-1].time_s:.2f} s of {duration_s:.2f} s."
        )
    nearest = [min(found, key=lambda one: abs(one.time_s - time_s)) for time_s in wanted[1:-1]]
    return [frame.rgb for frame in nearest]


def _require_whole_pictures(folder: Path) -> None:
    """Raise DamagedMediaError where the first, the last or one between cannot be decoded."""
    pictures = pictures_of(folder)
    chosen = {0, len(pictures) - 1, *chosen_frames(len(pictures), 8)}
    for number in sorted(chosen):
        media = probe(pictures[number])
        read_image(media, MAX_MEGAPIXELS)
        if {"truncated", "damaged"} & set(media.notes):
            raise DamagedMediaError(f"{media.name} is truncated.")


def _of_pictures(pictures: Sequence[Array]) -> dict[str, Any]:
    rgb = pictures[len(pictures) // 2]
    grey = luma(rgb) * np.float32(255)
    channels = rgb.astype(np.float32)
    apart = np.abs(channels[..., 0] - channels[..., 1]) + np.abs(
        channels[..., 1] - channels[..., 2]
    )
    return {
        "codes": tuple(picture_code(one) for one in pictures),
        "sharpness": _sharpness(grey),
        "brightness": float(grey.mean()),
        "colour": float(apart.mean()),
    }


def _sharpness(grey: FloatArray) -> float | None:
    """Logarithm of the variance of the Laplacian (Pech-Pacheco et al. 2000), at its own size."""
    if min(grey.shape) < 3:
        return None
    middle = grey[1:-1, 1:-1]
    around = grey[:-2, 1:-1] + grey[2:, 1:-1] + grey[1:-1, :-2] + grey[1:-1, 2:]
    return float(np.log(np.var(4 * middle - around) + 1e-3))


def _of_sound(samples: FloatArray, rate_hz: int) -> dict[str, Any]:
    return {
        "sound_code": sound_code(samples, rate_hz),
        "loudness_db": _loudness_db(samples),
        "leading_silence_s": _leading_silence_s(samples, rate_hz),
        "bandwidth_hz": _bandwidth_hz(samples, rate_hz),
    }


def _loudness_db(samples: FloatArray) -> float | None:
    if not len(samples):
        return None
    return float(10 * math.log10(float(np.square(samples, dtype=np.float64).mean()) + 1e-10))


def _leading_silence_s(samples: FloatArray, rate_hz: int) -> float | None:
    """Until the first moment less than 40 dB below the loudest; None for silence."""
    size = max(1, round(_MOMENT_S * rate_hz))
    n = len(samples) // size
    powers = np.square(samples[: n * size].reshape(n, size), dtype=np.float64).mean(axis=1)
    if not n or powers.max() < 1e-9:
        return None
    return float(np.argmax(powers > powers.max() * 10 ** (LEAST_LOUD_DB / 10)) * _MOMENT_S)


def _bandwidth_hz(samples: FloatArray, rate_hz: int) -> float | None:
    """The frequency below which 99.9 % of the power of the differenced sound lies."""
    size = 2048
    n = len(samples) // size
    if not n:
        return None
    parts = np.diff(samples[: n * size], prepend=samples[:1]).reshape(n, size)
    power = (np.abs(np.fft.rfft(parts * np.hanning(size), axis=1)) ** 2).sum(axis=0)
    total = np.cumsum(power)
    if total[-1] <= 0:
        return None
    return float(np.searchsorted(total, 0.999 * total[-1]) * rate_hz / size)


def as_row(seen: Seen) -> dict[str, Any]:
    """For JSON: what is there."""
    return {name: value for name, value in asdict(seen).items() if value not in (None, "", ())}


def of_row(row: Mapping[str, Any]) -> Seen:
    """Of what `as_row` gave. Raises TypeError for another thing."""
    codes = row.get("codes") or ()
    return Seen(**{**row, "codes": tuple(codes)})
