"""axe-core finds nothing on any page, light, dark and at the width of a phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.web.browser.conftest import Site

axe_module = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs dev extra")

if TYPE_CHECKING:
    from playwright.sync_api import Page

PAGES = (
    "/",
    "/history",
    "/history?q=nothing-has-this-name",
    "/cases",
    "/cases/{case}",
    "/about",
    "/acceptable-use",
    "/examinations/{picture}",
    "/examinations/{sound}",
    "/examinations/{film}",
    "/examinations/{picture}/report",
    "/examinations/{film}/report",
    "/no-such-page",
)
# All that axe-core checks of WCAG 2.2 AA and its best practices; frames are pages of their own.
OPTIONS = {"resultTypes": ["violations"], "iframes": False}
OPEN_ALL = "for (const one of document.querySelectorAll('details')) one.open = true"


@pytest.fixture(scope="module")
def paths(site: Site) -> dict[str, str]:
    """The ids that addresses are made with; a case with a file and a note is one of them."""
    made = httpx.post(
        f"{site.url}/v1/cases",
        json={"title": "For axe", "notes": "One\n\nTwo", "tags": ["a", "b"]},
        trust_env=False,
    ).json()["id"]
    at = f"{site.url}/v1/cases/{made}/examinations/{site.ids['picture']}"
    assert httpx.put(at, json={"note": "seen"}, trust_env=False).is_success
    return {**site.ids, "case": made}


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing(
    open_page: Callable[..., Page], paths: dict[str, str], path: str
) -> None:
    page = open_page("/about", color_scheme="light", reduced_motion="reduce")
    found: list[str] = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        answer = page.goto(path.format(**paths))
        assert answer is not None
        assert answer.status == (404 if "no-such" in path else 200)
        page.evaluate(OPEN_ALL)
        found += [f"{scheme}: {one}" for one in violations(page)]
    assert found == []


def test_axe_finds_nothing_on_a_phone(
    open_page: Callable[..., Page], paths: dict[str, str]
) -> None:
    page = open_page("/about", viewport={"width": 320, "height": 640})
    for path in ("/", "/history", "/cases/{case}", "/examinations/{picture}"):
        page.goto(path.format(**paths))
        page.evaluate(OPEN_ALL)
        assert violations(page) == [], path


def violations(page: Page) -> list[str]:
    """What axe-core finds: rule, how grave, and where."""
    held: dict[str, Any] = axe_module.Axe().run(page, options=OPTIONS).response
    assert held["testEngine"]["name"] == "axe-core"
    return [
        f"{one['id']} ({one['impact']}): {node['target']} {node['html'][:200]}"
        for one in held["violations"]
        for node in one["nodes"]
    ]
