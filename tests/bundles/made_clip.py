"""Bundles of kind "clip" in folders: the light of each frame is what the network says of it."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from assay.inputs.clip import ClipInput
from assay.inputs.lip_clip import LipClipInput
from tests.bundles.made import make_folder

CLIP = ClipInput(size_px=16, n_frames=32)
LIPS = LipClipInput(size_px=16, n_frames=25)


def clip_graph(recipe: Any, durations: int = 6, factor: float = 1.0) -> onnx.ModelProto:
    """`logit`: the mean light in [0, 1] times ten; with `durations`, `boundary_map` (n, d, t): the
    light of the frame at which a proposal begins, times `factor`."""
    side, t = recipe.size_px, recipe.n_frames
    given = [
        helper.make_tensor_value_info("frames", TensorProto.UINT8, ["n", t, side, side, 3]),
        helper.make_tensor_value_info(
            "mel", TensorProto.FLOAT, ["n", recipe.n_mels, recipe.n_columns]
        ),
    ]
    nodes = [
        helper.make_node("Cast", ["frames"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["x"], ["light"], axes=[2, 3, 4], keepdims=0),
        helper.make_node("ReduceMean", ["light"], ["mean"], axes=[1], keepdims=0),
        helper.make_node("Mul", ["mean", "ten"], ["logit"]),
    ]
    outs = [helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["n"])]
    constants = [helper.make_tensor("ten", TensorProto.FLOAT, [], [10 / 255])]
    if durations:
        ones = np.ones((1, durations, 1), np.float32) * factor / 255
        constants += [
            numpy_helper.from_array(ones, "ones"),
            numpy_helper.from_array(np.array([1]), "axis"),
        ]
        nodes += [
            helper.make_node("Unsqueeze", ["light", "axis"], ["row"]),
            helper.make_node("Mul", ["row", "ones"], ["boundary_map"]),
        ]
        outs.append(
            helper.make_tensor_value_info("boundary_map", TensorProto.FLOAT, ["n", "d", "t"])
        )
    body = helper.make_graph(nodes, "made", given, outs, constants)
    return helper.make_model(body, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def make_clip_folder(
    folder: Path, recipe: Any = CLIP, model: onnx.ModelProto | None = None, **changes: Any
) -> Path:
    """A folder whose network reads clips; `changes` are fields of the card."""
    network = model or clip_graph(recipe, 6 if isinstance(recipe, ClipInput) else 0)
    calibrated = changes.pop("calibrated", False)
    make_folder(folder, model=network, fingerprint=recipe.fingerprint, calibrated=calibrated)
    card = json.loads((folder / "card.json").read_text())
    card |= {"name": "made_clips", "net": "ba_tfd", "kind": "clip", "recipe": asdict(recipe)}
    card |= {"recipe_fingerprint": recipe.fingerprint, "max_faces": 1, **changes}
    (folder / "card.json").write_text(json.dumps(card))
    return folder
