"""Connections to the database: SQLite in one file, or a PostgreSQL server.

Both keep what was committed through a loss of power, and let one writer in at a time.
"""

from __future__ import annotations

import sqlite3
import ssl
import time
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError, TimeoutError

from assay.errors import ConfigError

BUSY_S = 30.0
READING = "assay_reading"
WRITER_LOCK = 0x61737361  # of PostgreSQL; SQLite has but one writer by itself
# SQLSTATE: lock not available, deadlock, a transaction that took too long; no connection, no
# resources, the operator's intervention (PostgreSQL, appendix A).
LATER_STATES, LATER_CLASSES = ("55P03", "40P01", "25P03"), ("08", "53", "57")
POOL: dict[str, Any] = {"pool_size": 10, "max_overflow": 40}  # more than threads serve requests


def connect(url: str) -> Engine:
    """The engine of a database URL. Raises ConfigError for a kind that assay does not know."""
    asked = make_url(url)
    kind = asked.get_backend_name()
    if kind == "postgresql":
        return _postgresql(asked)
    if kind == "sqlite":
        return _sqlite(asked)
    raise ConfigError(
        f"A database of the kind {kind!r} is not known.",
        remedy="Give postgresql://…, or none for SQLite in the data folder.",
    )


def is_unavailable(error: SQLAlchemyError) -> bool:
    """Whether the database could not be asked now (gone, busy, full), so that later may help."""
    if isinstance(error, (OperationalError, InterfaceError, TimeoutError)):
        return True
    told = getattr(getattr(error, "orig", None), "args", ())
    state = told[0].get("C", "") if told and isinstance(told[0], dict) else ""
    return state in LATER_STATES or state[:2] in LATER_CLASSES


def wait_for_turn(connection: Connection) -> None:
    """From here on, no other transaction that waited for its turn writes until this one ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": WRITER_LOCK})


def _postgresql(url: URL) -> Engine:
    arguments = {"ssl_context": _tls(url)}
    url = url.difference_update_query(("sslmode", "sslrootcert"))
    engine = create_engine(
        url,
        connect_args=arguments,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",  # what was written before one's turn is seen
        **POOL,
    )
    event.listen(engine, "connect", _set_up_postgresql)
    return engine


def _tls(url: URL) -> ssl.SSLContext | bool | None:
    """What libpq's `sslmode` and `sslrootcert` ask for.

    None, as without them, encrypts where the server can, and checks nothing; False does not.
    """
    mode, root = (url.query.get(name) for name in ("sslmode", "sslrootcert"))
    if mode in (None, "allow", "prefer"):
        return None
    if mode == "disable":
        return False
    if mode not in ("require", "verify-ca", "verify-full"):
        raise ConfigError(f"The sslmode {mode!r} is none of require, verify-ca, verify-full.")
    try:
        context = ssl.create_default_context(cafile=str(root) if root else None)
    except OSError as error:
        raise ConfigError(f"The certificates in {root} cannot be used: {error}.") from error
    context.check_hostname = mode == "verify-full"
    if mode == "require" and not root:
        context.verify_mode = ssl.CERT_NONE
    return context


def _sqlite(url: URL) -> Engine:
    arguments = {"timeout": BUSY_S, "check_same_thread": False}
    engine = create_engine(url, connect_args=arguments, **POOL)
    event.listen(engine, "connect", _set_up_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _set_up_postgresql(connection: Any, _record: Any) -> None:
    """A process that stops in the middle of writing holds the others up only so long."""
    cursor = connection.cursor()
    cursor.execute(f"SET lock_timeout = '{BUSY_S:.0f}s'")
    cursor.execute(f"SET idle_in_transaction_session_timeout = '{2 * BUSY_S:.0f}s'")
    cursor.execute("SET timezone = 'UTC'")
    connection.commit()
    cursor.close()


def _set_up_sqlite(connection: Any, _record: Any) -> None:
    """Write-ahead log: readers never wait; what was committed survives a loss of power."""
    connection.isolation_level = None  # the driver begins nothing by itself
    # SQLite's own lower() knows ASCII only: the same search would find less than on PostgreSQL.
    connection.create_function("lower", 1, _lower, deterministic=True)
    cursor = connection.cursor()
    _turn_on_log(cursor)
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _turn_on_log(cursor: Any) -> None:
    """Of several that open a new file at once, the others are refused instead of made to wait."""
    deadline = time.monotonic() + BUSY_S
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _begin_sqlite(connection: Connection) -> None:
    """A writer takes the lock at once, or it could fail halfway when another was quicker."""
    reading = connection.get_execution_options().get(READING, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
