"""Sessions of the page: opened with a key, ended with it; the browser holds a random word.

The database holds the word's SHA-256, so that who reads the database cannot use a session.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import delete, insert, select

from assay.web.store import audit
from assay.web.store.database import Store, now
from assay.web.store.keys import Key, as_key
from assay.web.store.schema import keys, sessions

LASTS_S = 12 * 3600.0
# Browsers accept the first name only over https, from this host, for all of it.
SECURE_COOKIE, PLAIN_COOKIE = "__Host-assay_session", "assay_session"
MAX_TOKEN = 100  # characters


@dataclass(frozen=True, slots=True)
class Session:
    """One open session; `csrf` is what its forms carry."""

    sha256: str
    csrf: str
    expires_at: float


def cookie(cookies: Mapping[str, str], *, secure: bool) -> str:
    """The session's word among a request's cookies; empty where there is none.

    Behind https (`secure`) the plain name does not count: another host of the same domain, or
    someone on the network, could have planted it.
    """
    found = cookies.get(SECURE_COOKIE if secure else PLAIN_COOKIE, "")
    return found if len(found) <= MAX_TOKEN else ""


def start(store: Store, key: Key, lasts_s: float = LASTS_S) -> tuple[str, Session]:
    """Open a session for the holder of a valid key: the word for the cookie, and the session."""
    word, time_s = secrets.token_urlsafe(32), now()
    ends = time_s + lasts_s if key.expires_at is None else min(time_s + lasts_s, key.expires_at)
    opened = Session(_sha256(word), secrets.token_urlsafe(32), ends)
    row = {"sha256": opened.sha256, "csrf": opened.csrf, "expires_at": ends}
    with store.writing() as connection:
        connection.execute(insert(sessions).values(**row, key_id=key.id, created_at=time_s))
        audit.write(connection, key.actor(), "sign_in", key.id, None, {})
    return word, opened


def find(store: Store, word: str) -> tuple[Key, Session] | None:
    """The session of this word and its key, while both are valid."""
    c, time_s = sessions.c, now()
    asked = (
        select(keys, c.sha256.label("session"), c.csrf, c.expires_at.label("session_ends"))
        .join(keys, keys.c.id == c.key_id)
        .where(c.sha256 == _sha256(word), c.expires_at > time_s)
    )
    with store.reading() as connection:
        row = connection.execute(asked).one_or_none()
    if row is None or not as_key(row).is_valid(time_s):
        return None
    return as_key(row), Session(row.session, row.csrf, row.session_ends)


def end(store: Store, word: str) -> bool:
    """End a session; False where there was none."""
    found = find(store, word)
    with store.writing() as connection:
        gone = delete(sessions).where(sessions.c.sha256 == _sha256(word))
        done = bool(connection.execute(gone).rowcount)
        if done and found is not None:
            audit.write(connection, found[0].actor(), "sign_out", found[0].id, None, {})
    return done


def _sha256(word: str) -> str:
    return hashlib.sha256(word.encode("utf-8", "surrogateescape")).hexdigest()
