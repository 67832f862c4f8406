"""Who asks: the one on this machine, the holder of an API key, or a session of the page."""

from __future__ import annotations

from dataclasses import dataclass

from assay.web.refusals import ForbiddenError

EXAMINE, READ, ADMIN = SCOPES = ("examine", "read", "admin")


@dataclass(frozen=True, slots=True)
class Actor:
    """`name` stands in the audit log; `owner` is whose examinations are seen.

    `scopes`: `examine` sends, cancels and deletes, `read` reads, `admin` sees every owner's, the
    audit log and the keys. `key_id` is None without auth.
    """

    name: str
    owner: str
    scopes: frozenset[str]
    key_id: str | None = None

    def require(self, scope: str) -> None:
        """Raise ForbiddenError unless this scope, or `admin`, was given."""
        if scope not in self.scopes and ADMIN not in self.scopes:
            raise ForbiddenError(f"The key has no scope {scope!r}.")

    def sees(self, owner: str) -> bool:
        """Whether what belongs to `owner` is shown to this one."""
        return owner == self.owner or ADMIN in self.scopes


LOCAL = Actor("local", "local", frozenset(SCOPES))
SERVICE = Actor("service", "local", frozenset(SCOPES))
