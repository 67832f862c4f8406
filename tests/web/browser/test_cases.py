"""A case on the page: begun from a file, noted on, exported; and its ZIP checked."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from tests.web.browser.conftest import PICTURE, Site

if TYPE_CHECKING:
    from playwright.sync_api import Page


def test_a_case_from_a_file_to_a_checked_zip(
    open_page: Callable[..., Page], site: Site, tmp_path: Path
) -> None:
    page = open_page(f"/examinations/{site.ids['picture']}", accept_downloads=True)
    page.get_by_label("Title of the new case").fill("The astronaut")
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("link", name="The astronaut").click()
    page.wait_for_url(re.compile("/cases/[0-9a-f]{32}$"))
    page.get_by_text("Change title, tags and notes").click()
    page.get_by_label("Tags").fill("space, 1999")
    page.get_by_label("Notes").fill("A portrait of 1999.\nIn the public domain.")
    page.get_by_role("button", name="Save").first.click()
    page.get_by_text("Add a note").click()
    page.get_by_label("Note on astronaut.jpg").fill("As NASA published it.")
    page.get_by_role("button", name="Save").last.click()
    assert page.get_by_text("As NASA published it.").first.is_visible()
    page.get_by_label("with the examined files").check()
    with page.expect_download() as sent:
        page.get_by_role("button", name="Download the ZIP").click()
    held = tmp_path / "case.zip"
    sent.value.save_as(held)
    assert re.fullmatch(r"case-The-astronaut-[0-9a-f]{8}\.zip", sent.value.suggested_filename)
    check_zip(held, site)


def check_zip(path: Path, site: Site) -> None:
    with zipfile.ZipFile(path) as opened:
        assert opened.testzip() is None
        top = opened.namelist()[0].partition("/")[0]
        files = {name.removeprefix(f"{top}/"): opened.read(name) for name in opened.namelist()}
    for line in files["SHA256SUMS"].decode().splitlines():
        sum_, _, name = line.partition("  ")
        assert hashlib.sha256(files[name]).hexdigest() == sum_
    told = json.loads(files["manifest.json"])
    assert told["case"]["tags"] == ["space", "1999"]
    (one,) = told["examinations"]
    assert (one["note"], one["missing"]) == ("As NASA published it.", [])
    assert files["01-astronaut.jpg/media/astronaut.jpg"] == PICTURE.read_bytes()
    served = site.fetch(f"/v1/examinations/{site.ids['picture']}/result").json()
    assert json.loads(files["01-astronaut.jpg/result.json"]) == served
    assert one["bundles"]
    assert b"astronaut.jpg" in files["01-astronaut.jpg/report.html"]
    assert {line["action"] for line in told["audit"]} >= {"examine", "finish", "export"}


def test_a_case_is_found_changed_and_deleted(open_page: Callable[..., Page]) -> None:
    page = open_page("/cases")
    page.get_by_label("Title", exact=True).fill("Voices of an évening")
    page.get_by_role("button", name="Begin a case").click()
    page.wait_for_url(re.compile("/cases/[0-9a-f]{32}$"))
    page.goto("/cases")
    page.get_by_label("Search titles, notes and tags").fill("évening")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Voices of an évening").click()
    page.get_by_text("Delete this case").click()
    page.get_by_role("button", name="Delete the case").click()
    page.wait_for_url(re.compile("/cases$"))
    assert page.get_by_role("link", name="Voices of an évening").count() == 0
