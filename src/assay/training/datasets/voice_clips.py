"""Clips of a few seconds out of recordings: long ones cut, short ones of one speaker joined.

A clip's length is drawn from its speaker's name, so that no set has a length of its own. Cuts
fall where a recording is quiet. Joined prompts keep the quiet that each begins and ends with;
where that is digital silence or missing, none is made: a pause of zeros tells a set, not a voice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from assay.types import FloatArray

SHORTEST_S, LONGEST_S = 2.5, 6.0
EDGE_S = 0.2
FADE_S = 0.004
STEP_S = 0.02
SEARCH_S = 1.2
QUIET = 0.06
LOUDEST_LEAST = 0.01
MOST_CLIPPED = 0.01
LEAST_LIVELY = 0.3

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Clip:
    """`samples` float32 mono at `rate_hz`; `name`: its first file; `parts`: files joined."""

    samples: FloatArray
    rate_hz: int
    name: str
    parts: int


def clips_of(
    recordings: Iterable[tuple[str, FloatArray, int]], *, most: int, seed: str
) -> list[Clip]:
    """At most `most` clips of 2.5 to 6 s of one speaker's (name, samples, rate) recordings.

    Whole or cut recordings come before joined ones; with too many, they are taken evenly over
    the recordings. What is silent, clipped or mostly pause is left out.
    """
    whole: list[Clip] = []
    short: dict[int, list[Clip]] = {}
    lengths = _lengths_s(seed)
    for name, samples, rate_hz in recordings:
        trimmed = _trim(np.nan_to_num(samples), rate_hz)
        if len(trimmed) >= SHORTEST_S * rate_hz:
            pieces = _cut(trimmed, rate_hz, lengths)
            whole += [Clip(piece, rate_hz, name, 1) for piece in pieces]
        elif len(trimmed) >= 0.25 * rate_hz:
            short.setdefault(rate_hz, []).append(Clip(trimmed, rate_hz, name, 1))
    whole = evenly([clip for clip in whole if usable(clip)], most)
    joined = [clip for group in short.values() for clip in _joined(group, lengths)]
    room = most - len(whole)
    return whole + evenly([clip for clip in joined if usable(clip)], room)


def usable(clip: Clip) -> bool:
    """Loud enough, hardly clipped, and not mostly pause."""
    loud = _loudness(clip.samples, clip.rate_hz)
    peak = float(np.abs(clip.samples).max(initial=0.0))
    clipped = float(np.mean(np.abs(clip.samples) >= 0.999)) if peak >= 0.999 else 0.0
    lively = float(np.mean(loud > QUIET * loud.max(initial=0.0)))
    return peak >= LOUDEST_LEAST and clipped <= MOST_CLIPPED and lively >= LEAST_LIVELY


def write_flac(path: Path, clip: Clip) -> bytes:
    """Write 16-bit mono FLAC at the clip's own rate; the file's bytes."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.clip(np.rint(clip.samples * 32768.0), -32768, 32767).astype(np.int16)
    with av.open(str(path), "w", format="flac") as container:
        stream = container.add_stream("flac", rate=clip.rate_hz, layout="mono")
        stream.codec_context.format = "s16"
        frame = av.AudioFrame.from_ndarray(values[None], format="s16", layout="mono")
        frame.sample_rate = clip.rate_hz
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path.read_bytes()


def _lengths_s(seed: str) -> Iterator[float]:
    source = np.random.default_rng(int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8]))
    while True:
        yield float(source.uniform(3.0, 5.6))


def _loudness(samples: FloatArray, rate_hz: int) -> FloatArray:
    """Root mean square of each 20 ms."""
    step = max(1, round(STEP_S * rate_hz))
    count = len(samples) // step
    frames = samples[: count * step].reshape(count, step).astype(np.float64)
    return np.sqrt(np.mean(frames**2, axis=1)).astype(np.float32)


def _trim(samples: FloatArray, rate_hz: int) -> FloatArray:
    """Without what is quiet at both ends, but for EDGE_S of it."""
    loud = _loudness(samples, rate_hz)
    above = np.flatnonzero(loud > QUIET * loud.max(initial=0.0))
    if len(above) == 0:
        return samples[:0]
    step, edge = round(STEP_S * rate_hz), round(EDGE_S * rate_hz)
    first = max(0, int(above[0]) * step - edge)
    return samples[first : (int(above[-1]) + 1) * step + edge]


def _cut(samples: FloatArray, rate_hz: int, lengths: Iterator[float]) -> Iterator[FloatArray]:
    longest = round(LONGEST_S * rate_hz)
    while len(samples) > longest:
        end = _quiet_place(samples, rate_hz, next(lengths))
        yield samples[:end]
        samples = _trim(samples[end:], rate_hz)
    if len(samples) >= SHORTEST_S * rate_hz:
        yield samples


def _quiet_place(samples: FloatArray, rate_hz: int, wanted_s: float) -> int:
    first_s = max(SHORTEST_S, wanted_s - SEARCH_S)
    first, last = round(first_s * rate_hz), round(min(wanted_s + SEARCH_S, LONGEST_S) * rate_hz)
    loud = np.convolve(_loudness(samples[first:last], rate_hz), np.ones(5) / 5, "same")
    return first + round((int(np.argmin(loud)) + 0.5) * STEP_S * rate_hz)


def _joined(parts: list[Clip], lengths: Iterator[float]) -> Iterator[Clip]:
    held: list[Clip] = []
    wanted = next(lengths)
    for part in parts:
        total = sum(len(clip.samples) for clip in [*held, part]) / part.rate_hz
        if held and total > LONGEST_S:
            held = []  # too short to keep, and too long with this one
        held.append(part)
        if sum(len(clip.samples) for clip in held) >= wanted * part.rate_hz:
            yield _join(held)
            held, wanted = [], next(lengths)
    if sum(len(clip.samples) for clip in held) >= SHORTEST_S * parts[0].rate_hz:
        yield _join(held)


def _join(parts: list[Clip]) -> Clip:
    rate_hz = parts[0].rate_hz
    faded = [_fade(part.samples, rate_hz) for part in parts]
    samples = np.concatenate(faded)[: round(LONGEST_S * rate_hz)]
    return Clip(samples, rate_hz, parts[0].name, len(parts))


def _fade(samples: FloatArray, rate_hz: int) -> FloatArray:
    count = min(len(samples) // 2, max(1, round(FADE_S * rate_hz)))
    ramp = np.linspace(0.0, 1.0, count, dtype=np.float32)
    faded = samples.copy()
    faded[:count] *= ramp
    faded[len(faded) - count :] *= ramp[::-1]
    return faded


def evenly(things: list[T], most: int) -> list[T]:
    """At most `most` of them, spread over the list, in its order."""
    if len(things) <= most:
        return things
    return [things[index] for index in np.linspace(0, len(things) - 1, max(0, most)).astype(int)]
