from __future__ import annotations

import time

import pytest
from sqlalchemy import select

from assay.web.actor import LOCAL
from assay.web.store import audit, keys, sessions
from assay.web.store.database import Store
from assay.web.store.keys import Key, Terms
from assay.web.store.schema import sessions as table


def a_key(store: Store, **terms: float) -> Key:
    return keys.create(store, LOCAL, Terms("Desk", "news", **terms))[0]  # type: ignore[arg-type]


def test_a_session_is_found_by_its_word_which_is_not_kept(store_of_each: Store) -> None:
    key = a_key(store_of_each)
    word, started = sessions.start(store_of_each, key)
    found = sessions.find(store_of_each, word)
    assert found == (key, started)
    assert len(started.csrf) >= 40
    with store_of_each.reading() as connection:
        assert word not in str(connection.execute(select(table)).all())
    assert sessions.find(store_of_each, started.sha256) is None
    assert sessions.find(store_of_each, "") is None


def test_each_session_has_its_own_word_and_token(store: Store) -> None:
    key = a_key(store)
    opened = [sessions.start(store, key) for _ in range(20)]
    assert len({word for word, _ in opened}) == 20
    assert len({session.csrf for _, session in opened}) == 20


def test_it_ends_by_itself_and_with_its_key(store: Store) -> None:
    word, _ = sessions.start(store, a_key(store), lasts_s=0.2)
    short_key = a_key(store, expires_in_s=0.2)
    other, session = sessions.start(store, short_key)
    assert session.expires_at == pytest.approx(short_key.expires_at)
    assert sessions.find(store, word) is not None
    assert sessions.find(store, other) is not None
    time.sleep(0.25)
    assert sessions.find(store, word) is None
    assert sessions.find(store, other) is None


def test_it_is_ended_once_and_that_is_written_down(store_of_each: Store) -> None:
    store = store_of_each
    word, _ = sessions.start(store, a_key(store))
    assert sessions.end(store, word)
    assert sessions.find(store, word) is None
    assert not sessions.end(store, word)
    actions = [line.action for line in audit.lines(store, audit.Sought())]
    assert actions == ["sign_out", "sign_in", "key_created"]


def test_behind_https_a_planted_cookie_does_not_count() -> None:
    both = {"__Host-assay_session": "a", "assay_session": "b"}
    assert sessions.cookie(both, secure=True) == "a"
    assert sessions.cookie(both, secure=False) == "b"
    assert sessions.cookie({"assay_session": "b"}, secure=True) == ""
    assert sessions.cookie({"assay_session": "b" * 5000}, secure=False) == ""
    assert sessions.cookie({}, secure=False) == ""
