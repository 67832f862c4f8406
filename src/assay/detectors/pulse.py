"""The pulse in the colour of a face's skin: its rate, and whether all of the face beats in step."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from assay.case import Case
from assay.inputs.pulse import PulseInput, Spectrum
from assay.inputs.pulse_reading import LEAST_REGIONS, Beats, Reading, RegionBeat, read_pulse
from assay.types import Evidence, Finding, MediaKind

# What each cut costs and saves is measured: docs/models/pulse.md.
LEAST_S, LEAST_FPS = 10.0, 15.0
LEAST_FACE_PX, LEAST_PIXELS = 64.0, 600
DARKEST_LEVEL, MOST_LEFT_OUT, LEAST_SKIN = 40.0, 0.5, 0.4
LEAST_COLOUR = 5.0
MOST_REPEATED, MOST_UNCHANGED = 0.5, 0.85
MOST_MOTION = 0.03
LEAST_SNR_DB, MOST_APART_BPM = 2.0, 4.0
SAME_RHYTHM_HZ, RHYTHM_MOTION, BESIDE_LESS_DB = 0.12, 0.01, 3.0
REGION_SNR_DB, STEP_DEG, MOST_UNCHANGED_STEP = 0.0, 90.0, 0.6
LIMIT = "It is told for an examiner to read; it does not change the verdict."
INHERITED = (
    "It is no sign that the face is genuine: swapped and re-enacted faces carry on the pulse of "
    "the person who drives them."
)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nothing is said of a clip: a stable code and a sentence."""

    code: str
    text: str

    def __str__(self) -> str:
        return f"{self.code}: {self.text}"


class Pulse:
    """The rate of a pulse and whether regions of the face keep in step; no score.

    Looks at: the mean colour of skin in seven regions of the face mesh, frame by frame; from it
    the pulse by CHROM and by POS between 42 and 180 beats a minute, its signal-to-noise ratio,
    and the phase and coherence of each region at that rate. Abstains when: fewer than 10 s in a
    row can be followed, at fewer than 15 new frames a second; the face is small, dark,
    overexposed, grey or covered, moves much or in the rhythm found; compression repeats most of
    the skin; the surroundings beat as well; or no pulse stands above the noise. Fails on: telling
    a forgery, whose pulse is the driver's; most compressed video, in which no pulse is left.
    Licences: none, plain arithmetic after published methods.
    """

    name = "pulse"
    version = "1"
    family = "pulse"
    needs = "motion"
    kinds: tuple[MediaKind, ...] = ("video",)
    looks_at = "the pulse in the skin's colour, its rate, and whether the whole face beats in step"
    fails_on = "telling a forgery: its pulse is the driver's; compressed video keeps no pulse"
    licence = "Apache-2.0"
    bundle: str | None = None
    input = PulseInput()

    def examine(self, case: Case) -> list[Evidence]:
        """One Evidence a person, from their longest stretch."""
        motion = case.motion
        if not motion.clips:
            first = motion.reasons[0] if motion.reasons else None
            reason = f"{first.code}: {first.text}" if first else "no_face: No face was followed."
            return [self._evidence("abstained", "file", None, reason=reason)]
        people = dict.fromkeys(clip.track_id for clip in motion.clips)
        return [self._examine_person(case, track_id) for track_id in people]

    def _examine_person(self, case: Case, track_id: int) -> Evidence:
        started = time.monotonic()
        subject = f"face {track_id}"
        clip = max(case.motion.of(track_id), key=lambda one: one.duration_s)
        refusal = unfit(clip.duration_s, clip.fps)
        if refusal is not None:  # before any pixel is read
            return self._evidence("abstained", subject, track_id, reason=str(refusal))
        reading = read_pulse(clip, self.input, case.deadline.check)
        refusal = why_not(reading)
        common: dict[str, Any] = {
            "details": _details(reading, found=refusal is None),
            "seconds_taken": time.monotonic() - started,
        }
        if refusal is not None:
            return self._evidence("abstained", subject, track_id, reason=str(refusal), **common)
        assert reading.beats is not None
        findings = (_rate_finding(reading.beats, subject), *_step_findings(reading, subject))
        return self._evidence("reported", subject, track_id, findings=findings, **common)

    def _evidence(self, status: Any, subject: str, track_id: int | None, **more: Any) -> Evidence:
        return Evidence(
            detector=self.name,
            version=self.version,
            family=self.family,
            subject=subject,
            status=status,
            track_id=track_id,
            licence=self.licence,
            **more,
        )


def unfit(duration_s: float, fps: float) -> Refusal | None:
    """Why a stretch of that length and rate cannot hold a pulse that could be measured."""
    if not duration_s >= LEAST_S - 1 / max(fps, LEAST_FPS):
        text = f"The face is followed for {duration_s:.1f} s in a row; {LEAST_S:g} are needed."
        return Refusal("too_short", text)
    if not fps >= LEAST_FPS - 0.1:
        text = f"{fps:.1f} new frames a second; {LEAST_FPS:g} are needed."
        return Refusal("low_frame_rate", text)
    return None


def why_not(reading: Reading) -> Refusal | None:
    """Why no pulse is told of a reading, None where one is."""
    refusal = _too_bad(reading)
    if refusal is None and reading.beats is not None:
        refusal = _no_pulse(reading, reading.beats)
    return refusal


def _too_bad(r: Reading) -> Refusal | None:
    """What is wrong with the picture, the worst first."""
    grey = float(np.ptp(r.level)) if np.isfinite(r.level).all() else 0.0
    low = float(r.level.mean()) if np.isfinite(r.level).all() else 0.0
    checks = (
        (r.dark_share > MOST_LEFT_OUT, "too_dark", "Most of the face is too dark."),
        (r.bright_share > MOST_LEFT_OUT, "too_bright", "Most of the face is overexposed."),
        (r.skin_share < LEAST_SKIN, "skin_covered", "Too little skin can be seen."),
        (low < DARKEST_LEVEL, "too_dark", "The skin is too dark."),
        (grey < LEAST_COLOUR, "no_colour", "The picture is grey; a pulse is a change of colour."),
        (
            r.face_px < LEAST_FACE_PX or r.n_pixels < LEAST_PIXELS,
            "too_small",
            f"The face is {r.face_px:.0f} px wide with {r.n_pixels} px of skin; "
            f"{LEAST_FACE_PX:.0f} and {LEAST_PIXELS} are needed.",
        ),
        (
            r.repeated_share > MOST_REPEATED or r.unchanged > MOST_UNCHANGED,
            "too_compressed",
            f"{_share(max(r.repeated_share, _known(r.unchanged)))} of the skin is the same from "
            "frame to frame: the picture stands still, or compression took the changes away.",
        ),
    )
    for fails, code, text in checks:
        if fails:
            return Refusal(code, text)
    refusal = unfit(r.duration_s, r.fps)
    if refusal is not None:
        return refusal
    if r.beats is None or r.n_regions < LEAST_REGIONS:
        return Refusal("face_lost", "Too few regions of the face stay in view.")
    if r.motion > MOST_MOTION:
        text = f"The head moves by {_share(r.motion)} of its width in the rhythms of a pulse."
        return Refusal("too_much_motion", text)
    return None


def _no_pulse(reading: Reading, beats: Beats) -> Refusal | None:
    if not (beats.snr_db >= LEAST_SNR_DB and beats.apart_bpm <= MOST_APART_BPM):
        least = smallest_found(beats)
        told = "" if least is None else f"; one of {least:.1g} grey levels would have"
        return Refusal("no_pulse", f"No pulse stands above the noise{told}.")
    if any(_shared(one, beats) for one in beats.beside.values()):
        text = "The surroundings beat at the same rate: the light flickers, or the compression."
        return Refusal("light_beats", text)
    same = abs(reading.motion_hz - beats.hz) < SAME_RHYTHM_HZ
    if same and reading.motion > RHYTHM_MOTION:
        return Refusal("too_much_motion", "The head moves in the same rhythm as the colour.")
    return None


def _shared(beside: Spectrum, beats: Beats) -> bool:
    clear = beside.snr_db >= LEAST_SNR_DB - BESIDE_LESS_DB
    return bool(clear and abs(beside.hz - beats.hz) < SAME_RHYTHM_HZ)


def smallest_found(beats: Beats) -> float | None:
    """About how large a pulse (half its swing in green, grey levels) would have been told."""
    one = beats.whole["pos"]
    if not (np.isfinite(beats.amplitude_levels) and np.isfinite(beats.snr_db)):
        return None
    return float(beats.amplitude_levels * 10 ** ((LEAST_SNR_DB - one.snr_db) / 20))


def told_regions(beats: Beats) -> list[RegionBeat]:
    """The regions in which both methods see the pulse clearly enough to tell its step."""
    return [one for one in beats.regions if min(one.snr_db.values()) >= REGION_SNR_DB]


def steps_are_told(reading: Reading) -> bool:
    """Whether enough regions are clear, and little enough compressed, to set them in step."""
    if reading.beats is None or reading.unchanged > MOST_UNCHANGED_STEP:
        return False
    return len(told_regions(reading.beats)) >= LEAST_REGIONS


def out_of_step(one: RegionBeat) -> bool:
    """Whether a region beats more than a quarter of a cycle apart, by both methods, surely."""
    return all(abs(one.step_deg[m]) - 2 * one.error_deg[m] > STEP_DEG for m in one.step_deg)


def _known(value: float) -> float:
    return value if np.isfinite(value) else 0.0


def _share(value: float) -> str:
    return f"{100 * value:.0f} %" if value >= 0.1 else f"{100 * value:.1f} %"


def _rate_finding(beats: Beats, subject: str) -> Finding:
    bpm = 60 * beats.hz
    return Finding(
        code="pulse_found",
        title=f"The skin of {subject} beats {bpm:.0f} times a minute",
        meaning=(
            f"CHROM and POS agree within {beats.apart_bpm:.1f} beats a minute, "
            f"{beats.snr_db:.1f} dB above the noise. {INHERITED} {LIMIT}"
        ),
        values={
            "rate_bpm": round(bpm, 1),
            "apart_bpm": round(beats.apart_bpm, 1),
            "snr_db": round(beats.snr_db, 1),
            "amplitude_levels": round(beats.amplitude_levels, 2),
        },
    )


def _step_findings(reading: Reading, subject: str) -> list[Finding]:
    """Whether the regions keep in step; nothing where too few are clear, or too compressed."""
    assert reading.beats is not None
    if not steps_are_told(reading):
        return []
    told = told_regions(reading.beats)
    apart = [one for one in told if out_of_step(one)]
    values: dict[str, Any] = {"n_regions": len(told)}
    if not apart:
        values["most_apart_deg"] = round(max(abs(one.step_deg["pos"]) for one in told))
        return [
            Finding(
                code="pulse_in_step",
                title=f"{len(told)} regions of {subject} beat together",
                meaning=f"None is more than a quarter of a beat apart. {LIMIT}",
                values=values,
            )
        ]
    names = ", ".join(one.name.replace("_", " ") for one in apart)
    values |= {f"{one.name}_deg": round(one.step_deg["pos"]) for one in apart}
    meaning = (
        "Blood reaches all of a face within a small part of a beat. Parts put together from "
        "several sources may beat apart; so does a genuine face lit from the side, whose own small "
        f"movement with each beat changes its light. {LIMIT}"
    )
    return [
        Finding(
            code="pulse_out_of_step",
            title=f"Parts of {subject} beat against the rest: {names}",
            meaning=meaning,
            severity="notable",
            values=values,
        )
    ]


def _details(reading: Reading, found: bool) -> dict[str, Any]:
    r = reading
    details: dict[str, Any] = {
        "followed_s": round(r.duration_s, 2),
        "fps": round(r.fps, 2),
        "face_px": round(r.face_px),
        "n_skin_pixels": r.n_pixels,
        "unchanged_share": round(_known(r.unchanged), 3),
        "repeated_share": round(r.repeated_share, 3),
        "motion_share": round(r.motion, 4),
    }
    beats = r.beats
    if beats is None:
        return details
    least = smallest_found(beats)
    details["smallest_told_levels"] = None if least is None else round(least, 2)
    details["methods"] = {name: _rate(one) for name, one in beats.whole.items()}
    details["surroundings"] = {name: _rate(one) for name, one in beats.beside.items()}
    if found:
        details["regions"] = {one.name: _region(one) for one in beats.regions}
    details["plot"] = {
        "times_s": [round(float(t), 3) for t in beats.times_s],
        "skin_colour_permille": [round(float(v), 3) for v in beats.signal],
    }
    return details


def _rate(one: Spectrum) -> dict[str, float | None]:
    if not np.isfinite(one.hz):
        return {"rate_bpm": None, "snr_db": None}
    return {"rate_bpm": round(60 * one.hz, 1), "snr_db": round(one.snr_db, 1)}


def _region(one: RegionBeat) -> dict[str, Any]:
    return {
        "n_pixels": one.n_pixels,
        "snr_db": {name: round(value, 1) for name, value in one.snr_db.items()},
        "step_deg": {name: round(value) for name, value in one.step_deg.items()},
        "error_deg": {name: round(value) for name, value in one.error_deg.items()},
        "coherence": round(one.coherence, 2) if np.isfinite(one.coherence) else None,
    }


DETECTOR = Pulse
