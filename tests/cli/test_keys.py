from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="needs the web extra")

from sqlalchemy import delete, update

from assay.web.settings import Settings
from assay.web.store import keys
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


def test_a_key_is_made_listed_and_revoked(assay: Assay, data: Path) -> None:
    made = assay("keys", "create", "News desk", "--owner", "news", "--expires", "90d")
    assert made.code == 0
    text = made.out.strip()
    store = open_store(Settings(data))
    key = keys.find(store, text)
    assert key is not None
    assert (key.owner, key.scopes) == ("news", ("examine", "read"))
    assert key.expires_at is not None
    assert key.expires_at - key.created_at == pytest.approx(90 * 86400, abs=5)
    (listed,) = map(json.loads, assay("keys", "list", "--json").out.splitlines())
    assert (listed["id"], listed["state"]) == (key.id, "valid")
    assert text not in assay("keys", "list").out
    assert assay("keys", "revoke", key.id).code == 0
    assert keys.find(store, text) is None
    assert "revoked" in assay("keys", "list").out
    again = assay("keys", "revoke", key.id)
    assert again.code == 2
    assert "already" in again.err
    store.close()


def test_what_a_first_call_makes_is_its_accounts_alone(assay: Assay, data: Path) -> None:
    assert assay("keys", "create", "a").code == 0
    assert data.stat().st_mode & 0o077 == 0
    made = [path for path in data.rglob("*") if path.stat().st_mode & 0o077]
    assert made == []
    assert (data / "assay.sqlite").is_file()


def test_a_key_can_be_revoked_by_its_whole_text(assay: Assay, data: Path) -> None:
    text = assay("keys", "create", "a").out.strip()
    assert assay("keys", "revoke", text).code == 0


def test_its_limits(assay: Assay, data: Path) -> None:
    flags = ("--scope", "read", "--requests-per-minute", "30", "--max-upload", "5MB", "--json")
    told = json.loads(assay("keys", "create", "a", *flags).out)
    assert told["scopes"] == ["read"]
    assert told["requests_per_minute"] == 30
    assert told["max_upload_bytes"] == 5_000_000
    assert told["key"].startswith(f"assay_{told['id']}_")


@pytest.mark.parametrize(
    "flags",
    [
        ("--expires", "soon"),
        ("--expires", "0"),
        ("--max-upload", "-1"),
        ("--scope", "all"),
        ("--owner", "../x"),
        ("--requests-per-minute", "0"),
    ],
)
def test_wrong_terms_are_wrong_usage(assay: Assay, data: Path, flags: tuple[str, ...]) -> None:
    answer = assay("keys", "create", "a", *flags)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("assay: ")


def test_where_no_service_is_none_is_made(assay: Assay, data: Path) -> None:
    for call in (("keys", "list"), ("keys", "revoke", "x"), ("audit", "show"), ("audit", "check")):
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
