"""The first page."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from assay.web.app import build_app
from assay.web.option_fields import open_fields, options_from
from assay.web.page.home import SWITCHES, kept_for
from assay.web.service import Service
from assay.web.settings import Settings
from tests.web.examined import waiting
from tests.web.page.pages import page


def test_the_form_asks_for_files_and_fields_that_there_are(
    client: TestClient, service: Service
) -> None:
    found = page(client, "/")
    form = found[found.index('<form id="send"') : found.index("</form>")]
    assert 'enctype="multipart/form-data"' in form
    assert re.search(r'<input type="file" id="file" name="file" multiple', form)
    names = set(re.findall(r'name="(\w+)"', form)) - {"file", "reference"}
    own = {"priority", "again", "purpose"}
    assert names - own <= {one.name for one in open_fields(service.settings)}
    assert own < names


def test_each_switch_changes_something(service: Service) -> None:
    for name, value, _ in SWITCHES:
        if name not in ("priority", "again"):
            assert options_from({name: value}, service.settings), name


def test_an_address_is_asked_for_only_where_that_is_allowed(make_service: Callable) -> None:
    for allowed in (False, True):
        app = build_app(make_service(allow_urls=allowed), chores=False)
        with TestClient(app, base_url="http://127.0.0.1:8080") as client:
            assert ('name="url"' in page(client, "/")) is allowed


def test_the_last_ones_are_listed(client: TestClient, service: Service) -> None:
    assert "Nothing was examined yet." in page(client, "/")
    for n in range(10):
        waiting(service, f"file {n}.jpg")
    found = page(client, "/")
    assert re.findall(r"file (\d)\.jpg", found) == [str(n) for n in range(9, 1, -1)]
    assert "All examinations" in found


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "until you delete them"),
        ({"privacy": True}, "right after their examination"),
        ({"keep_s": 7 * 86_400.0}, "after 7 days"),
        ({"keep_s": 86_400.0}, "after 24 hours"),
        ({"keep_s": 5400.0}, "after 90 minutes"),
    ],
)
def test_how_long_files_stay_is_said(tmp_path: object, fields: dict, told: str) -> None:
    assert told in kept_for(Settings(tmp_path, **fields))  # type: ignore[arg-type]
