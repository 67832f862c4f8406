"""Requests with an Idempotency-Key: done once, answered as often as they are sent.

What is kept of an answer are ids, not names or hashes: a file that is deleted is gone from here
too, and a repeated request is answered with the present state.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Header

from assay.web.actor import Actor
from assay.web.intake import Received
from assay.web.service import Service
from assay.web.store import idempotency

REPEATED = "Idempotency-Replayed"
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=idempotency.MAX_KEY,
        description="The same request sent twice under one key is done once.",
    ),
]


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a request: `status` is that of the answer, `ids` what it is made from."""

    status: int
    ids: Mapping[str, Any]
    is_repeat: bool = False

    @property
    def headers(self) -> dict[str, str]:
        """What says that the answer is a repeated one."""
        return {REPEATED: "true"} if self.is_repeat else {}


def once(
    service: Service, actor: Actor, key: str | None, fingerprint: str, act: Callable[[], Done]
) -> Done:
    """Do it, or give what came of it before. Raises ConflictError, UnprocessableError."""
    if key is None:
        return act()
    held = idempotency.begin(service.store, actor.owner, key, fingerprint)
    if held is not None:
        return Done(*held, is_repeat=True)
    try:
        done = act()
    except BaseException:
        idempotency.drop(service.store, actor.owner, key)
        raise
    idempotency.answer(service.store, actor.owner, key, done.status, done.ids)
    return done


def fingerprint(what: str, asked: Received | Mapping[str, Any]) -> str:
    """What tells one request from another: its route, its fields and the contents of its files."""
    if isinstance(asked, Received):
        reference = asked.reference and asked.reference.kept.sha256
        files = [(one.name, one.kept.sha256) for one in asked.files]
        asked = {"fields": asked.fields, "files": files, "reference": reference}
    return hashlib.sha256(json.dumps([what, asked], sort_keys=True).encode()).hexdigest()
