"""Finished examinations for tests where the examination itself is not the point."""

from __future__ import annotations

from typing import Any

from assay.web.actor import LOCAL, Actor
from assay.web.service import Service
from assay.web.store import examinations, queue
from tests.web.conftest import kept

REPORT = b"<!doctype html><title>report</title>"
PICTURE = b"\x89PNG made for a test"


def result(label: str = "some_evidence", p_fake: float | None = 0.71) -> dict[str, Any]:
    """What a page, an export and feedback need of a result."""
    detector = {
        "name": "face_blending",
        "version": "3",
        "family": "blending",
        "bundle_sha256": "ab" * 32,
        "licence": "Apache-2.0",
        "subject": "face 1",
        "status": "scored",
        "p_fake": p_fake,
        "threshold": 0.88,
        "reason": None,
        "ms": 12.5,
    }
    return {
        "schema_version": "2.0",
        "status": "completed",
        "verdict": label,
        "p_fake": p_fake,
        "input": {"name": "a.jpg", "media_type": "image/jpeg", "size_px": [512, 512]},
        "detectors": [detector],
    }


def waiting(service: Service, name: str = "a.jpg", actor: Actor = LOCAL, data: bytes = b"") -> str:
    """The id of an examination that waits."""
    wanted = kept(service.store, data or name.encode("utf-8", "surrogateescape"), name)
    return examinations.add(service.store, actor, wanted, service.engine, 1000).id


def examined(
    service: Service,
    name: str = "a.jpg",
    actor: Actor = LOCAL,
    data: bytes = b"",
    label: str = "some_evidence",
) -> str:
    """The id of an examination that is finished, with a report and one artifact in its folder."""
    id_ = waiting(service, name, actor, data)
    held = queue.claim(service.store, "test")
    assert held is not None
    assert held.id == id_
    folder = service.store.result_folder(id_, held.claim)
    (folder / "report.files").mkdir(parents=True)
    (folder / "report.html").write_bytes(REPORT)
    (folder / "report.files" / "01-map.png").write_bytes(PICTURE)
    artifact = {"kind": "map", "path": "report.files/01-map.png", "caption": "A map."}
    outcome = queue.Outcome(result(label), "report.html", [artifact], service.engine)
    assert queue.finish(service.store, held, outcome)
    return id_
