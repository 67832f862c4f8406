from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

import assay
from assay.bundles import bundle_names
from assay.web import engine


@pytest.fixture(autouse=True)
def looked_up_anew() -> Iterator[None]:
    engine.engine_id.cache_clear()
    engine.installed_bundles.cache_clear()
    yield
    engine.engine_id.cache_clear()
    engine.installed_bundles.cache_clear()


def test_the_same_installation_has_the_same_fingerprint() -> None:
    first = engine.engine_id()
    assert re.fullmatch("[0-9a-f]{16}", first)
    engine.engine_id.cache_clear()
    engine.installed_bundles.cache_clear()
    assert engine.engine_id() == first


def test_it_changes_with_the_version_and_with_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    first = engine.engine_id()
    monkeypatch.setattr(assay, "__version__", "0.0.0")
    engine.engine_id.cache_clear()
    second = engine.engine_id()
    monkeypatch.setattr(engine, "installed_bundles", lambda: {"synthetic_picture": "f" * 64})
    engine.engine_id.cache_clear()
    assert len({first, second, engine.engine_id()}) == 3
    monkeypatch.undo()


def test_the_networks_are_named_with_their_hashes() -> None:
    held = engine.installed_bundles()
    assert set(held) <= set(bundle_names())
    assert all(re.fullmatch("[0-9a-f]{64}", sha256) for sha256 in held.values())
    assert list(held) == sorted(held)
