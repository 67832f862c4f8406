"""What it is and what becomes of files."""

from __future__ import annotations

from collections.abc import Callable

from fastapi.testclient import TestClient

from assay.web.app import build_app
from assay.web.engine import installed_bundles
from tests.web.page.pages import page


def test_it_names_each_network_with_its_hash(client: TestClient) -> None:
    found = page(client, "/about")
    assert installed_bundles()
    for name, sha256 in installed_bundles().items():
        assert name in found
        assert sha256 in found
    assert 'href="/v1/openapi.json"' in found


def test_it_says_what_becomes_of_files_here(make_service: Callable) -> None:
    for allowed, told in ((False, "No examination opens a connection"), (True, "may fetch")):
        service = make_service(allow_network=allowed, privacy=True)
        app = build_app(service, chores=False)
        with TestClient(app, base_url="http://127.0.0.1:8080") as client:
            found = page(client, "/about")
        assert told in found
        assert "deleted right after their examination" in found
