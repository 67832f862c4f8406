"""What goes wrong: a page for readers, a problem for programs."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from tests.web.page.pages import HTML, page


def test_a_reader_gets_a_page(client: TestClient) -> None:
    found = page(client, "/examinations/none", 404)
    assert "There is nothing here" in found
    assert "not_found" in found
    assert "There is nothing here" in page(client, "/nowhere", 404)
    assert "day is written" in page(client, "/history?since=yesterday", 422)


@pytest.mark.parametrize("accept", ["application/json", "*/*", ""])
def test_a_program_gets_a_problem(client: TestClient, accept: str) -> None:
    answer = client.get("/examinations/none", headers={"Accept": accept})
    assert answer.status_code == 404
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


def test_the_api_never_answers_with_a_page(client: TestClient) -> None:
    answer = client.get("/v1/examinations/none", headers=HTML)
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_what_is_told_of_a_problem_is_escaped(client: TestClient) -> None:
    answer = client.post("/examinations", headers=HTML, content="<script>alert(1)</script>")
    assert answer.status_code in (415, 422)
    assert "<script>alert" not in answer.text


def test_a_method_that_is_not_there_says_which_are(client: TestClient) -> None:
    answer = client.put("/history", headers=HTML)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET"
