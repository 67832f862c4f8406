"""Decoded pictures in small, to find frozen, repeated and skipped ones; bounded in pixels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from assay.media.container import (
    MAX_FRAME_PIXELS,
    choose_video,
    only,
    open_container,
    require_decoder,
    start_s,
)
from assay.media.files import reopen
from assay.media.sniff import FORMATS
from assay.types import Media

if TYPE_CHECKING:
    from av import VideoFrame

BUDGET_PX = 150_000_000
"""Pixels decoded: 20 s of 480 x 640 at 25 a second, 3 s of 1080 x 1920."""
MAX_FRAMES = 1500
POINTS = (120, 160)
COARSE = (12, 16)
STILL = 0.06
"""Mean difference in levels below which two pictures count as the same picture."""
LEAST_MOTION = 0.3
REPEAT_SHARE, LEAST_COARSE = 0.4, 0.25
"""A repeat against the motion around it; twice as many are found as at 0.25, none in 119 videos."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The first pictures of a video: times_s (n,), `change` (n,) and coarse (n, 192).

    `change[i]` is the mean difference (levels of 255) of luma between pictures i - 1 and i, on a
    grid of at most 120 x 160 single pixels (a mean over areas would hide noise); `change[0]` is 0.
    """

    times_s: NDArray[np.float64]
    change: NDArray[np.float64]
    coarse: NDArray[np.float32]
    whole: bool


def look(
    media: Media, check: Callable[[], None] = lambda: None, budget_px: int = BUDGET_PX
) -> Seen | None:
    """Decode from the start until the pixels are used up; None where no picture can be decoded.

    Raises InputError where the container cannot be opened.
    """
    times: list[float] = []
    change: list[float] = []
    coarse: list[NDArray[np.float32]] = []
    before: NDArray[np.int16] | None = None
    whole = True
    for frame, time_s in _frames(media, check):
        if len(times) >= MAX_FRAMES or budget_px <= 0:
            whole = False
            break
        budget_px -= frame.width * frame.height
        points = _points(frame)
        if points is None or (before is not None and points.shape != before.shape):
            continue
        change.append(0.0 if before is None else float(np.abs(points - before).mean()))
        times.append(time_s)
        coarse.append(_coarse(points))
        before = points
    if not times:
        return None
    return Seen(np.asarray(times), np.asarray(change), np.stack(coarse), whole)


def _frames(media: Media, check: Callable[[], None]) -> Any:
    import av

    with reopen(media) as file, open_container(file, FORMATS[media.container]) as container:
        stream = choose_video(container)
        if stream is None or stream.width * stream.height > MAX_FRAME_PIXELS:
            return
        require_decoder(stream)
        only(container, stream)
        stream.codec_context.thread_count = 1
        origin_s, n_faults = start_s(container), 0
        try:
            for packet in container.demux(stream):
                check()
                try:
                    for frame in stream.codec_context.decode(packet):
                        if frame.time is not None and not frame.is_corrupt:
                            yield frame, float(frame.time) - origin_s
                except (av.error.FFmpegError, ValueError):
                    n_faults += 1
                    if n_faults > 100:
                        return
        except (av.error.FFmpegError, OSError):
            return


def _points(frame: VideoFrame) -> NDArray[np.int16] | None:
    """Luma at single pixels (at most 120 x 160, 8 x 8 at least), as signed numbers."""
    if frame.format.name in ("yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "nv12"):
        plane = frame.planes[0]
        luma: Any = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        luma = luma[: frame.height, : frame.width]
    else:
        luma = frame.to_ndarray(format="gray")
    steps = [max(1, -(-n // most)) for n, most in zip(luma.shape, POINTS, strict=True)]
    points: NDArray[np.int16] = luma[:: steps[0], :: steps[1]].astype(np.int16)
    return points if min(points.shape) >= 1 else None


def _coarse(points: NDArray[np.int16]) -> NDArray[np.float32]:
    """Mean luma of 12 x 16 fields, flat."""
    rows = np.linspace(0, points.shape[0], COARSE[0] + 1).astype(int)
    columns = np.linspace(0, points.shape[1], COARSE[1] + 1).astype(int)
    last = np.maximum(np.diff(rows), 1)[:, None] * np.maximum(np.diff(columns), 1)[None]
    sums = np.add.reduceat(points.astype(np.float32), np.minimum(rows[:-1], len(points) - 1), 0)
    sums = np.add.reduceat(sums, np.minimum(columns[:-1], points.shape[1] - 1), 1)
    return (sums / last).ravel().astype(np.float32)


def motion(seen: Seen) -> float:
    """The usual change from one picture to the next, repeated pictures left out (levels)."""
    moving = seen.change[1:][seen.change[1:] > STILL]
    return float(np.median(moving)) if len(moving) else 0.0


def frozen(seen: Seen, least: int = 4) -> list[tuple[int, int]]:
    """Stretches (first, last) in which at least `least` pictures equal the one before them, in a
    video that moves elsewhere. [] where still stretches are usual (screens, slides, animation)."""
    usual = motion(seen)
    if usual < LEAST_MOTION:
        return []
    same = np.r_[False, seen.change[1:] < max(STILL, 0.04 * usual)]
    if same.mean() > 0.25:
        return []
    edges = np.flatnonzero(np.diff(np.r_[0, same.astype(int), 0]))
    runs = [(int(a) - 1, int(b) - 1) for a, b in zip(edges[::2], edges[1::2], strict=True)]
    return [(first, last) for first, last in runs if last - first >= least]


def single_repeats(seen: Seen) -> tuple[int, float]:
    """How many pictures equal the one before them, and the period (in pictures) at which they come
    (0 where they come irregularly)."""
    usual = motion(seen)
    if usual < LEAST_MOTION:
        return 0, 0.0
    places = np.flatnonzero(np.r_[False, seen.change[1:] < max(STILL, 0.04 * usual)])
    if len(places) < 4:
        return len(places), 0.0
    gaps = np.diff(places)
    period = float(np.median(gaps))
    is_regular = period >= 2 and (np.abs(gaps - period) <= 1).mean() >= 0.8
    return len(places), period if is_regular else 0.0


@dataclass(frozen=True, slots=True)
class Repeat:
    """Pictures `first` to `last` come again, `away` pictures later."""

    first: int
    last: int
    away: int


def repeats(seen: Seen, least: int = 12, most_found: int = 4) -> list[Repeat]:
    """Stretches that are shown again, at least `least` pictures long with motion in them.

    Each picture must lie closer to the one `away` later than 0.4 of what moves between it and
    the pictures two before and after it; still scenes are passed over.
    """
    n = len(seen.coarse)
    if n < 2 * least:
        return []
    values = seen.coarse.astype(np.float64)
    squares = (values**2).mean(axis=1)
    apart = squares[:, None] + squares[None] - 2 * values @ values.T / values.shape[1]
    apart = np.sqrt(np.maximum(apart, 0.0))
    index = np.arange(n)
    moves = np.minimum(
        apart[index, np.maximum(index - 2, 0)], apart[index, np.minimum(index + 2, n - 1)]
    )
    moves[:2] = moves[2] if n > 2 else 0
    moves[-2:] = moves[-3] if n > 2 else 0
    found: list[Repeat] = []
    for away in range(least, n - least + 1):
        close = np.diagonal(apart, away)
        least_move = np.minimum(moves[: n - away], moves[away:])
        same = (close < REPEAT_SHARE * least_move) & (least_move > LEAST_COARSE)
        edges = np.flatnonzero(np.diff(np.r_[0, same.astype(int), 0]))
        for a, b in zip(edges[::2], edges[1::2], strict=True):
            if b - a >= least:
                found.append(Repeat(int(a), int(b) - 1, away))
    found.sort(key=lambda one: one.first - one.last)
    kept: list[Repeat] = []
    for one in found:
        if len(kept) < most_found and all(one.first > k.last or one.last < k.first for k in kept):
            kept.append(one)
    return kept


@dataclass(frozen=True, slots=True)
class Jump:
    """Between pictures `at` - 1 and `at` far more changes than around: `ratio` times as much.

    `same_scene` says that the content stays alike, as where pictures were left out.
    """

    at: int
    ratio: float
    same_scene: bool


def jumps(seen: Seen, least: float = 5.0) -> list[Jump]:
    """Places at which the picture jumps between neighbours that move evenly."""
    found = []
    usual = motion(seen)
    for i in range(5, len(seen.change) - 4):
        around = np.r_[seen.change[i - 4 : i], seen.change[i + 1 : i + 5]]
        level = max(float(np.max(around)), 0.5 * usual, LEAST_MOTION)
        ratio = float(seen.change[i]) / level
        if ratio >= least:
            a, b = seen.coarse[i - 1], seen.coarse[i]
            spread = float(a.std() * b.std())
            alike = float(((a - a.mean()) * (b - b.mean())).mean()) / spread if spread > 1e-6 else 0
            found.append(Jump(i, ratio, alike > 0.9))
    return found
