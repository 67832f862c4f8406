from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from assay.bundles import bundle_names, card

from .conftest import Answer

Assay = Callable[..., Answer]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundles folder of our own, with one whole bundle `[b]old` in it."""
    monkeypatch.setattr(card, "BUNDLES_FOLDER", tmp_path)
    make_bundle(tmp_path, "[b]old", b"net")
    return tmp_path


def make_bundle(folder: Path, name: str, network: bytes, sha256: str | None = None) -> None:
    (folder / name).mkdir()
    (folder / name / "network.onnx").write_bytes(network)
    raw = {
        "name": name,
        "version": "3",
        "network_sha256": sha256 or hashlib.sha256(network).hexdigest(),
        "recipe": {"size_px": 224},
        "recipe_fingerprint": "f00",
        "licence": "Apache-2.0",
        "calibration": None,
        "operating_points": [
            {
                "name": "far_1",
                "threshold": 0.5,
                "false_alarm_rate": 0.01,
                "detection_rate": 0.6,
                "measured_on": "1,000 faces",
            }
        ],
        "curve": list(range(40)),
    }
    (folder / name / "card.json").write_text(json.dumps(raw))


def test_list_shows_every_installed_bundle(assay: Assay) -> None:
    answer = assay("models", "list", "--json")
    assert tuple(json.loads(line)["name"] for line in answer.out.splitlines()) == bundle_names()
    assert bundle_names()
    assert all(name in assay("models", "list").out for name in bundle_names())


def test_texts_of_a_card_are_no_markup(assay: Assay, folder: Path) -> None:
    assert "[b]old" in assay("models", "list").out


def test_a_card_that_cannot_be_read_is_listed_with_its_problem(assay: Assay, folder: Path) -> None:
    (folder / "torn").mkdir()
    (folder / "torn" / "card.json").write_text("{")
    rows = [json.loads(line) for line in assay("models", "list", "--json").out.splitlines()]
    assert "cannot be read" in rows[1]["problem"]
    assert assay("models", "verify").code == 4


def test_info_shows_the_card(assay: Assay, folder: Path) -> None:
    out = assay("models", "info", "[b]old").out
    for text in ("recipe.size_px", "224", "operating_points.far_1.threshold", "40 values"):
        assert text in out
    assert json.loads(assay("models", "info", "[b]old", "--json").out)["version"] == "3"


def test_an_unknown_bundle_names_the_nearest(assay: Assay, folder: Path) -> None:
    for command in ("info", "verify"):
        answer = assay("models", command, "[b]odl")
        assert answer.code == 2
        assert "'[b]old'" in answer.err


def test_verify_accepts_what_is_installed(assay: Assay) -> None:
    answer = assay("models", "verify", "--json")
    states = [json.loads(line) for line in answer.out.splitlines()]
    assert answer.code == 0
    assert {state["state"] for state in states} == {"ok"}
    assert all(len(state["sha256"]) == 64 for state in states)


def test_verify_refuses_a_changed_network(assay: Assay, folder: Path) -> None:
    make_bundle(folder, "changed", b"other", sha256="0" * 64)
    answer = assay("models", "verify", "--json")
    states = {line["name"]: line["state"] for line in map(json.loads, answer.out.splitlines())}
    assert states == {"[b]old": "ok", "changed": "bundle_mismatch"}
    assert answer.code == 4
    assert assay("models", "verify", "[b]old").code == 0
    assert assay("models", "verify", "changed").code == 4


def test_no_bundle_at_all_is_a_broken_installation(
    assay: Assay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(card, "BUNDLES_FOLDER", tmp_path / "nothing")
    assert assay("models", "verify").code == 4


def test_folders_of_ours_are_listed_explained_and_verified(assay: Assay, tmp_path: Path) -> None:
    from tests.bundles.made import make_folder

    first = make_folder(tmp_path / "one")
    second = make_folder(tmp_path / "run" / "bundle", name="[b]other")
    rows = [
        json.loads(line)
        for line in assay("models", "list", str(tmp_path), "--json").out.splitlines()
    ]
    assert [row["name"] for row in rows] == [str(first), str(second)]
    assert "[b]other" in assay("models", "info", str(second)).out
    assert assay("models", "verify", str(first), str(second)).code == 0
    (first / "network.onnx").write_bytes(b"other")
    answer = assay("models", "verify", str(first), "--json")
    assert answer.code == 4
    assert json.loads(answer.out)["state"] == "bundle_mismatch"


def test_a_folder_without_a_bundle_is_wrong_usage(assay: Assay, tmp_path: Path) -> None:
    assert assay("models", "list", str(tmp_path)).code == 2
    assert assay("models", "list", str(tmp_path / "none")).code == 2
    assert assay("models", "info", str(tmp_path / "none")).code == 2
