"""Without JavaScript everything goes on: forms are sent, waiting pages load themselves again."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tests.web.browser.conftest import VERDICT_MS, Site

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_from_a_form_to_a_verdict(
    open_page: Callable[..., Page], new_picture: Callable[[str], Path]
) -> None:
    page = open_page("/", java_script_enabled=False)
    page.set_input_files("#file", new_picture("harbour.png"))
    page.get_by_role("button", name="Examine", exact=True).click()
    page.wait_for_url(re.compile("/examinations/[0-9a-f]{32}$"))
    page.get_by_role("heading", name="What this does not mean").wait_for(timeout=VERDICT_MS)
    assert page.get_by_text("harbour.png").first.is_visible()
    assert page.locator("iframe").count() == 1


def test_several_files_are_sent_by_one_form(
    open_page: Callable[..., Page], new_picture: Callable[[str], Path]
) -> None:
    paths = [new_picture("left.png"), new_picture("right.png")]
    page = open_page("/", java_script_enabled=False)
    page.set_input_files("#file", paths)
    page.get_by_role("button", name="Examine", exact=True).click()
    page.wait_for_url(re.compile("/history"))
    for path in paths:
        assert page.get_by_role("link", name=path.name).is_visible()


def test_a_form_without_a_file_is_refused_in_words(open_page: Callable[..., Page]) -> None:
    page = open_page("/", java_script_enabled=False)
    page.get_by_role("button", name="Examine", exact=True).click()
    assert page.get_by_role("heading", name="That did not work").is_visible()


def test_feedback_is_given_and_shown(open_page: Callable[..., Page], site: Site) -> None:
    page = open_page(f"/examinations/{site.ids['sound']}", java_script_enabled=False)
    page.get_by_label("How do you know?").fill("It was made here.")
    page.get_by_role("button", name=re.compile("^Missed")).click()
    assert page.get_by_text("You said: Missed.").is_visible()
    (said,) = site.fetch(f"/v1/examinations/{site.ids['sound']}/feedback").json()["feedback"]
    assert (said["kind"], said["comment"]) == ("missed", "It was made here.")


def test_the_history_is_searched(open_page: Callable[..., Page]) -> None:
    page = open_page("/history", java_script_enabled=False)
    page.get_by_label("Search").fill("ASTRONAUT")
    page.get_by_role("button", name="Search").click()
    assert page.get_by_role("link", name="astronaut.jpg").count() == 1
    assert page.get_by_role("link", name="kennedy_vocoded.flac").count() == 0
    page.get_by_label("Verdict").select_option("strong_evidence")
    page.get_by_role("button", name="Search").click()
    assert page.get_by_text("Nothing fits the search.").is_visible()


def test_deleted_for_good(
    open_page: Callable[..., Page], site: Site, new_picture: Callable[[str], Path]
) -> None:
    id_ = site.examined(new_picture("mistake.png"))
    page = open_page(f"/examinations/{id_}", java_script_enabled=False)
    page.locator("#delete summary").click()
    page.get_by_role("button", name="Delete for good").click()
    page.wait_for_url(lambda url: id_ not in url)
    assert site.fetch(f"/v1/examinations/{id_}").status_code == 404
    assert site.fetch("/v1/examinations", text=id_).json()["examinations"] == []
