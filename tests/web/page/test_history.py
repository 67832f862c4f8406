"""The history: search, filters, pages."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from assay.web.page import history
from assay.web.service import Service
from assay.web.store.database import now
from tests.report import conftest as verdicts
from tests.web.examined import waiting
from tests.web.page.pages import finished, page


def names(client: TestClient, query: str = "") -> list[str]:
    return re.findall(r'<th scope="row"><a [^>]*>([^<]*)</a>', page(client, f"/history{query}"))


def test_it_can_be_searched_and_narrowed(client: TestClient, service: Service) -> None:
    finished(service, verdicts.image_verdict(), "Interview.jpg")
    finished(service, verdicts.clear_verdict(), "harbour.jpg", engine="f" * 16)
    waiting(service, "later.mp4")
    assert names(client) == ["later.mp4", "harbour.jpg", "Interview.jpg"]
    assert names(client, "?q=interview") == ["Interview.jpg"]
    assert names(client, "?label=no_evidence_found") == ["harbour.jpg"]
    assert names(client, "?status=queued") == ["later.mp4"]
    assert names(client, "?outdated=1") == ["harbour.jpg"]
    assert names(client, "?q=%25") == []
    found = page(client, "/history?q=%22%3E%3Cb%3E&label=strong_evidence")
    assert 'value="&#34;&gt;&lt;b&gt;"' in found
    assert '<option value="strong_evidence" selected>' in found
    assert "Nothing fits the search." in found


def test_all_of_an_older_version_are_examined_again(client: TestClient, service: Service) -> None:
    finished(service, verdicts.image_verdict(), "today.jpg")
    finished(replace(service, engine="f" * 16), verdicts.clear_verdict(), "old.jpg")
    assert "/history/again" not in page(client, "/history")
    assert 'action="/history/again"' in page(client, "/history?outdated=1")
    answer = client.post("/history/again", follow_redirects=False)
    assert answer.status_code == 303
    batch = answer.headers["location"].removeprefix("/history")
    assert names(client, batch) == ["old.jpg"]
    assert names(client, f"{batch}&status=queued") == ["old.jpg"]


def test_days_are_whole_and_of_utc(client: TestClient, service: Service) -> None:
    waiting(service)
    wanted = history.Wanted(since="2026-11-23", until="2026-11-23")
    held = history.filters(wanted, service)
    assert held.since is not None
    assert held.until is not None
    assert held.until - held.since == 86_400
    assert names(client, "?until=2000-01-01") == []
    assert now() > held.since
    assert names(client, "?since=2000-01-01") == ["a.jpg"]


def test_pages_follow_each_other(
    client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "PAGE_LENGTH", 3)
    for n in range(5):
        waiting(service, f"{n}.jpg")
    first = page(client, "/history?q=jpg")
    older = re.search(r'rel="next" href="([^"]*)"', first)
    assert older is not None
    address = older[1].replace("&amp;", "&").removeprefix("/history")
    assert "q=jpg" in address
    assert names(client, "?q=jpg") == ["4.jpg", "3.jpg", "2.jpg"]
    assert names(client, address) == ["1.jpg", "0.jpg"]
    assert 'href="/history?q=jpg">Newest' in page(client, f"/history{address}")


@pytest.mark.parametrize(
    "query",
    ["label=nice", "status=nice", "since=nice", "until=9999-12-31", "cursor=nice", "batch=nice"],
)
def test_what_there_is_not_is_a_page_that_says_so(client: TestClient, query: str) -> None:
    answer = client.get(f"/history?{query}", headers={"Accept": "text/html"})
    assert answer.status_code in (404, 422)
    assert "<h1>" in answer.text
