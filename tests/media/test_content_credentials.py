from __future__ import annotations

import time
from pathlib import Path

import pytest

from assay.media.content_credentials import (
    STORE_MARK,
    OutOfTimeError,
    holds_store,
    read_store,
    source_types,
    store_values,
)
from tests.media.tag_makers import Signer, jpeg

pytest.importorskip("cryptography")


@pytest.fixture(scope="module")
def signed() -> bytes:
    return Signer().sign(jpeg(), "trainedAlgorithmicMedia")


def test_a_store_is_read_whatever_the_type_says(tmp_path: Path, signed: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(signed)
    for media_type in ("image/jpeg", "image/png", "nonsense"):
        report, state = read_store(path, media_type, "", time.monotonic() + 30)
        assert (report is not None, state) == (True, "Valid")


def test_no_time_left_raises(tmp_path: Path, signed: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(signed)
    with pytest.raises(OutOfTimeError):
        read_store(path, "image/jpeg", "", time.monotonic() - 1)


def test_the_mark_is_what_the_library_writes(tmp_path: Path, signed: bytes) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(signed)
    assert holds_store(path)
    path.write_bytes(jpeg())
    assert not holds_store(path)
    path.write_bytes(bytes(5000) + STORE_MARK)
    assert holds_store(path, span_bytes=100)
    assert not holds_store(tmp_path / "missing")


def test_source_types_anywhere_in_a_tree() -> None:
    tree = [{"data": {"actions": [{"digitalSourceType": "a"}], "x": {"DigitalSourceType": "b"}}}]
    assert sorted(source_types(tree)) == ["a", "b"]
    assert source_types([{"digitalSourceType": 3}]) == []
    deep: list[object] = []
    for _ in range(50_000):
        deep = [deep]
    assert source_types(deep) == []


@pytest.mark.parametrize(
    "report", [{}, {"manifests": 3}, {"active_manifest": "a", "manifests": {"a": ["b"]}}]
)
def test_a_report_of_any_form_gives_values(report: dict[str, object]) -> None:
    assert isinstance(store_values(report), dict)
