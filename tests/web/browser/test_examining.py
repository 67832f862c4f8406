"""Files are dropped, pasted and chosen; their verdict comes by itself."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.web.browser.conftest import EXAMPLES, PICTURE, VERDICT_MS, Site, until

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

# What a screen reader is told, page after page.
HEARING = """
addEventListener('DOMContentLoaded', () => {
  const told = document.querySelector('#told');
  if (!told) return;
  new MutationObserver(() => {
    const heard = JSON.parse(sessionStorage.getItem('heard') ?? '[]');
    sessionStorage.setItem('heard', JSON.stringify([...heard, told.textContent]));
  }).observe(told, { childList: true });
});
"""


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
    open_page: Callable[..., Page], tmp_path: Path
) -> None:
    film = (
        tmp_path / "watched.mp4"
    )  # it takes seconds: a small picture is done before a step is told
    film.write_bytes((EXAMPLES / "portrait_in_motion.mp4").read_bytes() + b"\0\0\0\x0cfree1234")
    page = open_page("/")
    page.add_init_script(HEARING)
    given(page, "drop", film)
    page.wait_for_url(EXAMINATION)
    page.get_by_role("heading", name=NOT_MEANT).wait_for(timeout=VERDICT_MS)
    until(page, "document.activeElement.id === 'answer'")
    assert page.locator("#told").inner_text().endswith(page.locator("#answer").inner_text())
    steps = page.evaluate("JSON.parse(sessionStorage.getItem('heard'))")
    assert any(one and not one.startswith("Being examined") for one in steps), steps


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
