"""Files are dropped, pasted and chosen; their verdict comes by itself."""

from __future__ import annotations

import base64
import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.web.browser.conftest import PICTURE, VERDICT_MS, Site

if TYPE_CHECKING:
    from playwright.sync_api import Page

EXAMINATION = re.compile("/examinations/[0-9a-f]{32}$")
NOT_MEANT = "What this does not mean"
TRANSFER = """([files, kind, at]) => {
  const transfer = new DataTransfer();
  for (const [name, type, data] of files) {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type }));
  }
  const how = { bubbles: true, cancelable: true };
  const target = document.querySelector(at);
  if (kind === 'paste')
    target.dispatchEvent(new ClipboardEvent('paste', { ...how, clipboardData: transfer }));
  else for (const one of ['dragenter', 'dragover', 'drop'])
    target.dispatchEvent(new DragEvent(one, { ...how, dataTransfer: transfer }));
}"""


@pytest.fixture(scope="module")
def new_picture(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Make a picture that nobody sent yet, under a name of the test's choice."""
    from PIL import Image

    counter = itertools.count(1)

    def make(name: str) -> Path:
        path = tmp_path_factory.mktemp("new") / name
        Image.effect_mandelbrot((160, 120), (-2, -1, 1, 1), 30 + next(counter)).save(path)
        return path

    return make


def given(page: Page, kind: str, *paths: Path) -> None:
    """Drop or paste files as a browser would hand them over."""
    files = [
        (path.name, "image/png", base64.b64encode(path.read_bytes()).decode()) for path in paths
    ]
    page.evaluate(TRANSFER, [files, kind, "#drop" if kind == "drop" else "body"])


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_a_file_that_is_dropped_or_pasted_gets_its_report(
    open_page: Callable[..., Page], new_picture: Callable[[str], Path], kind: str
) -> None:
    page = open_page("/")
    given(page, kind, new_picture(f"{kind} me.png"))
    page.wait_for_url(EXAMINATION)
    page.get_by_role("heading", name=NOT_MEANT).wait_for(timeout=VERDICT_MS)
    assert page.get_by_text(f"{kind} me.png").first.is_visible()
    report = page.frame_locator("#report-frame")
    assert f"{kind} me.png" in report.locator("body").inner_text()


def test_several_files_show_how_far_each_is(
    open_page: Callable[..., Page], new_picture: Callable[[str], Path], tmp_path: Path
) -> None:
    page = open_page("/")
    text = tmp_path / "no picture.txt"
    text.write_text("These are words.")
    names = ["first.png", "second.png", "no picture.txt"]
    given(page, "drop", new_picture("first.png"), new_picture("second.png"), text)
    for name in names:
        row = page.locator("#sent li", has_text=name)
        row.locator(".chip").wait_for(timeout=VERDICT_MS)
    links = page.locator("#sent a")
    assert [links.nth(n).inner_text() for n in range(3)] == names
    assert page.locator("#sent progress").count() == 0
    assert page.locator("#sent li", has_text=names[2]).locator(".is-not_analysable").count() == 1


def test_what_is_being_done_is_shown_and_said(
    open_page: Callable[..., Page], new_picture: Callable[[str], Path]
) -> None:
    page = open_page("/")
    page.add_init_script(
        "window.__said = []; addEventListener('DOMContentLoaded', () => new MutationObserver("
        "() => sessionStorage.setItem('said', (sessionStorage.getItem('said') || '') + '|' +"
        " document.querySelector('#told').textContent))"
        ".observe(document.querySelector('#told'), { childList: true }))"
    )
    given(page, "drop", new_picture("watched.png"))
    page.wait_for_url(EXAMINATION)
    page.get_by_role("heading", name=NOT_MEANT).wait_for(timeout=VERDICT_MS)
    page.wait_for_function("document.activeElement.id === 'answer'")
    said = page.evaluate("sessionStorage.getItem('said')")
    answer = page.locator("#answer").inner_text()
    assert said.rpartition("|")[2].endswith(answer)


def test_the_same_file_again_is_answered_at_once(
    open_page: Callable[..., Page], site: Site
) -> None:
    page = open_page("/")
    page.set_input_files("#file", PICTURE)
    page.get_by_role("button", name="Examine", exact=True).click()
    page.wait_for_url(re.compile(f"/examinations/{site.ids['picture']}$"))
    assert page.get_by_role("heading", name=NOT_MEANT).is_visible()


@pytest.mark.parametrize(
    "name", ["<img src=x onerror=alert(1)>.png", "\u202egnp.exe", "a" * 200 + ".png", "'\"`;&.png"]
)
def test_a_hostile_name_stays_text(
    open_page: Callable[..., Page], new_picture: Callable[[str], Path], name: str
) -> None:
    page = open_page("/")
    page.on("dialog", lambda _: pytest.fail("a name became a script"))
    files = [(name, "image/png", base64.b64encode(new_picture("x.png").read_bytes()).decode())]
    page.evaluate(TRANSFER, [files, "drop", "#drop"])
    page.wait_for_url(EXAMINATION)
    page.get_by_role("heading", name=NOT_MEANT).wait_for(timeout=VERDICT_MS)
    for path in (page.url, "/", "/history"):
        page.goto(path)
        assert page.locator("img[src=x]").count() == 0
        assert "\u202e" not in page.content()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_an_empty_form_says_what_is_missing(open_page: Callable[..., Page]) -> None:
    page = open_page("/")
    page.get_by_role("button", name="Examine", exact=True).click()
    page.locator("#drop .notice").wait_for()
    assert page.evaluate("document.activeElement.id") == "file"


def test_a_file_too_large_is_refused_before_it_is_sent(
    open_page: Callable[..., Page], new_picture: Callable[[str], Path]
) -> None:
    page = open_page("/")
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.method))
    page.evaluate("Object.defineProperty(File.prototype, 'size', { get: () => 1e12 })")
    given(page, "drop", new_picture("large.png"))
    assert page.locator("#sent .bad").inner_text().startswith("It is larger than")
    assert "POST" not in sent
