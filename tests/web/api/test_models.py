"""An examination as it is told outside."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from assay.web.actor import LOCAL
from assay.web.api.models import Examination, Step, as_examination, as_progress, iso
from assay.web.service import Service
from assay.web.store import examinations, queue
from tests.web.conftest import kept
from tests.web.examined import examined


def test_one_that_waits_has_no_verdict_and_no_links_to_one(service: Service) -> None:
    wanted = kept(service.store, b"x", "a\ud800\n.jpg".encode("utf-8", "replace").decode())
    id_ = examinations.add(service.store, LOCAL, wanted, service.engine, 9).id
    told = as_examination(examinations.get(service.store, LOCAL, id_), service.engine)
    assert (told.status, told.verdict, told.outdated) == ("queued", None, False)
    assert told.links.result is told.links.report is told.links.artifacts is None
    assert told.links.media == f"/v1/examinations/{id_}/media"
    assert told.created_at.endswith("Z")


def test_one_that_is_finished_tells_its_verdict(service: Service) -> None:
    id_ = examined(service)
    told = as_examination(examinations.get(service.store, LOCAL, id_), service.engine)
    assert told.verdict is not None
    assert (told.verdict.label, told.verdict.p_fake) == ("some_evidence", 0.71)
    assert told.links.report == f"/v1/examinations/{id_}/report"
    assert told.links.differences is None
    assert json.loads(told.model_dump_json()) == told.model_dump()
    assert Examination.model_validate_json(told.model_dump_json()) == told


def test_another_engine_makes_a_result_outdated(service: Service) -> None:
    row = examinations.get(service.store, LOCAL, examined(service))
    assert as_examination(row, "f" * 16).outdated
    assert as_examination(row).outdated  # the engine that is installed here
    assert not as_examination(row, service.engine).outdated


def test_faults_and_progress_are_told(service: Service) -> None:
    examinations.add(service.store, LOCAL, kept(service.store), service.engine, 9)
    held = queue.claim(service.store, "w")
    assert held is not None
    queue.beat(service.store, held, {"step": "faces", "done": 1, "total": 3, "steps": []})
    told = as_examination(examinations.get(service.store, LOCAL, held.id), service.engine)
    assert (told.progress.step, told.progress.done, told.progress.total) == ("faces", 1, 3)
    queue.hand_back(service.store, held, "killed")
    told = as_examination(examinations.get(service.store, LOCAL, held.id), service.engine)
    assert [one.fault for one in told.faults] == ["killed"]
    assert str(told.faults[0].at).startswith("20")


def test_steps_have_times(service: Service) -> None:
    found = as_progress({"steps": [{"name": "probe", "at": 0.5}, {"name": "x", "at": "now"}]})
    assert found.steps == [
        Step(name="probe", at="1970-01-01T00:00:00.500Z"),
        Step(name="x", at="now"),
    ]
    assert as_progress({}).step is None


def test_times_are_utc_to_the_millisecond() -> None:
    assert iso(1_700_000_000.1234) == "2023-11-14T22:13:20.123Z"
    assert iso(None) is None


def test_answers_are_closed(service: Service) -> None:
    told = as_examination(examinations.get(service.store, LOCAL, examined(service)))
    with pytest.raises(ValidationError):
        Examination(**told.model_dump(), more=1)
