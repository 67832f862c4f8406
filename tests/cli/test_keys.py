from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="needs the web extra")

from assay.web.settings import Settings
from assay.web.store import keys
from assay.web.store.database import open_store

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
    for call in (("keys", "list"), ("keys", "revoke", "x")):
        answer = assay(*call)
        assert answer.code == 2
        assert "There is no service in" in answer.err
    assert not data.exists()
