"""Services for the tests: a store on SQLite and one on PostgreSQL, and a client of the API."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="needs the web extra")
pytest.importorskip("sqlalchemy", reason="needs the web extra")

from fastapi.testclient import TestClient

from assay.web.app import build_app
from assay.web.service import Service
from assay.web.settings import Settings
from assay.web.store.database import Store, open_store
from assay.web.store.examinations import Wanted
from tests.web import postgres

ENGINE = "0" * 16


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The address of a PostgreSQL server that this session of tests started."""
    reason = postgres.missing()
    if reason:
        pytest.skip(reason)
    with postgres.server() as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """The address of an empty database of its own."""
    import secrets

    import pg8000.native

    name = f"t{secrets.token_hex(6)}"
    port = int(postgres_server.rpartition(":")[2].split("/")[0])
    connection = pg8000.native.Connection("postgres", host="127.0.0.1", port=port)
    connection.run(f"CREATE DATABASE {name}")
    connection.close()
    return postgres_server.removesuffix("postgres") + name


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str | None:
    """A database of each kind: None is SQLite in the data folder."""
    if request.param == "sqlite":
        return None
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def store_of_each(tmp_path: Path, database: str | None) -> Iterator[Store]:
    """An empty store, once on SQLite and once on PostgreSQL."""
    held = open_store(Settings(tmp_path / "data", database=database))
    yield held
    held.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """An empty store on SQLite."""
    held = open_store(Settings(tmp_path / "data"))
    yield held
    held.close()


@pytest.fixture
def make_service(tmp_path: Path) -> Iterator[Callable[..., Service]]:
    """Make a service with settings of the test's choice, on SQLite."""
    opened: list[Service] = []

    def make(**fields: Any) -> Service:
        settings = Settings(**{"data": tmp_path / "data", "min_free_bytes": 0, **fields})
        opened.append(Service(settings, open_store(settings), ENGINE))
        return opened[-1]

    yield make
    for one in opened:
        one.store.close()


@pytest.fixture
def service(make_service: Callable[..., Service]) -> Service:
    """A service as it is without any setting."""
    return make_service()


@pytest.fixture
def client(service: Service) -> Iterator[TestClient]:
    """A client of the whole application, without chores and without workers."""
    app = build_app(service, chores=False)
    with TestClient(app, base_url="http://127.0.0.1:8080", raise_server_exceptions=False) as held:
        yield held


def kept(store: Store, data: bytes = b"bytes", name: str = "a.jpg", **fields: Any) -> Wanted:
    """A wish to examine `data`, which lies in the store as an upload would."""
    sha256 = hashlib.sha256(data).hexdigest()
    path = store.media_path(sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return Wanted(name, sha256, len(data), **fields)
