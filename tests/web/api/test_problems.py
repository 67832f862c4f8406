"""One shape for whatever goes wrong, wherever."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient

from assay.errors import AssayError, TimeLimitError
from assay.web import refusals
from assay.web.api import problems
from assay.web.refusals import QueueFullError, Refusal, UnauthenticatedError

SECRET = "what lies inside"


@pytest.fixture
def failing() -> Iterator[TestClient]:
    """An application whose routes fail in each way."""
    app = FastAPI()
    problems.install(app)

    @app.get("/refused/{name}")
    def refused(name: str) -> None:
        raise getattr(refusals, name)("No.", remedy="Do so.")

    @app.get("/full")
    def full() -> None:
        raise QueueFullError("Full.", retry_after_s=30)

    @app.get("/assay")
    def of_assay() -> None:
        raise TimeLimitError("Late.")

    @app.get("/surrogate")
    def surrogate() -> None:
        raise AssayError("a\udcffb")

    @app.get("/fault")
    def fault() -> None:
        raise RuntimeError(SECRET)

    @app.get("/http")
    def http() -> None:
        raise HTTPException(418, "teapot", headers={"X-Tea": "green"})

    @app.get("/number/{n}")
    def number(n: int) -> int:
        return n

    with TestClient(app, raise_server_exceptions=False) as held:
        yield held


def told(client: TestClient, path: str, status: int, code: str) -> dict[str, object]:
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, object] = answer.json()
    assert set(body) <= {"type", "title", "status", "code", "detail", "remedy", "errors"}
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"urn:assay:problem:{code}"
    assert body["detail"]
    return body


@pytest.mark.parametrize(
    "kind",
    [one for one in vars(refusals).values() if isinstance(one, type) and issubclass(one, Refusal)],
)
def test_every_refusal(failing: TestClient, kind: type[Refusal]) -> None:
    body = told(failing, f"/refused/{kind.__name__}", kind.http_status, kind.code)
    assert (body["detail"], body["remedy"]) == ("No.", "Do so.")


def test_errors_of_assay_and_what_is_not_utf_8(failing: TestClient) -> None:
    told(failing, "/assay", 408, "time_limit")
    assert told(failing, "/surrogate", 500, "assay_error")["detail"] == "a\\xffb"


def test_headers_that_say_what_to_do(failing: TestClient) -> None:
    assert failing.get("/full").headers["Retry-After"] == "30"
    name = UnauthenticatedError.__name__
    assert failing.get(f"/refused/{name}").headers["WWW-Authenticate"] == "Bearer"
    assert failing.get("/http").headers["X-Tea"] == "green"


def test_what_has_no_route(failing: TestClient) -> None:
    told(failing, "/nowhere", 404, "not_found")
    answer = failing.post("/full")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")


def test_a_wrong_form_says_where(failing: TestClient) -> None:
    body = told(failing, "/number/x", 422, "wrong_request")
    (error,) = body["errors"]  # type: ignore[misc]
    assert error["at"] == "path/n"


def test_a_fault_says_nothing_of_what_is_inside(failing: TestClient) -> None:
    body = told(failing, "/fault", 500, "internal_error")
    assert SECRET not in str(body)


def test_the_application_answers_so_too(client: TestClient) -> None:
    told(client, "/v1/nowhere", 404, "not_found")
    told(client, f"/v1/examinations/{'0' * 32}", 404, "not_found")
    told(client, "/v1/examinations?limit=x", 422, "wrong_request")
