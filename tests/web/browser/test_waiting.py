"""What waits: its page says so, is accessible, and its button cancels, with and without script."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.web.browser.conftest import Site
from tests.web.browser.test_accessibility import violations
from tests.web.running import server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Site]:
    """A service that has no worker: what is sent waits."""
    with server(tmp_path_factory.mktemp("waiting"), n_workers=0) as url:
        yield Site(url, {})


@pytest.fixture
def waiting(site: Site, new_picture: Callable[[str], Path]) -> str:
    """The id of a file that waits."""
    path = new_picture("waits.png")
    answer = httpx.post(
        f"{site.url}/v1/examinations",
        files={"file": (path.name, path.read_bytes())},
        trust_env=False,
    )
    id_: str = answer.json()["id"]
    return id_


@pytest.mark.parametrize("scripts", [True, False])
def test_it_waits_and_is_cancelled(
    open_page: Callable[..., Page], site: Site, waiting: str, scripts: bool
) -> None:
    page = open_page(f"/examinations/{waiting}", java_script_enabled=scripts)
    assert page.get_by_role("heading", name="Waiting for its turn").is_visible()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("heading", name=re.compile("^Cancelled")).wait_for()
    assert site.fetch(f"/v1/examinations/{waiting}").json()["status"] == "cancelled"


def test_cancelled_elsewhere_the_page_follows(
    open_page: Callable[..., Page], site: Site, waiting: str
) -> None:
    page = open_page(f"/examinations/{waiting}")
    at = f"{site.url}/v1/examinations/{waiting}/cancellation"
    assert httpx.post(at, trust_env=False).is_success
    page.get_by_role("heading", name=re.compile("^Cancelled")).wait_for()


def test_axe_finds_nothing_while_it_waits(
    open_page: Callable[..., Page], site: Site, waiting: str
) -> None:
    page = open_page(f"/examinations/{waiting}", color_scheme="dark")
    assert violations(page) == []
    page.goto("/history")
    assert page.get_by_role("link", name="waits.png").first.is_visible()
    assert violations(page) == []


def test_a_service_that_went_away_is_told(
    open_page: Callable[..., Page], waiting: str, browser: Browser
) -> None:
    page = open_page(f"/examinations/{waiting}")
    page.context.set_offline(True)
    page.locator("#told", has_text=re.compile(r"\S")).wait_for(state="attached")
    assert page.get_by_role("heading", name="Waiting for its turn").is_visible()
    page.context.set_offline(False)
