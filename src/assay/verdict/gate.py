"""Is this file of a kind that the detectors were measured on? With reason codes.

landmarks_uncertain  face_too_small  face_too_dark  face_too_bright  face_too_flat
face_too_blurred     the face itself (subjects.quality.unusable); of most of its frames
too_compressed       blocks show, or the video spends too few bits a pixel
too_short            the face is usable in too few frames of a video
truncated            the file ends early
unfamiliar           its features lie outside those of the calibration set
Whole pictures and sound: verdict.picture_gate, verdict.sound_gate.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from assay.bundles import Card
from assay.case import Case
from assay.errors import EmptyBoxError
from assay.subjects.quality import DEFAULT_LIMITS, FaceQuality, QualityLimits, measure, unusable
from assay.types import Evidence, FaceView, Media, Reason
from assay.verdict.picture_gate import PictureLimits, picture_faults
from assay.verdict.sound_gate import (
    SoundLimits,
    recording_faults,
    speech_quality,
    voice_faults,
)
from assay.verdict.unfamiliar import unfamiliarity


@dataclass(frozen=True, slots=True)
class Domain:
    """Whether a subject lies in the measured domain (None: there was nothing to measure)."""

    ok: bool | None
    reasons: tuple[Reason, ...] = ()
    quality: Mapping[str, Any] = field(default_factory=dict)


def domain_of(case: Case, evidence: Evidence, card: Card) -> Domain:
    """The domain of the one subject that this evidence is about, by its detector's own limits.

    A small face says nothing against a verdict on the whole picture, nor a blurred background
    against one on a face, nor noise against either.
    """
    if evidence.track_id is not None:
        found = judge_quality(case, evidence.track_id, QualityLimits.from_card(card.in_domain))
    elif evidence.speaker_id is not None or evidence.subject == "sound":
        found = _judge_sound(case, evidence, SoundLimits.from_card(card.in_domain))
    elif evidence.patches:
        found = _judge_picture(case, evidence, PictureLimits.from_card(card.in_domain))
    else:
        found = Domain(None)
    unfamiliar = unfamiliarity(evidence)
    if unfamiliar is None:
        return found
    return Domain(False, (*found.reasons, unfamiliar), found.quality)


def _judge_picture(case: Case, evidence: Evidence, limits: PictureLimits) -> Domain:
    bits = bits_per_pixel(case.media)
    reasons, summary = picture_faults(case, evidence, limits, bits)
    if bits is not None:
        summary["bits_per_pixel"] = round(bits, 4)
    # What was measured on the main face is still told; it does not count.
    return Domain(not reasons, tuple(reasons), {**judge_quality(case, None).quality, **summary})


def _judge_sound(case: Case, evidence: Evidence, limits: SoundLimits) -> Domain:
    ok: bool | None
    if evidence.speaker_id is not None:
        reasons, summary = voice_faults(case, evidence, limits)
        ok = not reasons
    else:
        ok, reasons, summary = recording_faults(case, limits)
    return Domain(ok, tuple(reasons), {**judge_quality(case, None).quality, **summary})


def judge_unscored(case: Case) -> Domain:
    """What was measured of the main face and of the speech, where nothing was scored."""
    of_face = judge_quality(case, None)
    return replace(of_face, quality={**of_face.quality, **speech_quality(case)})


def judge_quality(
    case: Case, track_id: int | None, limits: QualityLimits = DEFAULT_LIMITS
) -> Domain:
    """Measure the face that decides the verdict, over all frames in which it was seen.

    `track_id` None means the most prominent face. `quality` holds medians over the frames.
    """
    if case.media.kind == "audio" or not case.tracks:
        return Domain(None)
    views = case.face_views(case.tracks[0].track_id if track_id is None else track_id)
    measured = [_measured(view) for view in views]
    found = [quality for quality in measured if quality is not None]
    faults = [_fault(quality, limits) for quality in measured]
    n_usable = sum(fault is None for fault in faults)
    reasons = [
        *_common_faults(faults),
        *_compression(case.media, found, limits),
        *_length(case, n_usable, limits),
    ]
    return Domain(not reasons, tuple(reasons), _summary(case.media, found, len(views), n_usable))


def bits_per_pixel(media: Media) -> float | None:
    """The file's bits a pixel and frame (sound included), None where that is unknown."""
    if media.kind != "video" or not (media.duration_s and media.fps and media.size_px):
        return None
    return media.n_bytes * 8 / (media.duration_s * media.fps * media.size_px[0] * media.size_px[1])


def _measured(view: FaceView) -> FaceQuality | None:
    try:
        return measure(view)
    except EmptyBoxError:
        return None


def _fault(quality: FaceQuality | None, limits: QualityLimits) -> Reason | None:
    if quality is None:
        return Reason("landmarks_uncertain", "The face has no area inside the frame.")
    return unusable(quality, limits)


def _common_faults(faults: Sequence[Reason | None]) -> list[Reason]:
    """The faults, commonest first, where more than half of the frames have one."""
    named = [fault for fault in faults if fault is not None]
    if 2 * len(named) <= len(faults):
        return []
    texts = {fault.code: fault for fault in named}
    return [texts[code] for code, _ in Counter(fault.code for fault in named).most_common()]


def _compression(media: Media, found: Sequence[FaceQuality], limits: QualityLimits) -> list[Reason]:
    bits = bits_per_pixel(media)
    blocks = statistics.median(q.blockiness for q in found) if found else 0.0
    if blocks > limits.max_blockiness or (bits is not None and bits < limits.min_bits_per_pixel):
        return [Reason("too_compressed", "The file is compressed so strongly that traces vanish.")]
    return []


def _length(case: Case, n_usable: int, limits: QualityLimits) -> list[Reason]:
    reasons = []
    if case.media.kind == "video" and n_usable < limits.min_frames:
        text = f"The face can be judged in {n_usable} of the examined frames only."
        reasons.append(Reason("too_short", text))
    if "truncated" in case.media.notes:
        reasons.append(Reason("truncated", "The file ends before its end: a part is missing."))
    return reasons


def _summary(
    media: Media, found: Sequence[FaceQuality], n_views: int, n_usable: int
) -> dict[str, Any]:
    summary: dict[str, Any] = {"frames_with_face": n_views, "frames_usable": n_usable}
    rows = [asdict(quality) for quality in found]
    for name in rows[0] if rows else ():
        key = "face_px" if name == "size_px" else name
        summary[key] = round(statistics.median(row[name] for row in rows), 4)
    bits = bits_per_pixel(media)
    if bits is not None:
        summary["bits_per_pixel"] = round(bits, 4)
    return summary
