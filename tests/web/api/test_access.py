from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from assay.web.actor import LOCAL
from assay.web.service import Service
from assay.web.store import examinations, keys
from tests.web.api.guarded import bearer, browsing, key_for, sign_in
from tests.web.conftest import kept
from tests.web.routes import served

Make = Callable[..., Service]
LIST = "/v1/examinations"


@pytest.fixture
def guarded(make_service: Make) -> Iterator[TestClient]:
    with browsing(make_service) as client:
        yield client


def test_without_auth_everyone_here_is_local(client: TestClient) -> None:
    assert client.get(LIST).status_code == 200
    assert client.get("/v1/audit").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer("assay_0123456789abcdef_wrong"),
        bearer(""),
        {"Authorization": "Basic dTpw"},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer \xe4\xff"},
        {"Cookie": "assay_session=guess"},
        {"Cookie": "assay_session=" + "x" * 4000},
    ],
)
def test_without_a_valid_key_nothing_is_shown(guarded: TestClient, headers: dict[str, str]) -> None:
    raw = {name: text.encode("latin-1") for name, text in headers.items()}
    answer = guarded.get(LIST, headers=raw)  # type: ignore[arg-type]
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "not_signed_in"


def test_a_valid_key_asks(guarded: TestClient) -> None:
    assert guarded.get(LIST, headers=bearer(key_for(guarded))).status_code == 200


def test_a_key_is_taken_from_the_header_alone(guarded: TestClient) -> None:
    text = key_for(guarded)
    assert guarded.get(LIST, params={"key": text, "api_key": text}).status_code == 401
    assert guarded.get(LIST, headers={"Cookie": f"assay_session={text}"}).status_code == 401


def test_a_wrong_key_is_not_made_good_by_a_session(guarded: TestClient) -> None:
    sign_in(guarded)
    assert guarded.get(LIST).status_code == 200
    wrong = bearer("assay_0123456789abcdef_wrong")
    assert guarded.get(LIST, headers=wrong).status_code == 401


def test_scopes_are_asked_for_on_every_route(guarded: TestClient) -> None:
    read, examine = key_for(guarded, "read"), key_for(guarded, "examine")
    admin = key_for(guarded, "admin")
    gone = f"{LIST}/{'0' * 32}"
    assert guarded.get(LIST, headers=bearer(examine)).status_code == 403
    assert guarded.delete(gone, headers=bearer(read)).status_code == 403
    assert guarded.delete(gone, headers=bearer(examine)).status_code == 404
    assert guarded.get("/v1/audit", headers=bearer(read)).status_code == 403
    assert guarded.get("/v1/audit", headers=bearer(admin)).status_code == 200
    assert guarded.get(LIST, headers=bearer(admin)).status_code == 200


def test_a_revoked_key_is_refused_from_the_next_request_on(guarded: TestClient) -> None:
    text = key_for(guarded)
    assert guarded.get(LIST, headers=bearer(text)).status_code == 200
    service = guarded.app.state.service  # type: ignore[attr-defined]
    keys.revoke(service.store, LOCAL, keys.id_of(text))
    assert guarded.get(LIST, headers=bearer(text)).status_code == 401


def test_what_belongs_to_others_does_not_exist(guarded: TestClient) -> None:
    service = guarded.app.state.service  # type: ignore[attr-defined]
    mine = examinations.add(service.store, LOCAL, kept(service.store), "e", 10).id
    text, admin = key_for(guarded), key_for(guarded, "admin")
    assert guarded.get(f"{LIST}/{mine}", headers=bearer(text)).status_code == 404
    assert guarded.delete(f"{LIST}/{mine}", headers=bearer(text)).status_code == 404
    assert guarded.get(LIST, headers=bearer(text)).json()["examinations"] == []
    assert guarded.get(f"{LIST}/{mine}", headers=bearer(admin)).status_code == 200


def test_the_rate_of_a_key(guarded: TestClient) -> None:
    text, other = key_for(guarded, requests_per_minute=30), key_for(guarded)
    answers = [guarded.get(LIST, headers=bearer(text)) for _ in range(14)]
    codes = [one.status_code for one in answers]
    assert codes[:10] == [200] * 10
    assert codes[-1] == 429
    assert answers[-1].json()["code"] == "too_many_requests"
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 2
    assert guarded.get(LIST, headers=bearer(other)).status_code == 200


def test_the_size_limit_of_a_key(guarded: TestClient, tmp_path: Path) -> None:
    small, large = key_for(guarded, max_upload_bytes=1000), key_for(guarded)
    form = {"file": ("a.jpg", io.BytesIO(b"x" * 1001), "image/jpeg")}
    refused = guarded.post(LIST, files=form, headers=bearer(small))
    assert (refused.status_code, refused.json()["code"]) == (413, "body_too_large")
    form = {"file": ("a.jpg", io.BytesIO(b"x" * 1001), "image/jpeg")}
    assert guarded.post(LIST, files=form, headers=bearer(large)).status_code == 202


def test_guesses_at_one_key_are_held_up_and_others_are_not(guarded: TestClient) -> None:
    text, other = key_for(guarded), key_for(guarded)
    start = "_".join(text.split("_", 2)[:2])
    codes = [guarded.get(LIST, headers=bearer(f"{start}_{n}")).status_code for n in range(15)]
    assert codes[:10] == [401] * 10
    assert codes[-1] == 429
    # Even the right one waits now: an answer would tell that it is right.
    held_up = guarded.get(LIST, headers=bearer(text))
    assert held_up.status_code == 429
    assert int(held_up.headers["Retry-After"]) >= 1
    assert guarded.get(LIST, headers=bearer(other)).status_code == 200


def test_keys_made_up_at_random_are_held_up(guarded: TestClient) -> None:
    made_up = [bearer(f"assay_{n:016x}_x") for n in range(40)]
    codes = [guarded.get(LIST, headers=one).status_code for one in made_up]
    assert codes[:30] == [401] * 30
    assert set(codes[32:]) == {429}
    assert guarded.get(LIST, headers=bearer(key_for(guarded))).status_code == 200


# What answers without a key. Everything else asks, whatever is added later.
OPEN = frozenset(
    {
        "/sign-in",
        "/sign-out",
        "/acceptable-use",
        "/v1/acceptable-use",
        "/v1/schema",
        "/about",
        "/health",
        "/health/live",
        "/health/ready",
        "/static/{name}",
    }
)


def test_every_other_route_asks_who_is_there(guarded: TestClient) -> None:
    asked, answered = 0, []
    for route in served():
        if route.path in OPEN:
            continue
        path = re.sub(r"\{[^}]*\}", "0" * 32, route.path)
        for method in route.methods:
            asked += 1
            answer = guarded.request(method, path)
            if answer.status_code != 401:
                answered.append((method, path, answer.status_code))
    assert answered == []
    assert asked > 10
