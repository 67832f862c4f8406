from __future__ import annotations

import pytest

from assay.web.refusals import ConflictError, UnprocessableError
from assay.web.store import idempotency
from assay.web.store.database import Store
from tests.web.store.test_media import run_together


def test_the_second_of_two_gets_the_answer_of_the_first(store_of_each: Store) -> None:
    store = store_of_each
    assert idempotency.begin(store, "me", "k", "f") is None
    with pytest.raises(ConflictError) as refused:
        idempotency.begin(store, "me", "k", "f")
    assert refused.value.retry_after_s
    idempotency.answer(store, "me", "k", 202, {"id": "1", "name": "é\0"})
    assert idempotency.begin(store, "me", "k", "f") == (202, {"id": "1", "name": "é\0"})
    idempotency.answer(store, "me", "k", 500, {})
    assert idempotency.begin(store, "me", "k", "f") == (202, {"id": "1", "name": "é\0"})


def test_a_key_belongs_to_its_owner_and_to_its_request(store_of_each: Store) -> None:
    store = store_of_each
    assert idempotency.begin(store, "me", "k", "f") is None
    assert idempotency.begin(store, "someone else", "k", "g") is None
    with pytest.raises(UnprocessableError):
        idempotency.begin(store, "me", "k", "g")


def test_what_came_to_nothing_can_be_sent_again_and_what_was_answered_stays(
    store_of_each: Store,
) -> None:
    store = store_of_each
    assert idempotency.begin(store, "me", "k", "f") is None
    idempotency.drop(store, "me", "k")
    assert idempotency.begin(store, "me", "k", "other") is None
    idempotency.answer(store, "me", "k", 200, {})
    idempotency.drop(store, "me", "k")
    assert idempotency.begin(store, "me", "k", "other") == (200, {})


def test_a_request_whose_server_was_killed_is_taken_over_by_one(
    store_of_each: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = store_of_each
    assert idempotency.begin(store, "me", "k", "f") is None
    real = idempotency.now()
    monkeypatch.setattr(idempotency, "now", lambda: real + idempotency.ABANDONED_S + 1)
    assert idempotency.begin(store, "me", "k", "f") is None
    with pytest.raises(ConflictError):
        idempotency.begin(store, "me", "k", "f")


@pytest.mark.parametrize("key", ["", "k" * 201, "é", "a\nb", "a\0b", "\ud800"])
def test_a_key_that_is_none_is_refused(store: Store, key: str) -> None:
    with pytest.raises(UnprocessableError):
        idempotency.begin(store, "me", key, "f")


def test_of_twenty_at_one_moment_one_does_it(store_of_each: Store) -> None:
    doing, waiting = [], []

    def work(number: int) -> None:
        try:
            assert idempotency.begin(store_of_each, "me", "k", "f") is None
            doing.append(number)
        except ConflictError:
            waiting.append(number)

    run_together(work, 20)
    assert (len(doing), len(waiting)) == (1, 19)
