"""What the report needs of a sound: its drawing, its speech, and what of it may be played."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Iterator
from typing import Any

from assay.case import Case
from assay.sound import NotPlayable, Sound, SoundSegment
from assay.types import Evidence, Finding, Reason, Waveform

MAX_PLAYED_S = 60.0
AROUND_S = 1.5
MAX_CLIPS = 8
MAX_SEGMENTS = 2000
MAX_SECONDS_OF_A_FINDING = 200
PLAYED_RATE_HZ = 48_000
log = logging.getLogger(__name__)

Seconds = tuple[float, float]


def sound_of(case: Case, evidence: Iterable[Evidence]) -> Sound | None:
    """The sound as examined; None where there is none or no detector of a video asked for it.

    A sound that cannot be drawn costs the drawing, never the answer.
    """
    if case.media.kind != "audio" and "waveform" not in vars(case):
        return None
    try:
        waveform = case.waveform
        return _drawn(case, waveform, tuple(evidence)) if waveform is not None else None
    except Exception as error:
        log.debug("drawing the sound failed", exc_info=error)
        return None


def is_of_sound(one: Evidence) -> bool:
    """Whether evidence speaks of the sound: of a voice, or of the recording as a whole."""
    return one.speaker_id is not None or one.subject == "sound"


def seconds_of(finding: Finding) -> list[Seconds]:
    """Where in the file a finding lies, from `times_s` or `start_s` and `end_s` in its values.

    A single moment starts and ends at once. What is no time is passed over.
    """
    values = finding.values
    found = [(time, time) for time in _numbers(values.get("times_s"))]
    starts, ends = _numbers(values.get("start_s")), _numbers(values.get("end_s"))
    if len(starts) == len(ends):
        found += [(start, end) for start, end in zip(starts, ends, strict=True) if start <= end]
    return found


def _numbers(value: Any) -> list[float]:
    """The finite numbers from 0 on in a number or a sequence, at most 200."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    items = value if isinstance(value, list | tuple) else [value]
    good = (
        float(item)
        for item in items[:MAX_SECONDS_OF_A_FINDING]
        if isinstance(item, int | float) and not isinstance(item, bool) and abs(item) < 1e9
    )
    return [number for number in good if math.isfinite(number) and number >= 0]


def _drawn(case: Case, waveform: Waveform, evidence: tuple[Evidence, ...]) -> Sound:
    from assay.media.sound_drawing import TOP_HZ, envelope, spectrogram

    clips, not_playable = _clips(waveform, evidence, case.options.embed_sound)
    segments, reasons = _speech(case)
    return Sound(
        start_s=waveform.start_s,
        duration_s=waveform.duration_s,
        sample_rate_hz=waveform.sample_rate_hz,
        envelope=envelope(waveform),
        spectrogram=spectrogram(waveform),
        top_hz=TOP_HZ,
        segments=segments,
        reasons=reasons,
        clips=clips,
        not_playable=not_playable,
    )


def _speech(case: Case) -> tuple[tuple[SoundSegment, ...], tuple[Reason, ...]]:
    """The speech that a detector asked for; nothing is searched for the drawing's sake."""
    speech = case.speech if "speech" in vars(case) else None
    if speech is None:
        return (), ()
    segments = tuple(
        SoundSegment(one.start_s, one.end_s, one.speaker_id, one.reasons)
        for one in speech.segments[:MAX_SEGMENTS]
    )
    return segments, speech.reasons


def _clips(
    waveform: Waveform, evidence: tuple[Evidence, ...], wanted: bool
) -> tuple[tuple[Waveform, ...], NotPlayable | None]:
    if not wanted:
        return (), "not_wanted"
    if waveform.duration_s <= MAX_PLAYED_S:
        return (_clip(waveform, waveform.start_s, waveform.start_s + waveform.duration_s),), None
    stretches = _stretches(waveform, evidence)
    clips = tuple(_clip(waveform, start, end) for start, end in stretches)
    return clips, "too_long" if clips else "nothing_flagged"


def _stretches(waveform: Waveform, evidence: tuple[Evidence, ...]) -> list[Seconds]:
    """The flagged seconds and their surroundings, joined, at most 60 s and eight pieces."""
    first, last = waveform.start_s, waveform.start_s + waveform.duration_s
    chosen: list[Seconds] = []
    for start, end in _flagged(evidence):
        start, end = max(first, start - AROUND_S), min(last, end + AROUND_S)
        end = min(end, start + MAX_PLAYED_S / 4)
        if end > start:
            joined = _joined([*chosen, (start, end)])
            length = sum(one[1] - one[0] for one in joined)
            chosen = joined if len(joined) <= MAX_CLIPS and length <= MAX_PLAYED_S else chosen
    return chosen


def _joined(stretches: list[Seconds]) -> list[Seconds]:
    joined: list[Seconds] = []
    for start, end in sorted(stretches):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(end, joined[-1][1])
        else:
            joined.append((start, end))
    return joined


def _flagged(evidence: tuple[Evidence, ...]) -> Iterator[Seconds]:
    """Segments that reach their cut, the highest first, then the seconds of findings."""
    high = [
        (span.p_fake, span.start_s, span.end_s)
        for one in evidence
        if is_of_sound(one) and one.threshold is not None
        for span in one.spans
        if span.p_fake is not None and span.p_fake >= one.threshold
    ]
    high.sort(key=lambda one: (-one[0], one[1]))
    yield from ((start, end) for _, start, end in high)
    for one in evidence:
        if is_of_sound(one):
            for finding in one.findings:
                yield from seconds_of(finding)


def _clip(waveform: Waveform, start_s: float, end_s: float) -> Waveform:
    """A copy of a part, so that the whole can be let go; high rates are averaged down."""
    import numpy as np

    rate_hz = waveform.sample_rate_hz
    first = max(0, round((start_s - waveform.start_s) * rate_hz))
    part = waveform.samples[first : round((end_s - waveform.start_s) * rate_hz)]
    factor = max(1, rate_hz // PLAYED_RATE_HZ)
    n = len(part) // factor
    if factor > 1 and n:
        part = part[: n * factor].reshape(n, factor).mean(axis=1, dtype=np.float32)
        rate_hz //= factor
    samples = np.array(part, np.float32)
    return Waveform(samples, rate_hz, start_s)
