from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from assay.bundles import bundle_folder, bundle_names, load_card, network, open_network, verify
from assay.errors import BundleMismatchError, BundleMissingError
from tests.verdict.doubles import install_cards

SMALLEST = "face_finder_short_range"


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of one shipped bundle, installed alone as `copied`."""
    folder = tmp_path / "copied"
    shutil.copytree(bundle_folder(SMALLEST), folder)
    install_cards(monkeypatch, tmp_path)
    network._opened.cache_clear()
    yield folder
    network._opened.cache_clear()


def tamper(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("name", bundle_names())
def test_every_shipped_bundle_verifies(name: str) -> None:
    data = (bundle_folder(name) / "network.onnx").read_bytes()
    assert verify(name) == hashlib.sha256(data).hexdigest() == load_card(name).network_sha256


@pytest.mark.parametrize("name", bundle_names())
def test_every_shipped_network_carries_its_cards_recipe(name: str) -> None:
    card = load_card(name)
    if card.recipe_fingerprint == "none":
        assert card.recipe == {}
        return
    opened = open_network(name, card.recipe_fingerprint)
    assert opened.metadata["recipe_fingerprint"] == card.recipe_fingerprint


def test_one_changed_bit_is_refused(copied: Path) -> None:
    assert verify("copied") == load_card("copied").network_sha256
    tamper(copied / "network.onnx")
    with pytest.raises(BundleMismatchError, match="SHA-256"):
        verify("copied")
    with pytest.raises(BundleMismatchError, match="SHA-256"):
        open_network("copied")


def test_a_refused_network_is_refused_again(copied: Path) -> None:
    tamper(copied / "network.onnx")
    for _ in range(2):
        with pytest.raises(BundleMismatchError):
            open_network("copied")


def test_a_card_without_its_network_is_missing(copied: Path) -> None:
    (copied / "network.onnx").unlink()
    with pytest.raises(BundleMissingError, match="no network"):
        open_network("copied")
    shutil.rmtree(copied)
    with pytest.raises(BundleMissingError, match="not installed"):
        open_network("copied")


def test_a_recipe_that_the_network_was_not_trained_on_is_refused(copied: Path) -> None:
    with pytest.raises(BundleMismatchError, match=r"cuts by recipe abc.*trained on none"):
        open_network("copied", "abc")
    assert open_network("copied", "none") is open_network("copied")


def test_a_network_is_opened_once_and_answers_by_name(copied: Path) -> None:
    opened = open_network("copied")
    assert opened is open_network("copied")
    outputs = opened.run(np.zeros((1, 128, 128, 3), np.float32))
    assert set(outputs) == set(opened.output_names)
    assert all(np.isfinite(value).all() for value in outputs.values())


def test_verify_can_look_into_any_folder(copied: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "new"
    shutil.copytree(copied, elsewhere)
    assert verify("copied", elsewhere) == load_card("copied", elsewhere).network_sha256
    tamper(elsewhere / "network.onnx")
    with pytest.raises(BundleMismatchError):
        verify("copied", elsewhere)
    assert verify("copied")


def test_threads_are_those_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    class Counted(network.Network):
        def __init__(self, path: Path, threads: int = 0) -> None:
            asked.append(threads)
            super().__init__(path, threads)

    monkeypatch.setattr(network, "Network", Counted)
    monkeypatch.setattr(network, "SMALL_NETWORK_BYTES", 0)
    network.use_threads(3)
    try:
        network.open_network("face_mesh")
    finally:
        network.use_threads(0)
        network._opened.cache_clear()
    assert asked == [3]
