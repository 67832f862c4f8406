from __future__ import annotations

import hashlib
import re
import time
from typing import Any

import pytest
from sqlalchemy import select

from assay.web.actor import LOCAL
from assay.web.refusals import ConflictError, NotFoundError, UnprocessableError
from assay.web.store import audit, keys, sessions
from assay.web.store.database import Store
from assay.web.store.keys import Terms
from assay.web.store.schema import keys as table


def test_a_key_is_found_by_its_text_and_kept_as_a_hash(store_of_each: Store) -> None:
    key, text = keys.create(store_of_each, LOCAL, Terms("Desk", "news", ("read",)))
    assert re.fullmatch(r"assay_[0-9a-f]{16}_[\w-]{43}", text, re.ASCII)
    found = keys.find(store_of_each, text)
    assert found is not None
    assert (found.id, found.scopes, found.owner) == (key.id, ("read",), "news")
    with store_of_each.reading() as connection:
        row = connection.execute(select(table)).one()
    assert row.sha256 == hashlib.sha256(text.encode()).hexdigest()
    assert text.rpartition("_")[2] not in str(row)


def test_two_keys_are_never_the_same(store: Store) -> None:
    texts = {keys.create(store, LOCAL, Terms("a", "a"))[1] for _ in range(50)}
    assert len(texts) == 50


@pytest.mark.parametrize("change", [lambda t: t + "x", lambda t: t[:-1], str.upper, lambda t: ""])
def test_another_text_is_no_key(store: Store, change: Any) -> None:
    _key, text = keys.create(store, LOCAL, Terms("a", "a"))
    assert keys.find(store, change(text)) is None


def test_the_secret_of_one_key_does_not_open_another(store: Store) -> None:
    _one, first = keys.create(store, LOCAL, Terms("a", "a"))
    _two, second = keys.create(store, LOCAL, Terms("b", "b"))
    mixed = "_".join(first.split("_", 2)[:2]) + "_" + second.split("_", 2)[2]
    assert keys.find(store, mixed) is None


@pytest.mark.parametrize(
    "text",
    ["assay", "assay__", "assay_zzzz_x", "assay_0123456789abcdef_" + "x" * 500, "ä_0_0", "\0", " "],
)
def test_what_is_no_key_has_no_id(text: str) -> None:
    assert keys.id_of(text) == ""


def test_a_revoked_key_is_refused_at_once_and_takes_its_sessions_along(
    store_of_each: Store,
) -> None:
    store = store_of_each
    key, text = keys.create(store, LOCAL, Terms("a", "a"))
    word, _session = sessions.start(store, key)
    assert keys.revoke(store, LOCAL, key.id).revoked_at is not None
    assert keys.find(store, text) is None
    assert sessions.find(store, word) is None
    with pytest.raises(ConflictError):
        keys.revoke(store, LOCAL, key.id)
    with pytest.raises(NotFoundError):
        keys.revoke(store, LOCAL, "0" * 16)
    actions = [line.action for line in audit.lines(store, audit.Sought())]
    assert actions == ["key_revoked", "sign_in", "key_created"]
    assert audit.check(store) is None


def test_an_expired_key_is_refused(store: Store) -> None:
    _key, text = keys.create(store, LOCAL, Terms("a", "a", expires_in_s=0.2))
    assert keys.find(store, text) is not None
    time.sleep(0.25)
    assert keys.find(store, text) is None


def test_use_is_noted_but_not_on_every_request(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    _key, text = keys.create(store, LOCAL, Terms("a", "a"))
    noted: list[float] = []
    real = keys.note_use

    def note(store: Store, id_: str, time_s: float) -> None:
        noted.append(time_s)
        real(store, id_, time_s)

    monkeypatch.setattr(keys, "note_use", note)
    for _ in range(5):
        keys.find(store, text)
    assert len(noted) == 1
    assert keys.every(store)[0].used_at == pytest.approx(noted[0])
    keys.find(store, text + "x")
    assert len(noted) == 1


@pytest.mark.parametrize(
    "terms",
    [
        Terms("", "a"),
        Terms("x" * 81, "a"),
        Terms("a\nb", "a"),
        Terms("a\u202eb", "a"),
        Terms("a", ""),
        Terms("a", "../etc"),
        Terms("a", "a", ("everything",)),
        Terms("a", "a", ()),
        Terms("a", "a", expires_in_s=0),
        Terms("a", "a", expires_in_s=1e18),
        Terms("a", "a", requests_per_minute=-1),
        Terms("a", "a", max_upload_bytes=0),
    ],
)
def test_terms_that_cannot_be(store: Store, terms: Terms) -> None:
    with pytest.raises(UnprocessableError):
        keys.create(store, LOCAL, terms)
    assert keys.every(store) == []


def test_a_key_cannot_take_the_name_of_the_service_in_the_log(store: Store) -> None:
    key, _text = keys.create(store, LOCAL, Terms("local", "local"))
    assert key.actor().name == f"local ({key.id})"
