"""From a phone of 320 px to a wide screen: nothing has to be scrolled sideways."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from tests.web.browser.conftest import Site

if TYPE_CHECKING:
    from playwright.sync_api import Page

WIDER = """() => [...document.querySelectorAll('body *')]
  .filter((e) => e.getBoundingClientRect().right > document.documentElement.clientWidth + 1
    && getComputedStyle(e).position !== 'absolute')
  .slice(0, 5).map((e) => e.outerHTML.slice(0, 120))"""
OPEN_ALL = "for (const one of document.querySelectorAll('details')) one.open = true"


@pytest.mark.parametrize("width", [320, 768])
def test_nothing_is_wider_than_the_window(
    open_page: Callable[..., Page], site: Site, width: int
) -> None:
    examined = [f"/examinations/{id_}" for id_ in site.ids.values()]
    reports = [f"{path}/report" for path in examined]
    page = open_page("/about", viewport={"width": width, "height": 640})
    for path in ("/", "/history", "/cases", "/about", "/acceptable-use", *examined, *reports):
        page.goto(path)
        page.evaluate(OPEN_ALL)
        held = page.evaluate("document.documentElement.scrollWidth")
        assert held <= width, (path, page.evaluate(WIDER))


def test_controls_are_large_enough_to_touch(open_page: Callable[..., Page], site: Site) -> None:
    page = open_page(
        f"/examinations/{site.ids['picture']}",
        viewport={"width": 360, "height": 740},
        has_touch=True,
    )
    page.evaluate(OPEN_ALL)
    small = page.evaluate(
        """() => [...document.querySelectorAll('button, select, input:not([type=hidden])')]
          .filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 24)
          .map((e) => e.outerHTML.slice(0, 120))"""
    )
    assert small == []  # 24 px: WCAG 2.2, 2.5.8
