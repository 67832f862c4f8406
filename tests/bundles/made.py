"""Bundles in folders, made by hand: an ONNX graph of a few nodes and a card that fits it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper

from assay.inputs.face import FaceInput
from assay.inputs.patch import PatchInput
from assay.inputs.waveform import WaveformInput

RECIPES: dict[str, Any] = {
    "face": FaceInput(size_px=16, scale=1.3),
    "picture": PatchInput(size_px=64, n_patches=4),
    "voice": WaveformInput(length_s=1.0),
}
CALIBRATION = {
    "scale": 1.5,
    "bias": 0.25,
    "bona_fide_logits": [round(float(v), 3) for v in np.linspace(-6, 0, 200)],
    "interval_width_logit": 0.3,
    "fitted_on": "200 made items",
}
POINTS = [
    {
        "name": name,
        "threshold": cut,
        "false_alarm_rate": rate,
        "detection_rate": 0.5,
        "measured_on": "200 made items",
    }
    for name, rate, cut in (("far_1", 0.01, -0.05), ("far_5", 0.05, -0.3))
]


def graph(
    kind: str = "face",
    *,
    inputs: int = 1,
    factor: float = 10.0,
    offset: float = 0.0,
    output: str = "logit",
    fixed: bool = False,
    nodes: Sequence[Any] = (),
    shape: Sequence[Any] | None = None,
    mask: bool = False,
) -> onnx.ModelProto:
    """A network whose logit is the mean of its input (of pictures in [0, 1]), times `factor`,
    plus `offset`."""
    recipe = RECIPES[kind]
    sizes = [recipe.n_samples] if kind == "voice" else [recipe.size_px, recipe.size_px, 3]
    element = TensorProto.FLOAT if kind == "voice" else TensorProto.UINT8
    given = [
        helper.make_tensor_value_info(f"in{i}", element, shape or [1 if fixed else "n", *sizes])
        for i in range(inputs)
    ]
    axes = list(range(1, 1 + len(shape[1:] if shape else sizes)))
    divide = 1.0 if kind == "voice" else 255.0
    made = [
        helper.make_node("Cast", ["in0"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["x"], ["m"], axes=axes, keepdims=0),
        helper.make_node("Mul", ["m", "factor"], ["scaled"]),
        helper.make_node("Add", ["scaled", "offset"], [output]),
        *nodes,
    ]
    outs = [helper.make_tensor_value_info(output, TensorProto.FLOAT, ["n"])]
    if mask:
        made += [
            helper.make_node("ReduceMean", ["x"], ["grey"], axes=[3], keepdims=0),
            helper.make_node("Mul", ["grey", "share"], ["mask"]),
        ]
        outs.append(helper.make_tensor_value_info("mask", TensorProto.FLOAT, ["n", "h", "w"]))
    constants = [
        helper.make_tensor("factor", TensorProto.FLOAT, [], [factor / divide]),
        helper.make_tensor("offset", TensorProto.FLOAT, [], [offset]),
        helper.make_tensor("share", TensorProto.FLOAT, [], [1 / 255]),
    ]
    body = helper.make_graph(made, "made", given, outs, constants)
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def make_folder(
    folder: Path,
    kind: str = "face",
    *,
    model: onnx.ModelProto | None = None,
    calibrated: bool = True,
    fingerprint: str | None = None,
    **changes: Any,
) -> Path:
    """A folder with network.onnx and card.json; `changes` are fields of the card."""
    folder.mkdir(parents=True, exist_ok=True)
    recipe = RECIPES[kind]
    network = model or graph(kind)
    network.metadata_props.add(key="recipe_fingerprint", value=fingerprint or recipe.fingerprint)
    content = network.SerializeToString()
    (folder / "network.onnx").write_bytes(content)
    card = {
        "name": "made_net",
        "version": "1",
        "network_sha256": hashlib.sha256(content).hexdigest(),
        "recipe": asdict(recipe),
        "recipe_fingerprint": recipe.fingerprint,
        "licence": "CC0",
        "net": "simple_cnn",
        "kind": kind,
        "aggregation": {"over_frames": "mean_logit", "over_people": "max", "above": 0.55},
        "n_frames": 8,
        "max_faces": 2,
        "paper": "a paper",
        "trained_on": [{"set": "made set", "files": 9}],
        "calibration": CALIBRATION if calibrated else None,
        "operating_points": POINTS if calibrated else [],
        "heatmap": {"faithful": False},
        **changes,
    }
    (folder / "card.json").write_text(json.dumps(card))
    return folder
