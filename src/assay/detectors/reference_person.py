"""The face and the mannerisms of a person against footage of them that is known to be genuine."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from assay.bundles import load_card
from assay.case import Case
from assay.inputs.identity_curve import IdentityInput, measure_identity
from assay.inputs.reference import Reference, read_reference
from assay.inputs.reference_match import (
    Likeness,
    Movement,
    error_rates,
    likeness_to,
    movement_to,
)
from assay.types import Evidence, Finding, MediaKind, Reason

NETWORK = "face_identity"
MOST_FILES_TOLD = 20
LIMIT = "It is told for an examiner; it does not change the verdict."
NO_REFERENCE = "no_reference: No reference was given (--reference)."


class ReferencePerson:
    """Whether a face is that of the reference, and moves like them; no score.

    Looks at: similarity of the face embedding to that of the reference's pictures and videos, the
    head turned alike; correlations between eighteen movements of face and head in windows of 8 s.
    Abstains when: no reference was given, or the face is too small, blurred, dark or turned away.
    Fails on: a forgery that has the person's face and was driven by the person; relatives and
    look-alikes; old or masked faces. Not measured on footage of minutes: the way of moving is told
    as a lead only. Licences: the face network is MIT (MobileFaceNet).
    """

    name = "reference_person"
    version = "1"
    family = "identity"
    needs = "faces"
    needs_reference = True
    kinds: tuple[MediaKind, ...] = ("image", "video")
    looks_at = "whether a face is that of given known footage, and moves like it"
    fails_on = "look-alikes; forgeries that were driven by the person themself"
    licence = "MIT"
    bundle: str | None = None
    input = IdentityInput(n_prints=32, n_changes=0, n_between=8)

    def examine(self, case: Case) -> list[Evidence]:
        """One Evidence a person. Raises UsageError on a reference that cannot be used."""
        if not case.tracks:
            return [self._evidence("file", None, "abstained", reason="no_face: No face was found.")]
        if case.options.reference is None:
            return [
                self._evidence(
                    f"face {one.track_id}", one.track_id, "abstained", reason=NO_REFERENCE
                )
                for one in case.tracks
            ]
        reference = read_reference(case.options.reference, case.options.time_limit_s)
        return [self._examine_track(case, track.track_id, reference) for track in case.tracks]

    def _examine_track(self, case: Case, track_id: int, reference: Reference) -> Evidence:
        started = time.monotonic()
        subject, clips = f"face {track_id}", case.motion.of(track_id)
        recipe = self.input.shared_by(min(3, len(case.tracks)))
        curve = measure_identity(clips, case.face_views(track_id), recipe, case.deadline.check)
        found = likeness_to(reference, curve)
        if found is None:
            return self._evidence(subject, track_id, "abstained", reason=_why_not(len(curve)))
        card = load_card(NETWORK)
        verification: Mapping[str, Any] = card.raw["verification"]
        findings = [_of_face(subject, found, verification)]
        moved: Movement | Reason | None = None
        if case.media.kind == "video" and found.median >= verification["unlike_below"]:
            moved = movement_to(reference, clips)
            findings.append(_of_movement(subject, moved))
        return self._evidence(
            subject,
            track_id,
            "reported",
            findings=tuple(findings),
            details=_details(found, moved, reference),
            bundle_sha256=card.network_sha256,
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


def _why_not(n_prints: int) -> str:
    if n_prints:
        return "face_turned: The head is turned as in no picture of the reference."
    return "face_unusable: The face is too small, blurred, dark or turned away to be compared."


def _of_face(subject: str, found: Likeness, verification: Mapping[str, Any]) -> Finding:
    """What the similarity says; never that a face that does not match is forged."""
    alike_from, unlike_below = verification["alike_from"], verification["unlike_below"]
    n, n_alike = len(found.values), int((found.values >= alike_from).sum())
    strangers, same = error_rates(found.median, verification)
    values = {
        "similarity": round(found.median, 3),
        "similarity_within_reference": None if found.own is None else round(found.own, 3),
        "n_frames_alike": n_alike,
        "n_frames_compared": n,
        "strangers_at_least_as_alike": round(strangers, 4),
        "same_person_less_alike": round(same, 4),
    }
    name = subject.capitalize()
    counted = f"in {n_alike} of {n} frames" if n > 1 else ""
    if found.median >= alike_from:
        code, title = "reference_alike", f"{name} looks like the reference {counted}".strip()
        meaning = (
            f"The similarity is {found.median:.2f}; {_share(strangers)} of pairs of strangers are "
            "as alike. Relatives and look-alikes are closer than strangers. A good forgery of "
            "this person looks like them as well: that the face matches does not make the file "
            "genuine."
        )
    elif found.median < unlike_below:
        code, title = "reference_other_person", f"{name} looks like somebody else"
        meaning = (
            f"The similarity to the reference is {found.median:.2f}; {_share(same)} of pairs of "
            "one person, seen from the front, are less alike. It is another person, or this one "
            "much changed. That says nothing of whether the file is genuine."
        )
    else:
        code, title = "reference_unclear", f"Whether {subject} is the reference cannot be told"
        meaning = (
            f"The similarity is {found.median:.2f}; {_share(strangers)} of pairs of strangers "
            f"are as alike, and {_share(same)} of pairs of one person are less alike."
        )
    return Finding(code=code, title=title, meaning=f"{meaning} {LIMIT}", values=values)


def _share(rate: float) -> str:
    return "under 0.01 %" if rate < 1e-4 else f"{100 * rate:.2g} %"


def _of_movement(subject: str, moved: Movement | Reason) -> Finding:
    if isinstance(moved, Reason):
        return Finding(
            code="reference_movement_not_compared",
            title=f"Whether {subject} moves like the reference was not compared",
            meaning=moved.text,
            values={"reason": moved.code},
        )
    values = {
        "distance": round(moved.distance, 3),
        "n_windows": moved.n_windows,
        "n_reference_stretches": len(moved.usual),
        "n_reference_stretches_as_far": moved.n_as_far,
    }
    measured = (
        f"The correlations between {subject}'s movements lie {moved.distance:.1f} from the "
        f"reference's; of {len(moved.usual)} stretches of the reference {moved.n_as_far} lie as "
        "far from the others."
    )
    if moved.n_as_far:
        return Finding(
            code="reference_moves_alike",
            title=f"{subject.capitalize()} moves within what the reference does",
            meaning=f"{measured} Other people can move so too. {LIMIT}",
            values=values,
        )
    return Finding(
        code="reference_moves_unlike",
        title=f"{subject.capitalize()} moves unlike the reference",
        meaning=(
            f"{measured} A face put on somebody else keeps that person's way of moving. So does "
            "this person on another occasion: mood, posture, camera and what is spoken change it "
            f"as well, and how often is not measured on footage like this. It is a lead only. "
            f"{LIMIT}"
        ),
        severity="notable",
        values=values,
    )


def _details(
    found: Likeness, moved: Movement | Reason | None, reference: Reference
) -> dict[str, Any]:
    files = [
        {
            "name": one.name,
            "sha256": one.sha256,
            "n_frames": one.n_prints,
            "seconds_followed": round(one.seconds_followed, 1),
            **({"reason": one.reason.code, "text": one.reason.text} if one.reason else {}),
        }
        for one in reference.files[:MOST_FILES_TOLD]
    ]
    told: dict[str, Any] = {
        "n_frames_not_comparable": found.n_not_comparable,
        "movement_distance": round(moved.distance, 4) if isinstance(moved, Movement) else None,
        "reference": {
            "n_files": len(reference.files),
            "n_files_left_out": len(reference.left_out),
            "n_frames": len(reference.prints),
            "seconds_followed": round(reference.seconds_followed, 1),
            "files": files,
        },
    }
    if len(found.values) > 1 and bool(np.all(np.diff(found.times_s) >= 0)):
        told["plot"] = {
            "times_s": [round(float(t), 3) for t in found.times_s],
            "similarity_to_reference": [round(float(value), 4) for value in found.values],
        }
    return told


DETECTOR = ReferencePerson
