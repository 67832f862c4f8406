"""With the keyboard alone: from the first page to a verdict and an answer to it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tests.web.browser.conftest import VERDICT_MS, Site, until

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOCUSED = """() => {
  const one = document.activeElement, style = getComputedStyle(one);
  const box = one.getBoundingClientRect();
  return {
    tag: one.tagName, id: one.id, text: (one.textContent || one.value || '').trim().slice(0, 60),
    // the browser itself marks the day, the month and the year within a field for dates
    marked: one.type === 'date'
      || (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0),
    seen: box.width > 0 && box.bottom > 0 && box.top < innerHeight,
  };
}"""


def tab_to(page: Page, matches: Callable[[dict[str, str]], bool], most: int = 60) -> dict[str, str]:
    """Press Tab until the focus is there; every stop on the way is visible and marked."""
    for _ in range(most):
        page.keyboard.press("Tab")
        held: dict[str, str] = page.evaluate(FOCUSED)
        if held["tag"] not in ("BODY", "IFRAME"):
            assert held["marked"], held
            for _ in range(20):  # the browser may still be scrolling there
                if held["seen"]:
                    break
                page.wait_for_timeout(100)
                held = page.evaluate(FOCUSED)
            assert held["seen"], held
        if matches(held):
            return held
    raise AssertionError("the focus never came there")


def test_from_the_first_page_to_a_verdict_and_an_answer(
    open_page: Callable[..., Page], site: Site, new_picture: Callable[[str], Path]
) -> None:
    path = new_picture("by keyboard.png")
    page = open_page("/")
    page.on("filechooser", lambda chooser: chooser.set_files(path))
    tab_to(page, lambda at: at["text"] == "Skip to the content", most=1)
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "content"
    tab_to(page, lambda at: at["id"] == "file")
    page.keyboard.press("Enter")
    until(page, "document.querySelector('#file').files.length === 1")
    tab_to(page, lambda at: at["tag"] == "BUTTON" and at["text"] == "Examine")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/examinations/[0-9a-f]{32}$"))
    page.get_by_role("heading", name="What this does not mean").wait_for(timeout=VERDICT_MS)
    until(page, "document.activeElement.id === 'answer'")
    # Pictures that come later move what stands below them.
    until(page, "document.readyState === 'complete' && [...document.images].every(i => i.complete)")
    tab_to(page, lambda at: at["id"] == "comment")
    page.keyboard.type("It was computed here.")
    tab_to(page, lambda at: at["text"].startswith("Missed"))
    page.keyboard.press("Enter")
    page.get_by_text("You said: Missed.").wait_for()
    id_ = page.url.rpartition("/")[2].partition("#")[0]
    (said,) = site.fetch(f"/v1/examinations/{id_}/feedback").json()["feedback"]
    assert (said["kind"], said["comment"]) == ("missed", "It was computed here.")


def test_the_history_is_reached_and_searched(open_page: Callable[..., Page]) -> None:
    page = open_page("/")
    tab_to(page, lambda at: at["text"] == "History")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/history$"))
    tab_to(page, lambda at: at["id"] == "q")
    page.keyboard.type("kennedy")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("q=kennedy"))
    tab_to(page, lambda at: at["text"] == "kennedy_vocoded.flac")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/examinations/"))


def test_focus_is_nowhere_caught(open_page: Callable[..., Page], site: Site) -> None:
    """Tab leaves every page at its end, the report's frame and the player included."""
    for id_ in site.ids.values():
        page = open_page(f"/examinations/{id_}")
        for _ in range(300):
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement === document.body"):
                break
        else:
            raise AssertionError(f"Tab never leaves {page.url}")
