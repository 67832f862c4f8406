"""The pictures of one camera in a folder, and the fingerprint of its sensor. Nothing is written.

A folder is read once for all files of a call.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from assay.errors import AssayError, UsageError
from assay.inputs.fingerprint import Residue, SensorSums, match, residue_of
from assay.inputs.grey_picture import grey_picture
from assay.media.image import read_image
from assay.media.probe import probe
from assay.types import Array, FloatArray, Media, Reason

LEAST_PICTURES = 5
MOST_PICTURES = 24
MOST_LISTED = 500
MOST_MEGAPIXELS = 100.0
MAX_PX = 8_000_000
"""Of one picture, its middle: denoising takes 0.12 s of one core for a million pixels."""
LEAST_SIDE_PX = 256
AGREE_PCE = 60.0
"""Two halves of the folder that share a sensor reach this; others were measured below 25."""


@dataclass(frozen=True, slots=True)
class CameraFile:
    """One file of the folder: used, or why not."""

    name: str
    sha256: str | None = None
    reason: Reason | None = None


@dataclass(frozen=True, slots=True, eq=False)
class CameraFolder:
    """What the usable pictures of a folder add up to.

    `size_px` is (width, height) of the pictures as the sensor gave them, `box_px` the part of them
    that was read. `halves` are the sums of every other picture.
    """

    size_px: tuple[int, int]
    box_px: tuple[int, int, int, int]
    halves: tuple[SensorSums, SensorSums]
    files: tuple[CameraFile, ...]

    @property
    def n_used(self) -> int:
        """How many pictures the sums hold."""
        return self.halves[0].n + self.halves[1].n

    @property
    def used(self) -> frozenset[str]:
        """The SHA-256 of the pictures that the sums hold."""
        return frozenset(one.sha256 for one in self.files if one.sha256 and not one.reason)

    @property
    def left_out(self) -> tuple[CameraFile, ...]:
        """The files that could not be used."""
        return tuple(one for one in self.files if one.reason is not None)


def read_camera(path: str, limit_s: float) -> CameraFolder:
    """The sensor sums of the pictures in the folder; the last one read is kept in memory.

    After `limit_s` seconds no further picture is begun. Raises UsageError where the path is no
    folder, or has fewer than five pictures of one size that can be used (its code then is
    `too_few_reference_pictures`).
    """
    key = (path, _listed(path))
    kept = _last_read.get(key)
    if kept is None:
        kept = _read(*key, limit_s)
        _last_read.clear()
        _last_read[key] = kept
    return kept


@lru_cache(maxsize=1)
def pattern_of(folder: CameraFolder) -> FloatArray:
    """The fingerprint (h, w) of all pictures of the folder."""
    return folder.halves[0].with_one(folder.halves[1]).pattern()


@lru_cache(maxsize=1)
def agreement_of(folder: CameraFolder) -> float:
    """How well one half of the folder's pictures knows the other (PCE): high for one sensor."""
    first, second = (half.pattern() for half in folder.halves)
    return match(first, second).pce


def as_the_sensor(rgb: Array, media: Media) -> Array:
    """A picture turned back to how the sensor lies (its tags turned it upright)."""
    return np.ascontiguousarray(np.rot90(rgb, media.rotation_deg // 90))


def _listed(path: str) -> tuple[tuple[str, int, int], ...]:
    """(path, size, time of change) of the files in the folder, in order."""
    remedy = "Give a folder with five or more pictures from one camera, as it saved them."
    try:
        if not os.path.isdir(path):
            raise UsageError(f"The camera folder {path!r} is not a folder.", remedy=remedy)
        found = []
        for name in sorted(os.listdir(path)):
            whole = os.path.join(path, name)
            if not name.startswith(".") and os.path.isfile(whole):
                state = os.stat(whole)
                found.append((whole, state.st_size, state.st_mtime_ns))
    except (OSError, ValueError) as error:
        raise UsageError(f"The camera folder {path!r} cannot be read: {error}.") from error
    if not found:
        raise UsageError(f"The camera folder {path!r} holds no files.", remedy=remedy)
    return tuple(found[:MOST_LISTED])


class TooFewPicturesError(UsageError):
    """The folder is there, and holds too few pictures of one size."""

    code = "too_few_reference_pictures"


Listed = tuple[tuple[str, int, int], ...]
_last_read: dict[tuple[str, Listed], CameraFolder] = {}


def _read(path: str, listed: Listed, limit_s: float) -> CameraFolder:
    started = time.monotonic()
    files: list[CameraFile] = []
    known: list[tuple[str, Media]] = []
    for whole, _, _ in listed:
        if time.monotonic() - started > limit_s / 4:
            break
        _look(whole, files, known)
    size_px = _common_size([stored_size(media) for _, media in known])
    chosen = [one for one in known if stored_size(one[1]) == size_px]
    files += [_other(name, media) for name, media in known if stored_size(media) != size_px]
    halves, box = _add_up(chosen, files, limit_s - (time.monotonic() - started))
    n = sum(half.n for half in halves)
    if n < LEAST_PICTURES or box is None:
        raise TooFewPicturesError(
            f"The camera folder {path!r} has {n} pictures of one size that can be used; "
            f"{LEAST_PICTURES} are needed. {_told(files)}",
            remedy="Give more pictures from the same camera, unedited and of one size.",
        )
    return CameraFolder(size_px, box, (halves[0], halves[1]), tuple(files))


def stored_size(media: Media) -> tuple[int, int]:
    """(width, height) as the sensor gave it, before the tags turned it."""
    width, height = media.size_px or (0, 0)
    return (height, width) if media.rotation_deg in (90, 270) else (width, height)


def _look(whole: str, files: list[CameraFile], known: list[tuple[str, Media]]) -> None:
    """Read what one file is; a wrong one is named, and the others go on."""
    name = os.path.basename(whole)
    try:
        media = probe(whole)
        if media.kind != "image" or media.size_px is None:
            reason = Reason("no_picture", "It is not a picture.")
        elif min(media.size_px) < LEAST_SIDE_PX:
            reason = Reason("too_small", f"It has a side of under {LEAST_SIDE_PX} px.")
        else:
            known.append((name, media))
            return
    except AssayError as error:
        reason = Reason(error.code, error.as_text())
    except Exception as error:  # a hostile file must not end the others
        reason = Reason("unreadable", f"It cannot be read: {type(error).__name__}.")
    files.append(CameraFile(name, reason=reason))


def _common_size(sizes: list[tuple[int, int]]) -> tuple[int, int]:
    """The size that most have, of equals the largest."""
    counted = Counter(sizes)
    return max(counted, key=lambda size: (counted[size], size[0] * size[1]), default=(0, 0))


def _other(name: str, media: Media) -> CameraFile:
    width, height = media.size_px or (0, 0)
    text = f"It has {width} x {height} px, most others have another size."
    return CameraFile(name, media.sha256, Reason("other_size", text))


def _add_up(
    chosen: list[tuple[str, Media]], files: list[CameraFile], limit_s: float
) -> tuple[list[SensorSums], tuple[int, int, int, int] | None]:
    """The sums of every other picture; the same bytes twice count once."""
    started, seen, box = time.monotonic(), set[str](), None
    halves: list[SensorSums | None] = [None, None]
    n_used = 0
    for name, media in chosen:
        late = time.monotonic() - started > limit_s
        if media.sha256 in seen or n_used == MOST_PICTURES or late:
            text = "It is there twice, or there were pictures enough, or the time was up."
            files.append(CameraFile(name, media.sha256, Reason("not_needed", text)))
            continue
        try:
            residue, box = residue_of_picture(read_image(media, MOST_MEGAPIXELS).rgb, media)
        except Exception as error:  # a hostile file must not end the others
            text = f"It cannot be read: {type(error).__name__}."
            files.append(CameraFile(name, media.sha256, Reason("unreadable", text)))
            continue
        one, half = residue.sums(), halves[n_used % 2]
        halves[n_used % 2] = one if half is None else half.with_one(one)
        seen.add(media.sha256)
        files.append(CameraFile(name, media.sha256))
        n_used += 1
    return [half for half in halves if half is not None], box


def residue_of_picture(
    rgb: Array, media: Media, check: Callable[[], None] = lambda: None
) -> tuple[Residue, tuple[int, int, int, int]]:
    """What the middle of one picture leaves, and which part of the picture that is."""
    grey = grey_picture(as_the_sensor(rgb, media), MAX_PX)
    return residue_of(grey.values, check), grey.box_px


def _told(files: list[CameraFile]) -> str:
    return "; ".join(f"{one.name}: {one.reason.text}" for one in files if one.reason)[:300]
