from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient
from starlette.datastructures import Headers

from assay.web.actor import LOCAL
from assay.web.api import csrf
from assay.web.service import Service
from assay.web.store import examinations
from assay.web.store.examinations import Filters
from tests.web.api.guarded import HOME, PAGE, bearer, browsing, key_for, sign_in
from tests.web.conftest import kept

Make = Callable[..., Service]
FOREIGN = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site", "Origin": HOME},
    {"Sec-Fetch-Site": "anything new"},
    {"Origin": "http://evil.example"},
    {"Origin": "http://127.0.0.1:3000"},
    {"Origin": "http://127.0.0.1:8080.evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
]
OWN = [
    {},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": HOME},
    {"Sec-Fetch-Site": "same-origin", "Origin": "null"},  # a page that sends no referrer
]


@pytest.fixture
def guarded(make_service: Make) -> Iterator[TestClient]:
    with browsing(make_service) as client:
        yield client


def n_there(client: TestClient) -> int:
    store = client.app.state.service.store  # type: ignore[attr-defined]
    return len(examinations.page(store, LOCAL, Filters()).rows)


def a_file() -> dict[str, tuple[str, io.BytesIO, str]]:
    return {"file": ("a.jpg", io.BytesIO(b"bytes"), "image/jpeg")}


@pytest.mark.parametrize("headers", FOREIGN)
def test_pages_of_other_origins_do_nothing_here(
    client: TestClient, headers: dict[str, str]
) -> None:
    store = client.app.state.service.store  # type: ignore[attr-defined]
    id_ = examinations.add(store, LOCAL, kept(store), "e", 10).id
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = client.request(method, f"/v1/examinations/{id_}", headers=headers)
        assert answer.status_code == 403, method
        assert answer.json()["code"] == "foreign_origin"
    assert client.post("/v1/examinations", files=a_file(), headers=headers).status_code == 403
    assert n_there(client) == 1


@pytest.mark.parametrize("headers", OWN)
def test_own_pages_and_programs_do(client: TestClient, headers: dict[str, str]) -> None:
    answer = client.post("/v1/examinations", files=a_file(), headers=headers)
    assert answer.status_code == 202, answer.text


def test_other_pages_cannot_even_embed_what_is_here(client: TestClient) -> None:
    picture = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
    frame = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert client.get("/v1/acceptable-use", headers=picture).status_code == 403
    frame["Sec-Fetch-Dest"] = "iframe"
    assert client.get("/v1/acceptable-use", headers=frame).status_code == 403
    followed = {**frame, "Sec-Fetch-Dest": "document"}
    assert client.get("/v1/acceptable-use", headers=followed).status_code == 200


def test_a_name_that_points_here_is_not_one_of_ours(client: TestClient) -> None:
    """DNS rebinding: the page of evil.example, whose name now means 127.0.0.1."""
    headers = {"Host": "evil.example:8080", "Origin": "http://evil.example:8080"}
    headers["Sec-Fetch-Site"] = "same-origin"
    assert 400 <= client.get("/v1/examinations", headers=headers).status_code < 500
    answer = client.post("/v1/examinations", files=a_file(), headers=headers)
    assert 400 <= answer.status_code < 500
    assert n_there(client) == 0


def test_the_public_address_is_ours() -> None:
    sent = Headers({"origin": "https://assay.example", "host": "127.0.0.1:8080"})
    assert csrf.is_foreign("POST", sent, "")
    assert not csrf.is_foreign("POST", sent, "https://assay.example")
    assert not csrf.is_foreign("POST", sent, "https://ASSAY.example/")
    assert csrf.is_foreign("POST", sent, "https://assay.example.org")


def test_a_session_does_nothing_without_its_token(guarded: TestClient) -> None:
    token = sign_in(guarded)
    refused = [
        {},
        {"X-Assay-CSRF": ""},
        {"X-Assay-CSRF": token[:-1]},
        {"X-Assay-CSRF": token + " x"},
    ]
    for headers in refused:
        answer = guarded.post("/v1/examinations", files=a_file(), headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, "not_allowed"), headers
        gone = guarded.delete(f"/v1/examinations/{'0' * 32}", headers=headers)
        assert gone.status_code == 403
    assert n_there(guarded) == 0
    headers = {"X-Assay-CSRF": token}
    assert guarded.post("/v1/examinations", files=a_file(), headers=headers).status_code == 202


def test_the_token_of_one_session_is_none_of_another(make_service: Make) -> None:
    with browsing(make_service) as one, browsing(make_service) as two:
        token, _other = sign_in(one), sign_in(two)
        headers = {"X-Assay-CSRF": token}
        assert two.delete(f"/v1/examinations/{'0' * 32}", headers=headers).status_code == 403
        assert one.delete(f"/v1/examinations/{'0' * 32}", headers=headers).status_code == 404


def test_a_form_with_files_carries_it_before_the_first_file(guarded: TestClient) -> None:
    token = sign_in(guarded)
    before = guarded.post("/v1/examinations", data={"csrf": token}, files=a_file())
    assert before.status_code == 202, before.text
    wrong = guarded.post("/v1/examinations", data={"csrf": "x"}, files=a_file())
    assert wrong.status_code == 403
    after = [("file", ("a.jpg", b"other", "image/jpeg")), ("csrf", (None, token))]
    assert guarded.post("/v1/examinations", files=after).status_code == 403
    assert n_there(guarded) == 1


def test_the_buttons_of_a_page_carry_it_as_a_field(guarded: TestClient) -> None:
    token = sign_in(guarded)
    sent = guarded.post("/v1/examinations", data={"csrf": token}, files=a_file()).json()
    button = f"/examinations/{sent['id']}/delete"
    for data in ({}, {"csrf": "x"}, {"csrf": ""}):
        assert guarded.post(button, data=data).status_code == 403
    assert guarded.post(button, params={"csrf": token}).status_code == 403
    assert n_there(guarded) == 1
    assert guarded.post(button, data={"csrf": token}).status_code == 303
    assert n_there(guarded) == 0


def test_a_multipart_form_elsewhere_needs_the_header(guarded: TestClient) -> None:
    token = sign_in(guarded)
    form = {"title": (None, "t"), "csrf": (None, token)}
    assert guarded.post("/v1/cases", files=form).status_code == 403


def test_a_key_needs_no_token(guarded: TestClient) -> None:
    headers = bearer(key_for(guarded))
    answer = guarded.post("/v1/examinations", files=a_file(), headers=headers)
    assert answer.status_code == 202


def test_the_pages_carry_the_token_of_their_session(guarded: TestClient) -> None:
    token = sign_in(guarded)
    assert token in guarded.get("/", headers=PAGE).text
    guarded.cookies.clear()
    assert guarded.get("/", headers=PAGE).status_code == 303


def test_without_auth_there_is_no_token(client: TestClient) -> None:
    class Asked:
        class state:
            pass

    assert csrf.token(Asked) == ""  # type: ignore[arg-type]
    csrf.settle(Asked, None)  # type: ignore[arg-type]
