"""Who wrote an MP4 or MOV, by its structure, and what its edit lists and dates say."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from assay.media.boxes import Movie, Track

LEAST_HIDDEN_S = 0.5
"""B-frames and the priming of AAC hide up to 0.2 s in every file."""
SAME_TIME = timedelta(seconds=60)

# What was seen in files whose origin is known; `assay` can only name what stands here.
_BY_HANDLER = (
    ("mainconcept", "MainConcept encoder (Adobe and other editors)"),
    ("core media", "Apple AVFoundation (phones, QuickTime and programs on macOS)"),
    ("apple video media handler", "Apple QuickTime, older exporter"),
    ("apple sound media handler", "Apple QuickTime, older exporter"),
    ("iso media file produced by google", "Google (YouTube)"),
    ("gpac", "GPAC"),
    ("l-smash", "L-SMASH"),
    ("bento4", "Bento4"),
)


@dataclass(frozen=True, slots=True)
class Writers:
    """Who wrote the file last, and whose handler names it still carries from before."""

    last: str
    before: str


def writers_of(movie: Movie) -> Writers:
    """The program families that structure and names point to, "" where nothing known does."""
    names = " ".join(track.handler_name.lower() for track in movie.tracks)
    by_handler = next((family for key, family in _BY_HANDLER if key in names), "")
    is_ffmpeg = movie.encoder.startswith("Lavf") or (
        movie.brands[:2] == ("isom", "iso2") and movie.brand == "isom" and not movie.encoder
    )
    if is_ffmpeg:
        return Writers("FFmpeg (libavformat)", by_handler)
    return Writers(by_handler, "")


@dataclass(frozen=True, slots=True)
class Hidden:
    """What an edit list keeps from view in one track: seconds before the first shown moment and
    after the last, and how many pieces are shown."""

    handler: str
    before_s: float
    after_s: float
    n_pieces: int


def hidden_in(track: Track) -> Hidden | None:
    """What an edit list hides, from half a second on or where it shows pieces out of a row."""
    shown = [edit for edit in track.edits if edit.media_s is not None]
    if not shown or track.handler not in ("vide", "soun") or track.media_duration_s is None:
        return None
    starts = [edit.media_s or 0.0 for edit in shown]
    ends = [start + edit.duration_s for start, edit in zip(starts, shown, strict=True)]
    open_end = any(edit.duration_s == 0 for edit in shown)
    before_s = min(starts)
    after_s = 0.0 if open_end else max(0.0, track.media_duration_s - max(ends))
    apart = [abs(b - a) for a, b in zip(ends[:-1], starts[1:], strict=True)]
    n_pieces = 1 + sum(one > LEAST_HIDDEN_S for one in apart)
    if max(before_s, after_s) < LEAST_HIDDEN_S and n_pieces == 1:
        return None
    return Hidden(track.handler, before_s, after_s, n_pieces)


def dates_apart(movie: Movie) -> list[str]:
    """The dates of creation of movie and tracks, where they lie more than a minute apart."""
    dates = {"movie": movie.created}
    for i, track in enumerate(movie.tracks):
        dates[f"{track.handler or 'track'} {i + 1}"] = track.created
    known = {name: date for name, date in dates.items() if date is not None}
    if len(known) < 2 or max(known.values()) - min(known.values()) <= SAME_TIME:
        return []
    return [f"{name}: {date:%Y-%m-%d %H:%M:%S}" for name, date in known.items()]
