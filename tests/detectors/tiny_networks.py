"""Bundles made on the spot: networks of one layer, their cards, and pictures to show them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from assay.bundles import Card, load_card
from assay.bundles import card as card_module
from assay.bundles import network as network_module
from assay.inputs.patch import PatchInput
from assay.inputs.waveform import WaveformInput
from tests.verdict.doubles import write_card

RECIPE = PatchInput(size_px=32)


def write_network(path: Path, features: bool = True, logit: str = "logit") -> str:
    """`logit`: the mean of green - 128, over 8; `features`: 32 times the mean of red over 128.

    Returns the file's SHA-256.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def constant(name: str, values: Any) -> Any:
        return numpy_helper.from_array(np.asarray(values, np.float32), name)

    nodes = [
        helper.make_node("Cast", ["pictures"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("MatMul", ["mean", "pick"], ["green"]),
        helper.make_node("Add", ["green", "shift"], [logit]),
    ]
    outputs = [helper.make_tensor_value_info(logit, TensorProto.FLOAT, ["n"])]
    constants = [constant("pick", [0, 1 / 8, 0]), constant("shift", -16.0)]
    if features:
        nodes.append(helper.make_node("MatMul", ["mean", "spread"], ["features"]))
        outputs.append(helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 32]))
        red = np.zeros((3, 32))
        red[0] = 1 / 128
        constants.append(constant("spread", red))
    pictures = helper.make_tensor_value_info("pictures", TensorProto.UINT8, ["n", "s", "s", 3])
    graph = helper.make_graph(nodes, "tiny", [pictures], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    assert not path.parent.is_symlink(), "this would overwrite a shipped bundle"
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_bundle(
    folder: Path,
    name: str = "synthetic_picture",
    recipe: PatchInput = RECIPE,
    features: bool = True,
    logit: str = "logit",
    **changes: Any,
) -> Card:
    """The bundle in `folder`/`name`, calibrated as `write_card` does."""
    sha256 = write_network(folder / name / "network.onnx", features, logit)
    values = {
        "network_sha256": sha256,
        "recipe": json.loads(json.dumps(asdict(recipe))),
        "recipe_fingerprint": recipe.fingerprint,
    }
    write_card(folder, name, **{**values, **changes})
    return load_card(name, folder / name)


VOICE_RECIPE = WaveformInput(length_s=1.0)


def write_voice_network(path: Path, features: bool = True, logit: str = "logit") -> str:
    """`logit`: ten times the mean of the samples; `features`: 32 times the mean of their squares.

    Returns the file's SHA-256.
    """
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    def constant(name: str, values: Any) -> Any:
        return numpy_helper.from_array(np.asarray(values, np.float32), name)

    nodes = [
        helper.make_node("ReduceMean", ["sound"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("Mul", ["mean", "ten"], [logit]),
    ]
    outputs = [helper.make_tensor_value_info(logit, TensorProto.FLOAT, ["n"])]
    constants = [constant("ten", 10.0)]
    if features:
        nodes += [
            helper.make_node("Mul", ["sound", "sound"], ["power"]),
            helper.make_node("ReduceMean", ["power"], ["level"], axes=[1], keepdims=1),
            helper.make_node("MatMul", ["level", "ones"], ["features"]),
        ]
        outputs.append(helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 32]))
        constants.append(constant("ones", np.ones((1, 32))))
    sound = helper.make_tensor_value_info("sound", TensorProto.FLOAT, ["n", "m"])
    graph = helper.make_graph(nodes, "tiny", [sound], outputs, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    assert not path.parent.is_symlink(), "this would overwrite a shipped bundle"
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(path))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_voice_bundle(
    folder: Path, features: bool = True, logit: str = "logit", **changes: Any
) -> Card:
    """The bundle `voice_synthesis` in `folder`, calibrated as `write_card` does."""
    name = "voice_synthesis"
    sha256 = write_voice_network(folder / name / "network.onnx", features, logit)
    values = {
        "network_sha256": sha256,
        "recipe": asdict(VOICE_RECIPE),
        "recipe_fingerprint": VOICE_RECIPE.fingerprint,
    }
    write_card(folder, name, **{**values, **changes})
    return load_card(name, folder / name)


def landscape(
    height: int = 200, width: int = 300, green: int = 128, red: int = 128, seed: int = 0
) -> np.ndarray:
    """Grain around one colour; (height, width, 3) uint8."""
    grain = np.random.default_rng(seed).integers(-40, 41, (height, width, 3))
    return np.clip(grain + np.array([red, green, 100]), 0, 255).astype(np.uint8)


def use_bundles(folder: Path, monkeypatch: Any, without: str = "synthetic_picture") -> Path:
    """Make `folder` the place of bundles, holding links to the shipped ones but `without`."""
    folder.mkdir(parents=True, exist_ok=True)
    for shipped in card_module.BUNDLES_FOLDER.iterdir():
        if (shipped / "card.json").is_file() and shipped.name != without:
            (folder / shipped.name).symlink_to(shipped)
    monkeypatch.setattr(card_module, "BUNDLES_FOLDER", folder)
    # A cache of its own: what is opened here must not outlive the test.
    own = lru_cache(maxsize=16)(network_module._opened.__wrapped__)
    monkeypatch.setattr(network_module, "_opened", own)
    return folder
