"""Pages from templates: escaped, spelled out, never kept."""

from __future__ import annotations

import html
import json
import re

from fastapi.testclient import TestClient

from assay.web.page import rendering, texts
from assay.web.service import Service
from tests.web.examined import waiting
from tests.web.page.pages import HOSTILE, page


def test_a_name_is_escaped_and_what_is_hidden_in_it_is_shown(
    client: TestClient, service: Service
) -> None:
    id_ = waiting(service, HOSTILE)
    for path in ("/", "/history", f"/examinations/{id_}"):
        found = page(client, path)
        assert "alert(1)</script>" not in found
        assert "\u202e" not in found
        assert "\\u202egpj.exe\\nb.jpg" in found


def test_the_script_gets_its_words_whole(client: TestClient) -> None:
    found = re.search(r'data-say="([^"]*)"', page(client, "/"))
    assert found is not None
    assert json.loads(html.unescape(found[1])) == texts.for_script()


def test_pages_are_kept_by_no_cache_and_run_no_script_of_others(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.headers["Cache-Control"] == "no-store"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert not re.search(r"<script(?![^>]*\bsrc=)", answer.text)


def test_the_place_one_is_at_is_told(client: TestClient) -> None:
    assert page(client, "/history").count('aria-current="page"') == 1
    assert '<a href="/history" aria-current="page">' in page(client, "/history")


def test_a_moment_is_told_in_utc() -> None:
    told = rendering.when(1_795_474_800.0)
    assert told == '<time datetime="2026-11-23T23:00:00+00:00">23 Nov 2026, 23:00 UTC</time>'
    assert rendering.when(None) == "–"
