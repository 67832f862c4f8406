"""A real service with a worker, and a headless Chromium that complains about every fault."""

from __future__ import annotations

import itertools
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.web.running import server

pytest.importorskip("playwright", reason="needs the dev extra")

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
PICTURE = EXAMPLES / "astronaut.jpg"
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
VERDICT_MS = 60_000  # longest wait for a verdict on a machine that has other work
WATCH = """
window.__broken = [];
document.addEventListener('securitypolicyviolation',
  (e) => window.__broken.push(e.violatedDirective + ' ' + e.blockedURI));
"""


@dataclass(slots=True)
class Site:
    """The address of a running service and a few files that it examined already."""

    url: str
    ids: dict[str, str]

    def fetch(self, path: str, **query: Any) -> httpx.Response:
        """Ask the service as a program does."""
        return httpx.get(self.url + path, params=query, trust_env=False, timeout=30)

    def examined(self, path: Path, **fields: str) -> str:
        """Send a file and wait for its verdict; the id."""
        with path.open("rb") as file:
            answer = httpx.post(
                f"{self.url}/v1/examinations",
                files={"file": (path.name, file)},
                data=fields,
                trust_env=False,
                timeout=30,
            )
        assert answer.is_success, answer.text
        id_: str = answer.json()["id"]
        until = time.monotonic() + VERDICT_MS / 1000
        while self.fetch(f"/v1/examinations/{id_}").json()["status"] in ("queued", "running"):
            assert time.monotonic() < until, "no verdict in time"
            time.sleep(0.1)
        return id_


def until(page: Page, expression: str, arg: Any = None, most_s: float = 20.0) -> None:
    """Wait for an expression to be true. Playwright's own way needs eval, which no page allows."""
    end = time.monotonic() + most_s
    while not page.evaluate(expression, arg):
        assert time.monotonic() < end, f"still not true: {expression}"
        page.wait_for_timeout(50)


@pytest.fixture(scope="package")
def new_picture(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Make a small picture that nobody sent yet, under a name of the test's choice."""
    from PIL import Image

    counter = itertools.count(1)

    def make(name: str) -> Path:
        path = tmp_path_factory.mktemp("new") / name
        Image.effect_mandelbrot((160, 120), (-2, -1, 1, 1), 30 + next(counter)).save(path)
        return path

    return make


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """A Chromium without a window."""
    if not CHROMIUM:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        held = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield held
        held.close()


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory, browser: Browser) -> Iterator[Site]:
    """A service with a worker, and three files in its history."""
    with server(tmp_path_factory.mktemp("browser"), n_workers=1) as url:
        held = Site(url, {})
        held.ids["picture"] = held.examined(PICTURE)
        held.ids["sound"] = held.examined(EXAMPLES / "kennedy_vocoded.flac", stability="false")
        film = EXAMPLES / "portrait_in_motion_swapped.mp4"
        held.ids["film"] = held.examined(film, frames="4", stability="false")
        yield held


@pytest.fixture
def open_page(site: Site, browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page with the context options of a test; at its end nothing may have gone wrong.

    What went wrong: an exception of a script, an error in the console, a violation of the policy,
    a fault of the service, a missing part, a request to anywhere but the service.
    """
    faults: list[str] = []
    contexts: list[Any] = []
    pages: list[Page] = []

    def open_one(path: str = "/", **options: Any) -> Page:
        context = browser.new_context(base_url=site.url, **options)
        context.set_default_timeout(20_000)
        contexts.append(context)
        page = context.new_page()
        pages.append(page)
        page.add_init_script(WATCH)
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        page.on("console", lambda said: _hear(said, faults))
        page.on("response", lambda answer: _check(answer, faults))
        page.on("request", lambda asked: _require_own(asked.url, site.url, faults))
        page.goto(path)
        return page

    yield open_one
    for page in pages:
        for frame in page.frames:
            broken = frame.evaluate("window.__broken || []") if _scripted(page) else []
            faults += [f"policy: {one}" for one in broken]
    for context in contexts:
        context.close()
    assert faults == []


def _scripted(page: Page) -> bool:
    return not page.is_closed() and bool(page.evaluate("typeof window.__broken !== 'undefined'"))


def _hear(said: Any, faults: list[str]) -> None:
    told = said.type == "error" and not said.text.startswith("Failed to load resource")
    if told or "Content Security Policy" in said.text:
        faults.append(f"console: {said.text}")


def _check(answer: Any, faults: list[str]) -> None:
    """A page may be missing; what a page asks for by itself may not."""
    if answer.status >= 500 or (
        answer.status >= 400 and not answer.request.is_navigation_request()
    ):
        faults.append(f"{answer.status}: {answer.url}")


def _require_own(address: str, own: str, faults: list[str]) -> None:
    if not address.startswith((f"{own}/", "data:", "blob:", "about:")):
        faults.append(f"asked elsewhere: {address}")
