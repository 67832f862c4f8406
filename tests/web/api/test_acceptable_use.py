from __future__ import annotations

from collections.abc import Callable

from fastapi.testclient import TestClient

from assay.web import acceptable_use
from assay.web.service import Service
from tests.web.api.guarded import browsing


def test_the_text_is_there_for_everyone(make_service: Callable[..., Service]) -> None:
    with browsing(make_service) as guarded:
        told = guarded.get("/v1/acceptable-use")
    assert told.status_code == 200
    headings = [section["heading"] for section in told.json()["sections"]]
    assert headings == [section.heading for section in acceptable_use.SECTIONS]


def test_it_is_part_of_the_described_api(client: TestClient) -> None:
    assert "/v1/acceptable-use" in client.get("/v1/openapi.json").json()["paths"]
