"""The geometry and the light of a face: do eyes, halves and shading agree as they must?"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np

from assay.bundles import Card, Network, load_card, open_network
from assay.case import Case
from assay.inputs.face_cues import CUES, CueInput, FaceCues, measure_cues
from assay.subjects.quality import QualityLimits, why_unusable
from assay.types import Evidence, FaceView, Finding, FloatArray, MediaKind, Reason, Span

TEXTS = {
    "face_too_small": "The face is too small for its light and its halves to be measured.",
    "eyes_too_small": "The eyes are too small to be measured.",
    "face_turned": "The face is turned too far to the side.",
    "eyes_closed": "The eyes are closed or nearly closed.",
    "eyes_covered": "Too little of both irises can be seen.",
    "no_highlights": "The eyes show no reflections that could be compared.",
    "no_colour": "The picture is grey.",
    "skin_covered": "Too little skin can be seen.",
    "neck_not_seen": "The neck cannot be seen.",
    "landmarks_uncertain": "The points of the face could not be placed.",
}


class FaceGeometry:
    """Cues of geometry and light, each with its value; a score only where the card allows one.

    Looks at: reflections in the two eyes (place, shape), roundness, size, hue and brightness of
    the irises, direction of gaze, symmetry of the face, side from which cheeks, rim and neck are
    lit. Abstains when: there is no face, it is turned by more than about 20 degrees, its eyes
    are under 50 px apart or closed, or the picture is blurred or dark; each cue for itself where
    it cannot be seen. Fails on: most forgeries; modern generators draw faces that are as regular
    as genuine ones. Licences: the weights are Apache-2.0 and were fitted here; the iris network
    is Apache-2.0 (MediaPipe).
    """

    name = "face_geometry"
    version = "1"
    family = "geometry"
    needs = "faces"
    kinds: tuple[MediaKind, ...] = ("image", "video")
    looks_at = "whether eyes, symmetry and light of a face agree with each other"
    fails_on = "most forgeries: generators draw faces as regular as genuine ones"
    licence = "Apache-2.0"
    bundle: str | None = "face_geometry"
    input = CueInput()

    def examine(self, case: Case) -> list[Evidence]:
        """One Evidence a person; cues are medians over the frames in which they were seen."""
        if not case.tracks:
            return [self._evidence("abstained", "file", None, reason="no_face: No face was found.")]
        card = load_card(self.name)
        network = open_network(self.name, self.input.fingerprint)
        return [self._examine_track(case, track.track_id, network, card) for track in case.tracks]

    def _examine_track(self, case: Case, track_id: int, network: Network, card: Card) -> Evidence:
        started = time.monotonic()
        subject = f"face {track_id}"
        found, reasons = self._measured(case, track_id, card)
        if not found:
            code = Counter(reason.code for reason in reasons).most_common(1)[0][0]
            text = next(reason.text for reason in reasons if reason.code == code)
            return self._evidence("abstained", subject, track_id, reason=f"{code}: {text}")
        rows = np.stack([cues.values for _, cues in found])
        logits = network.run(rows)["logit"]
        values = _medians(rows)
        parts = network.run(values[None])["evidence"][0]
        scores = bool(card.raw.get("scores"))
        common: dict[str, Any] = {
            "details": _details(found, values, parts, card, len(reasons)),
            "bundle_sha256": card.network_sha256,
            "licence": card.licence,
            "seconds_taken": time.monotonic() - started,
        }
        if not scores:
            findings = (_finding(subject, values),)
            return self._evidence("reported", subject, track_id, findings=findings, **common)
        spans = tuple(
            Span(view.time_s, view.time_s, float(logit))
            for (view, _), logit in zip(found, logits, strict=True)
        )
        logit = float(np.median(logits))
        return self._evidence(
            "scored", subject, track_id, logit=logit, spans=spans, kind="unknown", **common
        )

    def _measured(
        self, case: Case, track_id: int, card: Card
    ) -> tuple[list[tuple[FaceView, FaceCues]], list[Reason]]:
        """The views in which at least one cue that matters was measured, and why not the others.

        Where no score is given, all matter: they are reported.
        """
        limits = QualityLimits.from_card(card.in_domain)
        weighed = _that_matter(card)
        found, reasons = [], []
        for view in case.face_views(track_id):
            case.deadline.check()
            reason = why_unusable(view, limits)
            if reason is None:
                cues = measure_cues(view, self.input)
                if np.isfinite(cues.values[weighed]).any():
                    found.append((view, cues))
                    continue
                code = _commonest(cues, weighed)
                reason = Reason(code, TEXTS[code])
            reasons.append(reason)
        return found, reasons

    def _evidence(self, status: Any, subject: str, track_id: int | None, **more: Any) -> Evidence:
        return Evidence(
            detector=self.name,
            version=self.version,
            family=self.family,
            subject=subject,
            status=status,
            track_id=track_id,
            **more,
        )


def _that_matter(card: Card) -> list[int]:
    """The places of the cues that have a weight; of all, where none has or no score is given."""
    known = card.raw.get("cues", {}) if card.raw.get("scores") else {}
    chosen = [n for n, cue in enumerate(CUES) if known.get(cue.name, {}).get("weight")]
    return chosen or list(range(len(CUES)))


def _commonest(cues: FaceCues, weighed: list[int]) -> str:
    codes = [cues.reasons[n] for n in weighed]
    return Counter(code for code in codes if code is not None).most_common(1)[0][0]


def _medians(rows: FloatArray) -> FloatArray:
    """Per cue over the frames (n, 12) in which it was measured; NaN where in none."""
    seen = np.isfinite(rows)
    return np.array(
        [
            np.median(column[ok]) if ok.any() else np.nan
            for column, ok in zip(rows.T, seen.T, strict=True)
        ],
        np.float32,
    )


def _details(
    found: list[tuple[FaceView, FaceCues]],
    values: FloatArray,
    parts: FloatArray,
    card: Card,
    n_left_out: int,
) -> dict[str, Any]:
    cues = {
        cue.name: _told(n, float(values[n]), float(parts[n]), found, card)
        for n, cue in enumerate(CUES)
    }
    counts = {"n_frames_judged": len(found), "n_frames_left_out": n_left_out}
    return {**counts, "iris_sha256": load_card("iris").network_sha256, "cues": cues}


def _told(
    n: int, value: float, part: float, found: list[tuple[FaceView, FaceCues]], card: Card
) -> dict[str, Any]:
    """One cue for a reader: its value with its unit, how genuine faces stand, what it weighs."""
    cue = CUES[n]
    if not np.isfinite(value):
        codes = [cues.reasons[n] for _, cues in found]
        code = Counter(c for c in codes if c is not None).most_common(1)[0][0]
        return {"value": None, "unit": cue.unit, "reason": code, "text": TEXTS[code]}
    known: Mapping[str, Any] = card.raw.get("cues", {}).get(cue.name, {})
    usual = known.get("genuine_median")
    compared = "" if usual is None else f"; the median of genuine faces is {usual:.3g}"
    worth = _worth_in_words(float(known.get("weight", 0.0)))
    return {
        "value": round(value, 4),
        "unit": cue.unit,
        "part_of_logit": round(part, 4),
        "text": f"The higher, the more {cue.meaning}: {value:.3g} {cue.unit}{compared}.{worth}",
    }


def _worth_in_words(weight: float) -> str:
    if weight == 0:
        return " It was measured to tell nothing and weighs nothing."
    return f" The forgeries measured lie {'higher' if weight > 0 else 'lower'} in the mean."


def _finding(subject: str, values: FloatArray) -> Finding:
    measured = {
        cue.name: round(float(value), 4)
        for cue, value in zip(CUES, values, strict=True)
        if np.isfinite(value)
    }
    return Finding(
        code="face_geometry_measured",
        title=f"Eyes, symmetry and light of {subject} were measured",
        meaning=(
            "The values are for an examiner to read. They were measured to separate genuine from "
            "forged faces too weakly for a score, and do not change the verdict."
        ),
        values=measured,
    )


DETECTOR = FaceGeometry
