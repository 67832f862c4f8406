from __future__ import annotations

import os
import shutil
import ssl
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from assay.errors import ConfigError
from assay.web.settings import Settings
from assay.web.store import connecting
from assay.web.store.database import Store
from tests.web import postgres
from tests.web.store.test_media import run_together


def test_sqlite_keeps_what_was_committed_and_refuses_what_has_no_parent(store: Store) -> None:
    with store.reading() as connection:
        told = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert told == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_searching_ignores_case_in_every_alphabet(store_of_each: Store) -> None:
    with store_of_each.reading() as connection:
        assert connection.execute(text("SELECT lower('ÉCLAIR')")).scalar() == "éclair"
        assert connection.execute(text("SELECT lower(NULL)")).scalar() is None


@pytest.mark.parametrize("url", ["mysql://localhost/x", "nonsense", "sqlite+aiosqlite:///x"])
def test_another_kind_of_database_is_refused(tmp_path: Path, url: str) -> None:
    from assay.web.store.database import open_store

    with pytest.raises(ConfigError):
        open_store(Settings(tmp_path, database=url))


def test_a_reader_is_held_up_by_no_writer_and_sees_one_moment(store_of_each: Store) -> None:
    store, begun, done = store_of_each, threading.Event(), threading.Event()
    counted: list[int] = []

    def read() -> None:
        begun.wait(30)
        with store.reading() as connection:
            counted.append(connection.execute(text("SELECT count(*) FROM batches")).scalar_one())
        done.set()

    reader = threading.Thread(target=read)
    reader.start()
    with store.writing() as connection:
        connection.execute(text("INSERT INTO batches VALUES ('a', 'me', '', 0)"))
        begun.set()
        assert done.wait(10), "the reader waits for the writer"
    reader.join(10)
    assert counted == [0]


def test_one_writer_at_a_time(store_of_each: Store) -> None:
    """What is checked in a transaction holds until its end: two never both see an empty table."""
    store, inserted = store_of_each, []

    def work(number: int) -> None:
        with store.writing() as connection:
            if connection.execute(text("SELECT count(*) FROM batches")).scalar_one() == 0:
                time.sleep(0.3)  # time enough for any other to look as well
                connection.execute(text(f"INSERT INTO batches VALUES ('{number}', 'me', '', 0)"))
                inserted.append(number)

    run_together(work, 8)
    assert len(inserted) == 1


def test_more_than_the_pool_holds_wait_for_each_other(store_of_each: Store) -> None:
    gate, seen = threading.Barrier(60), []

    def work() -> None:
        gate.wait(60)
        with store_of_each.reading() as connection:
            seen.append(connection.execute(text("SELECT 1")).scalar())

    threads = [threading.Thread(target=work) for _ in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert seen == [1] * 60


def tls(url: str) -> Any:
    return connecting._tls(make_url(url))


def test_what_the_address_says_of_encryption_is_done() -> None:
    base = "postgresql+pg8000://me@db.example/assay"
    assert tls(base) is None
    assert tls(f"{base}?sslmode=prefer") is None
    assert tls(f"{base}?sslmode=disable") is False
    required = tls(f"{base}?sslmode=require")
    assert required is not None
    assert required.verify_mode == ssl.CERT_NONE
    full = tls(f"{base}?sslmode=verify-full")
    assert full is not None
    assert (full.verify_mode, full.check_hostname) == (ssl.CERT_REQUIRED, True)
    some = tls(f"{base}?sslmode=verify-ca")
    assert some is not None
    assert (some.verify_mode, some.check_hostname) == (ssl.CERT_REQUIRED, False)
    with pytest.raises(ConfigError, match="sslmode"):
        tls(f"{base}?sslmode=yes")
    with pytest.raises(ConfigError, match="certificates"):
        tls(f"{base}?sslmode=verify-full&sslrootcert=/nowhere.pem")


def test_a_server_that_does_not_encrypt_is_refused_where_that_was_asked(
    tmp_path: Path, postgres_url: str
) -> None:
    from assay.web.store.database import open_store

    with pytest.raises(ConfigError, match="database cannot be used"):
        open_store(Settings(tmp_path, database=f"{postgres_url}?sslmode=require"))
    open_store(Settings(tmp_path, database=f"{postgres_url}?sslmode=prefer")).close()


@pytest.fixture
def certificate() -> Iterator[Path]:
    """A certificate of `localhost` alone, its key beside it, as PostgreSQL wants them."""
    program = shutil.which("openssl")
    if program is None or postgres.missing():
        pytest.skip(postgres.missing() or "openssl makes the certificate, and is not here")
    with tempfile.TemporaryDirectory() as folder:  # the server's user cannot enter tmp_path
        file = Path(folder) / "server.pem"
        make = [program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
        make += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        make += ["-keyout", str(file.with_suffix(".key")), "-out", str(file)]
        subprocess.run(make, check=True, stderr=subprocess.DEVNULL)
        if os.geteuid() == 0:
            for path in (Path(folder), file.with_suffix(".key")):
                shutil.chown(path, "postgres")
        yield file


def test_a_server_with_another_certificate_is_refused_where_it_is_to_be_verified(
    tmp_path: Path, certificate: Path
) -> None:
    from assay.web.store.database import open_store

    key = certificate.with_suffix(".key")
    options = ("ssl=on", f"ssl_cert_file={certificate}", f"ssl_key_file={key}")
    with postgres.server(*options) as by_number:
        by_name = by_number.replace("127.0.0.1", "localhost")
        root = f"&sslrootcert={certificate}"
        for url in (f"{by_name}?sslmode=verify-full", f"{by_number}?sslmode=verify-full{root}"):
            with pytest.raises(ConfigError, match="certificate"):
                open_store(Settings(tmp_path / "data", database=url))
        for url, is_encrypted in (
            (f"{by_name}?sslmode=verify-full{root}", True),
            (f"{by_number}?sslmode=verify-ca{root}", True),
            (f"{by_number}?sslmode=require", True),
            (f"{by_number}?sslmode=disable", False),
        ):
            store = open_store(Settings(tmp_path / "data", database=url))
            with store.reading() as connection:
                asked = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()"
                assert connection.execute(text(asked)).scalar_one() is is_encrypted
            store.close()


def test_a_server_that_went_away_is_asked_again_and_half_a_transaction_is_not_kept(
    tmp_path: Path, postgres_url: str
) -> None:
    from assay.web.store.database import open_store

    store = open_store(Settings(tmp_path / "data", database=postgres_url))
    end_all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    end_all += " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with pytest.raises(DBAPIError) as raised, store.writing() as connection:  # noqa: PT012
        connection.execute(text("INSERT INTO batches VALUES ('a', 'me', '', 0)"))
        with store.reading() as other:
            other.execute(text(end_all))
        connection.execute(text("INSERT INTO batches VALUES ('b', 'me', '', 0)"))
    assert connecting.is_unavailable(raised.value)
    with store.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM batches")).scalar_one() == 0
    store.close()


def test_a_writer_that_stops_halfway_holds_the_others_up_only_so_long(
    tmp_path: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from assay.web.store.database import open_store

    monkeypatch.setattr(connecting, "BUSY_S", 1.0)
    store = open_store(Settings(tmp_path / "data", database=postgres_url))
    with pytest.raises(DBAPIError), store.writing() as stopped:  # noqa: PT012
        began = time.monotonic()
        with pytest.raises(DBAPIError) as raised, store.writing():
            pass
        assert connecting.is_unavailable(raised.value)
        assert time.monotonic() - began < 10
        time.sleep(3)  # its server gives it up after two seconds
        with store.writing() as connection:
            connection.execute(text("INSERT INTO batches VALUES ('b', 'me', '', 0)"))
        stopped.execute(text("INSERT INTO batches VALUES ('a', 'me', '', 0)"))
    with store.reading() as connection:
        assert connection.execute(text("SELECT id FROM batches")).scalars().all() == ["b"]
    store.close()
