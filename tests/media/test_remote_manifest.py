"""Fetching a manifest: how much of a guarded request it may take (the guard has its own tests)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from assay.media import guarded_request, remote_manifest
from assay.media.guarded_request import Answer


def answering(pieces: list[bytes], asked: dict[str, Any]) -> Callable[..., Answer]:
    def get(address: str, sink: Callable[[bytes], object], **bounds: Any) -> Answer:
        asked.update(bounds)
        for piece in pieces:
            sink(piece)
        return Answer(200, address + "/moved", sum(map(len, pieces)))

    return get


def test_the_bytes_come_whole_with_the_address_that_gave_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(guarded_request, "get", answering([b"ab", b"c"], asked))
    found = remote_manifest.fetch("http://a.example", time.monotonic() + 5)
    assert (found.data, found.address) == (b"abc", "http://a.example/moved")
    assert asked["max_bytes"] == remote_manifest.MAX_MANIFEST_BYTES
    assert asked["allowed"] is remote_manifest.is_public


def test_it_takes_no_longer_than_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}
    monkeypatch.setattr(guarded_request, "get", answering([], asked))
    remote_manifest.fetch("http://a.example", time.monotonic() + 1000)
    assert asked["until"] <= time.monotonic() + remote_manifest.FETCH_LIMIT_S


def test_a_neighbour_is_not_asked() -> None:
    with pytest.raises(remote_manifest.FetchError) as caught:
        remote_manifest.fetch("http://127.0.0.1:9999/", time.monotonic() + 5)
    assert caught.value.code == "private_address"
