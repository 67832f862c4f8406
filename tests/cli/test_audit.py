from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="needs the web extra")

from sqlalchemy import delete, update

from assay.web.settings import Settings
from assay.web.store.database import open_store
from assay.web.store.schema import audit as audit_table

from .conftest import Answer

Assay = Callable[..., Answer]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a service, which every command of the test finds by its variable."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASSAY_SERVE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_where_no_service_is_none_is_made(assay: Assay, data: Path) -> None:
    for call in (("audit", "show"), ("audit", "check")):
        answer = assay(*call)
        assert answer.code == 2
        assert "There is no service in" in answer.err
    assert not data.exists()


def test_the_log_is_shown_newest_first(assay: Assay, data: Path) -> None:
    for name in "abc":
        assay("keys", "create", name)
    lines = [json.loads(line) for line in assay("audit", "show", "--json").out.splitlines()]
    assert [line["detail"]["name"] for line in lines] == ["c", "b", "a"]
    assert all(line["actor"].startswith("operator (") for line in lines)
    last = assay("audit", "show", "--last", "2", "--json").out.splitlines()
    assert [json.loads(line)["number"] for line in last] == [3, 2]
    assert assay("audit", "show", "--action", "delete", "--json").out == ""
    subject = lines[1]["subject"]
    (about,) = assay("audit", "show", "--subject", subject, "--all", "--json").out.splitlines()
    assert json.loads(about)["number"] == 2
    assert "key_created" in assay("audit", "show").out


def test_more_lines_than_a_page_are_shown(
    assay: Assay, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assay.web.store import audit

    for name in "abcde":
        assay("keys", "create", name)
    monkeypatch.setattr(audit, "MAX_PAGE", 2)
    lines = assay("audit", "show", "--all", "--json").out.splitlines()
    assert [json.loads(line)["number"] for line in lines] == [5, 4, 3, 2, 1]
    lines = assay("audit", "show", "--last", "3", "--json").out.splitlines()
    assert [json.loads(line)["number"] for line in lines] == [5, 4, 3]


def test_a_changed_line_is_found(assay: Assay, data: Path) -> None:
    for name in "abc":
        assay("keys", "create", name)
    whole = assay("audit", "check")
    assert whole.code == 0
    assert whole.out.startswith("3:")
    store = open_store(Settings(data))
    with store.writing() as connection:
        changed = update(audit_table).where(audit_table.c.number == 2)
        connection.execute(changed.values(actor="nobody"))
    store.close()
    broken = assay("audit", "check")
    assert (broken.code, broken.out) == (1, "")
    assert "line 2" in broken.err


def test_lines_cut_off_at_the_end_show_against_a_line_that_was_noted(
    assay: Assay, data: Path
) -> None:
    for name in "abc":
        assay("keys", "create", name)
    noted = assay("audit", "check").out.strip()
    assert assay("audit", "check", "--known", noted).code == 0
    assay("keys", "create", "d")
    assert assay("audit", "check", "--known", noted).code == 0
    store = open_store(Settings(data))
    with store.writing() as connection:
        connection.execute(delete(audit_table).where(audit_table.c.number >= 3))
    store.close()
    assert assay("audit", "check").code == 0
    assert assay("audit", "check", "--known", noted).code == 1
    assert assay("audit", "check", "--known", "what").code == 2
