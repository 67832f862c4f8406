"""What of the sound was tested and what was not: sentences for a reader."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from assay.case import Case
from assay.detectors import Detector
from assay.types import Evidence, SpeechSegment
from assay.verdict.naming import clock, counted, joined
from assay.verdict.voices import judged_segments, seconds_of, speech_of

LEAST_TOLD_S = 0.5
NO_GROUND = "no detector scored it"
_GROUNDS = {
    "too_short": "too short",
    "music": "music or reverberation",
    "noisy": "too noisy",
    "clipped": "clipped",
    "band_limited": "a telephone's band only",
    "silence": "silent",
}


def sound_tested(case: Case, scored: Sequence[Evidence]) -> str:
    """What one detector scored of the sound, as the beginning of a sentence."""
    voices = {one.speaker_id for one in scored if one.speaker_id is not None}
    if not voices:
        seconds = case.sound_seconds
        extent = f", {clock(seconds[0])} to {clock(seconds[1])}" if seconds else ""
        return f"The recording as a whole{extent},"
    spans = [span for one in scored for span in one.spans if one.speaker_id is not None]
    said = f"Voices: {counted(len(voices), 'speaker')}"
    if spans:
        first, last = min(span.start_s for span in spans), max(span.end_s for span in spans)
        said += f", {counted(len(spans), 'segment')} between {clock(first)} and {clock(last)}"
    return said


def sound_not_tested(
    case: Case, evidence: Sequence[Evidence], run: Iterable[type[Detector]]
) -> list[str]:
    """Speech that no detector scored and why, and sound that was not decoded.

    What a detector gives as its own reason for abstaining is not said twice.
    """
    if not any(detector.needs == "sound" for detector in run):
        return []
    sentences = []
    if case.sound_fault is not None:
        sentences.append(f"Voices and sound: {case.sound_fault.text}")
    speech = vars(case).get("speech")
    if speech is not None and not speech.segments:
        given = "\n".join(one.reason or "" for one in evidence)
        new = [reason.text for reason in speech.reasons if reason.text not in given]
        sentences += [f"Voices: {text}" for text in new]
    if speech is not None:
        sentences += _speech_not_judged(case, evidence)
        sentences += [_note(note) for note in speech.notes]
    return [*sentences, *_beyond_the_limit(case)]


def _speech_not_judged(case: Case, evidence: Sequence[Evidence]) -> list[str]:
    of_voices = [one for one in evidence if one.speaker_id and one.status == "scored"]
    judged = {id(segment) for one in of_voices for segment in judged_segments(case, one)}
    left = [segment for segment in speech_of(case) if id(segment) not in judged]
    if not left:
        return []
    grounds: dict[str, list[SpeechSegment]] = {}
    for segment in left:
        for code in [reason.code for reason in segment.reasons] or [""]:
            grounds.setdefault(code, []).append(segment)
    said = [f"{_ground(code)} ({seconds_of(some):.1f} s)" for code, some in grounds.items()]
    return [
        f"{seconds_of(left):.1f} s of speech in {counted(len(left), 'segment')}: {joined(said)}."
    ]


def _ground(code: str) -> str:
    return _GROUNDS.get(code, code.replace("_", " ")) if code else NO_GROUND


def _note(note: str) -> str:
    return note if " " in note else f"A part of the speech: {note.replace('_', ' ')}."


def _beyond_the_limit(case: Case) -> list[str]:
    """What lies behind the longest stretch of sound that is decoded."""
    decoded, length_s = case.sound_seconds, case.media.duration_s
    if decoded is None or length_s is None:
        return []
    from assay.media.audio import MAX_SAMPLES

    wanted = case.options.time_range_s[1] if case.options.time_range_s else length_s
    start_s, end_s = decoded
    longest_s = min(case.options.max_sound_s, MAX_SAMPLES / (case.media.sample_rate_hz or 1))
    full = end_s - start_s >= longest_s - LEAST_TOLD_S
    if not full or min(wanted, length_s) <= end_s + LEAST_TOLD_S:
        return []
    return [f"The sound after {clock(end_s)}: at most {longest_s:.6g} s of it are examined."]
