"""The list of signers to trust: which one is installed, how old it is, whether it can be used."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from assay.media.tag_text import clean_text

ANCHORS_VARIABLE = "ASSAY_C2PA_TRUST_ANCHORS"
MAX_ANCHORS_BYTES = 8 * 2**20
OLD_DAYS = 365
_CERTIFICATE = re.compile(
    rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]{1,100000}?)-----END CERTIFICATE-----"
)


@dataclass(frozen=True, slots=True)
class TrustList:
    """The installed anchors as `pem` text, and what they are.

    `dated` is the day on which the newest certificate begins to be valid: no list can be older
    than that. Where no certificate tells one, it is the day on which the file was last written
    (`dated_by` says which).
    """

    pem: str
    name: str
    sha256: str
    n_anchors: int
    dated: date
    dated_by: str

    def age_days(self, today: date | None = None) -> int:
        """Days since `dated`, never below zero."""
        today = today or datetime.now(UTC).date()
        return max(0, (today - self.dated).days)

    def values(self) -> dict[str, Any]:
        """What a report says of the list."""
        return {
            "name": self.name,
            "sha256": self.sha256,
            "n_anchors": self.n_anchors,
            "date": self.dated.isoformat(),
            "date_of": self.dated_by,
            "age_days": self.age_days(),
        }


def trust_list(settings: dict[str, Any]) -> tuple[TrustList | None, str]:
    """The list that ASSAY_C2PA_TRUST_ANCHORS names (None without one) and what was wrong with it.

    `settings` are those of the reader, which must accept the list.
    """
    place = os.environ.get(ANCHORS_VARIABLE, "").strip()
    if not place:
        return None, ""
    try:
        with Path(place).open("rb") as file:
            data = file.read(MAX_ANCHORS_BYTES + 1)
            written = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC).date()
        if len(data) > MAX_ANCHORS_BYTES:
            return None, f"{ANCHORS_VARIABLE} names a file above {MAX_ANCHORS_BYTES >> 20} MB."
        found = _list_of(Path(place).name, data, written)
        if found is None:
            return None, f"{ANCHORS_VARIABLE} names a file without PEM certificates."
        import c2pa

        c2pa.Context.from_dict({**settings, "trust": {"trust_anchors": found.pem}}).close()
    except OSError as problem:
        return None, f"{ANCHORS_VARIABLE} could not be read: {problem.strerror}."
    except Exception as problem:
        return None, f"{ANCHORS_VARIABLE} was refused: {clean_text(problem, 120)}."
    return found, ""


def _list_of(name: str, data: bytes, written: date) -> TrustList | None:
    if b"BEGIN CERTIFICATE" not in data:
        return None
    certificates = list(_certificates(data))
    begins = [day for der in certificates if (day := not_before(der)) is not None]
    return TrustList(
        pem=data.decode("utf-8", "replace"),
        name=clean_text(name, 120),
        sha256=hashlib.sha256(data).hexdigest(),
        n_anchors=len(certificates),
        dated=max(begins, default=written),
        dated_by="newest certificate" if begins else "file",
    )


def _certificates(data: bytes) -> Iterator[bytes]:
    for found in _CERTIFICATE.finditer(data):
        try:
            yield base64.b64decode(b"".join(found[1].split()), validate=True)
        except binascii.Error:
            continue


def not_before(der: bytes) -> date | None:
    """The day on which an X.509 certificate (DER bytes) begins to be valid; None where unreadable.

    Source: RFC 5280, section 4.1: the validity is the fifth field of the signed part, after an
    optional version, the serial number, the algorithm and the issuer.
    """
    try:
        fields = _fields(_fields(_fields(der)[0][1])[0][1])
        if fields[0][0] == 0xA0:  # the version, told only where it is not the first
            fields = fields[1:]
        tag, text = _fields(fields[3][1])[0]
        digits = text.decode("ascii")
        if tag == 0x17:  # UTCTime: two digits of the year, 50 to 99 lie in the last century
            digits = ("19" if digits[:2] >= "50" else "20") + digits
        return datetime.strptime(digits[:8], "%Y%m%d").date()
    except (IndexError, ValueError):
        return None


def _fields(body: bytes, most: int = 12) -> list[tuple[int, bytes]]:
    """The (tag, content) of the first DER elements that lie side by side in `body`."""
    found: list[tuple[int, bytes]] = []
    at = 0
    while at + 2 <= len(body) and len(found) < most:
        tag, length = body[at], body[at + 1]
        at += 2
        if length & 0x80:
            n_bytes = length & 0x7F
            length = int.from_bytes(body[at : at + n_bytes], "big")
            at += n_bytes
        if at + length > len(body):
            raise ValueError("a DER element is cut short")
        found.append((tag, body[at : at + length]))
        at += length
    return found
