"""API keys: shown once, kept as SHA-256, scoped, expiring, revoked at once.

A key reads `assay_<id>_<secret>`. Its secret holds 256 random bits, so a plain hash is enough:
slow hashes protect what people choose (docs/decisions/055).
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Row, delete, insert, select, update

from assay.report.sanitise import visible
from assay.web.actor import SCOPES, Actor
from assay.web.refusals import ConflictError, NotFoundError, UnprocessableError
from assay.web.store import audit
from assay.web.store.database import Store, now
from assay.web.store.schema import keys, sessions

PREFIX = "assay"
MAX_NAME = 80
MAX_KEY = 200  # characters; whatever is longer is no key
USED_EVERY_S = 60.0
MOST = {"expires_in_s": 100 * 366 * 86400, "requests_per_minute": 10**6, "max_upload_bytes": 2**50}
OWNER = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._@-]{0,79}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Key:
    """One key without its secret; None is no limit of its own. Times are seconds since 1970."""

    id: str
    name: str
    owner: str
    scopes: tuple[str, ...]
    requests_per_minute: int | None
    max_upload_bytes: int | None
    created_at: float
    expires_at: float | None
    revoked_at: float | None
    used_at: float | None

    def actor(self) -> Actor:
        """Who asks with it: the id stands in the name, since names can be given twice."""
        return Actor(f"{self.name} ({self.id})", self.owner, frozenset(self.scopes), self.id)

    def is_valid(self, time_s: float) -> bool:
        """Whether it was neither revoked nor has run out."""
        return self.revoked_at is None and (self.expires_at is None or time_s < self.expires_at)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a new key may do; examinations are seen by every key of the same `owner`."""

    name: str
    owner: str
    scopes: Sequence[str] = ("examine", "read")
    expires_in_s: float | None = None
    requests_per_minute: int | None = None
    max_upload_bytes: int | None = None


def create(store: Store, by: Actor, terms: Terms) -> tuple[Key, str]:
    """A new key and its text, which is never shown again. Raises UnprocessableError."""
    _require_good(terms)
    id_ = secrets.token_hex(8)
    text = f"{PREFIX}_{id_}_{secrets.token_urlsafe(32)}"
    row = {
        "id": id_,
        "name": terms.name,
        "owner": terms.owner,
        "sha256": _sha256(text),
        "scopes": sorted(set(terms.scopes)),
        "requests_per_minute": terms.requests_per_minute,
        "max_upload_bytes": terms.max_upload_bytes,
        "created_at": now(),
        "expires_at": None if terms.expires_in_s is None else now() + terms.expires_in_s,
    }
    detail = {name: row[name] for name in ("name", "owner", "scopes", "expires_at")}
    with store.writing() as connection:
        connection.execute(insert(keys).values(**row))
        audit.write(connection, by, "key_created", id_, None, detail)
        held = connection.execute(select(keys).where(keys.c.id == id_)).one()
    return as_key(held), text


def revoke(store: Store, by: Actor, id_: str) -> Key:
    """End a key and its sessions; the next request with it is refused.

    Raises NotFoundError, ConflictError where that was done before.
    """
    c = keys.c
    with store.writing() as connection:
        values = {"revoked_at": now()}
        standing = update(keys).where(c.id == id_, c.revoked_at.is_(None)).values(**values)
        done = connection.execute(standing).rowcount
        row = connection.execute(select(keys).where(c.id == id_)).one_or_none()
        if row is None:
            raise NotFoundError(f"There is no key {visible(id_[:40])!r}.")
        if not done:
            raise ConflictError(f"The key {id_} is revoked already.")
        connection.execute(delete(sessions).where(sessions.c.key_id == id_))
        audit.write(connection, by, "key_revoked", id_, None, {"name": row.name})
    return as_key(row)


def every(store: Store) -> list[Key]:
    """All keys, the oldest first, with those that are not valid any more."""
    with store.reading() as connection:
        rows = connection.execute(select(keys).order_by(keys.c.created_at, keys.c.id)).all()
    return [as_key(row) for row in rows]


def find(store: Store, text: str) -> Key | None:
    """The valid key of this text; None where there is none. Notes that it was used."""
    id_ = id_of(text)
    if not id_:
        return None
    with store.reading() as connection:
        row = connection.execute(select(keys).where(keys.c.id == id_)).one_or_none()
    # compared also where there is none: the time taken tells nothing of which ids exist
    same = hmac.compare_digest(_sha256(text), row.sha256 if row is not None else "0" * 64)
    if row is None or not same:
        return None
    key, time_s = as_key(row), now()
    if not key.is_valid(time_s):
        return None
    if key.used_at is None or key.used_at < time_s - USED_EVERY_S:
        note_use(store, id_, time_s)
    return key


def note_use(store: Store, id_: str, time_s: float) -> None:
    """Write down that a key was used."""
    with store.writing() as connection:
        connection.execute(update(keys).where(keys.c.id == id_).values(used_at=time_s))


def id_of(text: str) -> str:
    """The id within a key's text; empty where the text is no key."""
    parts = text.split("_", 2)
    fits = len(parts) == 3 and parts[0] == PREFIX and len(text) <= MAX_KEY and text.isascii()
    return parts[1] if fits and re.fullmatch(r"[0-9a-f]{16}", parts[1]) else ""


def as_key(row: Row[Any]) -> Key:
    """A row of `keys`, or of a join with it."""
    values = {field.name: getattr(row, field.name) for field in fields(Key)}
    return Key(**{**values, "scopes": tuple(row.scopes)})


def _require_good(terms: Terms) -> None:
    if not 0 < len(terms.name) <= MAX_NAME or visible(terms.name) != terms.name:
        raise UnprocessableError(f"A key's name has 1 to {MAX_NAME} visible characters.")
    if OWNER.fullmatch(terms.owner) is None:
        raise UnprocessableError("An owner has 1 to 80 letters, digits, spaces and . _ @ -")
    unknown = sorted(set(terms.scopes) - set(SCOPES))
    if unknown or not terms.scopes:
        raise UnprocessableError(f"Scopes are {', '.join(SCOPES)}; got {unknown or 'none'}.")
    for name, most in MOST.items():
        value = getattr(terms, name)
        if value is not None and not 0 < value <= most:
            raise UnprocessableError(f"{name} must be above zero and at most {most:g}.")


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
