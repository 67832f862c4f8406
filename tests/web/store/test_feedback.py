"""Feedback: one word a person and result, kept with the scores, also after the media are gone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from assay.web.actor import LOCAL, Actor
from assay.web.refusals import (
    ForbiddenError,
    NotFoundError,
    NotReadyError,
    UnprocessableError,
)
from assay.web.service import Service
from assay.web.store import audit, examinations, feedback
from assay.web.store.database import Store
from tests.web.conftest import ENGINE
from tests.web.examined import examined, waiting

COLLEAGUE = Actor("colleague", "local", frozenset(["examine", "read"]))
OTHER = Actor("other", "other", frozenset(["examine", "read"]))
ADMIN = Actor("boss", "boss", frozenset(["admin"]))
READER = replace(LOCAL, scopes=frozenset(["read"]))


@pytest.fixture
def each(store_of_each: Store, service: Service) -> Service:
    """A service on SQLite and one on PostgreSQL."""
    return replace(service, store=store_of_each)


def test_feedback_keeps_the_scores_it_speaks_of(each: Service) -> None:
    id_ = examined(each)
    row = feedback.give(each.store, LOCAL, id_, "false_alarm", "It is my own picture.\0")
    assert (row.kind, row.comment, row.label) == (
        "false_alarm", "It is my own picture.", "some_evidence",
    )  # fmt: skip
    assert row.engine == ENGINE
    assert row.sha256 == examinations.get(each.store, LOCAL, id_).sha256
    assert row.scores == [
        {
            "name": "face_blending",
            "version": "3",
            "bundle_sha256": "ab" * 32,
            "subject": "face 1",
            "status": "scored",
            "p_fake": 0.71,
            "threshold": 0.88,
        }
    ]


def test_a_second_word_takes_the_place_of_the_first(each: Service) -> None:
    id_ = examined(each)
    feedback.give(each.store, LOCAL, id_, "missed")
    feedback.give(each.store, LOCAL, id_, "right", "On second thoughts.")
    feedback.give(each.store, COLLEAGUE, id_, "missed")
    held = feedback.of(each.store, LOCAL, id_)
    assert [(row.actor, row.kind) for row in held] == [("local", "right"), ("colleague", "missed")]
    assert audit.check(each.store) is None


def test_twenty_at_once_are_one(each: Service) -> None:
    id_ = examined(each)
    with ThreadPoolExecutor(20) as pool:
        said = [pool.submit(feedback.give, each.store, LOCAL, id_, "right") for _ in range(20)]
        assert {one.result().id for one in said} == {feedback.of(each.store, LOCAL, id_)[0].id}


def test_no_result_no_feedback(each: Service) -> None:
    with pytest.raises(NotReadyError):
        feedback.give(each.store, LOCAL, waiting(each), "right")


def test_feedback_outlives_its_examination(each: Service) -> None:
    id_ = examined(each)
    feedback.give(each.store, LOCAL, id_, "missed")
    examinations.remove(each.store, LOCAL, id_)
    assert [row.examination_id for row in feedback.every(each.store, LOCAL)] == [id_]
    with pytest.raises(NotFoundError):
        feedback.of(each.store, LOCAL, id_)


def test_withdrawn_is_gone_and_the_log_says_so(service: Service) -> None:
    id_ = examined(service)
    n_lines = audit.n_lines(service.store)
    feedback.give(service.store, LOCAL, id_, "missed")
    assert feedback.mine(service.store, LOCAL, id_) is not None
    for someone in (OTHER, COLLEAGUE):
        with pytest.raises(NotFoundError):
            feedback.withdraw(service.store, someone, id_)
    feedback.withdraw(service.store, LOCAL, id_)
    assert feedback.mine(service.store, LOCAL, id_) is None
    assert list(feedback.every(service.store, LOCAL)) == []
    assert audit.n_lines(service.store) == n_lines + 2  # told, withdrawn


def test_what_is_no_feedback_is_refused(service: Service) -> None:
    id_ = examined(service)
    for kind, comment in (("wrong", ""), ("right", "x" * (feedback.MAX_COMMENT + 1))):
        with pytest.raises(UnprocessableError):
            feedback.give(service.store, LOCAL, id_, kind, comment)
    with pytest.raises(NotFoundError):
        feedback.give(service.store, OTHER, id_, "right")
    with pytest.raises(ForbiddenError):
        feedback.give(service.store, READER, id_, "right")
    assert feedback.of(service.store, READER, id_) == []


def test_the_export_is_whole_across_its_portions(
    each: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feedback, "CHUNK", 2)
    ids = [examined(each, f"{n}.jpg") for n in range(5)]
    for n, id_ in enumerate(ids):
        feedback.give(each.store, LOCAL, id_, feedback.KINDS[n % 3])
    every = list(feedback.every(each.store, LOCAL))
    assert [row.examination_id for row in every] == ids
    of_kind = feedback.every(each.store, LOCAL, kind="missed")
    assert [row.examination_id for row in of_kind] == [ids[1], ids[4]]
    since = feedback.every(each.store, LOCAL, since=every[3].created_at)
    assert [row.examination_id for row in since] == ids[3:]


def test_each_owner_exports_their_own(service: Service) -> None:
    mine, theirs = examined(service, "1"), examined(service, "2", OTHER)
    feedback.give(service.store, LOCAL, mine, "right")
    feedback.give(service.store, ADMIN, theirs, "right")
    local = replace(LOCAL, scopes=frozenset(["read"]))
    assert [row.examination_id for row in feedback.every(service.store, local)] == [mine]
    assert [row.examination_id for row in feedback.every(service.store, OTHER)] == [theirs]
    assert len(list(feedback.every(service.store, ADMIN))) == 2
