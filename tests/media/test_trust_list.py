"""The trust list: which one, how old, and what is said of one that cannot be used."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from assay.media.content_credentials import OFFLINE
from assay.media.trust_list import ANCHORS_VARIABLE, TrustList, not_before, trust_list
from tests.media.tag_makers import Signer

pytest.importorskip("cryptography")


def test_no_variable_means_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ANCHORS_VARIABLE, raising=False)
    assert trust_list(OFFLINE) == (None, "")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "could not be read"),
        (b"", "without PEM"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA", "refused"),
        (bytes(9 * 2**20), "above 8 MB"),
    ],
)
def test_a_list_that_cannot_be_used_is_a_complaint(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "list.pem"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setenv(ANCHORS_VARIABLE, str(path))
    found, complaint = trust_list(OFFLINE)
    assert found is None
    assert said in complaint


def test_the_newest_certificate_dates_the_list(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "list.pem"
    path.write_bytes(b"# two\n" + b"".join(Signer(begun_days_ago=d).anchors_pem for d in (900, 40)))
    os.utime(path, (0, 0))
    monkeypatch.setenv(ANCHORS_VARIABLE, str(path))
    found, complaint = trust_list(OFFLINE)
    assert complaint == ""
    assert found is not None
    assert (found.n_anchors, found.dated_by) == (2, "newest certificate")
    assert found.dated == (datetime.now(UTC) - timedelta(days=40)).date()
    assert found.age_days() in (40, 41)


def test_the_age_counts_whole_days_and_never_below_zero() -> None:
    found = TrustList("", "a", "0", 1, date(2025, 1, 1), "file")
    assert found.age_days(date(2026, 1, 1)) == 365
    assert found.age_days(date(2024, 1, 1)) == 0


def test_the_start_of_a_certificate_agrees_with_another_library() -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    for days in (1, 500, 9000):
        made = x509.load_pem_x509_certificate(Signer(begun_days_ago=days).anchors_pem)
        found = not_before(made.public_bytes(Encoding.DER))
        assert found == made.not_valid_before_utc.date()


def test_bytes_that_are_no_certificate_have_no_start() -> None:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding

    made = x509.load_pem_x509_certificate(Signer().anchors_pem).public_bytes(Encoding.DER)
    for end in range(0, 60):
        assert not_before(made[:end]) is None
    assert not_before(b"\x30\x84\xff\xff\xff\xff") is None
    assert not_before(b"\x30\x80" * 50) is None
