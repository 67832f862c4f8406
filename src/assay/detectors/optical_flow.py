"""Flow between neighbouring frames: does all of a face move as one head, up to its border?"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from assay.bundles import Card, load_card, open_network
from assay.case import Case
from assay.inputs.flow_cues import (
    CUES,
    RECIPE,
    STILL_PERCENT,
    MomentCues,
    measure_moments,
    summary,
)
from assay.inputs.flow_moments import Moment, cut_moments, middles
from assay.subjects.clips import FaceClip
from assay.types import Evidence, Finding, FloatArray, MediaKind, Reason, Span

LEAST_MOMENTS = 5
MOST_BREAK_STEP_S = 0.05
"""Genuine clips were measured at 25 and 30 frames a second; at 10, three of eight would be told."""
DARK_LUMA = 24.0
MOST_PERCENT = 12.0
"""A head that moves further between two frames leaves the reach of the flow."""
BORDER = ("step_above", "step_below")
BREAK_MARGIN = 1.5
"""So many times the highest genuine clip measured: the highest alone is met again by chance."""
TEXTS = {
    "no_face": "No face was found.",
    "face_lost": "The face could not be followed from frame to frame.",
    "too_short": "The face is not seen in enough neighbouring frames.",
    "low_frame_rate": "The frames lie too far apart for a flow between them.",
    "too_small": "The face is too small for its motion to be measured.",
    "too_dark": "The face is too dark for its motion to be measured.",
    "face_still": "The head hardly moves: there is no flow that could break.",
    "too_much_motion": "The head moves too far between two frames for the flow to follow.",
}


class OpticalFlow:
    """Dense flow inside the face, on its border and around it; a score only where the card allows.

    Looks at: what the head's own motion leaves of the flow, steps of it across the border of the
    face, changes of brightness that no motion explains, landmarks against the pixels under them,
    between neighbouring frames of at most 24 moments. Abstains when: nobody could be followed,
    the face is under 36 px, dark, or seen in under five moments, the frames lie more than 0.13 s
    apart, the head stands still or moves too far. Fails on: swaps and talking heads that follow
    the person's own motion, as those measured do. Licences: the weights are Apache-2.0 and were
    fitted here.
    """

    name = "optical_flow"
    version = "1"
    family = "motion"
    needs = "motion"
    kinds: tuple[MediaKind, ...] = ("video",)
    looks_at = "whether a moving face moves as one with its head, up to and across its border"
    fails_on = "forgeries that follow the person's own motion, as most swaps do"
    licence = "Apache-2.0"
    bundle: str | None = "optical_flow"
    input = RECIPE

    def examine(self, case: Case) -> list[Evidence]:
        """One Evidence a person; cues are medians over the moments in which the head moved."""
        if not case.tracks:
            return [self._abstained(None, Reason("no_face", TEXTS["no_face"]))]
        card = load_card(self.name)
        return [self._examine_track(case, track.track_id, card) for track in case.tracks]

    def _examine_track(self, case: Case, track_id: int, card: Card) -> Evidence:
        started = time.monotonic()
        clips = case.motion.of(track_id)
        if not clips:
            lost = Reason("face_lost", TEXTS["face_lost"])
            return self._abstained(track_id, next(iter(case.motion.reasons), lost))
        moments = cut_moments(clips, self.input)
        code = why_not(clips, moments)
        found = [] if code else measure_moments(moments, case.deadline.check)
        code = code or why_not_judged(found)
        if code:
            return self._abstained(track_id, Reason(code, TEXTS[code]), _measured(found))
        step_s = float(np.median([moment.step_s for moment in moments]))
        return self._told(track_id, found, step_s, card, started)

    def _told(
        self, track_id: int, found: list[MomentCues], step_s: float, card: Card, started: float
    ) -> Evidence:
        network = open_network(self.name, self.input.fingerprint)
        values, subject = summary(found), f"face {track_id}"
        answer = network.run(values[None])
        common: dict[str, Any] = {
            "details": {
                **_measured(found),
                "raw_logit": round(float(answer["logit"][0]), 4),
                "cues": _cues(values, answer["evidence"][0], card),
            },
            "bundle_sha256": card.network_sha256,
            "licence": card.licence,
            "findings": (_finding(subject, values), *_breaks(subject, values, step_s, card)),
        }
        if not card.raw.get("scores"):
            return self._evidence("reported", track_id, started, **common)
        moved = [one for one in found if one.moved >= STILL_PERCENT]
        logits = network.run(np.stack([one.values for one in moved]))["logit"]
        spans = tuple(
            Span(one.time_s, one.time_s, float(logit))
            for one, logit in zip(moved, logits, strict=True)
        )
        logit = float(answer["logit"][0])
        return self._evidence(
            "scored", track_id, started, logit=logit, spans=spans, kind="face_altered", **common
        )

    def _abstained(
        self, track_id: int | None, reason: Reason, details: Mapping[str, Any] | None = None
    ) -> Evidence:
        said = f"{reason.code}: {reason.text}"
        now = time.monotonic()
        return self._evidence("abstained", track_id, now, reason=said, details=details or {})

    def _evidence(self, status: Any, track_id: int | None, started: float, **more: Any) -> Evidence:
        return Evidence(
            detector=self.name,
            version=self.version,
            family=self.family,
            subject="file" if track_id is None else f"face {track_id}",
            status=status,
            track_id=track_id,
            seconds_taken=time.monotonic() - started,
            **more,
        )


def why_not(clips: Sequence[FaceClip], moments: Sequence[Moment]) -> str | None:
    """The code of what keeps these clips from being measured; None where nothing does."""
    n_seen = sum(int(clip.seen.sum()) for clip in clips)
    if len(moments) < LEAST_MOMENTS:
        anyhow = sum(len(middles(clip, np.inf)) for clip in clips)
        slow = n_seen >= 2 * LEAST_MOMENTS and anyhow >= 2 * LEAST_MOMENTS
        return "low_frame_rate" if slow else "too_short"
    if np.median([moment.face_px for moment in moments]) < RECIPE.min_face_px:
        return "too_small"
    if np.median([moment.luma[1].mean() for moment in moments]) < DARK_LUMA:
        return "too_dark"
    return None


def why_not_judged(found: Sequence[MomentCues]) -> str | None:
    """The code of what keeps measured moments from saying anything."""
    moved = np.array([one.moved for one in found])
    seen = np.isfinite(moved)
    if seen.sum() < LEAST_MOMENTS:
        return "face_lost"
    if (moved[seen] > MOST_PERCENT).mean() > 0.5:
        return "too_much_motion"
    if (moved[seen] >= STILL_PERCENT).sum() < LEAST_MOMENTS:
        return "face_still"
    return None


def _measured(found: Sequence[MomentCues]) -> dict[str, Any]:
    """How much was looked at, and the curves for the report."""
    seen = [one for one in found if np.isfinite(one.moved)]
    if not seen:
        return {}
    return {
        "n_moments": len(seen),
        "n_moments_still": sum(one.moved < STILL_PERCENT for one in seen),
        "plot": {
            "times_s": [round(one.time_s, 3) for one in seen],
            "head_motion_percent": [round(one.moved, 3) for one in seen],
            "left_over_percent": [round(one.residual, 3) for one in seen],
        },
    }


def _cues(values: FloatArray, parts: FloatArray, card: Card) -> dict[str, Any]:
    """Each cue for a reader: its value with its unit, how genuine clips stand, what it weighs."""
    told: dict[str, Any] = {}
    for n, cue in enumerate(CUES):
        value = float(values[n])
        if not np.isfinite(value):
            told[cue.name] = {"value": None, "unit": cue.unit, "text": "It could not be measured."}
            continue
        known: Mapping[str, Any] = card.raw.get("cues", {}).get(cue.name, {})
        usual = known.get("genuine_median")
        compared = "" if usual is None else f"; the median of genuine clips is {usual:.3g}"
        told[cue.name] = {
            "value": round(value, 4),
            "unit": cue.unit,
            "part_of_logit": round(float(parts[n]), 4),
            "text": f"The higher, the more {cue.meaning}: {value:.3g} {cue.unit}{compared}.",
        }
    return told


def _finding(subject: str, values: FloatArray) -> Finding:
    return Finding(
        code="optical_flow_measured",
        title=f"The motion of {subject} was followed from frame to frame",
        meaning=(
            "The values are for an examiner to read. Swapped and genuine faces were measured to "
            "move alike, so that they do not change the verdict."
        ),
        values={
            cue.name: round(float(value), 4)
            for cue, value in zip(CUES, values, strict=True)
            if np.isfinite(value)
        },
    )


def breaks_in(values: FloatArray, step_s: float, card: Card) -> dict[str, float]:
    """The border cues (of values (12,)) that lie far above every genuine clip measured; none where
    the frames lie further apart (`step_s`) than in these."""
    found: dict[str, float] = {}
    if step_s > MOST_BREAK_STEP_S:
        return found
    for cue, value in zip(CUES, values, strict=True):
        highest = card.raw.get("cues", {}).get(cue.name, {}).get("genuine_highest")
        if cue.name in BORDER and highest is not None and value > BREAK_MARGIN * highest:
            found[cue.name] = round(float(value), 4)
    return found


def _breaks(subject: str, values: FloatArray, step_s: float, card: Card) -> list[Finding]:
    """What slides across the border of the face far more than in any genuine clip measured."""
    found = breaks_in(values, step_s, card)
    if not found:
        return []
    meaning = (
        "The face slides against what is around it half as much again as in any genuine clip that "
        "was measured. Hair, glasses, a hand before the face and quick turns do this as well: it "
        "is told for an examiner to look, and does not change the verdict."
    )
    title = f"The flow breaks at the border of {subject}"
    return [Finding("flow_break", title, meaning, "notable", found)]


DETECTOR = OpticalFlow
