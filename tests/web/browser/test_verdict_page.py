"""What a verdict's page can do: player and timeline, map over the picture, the report's frame."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.web.browser.conftest import Site, until

if TYPE_CHECKING:
    from playwright.sync_api import Page

NEEDLE_AT = """([at]) => {
  const needle = document.querySelector('#needle');
  return Math.abs(parseFloat(needle.getAttribute('x1')) - at) < 8;
}"""


def test_a_click_into_the_timeline_moves_the_film(
    open_page: Callable[..., Page], site: Site
) -> None:
    page = open_page(f"/examinations/{site.ids['film']}")
    try:
        until(page, "document.querySelector('#film').readyState >= 1", most_s=10)
    except AssertionError:
        if page.locator("#unplayable").is_visible():
            pytest.skip("this Chromium plays no H.264")
        raise
    length_s = page.evaluate("document.querySelector('#film').duration")
    reel = page.locator("#reel")
    reel.scroll_into_view_if_needed()
    box = reel.bounding_box()
    assert box is not None
    for part in (0.75, 0.25):
        page.mouse.click(box["x"] + part * box["width"], box["y"] + 6)
        until(
            page,
            "([at]) => Math.abs(document.querySelector('#film').currentTime - at) < 0.2",
            [part * length_s],
        )
        until(page, NEEDLE_AT, [100 * part])


def test_the_sound_plays_beside_its_timeline(open_page: Callable[..., Page], site: Site) -> None:
    page = open_page(f"/examinations/{site.ids['sound']}")
    until(page, "document.querySelector('#film').readyState >= 1")
    assert page.locator("audio#film").count() == 1
    assert page.evaluate("document.querySelector('#film').duration") > 1


def test_a_map_is_weakened_and_pushed_aside(open_page: Callable[..., Page], site: Site) -> None:
    page = open_page(f"/examinations/{site.ids['picture']}")
    layer = page.locator(".laid .map:visible").first
    layer.wait_for()
    assert page.evaluate(
        "() => [...document.querySelectorAll('.laid img')].every((one) => one.complete)"
    )
    for name, value, style, expected in (
        (".strength", "30", "opacity", "0.3"),
        (".wipe", "40", "clipPath", "inset(0px 0px 0px 40%)"),
    ):
        page.locator(name).first.fill(value)
        assert layer.evaluate(f"(one) => getComputedStyle(one).{style}") == expected
    page.locator(".which-map").first.select_option("")
    assert page.locator(".laid .map:visible").count() == 0


@pytest.mark.parametrize("what", ["picture", "sound", "film"])
def test_the_report_is_whole_within_the_page(
    open_page: Callable[..., Page], site: Site, what: str
) -> None:
    page = open_page(f"/examinations/{site.ids[what]}")
    page.locator("#report-frame").scroll_into_view_if_needed()
    until(
        page,
        """() => {
          const frame = document.querySelector('#report-frame');
          const held = frame.contentDocument;
          return held && held.body && frame.clientHeight > 600
            && frame.clientHeight >= held.documentElement.scrollHeight - 2;
        }""",
    )
    alone = page.get_by_role("link", name="Open it alone")
    assert alone.get_attribute("href") == f"/examinations/{site.ids[what]}/report"


def test_the_warning_stays_in_view(open_page: Callable[..., Page], site: Site) -> None:
    page = open_page(
        f"/examinations/{site.ids['picture']}", viewport={"width": 1280, "height": 800}
    )
    for share in (0, 0.3, 0.6, 0.9):
        page.evaluate(f"scrollTo(0, {share} * document.documentElement.scrollHeight)")
        title = page.get_by_role("heading", name="What this does not mean")
        box = title.bounding_box()
        assert box is not None
        assert 0 <= box["y"] < 800, share


def test_downloads_are_what_the_api_gives(
    open_page: Callable[..., Page], site: Site, tmp_path: object
) -> None:
    page = open_page(f"/examinations/{site.ids['sound']}", accept_downloads=True)
    for name, ending in (("Report (HTML)", ".html"), ("Result (JSON)", ".json")):
        with page.expect_download() as sent:
            page.get_by_role("link", name=name).click()
        assert sent.value.suggested_filename.endswith(ending)
    kept = sent.value.path().read_bytes()
    assert kept == site.fetch(f"/v1/examinations/{site.ids['sound']}/result").content


def test_examined_again_it_says_what_changed(open_page: Callable[..., Page], site: Site) -> None:
    page = open_page(f"/examinations/{site.ids['sound']}")
    page.get_by_role("button", name="Examine again").first.click()
    page.wait_for_url(lambda url: site.ids["sound"] not in url)
    page.get_by_role("heading", name="What changed").wait_for(timeout=60_000)
    page.get_by_role("link", name="The examination before").click()
    page.wait_for_url(re.compile(site.ids["sound"]))
    assert page.get_by_role("link", name="A newer examination of this file").is_visible()
