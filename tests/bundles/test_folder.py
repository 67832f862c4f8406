from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from assay.bundles.folder import hash_of, load_bundle_folder, load_card_of, reading_of
from assay.errors import BundleMismatchError, BundleMissingError

from .made import graph, make_folder

Spoil = Callable[[Path], Any]


def test_a_whole_folder_is_opened(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "a\nb")
    card, network = load_bundle_folder(folder)
    given = np.full((2, 16, 16, 3), 51, np.uint8)
    assert network.run(given)["logit"] == pytest.approx([2.0, 2.0], abs=1e-5)
    assert hash_of(folder) == card.network_sha256
    reading = reading_of(card)
    assert (reading.kind, reading.n_frames, reading.max_faces) == ("face", 8, 2)


def test_it_is_opened_once_and_again_after_it_was_written_anew(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    first = load_bundle_folder(folder)
    assert load_bundle_folder(folder)[1] is first[1]
    make_folder(tmp_path, model=graph(factor=20.0), version="2")
    card, network = load_bundle_folder(folder)
    assert card.version == "2"
    assert network.run(np.full((1, 16, 16, 3), 51, np.uint8))["logit"][0] == pytest.approx(4.0)


@pytest.mark.parametrize("name", ["card.json", "network.onnx"])
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    (folder / name).unlink()
    with pytest.raises(BundleMissingError, match=name):
        load_bundle_folder(folder)


def change(**fields: Any) -> Spoil:
    def spoil(folder: Path) -> None:
        path = folder / "card.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | fields))

    return spoil


def calibration(**fields: Any) -> Spoil:
    def spoil(folder: Path) -> None:
        raw = json.loads((folder / "card.json").read_text())
        change(calibration=raw["calibration"] | fields)(folder)

    return spoil


def card_text(text: str) -> Spoil:
    return lambda folder: (folder / "card.json").write_text(text)


def longer(folder: Path) -> None:
    path = folder / "network.onnx"
    path.write_bytes(path.read_bytes() + b"\0")


def remade(**arguments: Any) -> Spoil:
    def spoil(folder: Path) -> None:
        make_folder(folder, **arguments)

    return spoil


def elsewhere() -> onnx.ModelProto:
    """A network that wants another file of the machine as its weights."""
    model = graph()
    tensor = model.graph.initializer[0]
    tensor.ClearField("float_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../../etc/passwd")
    return model


def rubbish(folder: Path) -> None:
    import hashlib

    (folder / "network.onnx").write_bytes(b"no network at all")
    change(network_sha256=hashlib.sha256(b"no network at all").hexdigest())(folder)


SPOILED: dict[str, tuple[Spoil, str]] = {
    "another hash": (longer, "SHA-256"),
    "no json": (card_text("{"), "cannot be read"),
    "a list": (card_text("[]"), "cannot be read"),
    "no text": (lambda f: (f / "card.json").write_bytes(b"\xff\xfe\0"), "cannot be read"),
    "nested deeply": (card_text("[" * 100_000), "deeply|cannot be read"),
    "another recipe": (change(recipe={"size_px": 32}), "fingerprint"),
    "a short fingerprint": (change(recipe_fingerprint="a"), "fingerprint"),
    "recipe no object": (change(recipe=[1]), "objects"),
    "name no text": (change(name=3), "texts"),
    "no name": (change(name=""), "texts"),
    "kind unknown": (change(kind="smell"), "smell"),
    "kind a list": (change(kind=["face"]), "kind"),
    "aggregation unknown": (change(aggregation={"over_frames": "median"}), "median"),
    "aggregation of text": (change(aggregation={"above": "much"}), "aggregation"),
    "aggregation a list": (change(aggregation=[]), "aggregation"),
    "no frames": (change(n_frames=0), "n_frames"),
    "frames no number": (change(n_frames="many"), "n_frames"),
    "faces endless": (change(max_faces=10**9), "max_faces"),
    "scale no number": (calibration(scale="1"), "no number"),
    "scale not finite": (calibration(scale=float("nan")), "no number"),
    "scale turned": (calibration(scale=-1.0), "no number"),
    "logits of text": (calibration(bona_fide_logits=["a"]), "no number"),
    "no logits": (calibration(bona_fide_logits=[]), "no measurement"),
    "a rate of two": (
        change(operating_points=[{
            "name": "far_1", "threshold": 0.0, "false_alarm_rate": 2.0,
            "detection_rate": None, "measured_on": "",
        }]),
        "rates",
    ),
    "a cut of infinity": (
        change(operating_points=[{
            "name": "far_1", "threshold": float("inf"), "false_alarm_rate": 0.01,
            "detection_rate": None, "measured_on": "",
        }]),
        "cut",
    ),
    "trained on another recipe": (remade(fingerprint="123456789abc"), "trained on recipe"),
    "no logit": (remade(model=graph(output="answer")), "no output"),
    "weights elsewhere": (remade(model=elsewhere()), "another file"),
    "rubbish": (rubbish, "cannot be opened"),
}  # fmt: skip


@pytest.mark.parametrize("name", SPOILED)
def test_a_hostile_folder_is_refused_with_a_reason(name: str, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "bundle")
    spoil, said = SPOILED[name]
    spoil(folder)
    with pytest.raises(BundleMismatchError, match=said):
        load_bundle_folder(folder)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    with (folder / "network.onnx").open("r+b") as file:
        file.truncate(3_000_000_000)  # a hole: it takes no room
    with pytest.raises(BundleMismatchError, match="larger than"):
        load_bundle_folder(folder)
    with (folder / "card.json").open("r+b") as file:
        file.truncate(40_000_000)
    with pytest.raises(BundleMismatchError, match="larger than"):
        load_card_of(folder)
