"""Whether one person's face stays one person's: a swap that drops out shows another for a while."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from assay.case import Case
from assay.inputs.identity_breaks import ALIKE_TURN_DEG, Break, widest_break
from assay.inputs.identity_curve import IdentityCurve, IdentityInput, measure_identity
from assay.inputs.identity_handover import Handover, handovers
from assay.types import Evidence, Finding, MediaKind

LEAST_PRINTS = 8
APART, ACROSS = 0.33, 0.52
"""A stretch that stands apart by this, and is no more alike to the rest than that, is told;
measured, see docs/models/identity_over_time.md."""
FAR_APART, HARDLY_ALIKE, LEAST_FRAMES = 0.5, 0.35, 2
"""From here on no covered face was seen among those measured."""
STRANGER = 0.35
"""Two frontal pictures of one person rarely are less alike; see the card of face_identity."""
MIN_PAIRS = 6
MOST_TOLD = 6
LIMIT = "It is told for an examiner to look at; it does not change the verdict."


class IdentityOverTime:
    """Stretches in which a face is another person's, without a cut; no score.

    Looks at: the face embedding of some fifty frames of each person, on both sides of sudden
    changes of the face too; only frames with the head turned alike are compared. Abstains when:
    the face cannot be followed, or too few frames show it well enough. Fails on: a swap that holds
    from the first frame to the last, which is as steady as a genuine face; a swap between people
    who look alike; a drop-out of a frame or two during fast movement. Licences: the face network
    is MIT (MobileFaceNet).
    """

    name = "identity_over_time"
    version = "1"
    family = "identity"
    needs = "motion"
    kinds: tuple[MediaKind, ...] = ("video",)
    looks_at = "whether a face stays the same person's from frame to frame and shot to shot"
    fails_on = "a swap that holds throughout, which is as steady as a genuine face"
    licence = "MIT"
    bundle: str | None = None
    input = IdentityInput()

    def examine(self, case: Case) -> list[Evidence]:
        """One Evidence a person."""
        if not case.tracks:
            return [self._evidence("file", None, "abstained", reason="no_face: No face was found.")]
        n_followed = len({clip.track_id for clip in case.motion.clips})
        recipe = self.input.shared_by(max(1, n_followed))
        passed_on = handovers(case)
        return [
            self._examine_track(
                case,
                track.track_id,
                recipe,
                [one for one in passed_on if track.track_id in (one.from_track, one.to_track)],
            )
            for track in case.tracks
        ]

    def _examine_track(
        self, case: Case, track_id: int, recipe: IdentityInput, passed_on: list[Handover]
    ) -> Evidence:
        started = time.monotonic()
        subject, clips = f"face {track_id}", case.motion.of(track_id)
        findings = [_of_handover(one, track_id) for one in passed_on[:MOST_TOLD]]
        if not clips and not findings:
            return self._evidence(subject, track_id, "abstained", reason=_not_followed(case))
        views = case.face_views(track_id) if clips else ()
        curve = measure_identity(clips, views, recipe, case.deadline.check)
        if len(curve) < LEAST_PRINTS and not findings:
            text = f"too_few_frames: {len(curve)} frames show the face well; 8 are needed."
            return self._evidence(subject, track_id, "abstained", reason=text)
        widest = widest_break(curve) if len(curve) >= LEAST_PRINTS else None
        if widest is not None and widest.apart >= APART and widest.across < ACROSS:
            findings = [*_of_break(curve, widest), *findings]
        return self._evidence(
            subject,
            track_id,
            "reported",
            findings=(*findings, *_of_shots(curve)),
            details=_details(curve, widest),
            seconds_taken=time.monotonic() - started,
        )

    def _evidence(self, subject: str, track_id: int | None, status: Any, **more: Any) -> Evidence:
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


def _not_followed(case: Case) -> str:
    reasons = case.motion.reasons
    if reasons:
        return f"{reasons[0].code}: {reasons[0].text}"
    return "face_lost: This face could not be followed frame by frame."


def _of_break(curve: IdentityCurve, widest: Break) -> list[Finding]:
    """One finding for each stretch of frames that go together against the rest of the run."""
    run = np.flatnonzero(curve.runs == widest.run)
    certain = widest.apart >= FAR_APART and widest.across < HARDLY_ALIKE
    certain = certain and int(widest.others.sum()) >= LEAST_FRAMES
    found = []
    for rows in _stretches(run, widest.others[run])[:MOST_TOLD]:
        start_s, end_s = float(curve.times_s[rows[0]]), float(curve.times_s[rows[-1]])
        values = {
            "start_s": round(start_s, 3),
            "end_s": round(end_s, 3),
            "similarity_to_the_rest": round(widest.across, 3),
            "similarity_within": round(widest.within, 3),
            "n_frames_compared": len(rows),
        }
        found.append(
            Finding(
                code="identity_break",
                title=f"Another face from {start_s:.2f} to {end_s:.2f} s",
                meaning=(
                    f"There the face is like itself ({widest.within:.2f}) and unlike the face "
                    f"before and after ({widest.across:.2f}), with the head turned alike and no "
                    "cut between. Nobody turns into somebody else within a shot; a face swap that "
                    "sets in or drops out looks like that. So can sunglasses put on, a hand or an "
                    f"object before the face. {LIMIT}"
                ),
                severity="strong" if certain else "notable",
                values=values,
            )
        )
    return found


def _stretches(run: Any, marked: Any) -> list[Any]:
    """Neighbouring marked rows, one array a stretch."""
    edges = np.flatnonzero(np.diff(marked.astype(int))) + 1
    return [
        rows
        for rows, on in zip(np.split(run, edges), np.split(marked, edges), strict=True)
        if on.any()
    ]


def _of_handover(one: Handover, track_id: int) -> Finding:
    other = one.to_track if one.from_track == track_id else one.from_track
    first, then = (track_id, other) if one.from_track == track_id else (other, track_id)
    return Finding(
        code="identity_handover",
        title=f"Face {then} takes the place of face {first} at {one.end_s:.2f} s",
        meaning=(
            f"At {one.start_s:.2f} s face {first} is seen, at {one.end_s:.2f} s face {then} in the "
            "same place, and the picture around them is the same. A face swap that sets in or "
            f"drops out looks like that; so does a cut between two takes of one camera. {LIMIT}"
        ),
        severity="notable",
        values={
            "start_s": round(one.start_s, 3),
            "end_s": round(one.end_s, 3),
            "from_track": one.from_track,
            "to_track": one.to_track,
        },
    )


def _of_shots(curve: IdentityCurve) -> list[Finding]:
    """Shots in which the face, with the head turned alike, would pass for somebody else's."""
    found = []
    for shot in _shots(curve):
        value = shot["similarity_to_the_rest"]
        if value is None or value >= STRANGER:
            continue
        found.append(
            Finding(
                code="identity_differs_between_shots",
                title=f"The face from {shot['start_s']:.1f} s on is unlike that of other shots",
                meaning=(
                    f"Its similarity to the others is {value:.2f}; frontal pictures of one person "
                    "rarely lie below 0.35. Light, age of the footage and make-up do that as well "
                    f"as another person who was taken for the same one. {LIMIT}"
                ),
                severity="info",
                values=shot,
            )
        )
    return found[:MOST_TOLD]


def _shots(curve: IdentityCurve) -> list[dict[str, Any]]:
    """Each unbroken run: from when to when, and how alike it is to the rest of the footage."""
    runs = sorted(set(curve.runs[curve.runs >= 0].tolist()))
    if len(runs) + bool((curve.runs < 0).any()) < 2:
        return []
    similarity, alike = curve.similarity, curve.turns_apart_deg <= ALIKE_TURN_DEG
    shots = []
    for run in runs:
        inside = curve.runs == run
        held = similarity[np.ix_(inside, ~inside)][alike[np.ix_(inside, ~inside)]]
        value = round(float(np.median(held)), 3) if len(held) >= MIN_PAIRS else None
        times = curve.times_s[inside]
        shots.append(
            {
                "start_s": round(float(times[0]), 3),
                "end_s": round(float(times[-1]), 3),
                "similarity_to_the_rest": value,
            }
        )
    return shots


def _details(curve: IdentityCurve, widest: Break | None) -> dict[str, Any]:
    counts: dict[str, Any] = {
        "n_frames_compared": len(curve),
        "n_frames_left_out": curve.n_left_out,
    }
    if len(curve) < 2:
        return counts
    middle = np.median(curve.prints, axis=0)
    to_median = curve.prints @ (middle / max(float(np.linalg.norm(middle)), 1e-9))
    return {
        **counts,
        "largest_break": None if widest is None else round(widest.apart, 4),
        "lowest_similarity_to_median": round(float(to_median.min()), 4),
        "median_similarity_to_median": round(float(np.median(to_median)), 4),
        "shots": _shots(curve),
        "plot": {
            "times_s": [round(float(t), 3) for t in curve.times_s],
            "similarity_to_median": [round(float(value), 4) for value in to_median],
        },
    }


DETECTOR = IdentityOverTime
