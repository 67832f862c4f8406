"""Which moments of a video are looked at."""

from __future__ import annotations

import math

from assay.errors import UsageError
from assay.types import Media

_UNKNOWN_STEP_S = 1.0


def frame_times(
    media: Media, n: int, time_range_s: tuple[float, float] | None
) -> tuple[float, ...]:
    """At most `n` times (s) spread evenly over a video, each in the middle of its share.

    (0.0,) for a picture, () for sound. Never more than the frames that exist. Where the duration
    is unknown, one a second. Raises UsageError where the range lies behind the end.
    """
    if media.kind == "image":
        return (0.0,)
    start, end = clip_range(media, time_range_s)
    if media.kind == "audio":
        return ()
    if end is None:
        return tuple(start + i * _UNKNOWN_STEP_S for i in range(n))
    n = max(1, min(n, _frames_within(media, end - start)))
    step = (end - start) / n
    return tuple(_on_grid(start + (i + 0.5) * step, media, start) for i in range(n))


def clip_range(
    media: Media, time_range_s: tuple[float, float] | None
) -> tuple[float, float | None]:
    """The part to examine as (start, end) in seconds; end is None where nobody knows it.

    Raises UsageError where the range lies behind the end.
    """
    start, end = time_range_s or (0.0, math.inf)
    if media.duration_s is None:
        return start, None if math.isinf(end) else end
    if start >= media.duration_s and start > 0:
        raise UsageError(
            f"The time range begins at {start:g} s, and the file ends at {media.duration_s:.2f} s.",
            remedy="Give a range inside the file.",
        )
    return start, min(end, media.duration_s)


def _frames_within(media: Media, seconds: float) -> int:
    if media.n_frames is None:
        return math.ceil(seconds * media.fps) if media.fps else 1_000_000
    if not media.duration_s or seconds >= media.duration_s:
        return media.n_frames
    return math.ceil(media.n_frames * seconds / media.duration_s - 1e-6)


def _on_grid(time_s: float, media: Media, start_s: float) -> float:
    """The start of the frame that is shown at a time, where all frames last equally long."""
    if not media.fps or "variable_frame_rate" in media.notes:
        return time_s
    return max(start_s, math.floor(time_s * media.fps + 1e-6) / media.fps)


class Wishes:
    """The times still wanted, ascending; a frame up to `slack_s` early counts."""

    def __init__(self, times_s: tuple[float, ...], slack_s: float) -> None:
        self._times = sorted(times_s, reverse=True)
        self.slack_s = slack_s

    @property
    def next_s(self) -> float | None:
        """The next wanted time, None when all are met."""
        return self._times[-1] if self._times else None

    def met_by(self, time_s: float) -> bool:
        """Whether a frame at this time meets a wish; all wishes that it meets are done with."""
        met = False
        while self._times and self._times[-1] <= time_s + self.slack_s:
            self._times.pop()
            met = True
        return met
