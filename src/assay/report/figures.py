"""Numbers as a reader sees them: probabilities, shares, times, sizes."""

from __future__ import annotations

from collections.abc import Iterable

from assay.report.sanitise import finite


def usable_cut(cut: float | None) -> float | None:
    """A cut that a score below 1 can reach, or None."""
    value = finite(cut)
    return value if value is not None and 0 <= value < 1 else None


def score(p_fake: float | None) -> str:
    """A probability with two digits, three near the ends, never rounded to certainty."""
    value = finite(p_fake)
    if value is None:
        return "–"
    if value < 0.005:
        return "< 0.001" if value < 0.0005 else f"{value:.3f}"
    if value >= 0.995:
        return "> 0.999" if value >= 0.9995 else f"{value:.3f}"
    return f"{value:.2f}"


def cut_score(cut: float | None) -> str:
    """A threshold, or a dash where no score can reach it."""
    return score(usable_cut(cut))


def interval(bounds: tuple[float, float] | None) -> str:
    """Both ends of an interval, or a dash."""
    if bounds is None or finite(bounds[0]) is None or finite(bounds[1]) is None:
        return "–"
    return f"{bounds[0]:.2f}–{bounds[1]:.2f}"


def rate(share: float | None) -> str:
    """A share as a percentage with two telling digits."""
    value = finite(share)
    return "–" if value is None else f"{float(f'{value * 100:.2g}'):g}\u00a0%"


def clock(time_s: float, tenths: bool = False) -> str:
    """A time as m:ss or h:mm:ss, with tenths of a second on request."""
    tenth = round(max(0.0, finite(time_s) or 0.0) * 10)
    seconds, part = divmod(tenth, 10) if tenths else (tenth // 10, 0)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
    return f"{text}.{part}" if tenths else text


def n_bytes(size: int) -> str:
    """A file size in decimal units."""
    for unit, step in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size >= step:
            return f"{size / step:.1f}\u00a0{unit}"
    return f"{size}\u00a0bytes"


def counted(n: int, noun: str) -> str:
    """A number and its noun: "1 frame", "32 frames"."""
    return f"{n}\u00a0{noun}" if n == 1 else f"{n}\u00a0{noun}s"


def listed(items: Iterable[str]) -> str:
    """Items in one line: "a, b and c"."""
    items = list(items)
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)
