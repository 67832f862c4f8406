from __future__ import annotations

from assay.web.actor import LOCAL
from assay.web.store import examinations, queue
from assay.web.store.database import Store
from tests.web.conftest import ENGINE, kept


def outcome(**more: object) -> queue.Outcome:
    result = {"status": "completed", "verdict": "no_evidence_found", "p_fake": 0.1}
    return queue.Outcome({**result, "input": {"media_type": "image/jpeg"}, **more})


def test_a_claim_is_one_workers_alone(store_of_each: Store) -> None:
    store = store_of_each
    added = examinations.add(store, LOCAL, kept(store), ENGINE, 10)
    held = queue.claim(store, "one")
    assert held is not None
    assert held.id == added.id
    assert queue.claim(store, "two") is None
    assert queue.finish(store, held, outcome())
    assert not queue.finish(store, held, outcome())
    assert examinations.get(store, LOCAL, added.id).status == "finished"
