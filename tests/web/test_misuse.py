"""The rules against misuse, and that nothing which was built since breaks them."""

from __future__ import annotations

import io
import json
import re
from importlib.resources import files
from typing import Any

import pytest
from fastapi.testclient import TestClient

from assay.web import misuse
from assay.web.actor import LOCAL, Actor
from assay.web.refusals import ForbiddenError, TooManyRequestsError, UnprocessableError
from assay.web.service import Service
from assay.web.store import audit, examinations, schema
from assay.web.store.database import Store
from tests.web.conftest import kept
from tests.web.routes import served

PURPOSE = "Complaint 12: is this the speaker?"
OTHER = Actor("other", "other", frozenset({"examine", "read"}))


def test_a_purpose_is_asked_for_with_known_footage_alone() -> None:
    assert misuse.stated_purpose(None, n_references=0, in_batch=True) is None
    told = misuse.stated_purpose(f"  {PURPOSE}\n", n_references=1, in_batch=False)
    assert told == PURPOSE
    assert "\u202e" not in str(
        misuse.stated_purpose(PURPOSE + "\u202e", n_references=1, in_batch=False)
    )


@pytest.mark.parametrize(
    "text", [None, "", "too short", " " * 50, "a" + " " * 20 + "b", ".........." * 3, "\n" * 30]
)
def test_a_purpose_that_says_nothing_is_refused(text: str | None) -> None:
    with pytest.raises(UnprocessableError, match="purpose"):
        misuse.stated_purpose(text, n_references=1, in_batch=False)


def test_an_endless_purpose_is_refused() -> None:
    with pytest.raises(UnprocessableError, match="longer"):
        misuse.stated_purpose("why " * 300, n_references=1, in_batch=False)


def test_one_reference_an_examination_and_none_in_a_batch() -> None:
    with pytest.raises(ForbiddenError):
        misuse.stated_purpose(PURPOSE, n_references=2, in_batch=False)
    with pytest.raises(ForbiddenError):
        misuse.stated_purpose(PURPOSE, n_references=1, in_batch=True)


def compared(store: Store, n: int, actor: Actor, footage: bytes = b"footage") -> str:
    """Ask for `n` comparisons with one reference; gives the reference's hash."""
    reference = kept(store, footage).sha256
    for i in range(n):
        name = f"{actor.name}{i}"
        wanted = kept(store, name.encode(), name, purpose=PURPOSE, reference_sha256=reference)
        examinations.add(store, actor, wanted, "e", 1000)
    return reference


def test_file_after_file_with_one_reference_is_a_search(
    store_of_each: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(misuse, "MAX_A_DAY", 5)
    store = store_of_each
    known = compared(store, 4, LOCAL)
    misuse.require_few(store, LOCAL, known)
    compared(store, 5, OTHER)
    compared(store, 5, LOCAL, b"other footage")
    misuse.require_few(store, LOCAL, known)
    compared(store, 1, Actor("second key", "local", LOCAL.scopes))
    with pytest.raises(TooManyRequestsError):
        misuse.require_few(store, LOCAL, known)
    misuse.require_few(store, Actor("third", "third", LOCAL.scopes), known)


def test_deleting_does_not_make_room_for_more(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(misuse, "MAX_A_DAY", 3)
    known = compared(store, 3, LOCAL)
    for row in examinations.page(store, LOCAL, examinations.Filters()).rows:
        examinations.remove(store, LOCAL, row.id)
    with pytest.raises(TooManyRequestsError):
        misuse.require_few(store, LOCAL, known)


def test_yesterday_does_not_count(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(misuse, "MAX_A_DAY", 3)
    known = compared(store, 3, LOCAL)
    with pytest.raises(TooManyRequestsError):
        misuse.require_few(store, LOCAL, known)
    later = misuse.now() + 86_401
    monkeypatch.setattr(misuse, "now", lambda: later)
    misuse.require_few(store, LOCAL, known)


# --- through the API -----------------------------------------------------------------------


def form(n_references: int = 1, **fields: str) -> list[tuple[str, Any]]:
    parts: list[tuple[str, Any]] = [(name, (None, text)) for name, text in fields.items()]
    parts.append(("file", ("a.jpg", io.BytesIO(b"file"), "image/jpeg")))
    for n in range(n_references):
        sent = io.BytesIO(f"reference {n}".encode())
        parts.append(("reference", (f"known{n}.jpg", sent, "image/jpeg")))
    return parts


def test_the_api_asks_for_the_purpose_and_writes_it_down(
    client: TestClient, service: Service
) -> None:
    refused = client.post("/v1/examinations", files=form())
    assert refused.status_code == 422
    assert "purpose" in refused.json()["detail"]
    assert audit.n_lines(service.store) == 0
    taken = client.post("/v1/examinations", files=form(purpose=PURPOSE))
    assert taken.status_code == 202, taken.text
    (line,) = audit.lines(service.store, audit.Sought(action="examine"))
    assert line.detail["purpose"] == PURPOSE
    assert line.detail["reference_sha256"] == taken.json()["reference_sha256"]


def test_the_api_takes_one_reference_and_none_in_a_batch(
    client: TestClient, service: Service
) -> None:
    several = client.post("/v1/examinations", files=form(2, purpose=PURPOSE))
    assert several.status_code in (403, 422)
    batch = client.post("/v1/batches", files=form(purpose=PURPOSE))
    assert batch.status_code in (403, 422)
    assert audit.lines(service.store, audit.Sought(action="examine")) == []


def test_the_api_ends_a_search_by_one_reference(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(misuse, "MAX_A_DAY", 2)
    codes = []
    for n in range(3):
        parts = form(purpose=PURPOSE)
        parts[1] = ("file", ("a.jpg", io.BytesIO(f"file {n}".encode()), "image/jpeg"))
        codes.append(client.post("/v1/examinations", files=parts).status_code)
    assert codes == [202, 202, 429]


# --- walks: what must not be there, whatever is added later --------------------------------

PEOPLE = re.compile(r"face|person|people|identi|similar|match|recogni|gallery|enrol|suspect")


def test_no_route_lists_or_searches_faces() -> None:
    found = []
    for route in served():
        words = [route.path, *(str(one.alias) for one in route.dependant.query_params)]
        found += [f"{route.path}: {word}" for word in words if PEOPLE.search(word.lower())]
    assert found == []
    assert len(served()) > 15


def test_no_table_holds_faces() -> None:
    names = [f"{table.name}.{column.name}" for table in schema.METADATA.sorted_tables
             for column in table.columns]  # fmt: skip
    assert [name for name in names if PEOPLE.search(name) or "embed" in name] == []
    assert len(names) > 60


def keys_of(value: Any) -> set[str]:
    """Every key of a JSON Schema's properties, at any depth."""
    if isinstance(value, list):
        return set().union(*map(keys_of, value)) if value else set()
    if not isinstance(value, dict):
        return set()
    own = set(value.get("properties", {})) if isinstance(value.get("properties"), dict) else set()
    return own.union(*map(keys_of, value.values()))


def test_no_result_holds_what_identifies_a_face(client: TestClient) -> None:
    result = json.loads((files("assay.report") / "schema.json").read_text(encoding="utf-8"))
    api = client.get("/v1/openapi.json").json()
    names = keys_of(result) | keys_of(api.get("components", {}))
    assert "p_fake" in names
    known = {"faces", "max_faces", "n_faces"}  # where in this file a face is, and how many
    told = re.compile(r"embedding|descriptor|template|identity|gallery|landmark|vector|similar")
    assert {name for name in names - known if told.search(name.lower())} == set()


def test_the_walks_can_fail() -> None:
    assert PEOPLE.search("/v1/faces")
    assert PEOPLE.search("/v1/people/{id}")
    assert keys_of({"properties": {"a": {"items": {"properties": {"embedding": {}}}}}}) == {
        "a",
        "embedding",
    }
