"""Is the voice, or the recording, of a kind that its detectors were measured on? With reason codes.

too_short     too few seconds of the voice were judged
band_limited  a telephone's band    of more than half of the judged seconds; and any other reason
noisy         noise under the voice that the segments state
clipped       driven into the limits
music         music under the voice
low_rate      the recording's sample rate is below what the detector was measured at
Faces and pictures have gates of their own.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from assay.case import Case
from assay.types import Evidence, Reason, SpeechSegment
from assay.verdict.voices import judged_segments, seconds_of, speech_of

USUAL_SHARE = 0.5
_TEXTS = {
    "band_limited": "The voice reaches no higher than over a telephone",
    "noisy": "Noise lies under the voice",
    "clipped": "The sound is clipped",
    "music": "Music lies under the voice, or the room is reverberant",
}


@dataclass(frozen=True, slots=True)
class SoundLimits:
    """Where judging a sound ends.

    Shares are of the judged seconds: more than half of them limited by something that the
    detectors' measurements hold little of makes the rest a minority. 1 tolerates it wholly. For a
    recording as a whole nothing is demanded unless the card does.
    """

    min_voice_s: float = 1.0
    max_band_limited_share: float = USUAL_SHARE
    max_noisy_share: float = USUAL_SHARE
    max_clipped_share: float = USUAL_SHARE
    max_music_share: float = USUAL_SHARE
    min_sound_s: float = 0.0
    min_sample_rate_hz: float = 0.0

    @classmethod
    def from_card(cls, in_domain: Mapping[str, Any]) -> SoundLimits:
        """The limits of a bundle card; a limit that it does not state keeps its default."""
        known = {field.name for field in fields(cls)}
        stated = {name: value for name, value in in_domain.items() if name in known}
        return cls(**{name: float(value) for name, value in stated.items()})


def voice_faults(
    case: Case, evidence: Evidence, limits: SoundLimits
) -> tuple[list[Reason], dict[str, Any]]:
    """What is wrong with the voice that this evidence is about, and what was measured."""
    segments = judged_segments(case, evidence)
    reasons = []
    seconds = seconds_of(segments)
    if seconds < limits.min_voice_s:
        text = f"{seconds:.1f} s of the voice were judged; {limits.min_voice_s:g} are needed."
        reasons.append(Reason("too_short", text))
    stated = {one.code: one for segment in segments for one in segment.reasons}
    shares = _shares(segments)
    for code in sorted(shares, key=lambda code: -shares[code]):
        if shares[code] > getattr(limits, f"max_{code}_share", USUAL_SHARE):
            said = _TEXTS.get(code) or stated[code].text.rstrip(".") or code.replace("_", " ")
            text = f"{said} in {100 * shares[code]:.0f} % of the seconds judged."
            reasons.append(Reason(code, text))
    return reasons, _summary(segments, shares)


def recording_faults(
    case: Case, limits: SoundLimits
) -> tuple[bool | None, list[Reason], dict[str, Any]]:
    """Whether the recording as a whole keeps to the limits; None where there is none to keep to."""
    seconds = case.sound_seconds
    length_s = seconds[1] - seconds[0] if seconds else 0.0
    rate_hz = case.media.sample_rate_hz or 0
    reasons = []
    if length_s < limits.min_sound_s:
        text = f"The recording is {length_s:.1f} s long; {limits.min_sound_s:g} are needed."
        reasons.append(Reason("too_short", text))
    if rate_hz < limits.min_sample_rate_hz:
        text = f"The recording has {rate_hz} samples a second; {limits.min_sample_rate_hz:.0f} are "
        reasons.append(Reason("low_rate", text + "needed."))
    demanded = limits.min_sound_s > 0 or limits.min_sample_rate_hz > 0
    measured = {"sound_s": round(length_s, 2), "sample_rate_hz": rate_hz}
    return (not reasons) if demanded else None, reasons, measured


def speech_quality(case: Case) -> dict[str, Any]:
    """What was measured of all speech of the file; {} where none was found."""
    segments = speech_of(case)
    return _summary(segments, _shares(segments)) if segments else {}


def _shares(segments: Sequence[SpeechSegment]) -> dict[str, float]:
    """By reason, the share of the seconds that it limits."""
    total = seconds_of(segments)
    codes = dict.fromkeys(one.code for segment in segments for one in segment.reasons)
    limited = {
        code: [one for one in segments if code in {reason.code for reason in one.reasons}]
        for code in codes
    }
    return {code: seconds_of(some) / total for code, some in limited.items()} if total else {}


def _summary(segments: Sequence[SpeechSegment], shares: Mapping[str, float]) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "voice_segments": len(segments),
        "voice_s": round(seconds_of(segments), 2),
    }
    summary |= {f"voice_{code}_share": round(share, 3) for code, share in shares.items()}
    for name in dict.fromkeys(name for segment in segments for name in segment.quality):
        values = [float(s.quality[name]) for s in segments if name in s.quality]
        finite = [value for value in values if math.isfinite(value)]
        if finite:
            summary[f"voice_{name}"] = round(statistics.median(finite), 4)
    return summary
