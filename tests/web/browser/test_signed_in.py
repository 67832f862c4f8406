"""A service that asks for keys, in a browser: every button still works, and other pages' do not."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

pytest.importorskip("playwright", reason="needs the dev extra")

from assay.web.actor import LOCAL
from assay.web.settings import Settings
from assay.web.store import keys
from assay.web.store.database import open_store
from assay.web.store.keys import Terms
from tests.web.browser.conftest import PICTURE, VERDICT_MS
from tests.web.running import server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


class Guarded:
    """A running service with `auth`, one of its keys, and its store."""

    def __init__(self, url: str, data: Path) -> None:
        self.url = url
        self.store = open_store(Settings(data))
        self.key, self.text = keys.create(self.store, LOCAL, Terms("Desk", "news"))

    def n_examinations(self) -> int:
        headers = {"Authorization": f"Bearer {self.text}"}
        told = httpx.get(f"{self.url}/v1/examinations", headers=headers, trust_env=False)
        return len(told.json()["examinations"])


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Guarded]:
    folder = tmp_path_factory.mktemp("guarded")
    with server(folder, auth=True, n_workers=1) as url:
        held = Guarded(url, folder / "data")
        yield held
        held.store.close()


@contextmanager
def page_of(guarded: Guarded, browser: Browser, scripts: bool = True) -> Iterator[Page]:
    context = browser.new_context(base_url=guarded.url, java_script_enabled=scripts)
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


def sign_in(page: Page, guarded: Guarded, path: str = "/") -> None:
    page.goto(path)
    page.locator("#key").fill(guarded.text)
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{path}")


@pytest.mark.parametrize("scripts", [True, False])
def test_from_the_key_to_the_verdict_and_out(
    guarded: Guarded, browser: Browser, scripts: bool
) -> None:
    with page_of(guarded, browser, scripts) as page:
        sign_in(page, guarded)
        page.locator("input[type=file]").first.set_input_files(str(PICTURE))
        page.locator("main form button").first.click()
        page.wait_for_url("**/examinations/*")
        verdict = page.get_by_role("heading", name="What this does not mean")
        verdict.wait_for(timeout=VERDICT_MS)
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/sign-in")
        page.goto("/history")
        assert "/sign-in" in page.url


def test_the_form_is_for_everyone(guarded: Guarded, browser: Browser) -> None:
    """axe-core in light and dark, before and after a wrong key; a phone; the keyboard alone."""
    pytest.importorskip("axe_playwright_python", reason="needs the dev extra")
    from tests.web.browser.test_accessibility import violations

    with page_of(guarded, browser) as page:
        page.set_viewport_size({"width": 320, "height": 640})
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.goto("/sign-in")
            assert violations(page) == []
            assert page.evaluate("document.activeElement.id") == "key"
            page.keyboard.type("assay_0123456789abcdef_wrong")
            page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.textContent") == "Sign in"
            page.keyboard.press("Enter")
            page.get_by_role("alert").wait_for()
            assert violations(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= 320


def test_the_buttons_carry_the_token(guarded: Guarded, browser: Browser) -> None:
    with page_of(guarded, browser) as page:
        sign_in(page, guarded, "/cases")
        page.locator("input[name=title]").first.fill("A case")
        page.locator("main form button").first.click()
        page.wait_for_url("**/cases/*")
        assert "A case" in page.locator("main").inner_text()


def test_a_key_that_is_revoked_ends_the_session_in_the_browser(
    guarded: Guarded, browser: Browser
) -> None:
    key, text = keys.create(guarded.store, LOCAL, Terms("Short", "news"))
    with page_of(guarded, browser) as page:
        page.goto("/history")
        page.locator("#key").fill(text)
        page.keyboard.press("Enter")
        page.wait_for_url("**/history")
        keys.revoke(guarded.store, LOCAL, key.id)
        page.reload()
        assert "/sign-in" in page.url


EVIL = """<!doctype html><title>evil</title><form id=f method=post action="{url}/cases">
<input name=title value=planted></form><form id=g method=post enctype="multipart/form-data"
 action="{url}/examinations"><input name=url value="http://evil.example/a.jpg"></form>
<img id=i src="{url}/static/mark.svg"><a id=a href="{url}/history">link</a>"""


@pytest.fixture
def evil(guarded: Guarded) -> Iterator[str]:
    """The page of another origin (another port of this machine: the same site, even)."""

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(EVIL.replace("{url}", guarded.url).encode())

        def log_message(self, *_args: object) -> None:
            pass

    held = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=held.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{held.server_port}/"
    held.shutdown()
    held.server_close()


def test_another_page_does_nothing_in_the_name_of_a_session(
    guarded: Guarded, browser: Browser, evil: str
) -> None:
    before = guarded.n_examinations()
    with page_of(guarded, browser) as page:
        sign_in(page, guarded)
        for address in (evil, evil.replace("localhost", "127.0.0.1")):
            for form in ("f", "g"):
                page.goto(address)
                with page.expect_navigation() as went:
                    page.evaluate(f"document.getElementById('{form}').submit()")
                assert went.value is not None
                assert went.value.status == 403
            page.goto(address)
            fetched = page.evaluate(
                """url => fetch(url + "/v1/examinations", {credentials: "include"})
                     .then(a => "read " + a.status, () => "refused")""",
                guarded.url,
            )
            assert fetched == "refused"
            shown = page.evaluate("document.getElementById('i').naturalWidth")
            assert shown == 0
        page.goto("/cases")
        assert "planted" not in page.locator("main").inner_text()
    assert guarded.n_examinations() == before


def test_a_link_on_another_page_leads_in(guarded: Guarded, browser: Browser, evil: str) -> None:
    with page_of(guarded, browser) as page:
        sign_in(page, guarded)
        page.goto(evil)
        page.locator("#a").click()
        page.wait_for_url("**/history")
        assert page.locator("#key").count() == 0
