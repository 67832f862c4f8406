"""What to call a subject in a sentence, and how to count and to tell the time."""

from __future__ import annotations

WHOLES = ("file", "picture", "sound")
_PLURALS = {"person": "people"}


def in_words(subject: str) -> str:
    """ "the picture", "the sound", and "face 2" or "voice 1" as they are."""
    return f"the {subject}" if subject in WHOLES else subject


def counted(n: int, noun: str) -> str:
    """1 segment, 3 segments, 2 people."""
    return f"{n} {noun if n == 1 else _PLURALS.get(noun, noun + 's')}"


def joined(words: list[str]) -> str:
    """a; a and b; a, b and c."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def clock(time_s: float) -> str:
    """Seconds as m:ss, or h:mm:ss from an hour on."""
    whole = max(0, round(time_s))
    hours, minutes, seconds = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
