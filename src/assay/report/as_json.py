"""One verdict as one JSON object: the keys of schema.json, numbers as numbers, absent as null."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from assay.findings import Region
from assay.report import moments, provenance
from assay.report.sanitise import encodable, finite, plain
from assay.report.wording import reason_text
from assay.timeline import Mark, Moment, Shot, Stretch, Timeline
from assay.types import Evidence, Media, Reason, Verdict

SCHEMA_VERSION = "2.0"


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) that every object of `as_dict` satisfies; a fresh copy."""
    loaded: dict[str, Any] = json.loads(_schema_text())
    return loaded


@lru_cache(maxsize=1)
def _schema_text() -> str:
    return (Path(__file__).parent / "schema.json").read_text(encoding="utf-8")


def to_line(verdict: Verdict, artifacts: Iterable[Mapping[str, str]] = ()) -> str:
    """One line of JSON without a newline, ASCII only: safe to print, split and pipe anywhere."""
    return json.dumps(as_dict(verdict, artifacts), allow_nan=False, separators=(",", ":"))


def as_dict(verdict: Verdict, artifacts: Iterable[Mapping[str, str]] = ()) -> dict[str, Any]:
    r"""The verdict as JSON values.

    `artifacts` are files that belong to it: mappings with `kind`, `path`, `caption`. Bytes of a
    name that are no UTF-8 are spelled out as `\xff`. `limits` begins with what was not tested.
    """
    return {
        "schema_version": SCHEMA_VERSION,
        "input": _input(verdict),
        "status": verdict.status,
        "reasons": _reasons(verdict.reasons),
        "verdict": verdict.label,
        "kind": list(verdict.kind),
        "p_fake": finite(verdict.p_fake),
        "interval": _interval(verdict.interval),
        "operating_point": _operating_point(verdict),
        "agreement": _agreement(verdict),
        "stability": _stability(verdict),
        "in_domain": {"ok": verdict.in_domain, "reasons": _reasons(verdict.in_domain_reasons)},
        "quality": plain(verdict.quality),
        "detectors": [_detector(evidence) for evidence in verdict.evidence],
        "segments": [segment for evidence in verdict.evidence for segment in _segments(evidence)],
        "timeline": _timeline(verdict.timeline),
        "faces": _faces(verdict),
        "patches": [patch for evidence in verdict.evidence for patch in _patches(evidence)],
        "provenance": _provenance(verdict),
        "forensics": [finding for evidence in verdict.evidence for finding in _findings(evidence)],
        "artifacts": [_artifact(artifact) for artifact in artifacts],
        "limits": _limits(verdict),
        "runtime": _runtime(verdict),
    }


def _input(verdict: Verdict) -> dict[str, Any]:
    media: Media | None = verdict.media
    return {
        "name": encodable(verdict.name),
        "sha256": media.sha256 if media else None,
        "media_type": encodable(media.media_type) if media else None,
        "codec": encodable(media.codec) if media else None,
        "duration_s": finite(media.duration_s) if media else None,
        "size_px": [int(side) for side in media.size_px] if media and media.size_px else None,
        "frames": media.n_frames if media else None,
    }


def _reasons(reasons: Sequence[Reason]) -> list[dict[str, str]]:
    return [
        {"code": encodable(reason.code), "text": encodable(reason_text(reason))}
        for reason in reasons
    ]


def _interval(bounds: tuple[float, float] | None) -> list[float] | None:
    if bounds is None:
        return None
    low, high = finite(bounds[0]), finite(bounds[1])
    return None if low is None or high is None else [low, high]


def _operating_point(verdict: Verdict) -> dict[str, Any] | None:
    point = verdict.operating_point
    if point is None:
        return None
    return {
        "name": encodable(point.name),
        "threshold": finite(point.threshold),
        "false_alarm_rate": finite(point.false_alarm_rate),
        "detection_rate": finite(point.detection_rate),
        "measured_on": encodable(point.measured_on),
    }


def _agreement(verdict: Verdict) -> dict[str, Any] | None:
    held = verdict.agreement
    if held is None:
        return None
    return {
        "fired": held.fired,
        "ran": held.ran,
        "abstained": held.abstained,
        "failed": held.failed,
        "conflict": held.conflict,
    }


def _stability(verdict: Verdict) -> dict[str, Any] | None:
    held = verdict.stability
    if held is None:
        return None
    variants = {encodable(name): finite(value) for name, value in held.scores.items()}
    return {"variants": variants, "flips": held.flips, "spread": finite(held.spread)}


def _detector(evidence: Evidence) -> dict[str, Any]:
    reason = evidence.reason
    return {
        "name": encodable(evidence.detector),
        "version": encodable(evidence.version),
        "family": encodable(evidence.family),
        "bundle_sha256": evidence.bundle_sha256,
        "licence": None if evidence.licence is None else encodable(evidence.licence),
        "subject": encodable(evidence.subject),
        "status": evidence.status,
        "p_fake": finite(evidence.p_fake),
        "threshold": finite(evidence.threshold),
        "reason": None if reason is None else encodable(reason),
        "ms": finite(evidence.seconds_taken * 1000),
    }


def _segments(evidence: Evidence) -> list[dict[str, Any]]:
    return [
        {
            "start_s": finite(span.start_s),
            "end_s": finite(span.end_s),
            "track": evidence.track_id,
            "speaker": evidence.speaker_id,
            "detector": encodable(evidence.detector),
            "p_fake": finite(span.p_fake),
        }
        for span in evidence.spans
    ]


def _timeline(held: Timeline | None) -> dict[str, Any] | None:
    if held is None:
        return None
    return {
        "start_s": finite(held.start_s),
        "end_s": finite(held.end_s),
        "shots": [_shot(shot) for shot in held.shots],
        "stretches": [_stretch(stretch) for stretch in held.stretches],
        "marks": [_mark(mark) for mark in held.marks],
        "moments": [_moment(moment) for moment in held.moments],
    }


def _shot(shot: Shot) -> dict[str, Any]:
    return {
        "start_s": finite(shot.start_s),
        "end_s": finite(shot.end_s),
        "tracks": [int(track_id) for track_id in shot.track_ids],
    }


def _place(held: Stretch | Mark | Moment) -> dict[str, Any]:
    """What all three have: from when to when, of whom, in which shot."""
    return {
        "start_s": finite(held.start_s),
        "end_s": finite(held.end_s),
        "subject": encodable(held.subject),
        "track": held.track_id,
        "shot": held.shot,
    }


def _stretch(stretch: Stretch) -> dict[str, Any]:
    return {
        **_place(stretch),
        "peak_s": finite(stretch.peak_s),
        "detector": encodable(stretch.detector),
        "family": encodable(stretch.family),
        "p_fake": finite(stretch.p_fake),
        "threshold": finite(stretch.threshold),
        "fires": stretch.fires,
    }


def _mark(mark: Mark) -> dict[str, Any]:
    return {
        **_place(mark),
        "detector": encodable(mark.detector),
        "family": encodable(mark.family),
        "title": encodable(mark.title),
        "severity": mark.severity,
    }


def _moment(moment: Moment) -> dict[str, Any]:
    return {
        **_place(moment),
        "peak_s": finite(moment.peak_s),
        "detectors": [encodable(name) for name in moment.detectors],
        "families": [encodable(name) for name in moment.families],
        "p_fake": finite(moment.p_fake),
        "evidence": finite(moment.evidence),
        "fires": moment.fires,
        "why": encodable(moments.why(moment)),
    }


def _faces(verdict: Verdict) -> list[dict[str, Any]]:
    return [
        {
            "track": int(face.track_id),
            "time_s": finite(face.time_s),
            "box_px": [finite(side) for side in face.box_px],
            "p_fake": finite(face.p_fake),
        }
        for face in verdict.faces
    ]


def _patches(evidence: Evidence) -> list[dict[str, Any]]:
    return [
        {
            "detector": encodable(evidence.detector),
            "time_s": finite(patch.time_s),
            "box_px": [finite(side) for side in patch.box_px],
            "p_fake": finite(patch.p_fake),
        }
        for patch in evidence.patches
    ]


def _provenance(verdict: Verdict) -> dict[str, Any]:
    held = verdict.provenance
    state = held.state if held else "not_checked"
    meaning = provenance.meaning(state, held.meaning if held else "")
    values = plain(held.values) if held else {}
    return {
        "state": state,
        "codes": [encodable(code) for code in held.codes] if held else [],
        "meaning": encodable(meaning),
        "values": values,
    }


def _findings(evidence: Evidence) -> list[dict[str, Any]]:
    return [
        {
            "detector": encodable(evidence.detector),
            "finding": encodable(finding.code),
            "title": encodable(finding.title),
            "severity": finding.severity,
            "meaning": encodable(finding.meaning),
            "innocent_causes": [encodable(cause) for cause in finding.innocent_causes],
            "region": _region(finding.region),
            "false_alarm_rate": finite(finding.false_alarm_rate),
            "measured_on": encodable(finding.measured_on) or None,
            "values": plain(finding.values),
        }
        for finding in evidence.findings
    ]


def _region(held: Region | None) -> dict[str, Any] | None:
    if held is None:
        return None
    return {
        "box_px": _box(held.box_px),
        "source_px": _box(held.source_px),
        "start_s": finite(held.start_s),
        "end_s": finite(held.end_s),
    }


def _box(sides: tuple[float, ...] | None) -> list[float | None] | None:
    return None if sides is None else [finite(side) for side in sides]


def _artifact(artifact: Mapping[str, str]) -> dict[str, str]:
    return {key: encodable(str(artifact[key])) for key in ("kind", "path", "caption")}


def _limits(verdict: Verdict) -> list[str]:
    sentences = dict.fromkeys((*verdict.coverage.not_tested, *verdict.limits))
    return [encodable(sentence) for sentence in sentences]


def _runtime(verdict: Verdict) -> dict[str, Any]:
    return {
        "assay_version": encodable(verdict.assay_version),
        "device": encodable(verdict.device),
        "elapsed_ms": finite(verdict.elapsed_ms),
        "rerun": encodable(verdict.rerun),
    }
