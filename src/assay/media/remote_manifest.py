"""Fetch a manifest from the address that a file names: only when asked to, and never from inside.

What guards the request stands in `guarded_request`; here is how much of it a manifest may take.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from assay.media import guarded_request
from assay.media.guarded_request import (
    MAX_ADDRESS_CHARS,
    MAX_REDIRECTS,
    Allowed,
    FetchError,
    is_public,
)

__all__ = ["MAX_ADDRESS_CHARS", "MAX_REDIRECTS", "FetchError", "Fetched", "fetch", "is_public"]

MAX_MANIFEST_BYTES = 16 * 2**20
FETCH_LIMIT_S = 20.0


@dataclass(frozen=True, slots=True)
class Fetched:
    """The bytes that came, and the address that gave them in the end."""

    data: bytes
    address: str


def fetch(address: str, until: float, allowed: Allowed | None = None) -> Fetched:
    """The bytes at `address`; raises FetchError with the reason for every failure.

    `until` is a time.monotonic(); at most 20 s are spent. `allowed` says of a numeric address
    whether it may be called (default: `is_public`).
    """
    pieces: list[bytes] = []
    answer = guarded_request.get(
        address,
        pieces.append,
        max_bytes=MAX_MANIFEST_BYTES,
        until=min(until, time.monotonic() + FETCH_LIMIT_S),
        allowed=allowed or is_public,
    )
    return Fetched(b"".join(pieces), answer.address)
