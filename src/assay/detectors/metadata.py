"""What the tags of a file say: camera, dates, software, place, traces of AI generators."""

from __future__ import annotations

import time
from typing import Any

from assay.case import Case
from assay.findings import SEVERITIES, FileView
from assay.types import Evidence, Finding, Media, MediaKind


class MetadataDetector:
    """The tags of a file as findings in plain language; never a score.

    Looks at: EXIF, maker notes, XMP with its history, IPTC, colour profiles, PNG text, tags of
    containers and streams, previews, what follows the picture, hidden generator parameters.
    Abstains when: never. Fails on: forged and removed tags. Licences: Pillow (MIT-CMU), pi_heif
    (BSD-3-Clause), PyAV (BSD-3-Clause, FFmpeg LGPL).
    """

    name = "metadata"
    version = "2"
    family = "metadata"
    needs = "file"
    kinds: tuple[MediaKind, ...] = ("image", "video", "audio")
    looks_at = "Camera, dates, software, place and generator tags that the file carries."
    fails_on = "Tags can be forged or removed by anyone; missing tags say nothing at all."
    licence = "Apache-2.0"
    bundle: str | None = None

    def examine(self, case: Case) -> list[Evidence]:
        """One piece of evidence for the file, with all findings, the gravest first."""
        from assay.media.tags import read_tags

        started = time.monotonic()
        tags = read_tags(case.media)
        findings, views = _findings(tags, case.media)
        evidence = Evidence(
            detector=self.name,
            version=self.version,
            family=self.family,
            subject="file",
            status="reported",
            findings=tuple(sorted(findings, key=lambda one: SEVERITIES.index(one.severity))),
            views=tuple(views),
            details={"n_tags": len(tags.found)},
            licence=self.licence,
            seconds_taken=time.monotonic() - started,
        )
        return [evidence]


def _findings(tags: Any, media: Media) -> tuple[list[Finding], list[FileView]]:
    from assay.inputs import damage_findings
    from assay.inputs.preview_findings import previews

    findings: list[Finding] = []
    views: list[FileView] = []

    def compare() -> None:
        told, shown = previews(tags, media)
        findings.extend(told)
        views.extend(shown)

    # A rule that stumbles over hostile text must not cost the other rules' findings.
    for rule in _rules():
        tags.attempt(
            f"rule {rule.__name__}",
            lambda rule=rule: findings.extend(rule(tags, media)),
        )
    tags.attempt("rule previews", compare)
    findings = findings or damage_findings.nothing(tags, media)
    return [
        *findings,
        *damage_findings.damaged(tags, media),
        *damage_findings.oversized(tags, media),
    ], views


def _rules() -> tuple[Any, ...]:
    from assay.inputs import (
        camera_findings,
        damage_findings,
        date_findings,
        generator_findings,
        program_findings,
        remark_findings,
    )

    rooms = (
        generator_findings, camera_findings, date_findings, program_findings, remark_findings,
        damage_findings,
    )  # fmt: skip
    return tuple(rule for room in rooms for rule in room.RULES)


DETECTOR = MetadataDetector
