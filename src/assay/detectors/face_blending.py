"""Faces that were blended into a picture: swaps, re-drawn regions, pasted parts."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.bundles import Card, Network, load_card, open_network
from assay.bundles.familiarity import familiarity
from assay.case import Case
from assay.inputs.face import FaceInput, frame_window, prepare
from assay.subjects.quality import QualityLimits, why_unusable
from assay.types import Evidence, FaceView, FloatArray, Heatmap, MediaKind, Reason, Span

BATCH = 8
MAX_HEATMAPS = 4


class FaceBlending:
    """One score a person: the mean logit over the frames in which the face can be judged.

    Looks at: the traces that blending a face leaves (colour, sharpness, noise and resolution
    that change inside the face). Abstains when: there is no face, none of its frames can be
    judged (too small, blurred, dark, flat), fewer than three of a video's can, or the face is
    unlike everything that the network was calibrated on. Fails on: pictures
    generated whole, changes far from a face, heavy compression. Licences: the network is
    Apache-2.0 and was trained here; its card names the sets it was trained on.
    """

    name = "face_blending"
    version = "2"
    family = "face_appearance"
    needs = "faces"
    kinds: tuple[MediaKind, ...] = ("image", "video")
    looks_at = "the seams and mismatches that blending a face into a picture leaves"
    fails_on = "pictures generated whole, changes away from the face, strong compression"
    licence = "Apache-2.0"
    bundle: str | None = "face_blending"
    input = FaceInput(size_px=224, scale=1.25)

    def examine(self, case: Case) -> list[Evidence]:
        """One Evidence per person; raw logits, one span a frame, maps of the highest frames."""
        if not case.tracks:
            return [self._without_score("no_face: No face was found.", "file", None)]
        card = load_card(self.name)
        self.input.require(dict(card.recipe))
        network = open_network(self.name, self.input.fingerprint)
        return [self._examine_track(case, track.track_id, network, card) for track in case.tracks]

    def _examine_track(self, case: Case, track_id: int, network: Network, card: Card) -> Evidence:
        started = time.monotonic()
        subject = f"face {track_id}"
        limits = QualityLimits.from_card(card.in_domain)
        judged, reasons = _judgeable(case.face_views(track_id), limits)
        if not judged:
            first = reasons[0]
            return self._without_score(f"{first.code}: {first.text}", subject, track_id)
        # Somebody seen in a frame or two of a video is as often a fault of the face finder.
        needed = min(limits.min_frames, case.n_frames_examined)
        if case.media.kind == "video" and len(judged) < needed:
            seen = f"judged in {len(judged)} of {case.n_frames_examined} frames, {needed:g} needed"
            return self._without_score(f"too_short: The face can be {seen}.", subject, track_id)
        outputs = read_views(judged, network, self.input, case.deadline.check)
        found = familiarity(outputs.get("features"), card)
        if found is not None and found.abstains:
            return self._without_score(found.reason, subject, track_id, found.as_details())
        logits, maps_wanted = outputs["logit"], case.options.heatmaps
        details = {"n_frames_judged": len(judged), "n_frames_left_out": len(reasons)}
        return Evidence(
            detector=self.name,
            version=self.version,
            family=self.family,
            subject=subject,
            status="scored",
            logit=float(logits.mean()),
            kind="face_altered",
            track_id=track_id,
            spans=tuple(
                Span(view.time_s, view.time_s, float(logit))
                for view, logit in zip(judged, logits, strict=True)
            ),
            heatmaps=_heatmaps(judged, outputs, self.input, card) if maps_wanted else (),
            details={
                **details,
                **(found.as_details() if found else {}),
                "heatmap": dict(card.raw.get("heatmap") or {}),
            },
            bundle_sha256=card.network_sha256,
            licence=card.licence,
            seconds_taken=time.monotonic() - started,
        )

    def _without_score(
        self,
        reason: str,
        subject: str,
        track_id: int | None,
        details: dict[str, float] | None = None,
    ) -> Evidence:
        return Evidence(
            detector=self.name,
            version=self.version,
            family=self.family,
            subject=subject,
            status="abstained",
            reason=reason,
            track_id=track_id,
            details=details or {},
        )


def _judgeable(
    views: tuple[FaceView, ...], limits: QualityLimits
) -> tuple[list[FaceView], list[Reason]]:
    judged, reasons = [], []
    for view in views:
        reason = why_unusable(view, limits)
        if reason is None:
            judged.append(view)
        else:
            reasons.append(reason)
    return judged, reasons


def score_views(
    views: list[FaceView], network: Network, recipe: FaceInput, check: object = None
) -> tuple[FloatArray, FloatArray]:
    """Logits (n,) and maps (n, h, w) in [0, 1] of n views; `check()` is called per batch."""
    outputs = read_views(views, network, recipe, check)
    return outputs["logit"], outputs["mask"]


def read_views(
    views: list[FaceView], network: Network, recipe: FaceInput, check: object = None
) -> dict[str, NDArray[Any]]:
    """All outputs of the network for n views, by name; `check()` is called per batch."""
    parts = []
    for start in range(0, len(views), BATCH):
        if callable(check):
            check()
        batch = np.stack([prepare(view, recipe) for view in views[start : start + BATCH]])
        parts.append(network.run(batch))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _heatmaps(
    views: list[FaceView], outputs: dict[str, NDArray[Any]], recipe: FaceInput, card: Card
) -> tuple[Heatmap, ...]:
    highest, maps = sorted(np.argsort(-outputs["logit"])[:MAX_HEATMAPS]), outputs["mask"]
    return tuple(
        Heatmap(
            time_s=views[i].time_s,
            box_px=frame_window(views[i], recipe),
            values=np.asarray(maps[i], np.float32),
            faithful=card.heatmap_faithful,
        )
        for i in highest
    )


DETECTOR = FaceBlending
