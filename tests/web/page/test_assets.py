"""Style and script: a fixed set of files, kept for good under the address of their content."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from assay.web.page import assets


@pytest.mark.parametrize("name", sorted(assets.held()))
def test_a_file_is_given_under_its_type(client: TestClient, name: str) -> None:
    answer = client.get(assets.address(name))
    assert answer.status_code == 200
    assert answer.content == (assets.FOLDER / name).read_bytes()
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    again = client.get(f"/static/{name}", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_an_old_address_is_not_kept(client: TestClient) -> None:
    answer = client.get("/static/page.css?v=000000000000")
    assert answer.headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("name", ["..%2fapp.py", "page.css%00", "none.css", "%2e%2e/x"])
def test_nothing_else_is_given(client: TestClient, name: str) -> None:
    assert client.get(f"/static/{name}").status_code in (404, 422)


def test_no_file_asks_for_anything_from_elsewhere() -> None:
    for data, _ in assets.held().values():
        told = data.decode("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in told
        assert "https://" not in told
        assert "@import" not in told
        assert "eval(" not in told
