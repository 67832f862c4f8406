"""Tiny bundles, pictures, recordings and manifests, made on the spot."""

from __future__ import annotations

import hashlib
import json
import wave
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from assay.evaluation.predictions import Prediction
from assay.inputs.face import FaceInput
from assay.inputs.patch import PatchInput
from assay.inputs.waveform import WaveformInput
from assay.training.datasets.manifest_file import Manifest, write_manifest
from assay.training.datasets.records import Record

CALIBRATION = {
    "scale": 1.0,
    "bias": 0.0,
    "bona_fide_logits": [i / 10 - 3 for i in range(40)],
    "interval_width_logit": 0.5,
    "fitted_on": "made values",
}
POINTS = [
    {
        "name": "far_5",
        "threshold": 1.0,
        "false_alarm_rate": 0.05,
        "detection_rate": 0.5,
        "measured_on": "made values",
    }
]


def write_tiny_bundle(folder: Path, kind: str = "picture", name: str = "tiny", **card: Any) -> Path:
    """A network of two layers: the mean of its input, then one number; brighter = more fake.

    Of a voice it is the mean of the absolute samples.
    """
    import onnx
    from onnx import TensorProto, helper

    recipe: Any = {
        "picture": PatchInput(size_px=32, n_patches=4, min_texture=0.0),
        "face": FaceInput(size_px=32),
        "voice": WaveformInput(length_s=1.0),
    }[kind]
    is_voice = kind == "voice"
    shape = ["n", recipe.n_samples] if is_voice else ["n", 32, 32, 3]
    data = TensorProto.FLOAT if is_voice else TensorProto.UINT8
    scale, shift = (40.0, -2.0) if is_voice else (1 / 32.0, -4.0)
    first = helper.make_node("Abs", ["cut"], ["values"])
    if not is_voice:
        first = helper.make_node("Cast", ["cut"], ["values"], to=TensorProto.FLOAT)
    axes = [1] if is_voice else [1, 2, 3]
    nodes = [
        first,
        helper.make_node("ReduceMean", ["values"], ["mean"], axes=axes, keepdims=0),
        helper.make_node("Mul", ["mean", "scale"], ["scaled"]),
        helper.make_node("Add", ["scaled", "shift"], ["logit"]),
    ]
    constants = [
        helper.make_tensor("scale", TensorProto.FLOAT, [], [scale]),
        helper.make_tensor("shift", TensorProto.FLOAT, [], [shift]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("cut", data, shape)],
        [helper.make_tensor_value_info("logit", TensorProto.FLOAT, ["n"])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    model.metadata_props.add(key="recipe_fingerprint", value=recipe.fingerprint)
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(folder / "network.onnx"))
    digest = hashlib.sha256((folder / "network.onnx").read_bytes()).hexdigest()
    about = {
        "name": name,
        "version": "1",
        "licence": "Apache-2.0",
        "net": "tiny_mean",
        "kind": kind,
        "network_sha256": digest,
        "recipe": asdict(recipe),
        "recipe_fingerprint": recipe.fingerprint,
        "aggregation": {},
        "calibration": CALIBRATION,
        "operating_points": POINTS,
        "trained_on": [{"dataset": "other", "method": "gan_a", "label": "fake", "n": 3}],
        "bibtex": "@misc{tiny2026,\n  title = {A {tiny} mean}\n}",
        **card,
    }
    (folder / "card.json").write_text(json.dumps(about))
    return folder


def write_picture(path: Path, level: int, seed: int) -> None:
    """A noisy picture of 48 px around a grey level."""
    rng = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    values = np.clip(rng.normal(level, 12, (48, 48, 3)), 0, 255).astype(np.uint8)
    Image.fromarray(values).save(path)


def write_tone(path: Path, loudness: float, seed: int) -> None:
    """Two seconds of a tone at 16 kHz."""
    rng = np.random.default_rng(seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    t = np.arange(32000) / 16000
    sound = loudness * np.sin(2 * np.pi * (150 + rng.integers(100)) * t)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes((sound * 32767).astype("<i2").tobytes())


def write_pictures(
    root: Path, n: int = 8, dataset: str = "made", split: str = "val", shift: int = 0
) -> list[Record]:
    """`n` dark genuine pictures, and `n` of each of two generators: gan_a bright, gan_b nearly
    like the genuine ones. Two of each source show one person."""
    records = []
    for label, method, level in (("real", "", 90), ("fake", "gan_a", 170), ("fake", "gan_b", 100)):
        for i in range(n):
            path = f"{dataset}/{split or 'none'}/{label}/{method or 'camera'}-{i}.png"
            write_picture(root / path, level + shift + 3 * i, seed=len(records))
            records.append(
                Record(
                    dataset=dataset,
                    path=path,
                    modality="image",
                    label=label,  # type: ignore[arg-type]
                    method=method,
                    identity=f"{split}{method or 'p'}{i // 2}",
                    split=split,  # type: ignore[arg-type]
                    subset="c23" if i % 2 else "c40",
                )
            )
    return records


def write_data(root: Path, records: list[Record], name: str = "manifest.parquet") -> Path:
    """The records as a manifest file in `root`."""
    path = root / name
    write_manifest(Manifest(root, tuple(records), made_by="made in a test"), path)
    return path


def made_rows(
    model: str = "m", n: int = 30, shift: float = 2.0, seed: int = 0, **changes: Any
) -> list[Prediction]:
    """`n` fakes of two generators and `n` reals, two of each person, with frames below them."""
    rng = np.random.default_rng(seed)
    rows = []
    for label in ("fake", "real"):
        for i in range(n):
            logit = float(rng.normal(shift if label == "fake" else 0.0, 1.0))
            values: dict[str, Any] = {
                "model": model,
                "model_sha256": "ab" * 32,
                "dataset": "made",
                "path": f"{label}/{i}.mp4",
                "label": label,
                "method": ("gan_a", "gan_b")[i % 2] if label == "fake" else "",
                "group": f"{label}{i // 2}",
                "split": "val",
                "subset": "",
                "modality": "video",
                "threshold": 0.7,
            }
            values |= changes
            for frame in range(3):
                own = logit + float(rng.normal(0, 0.3))
                numbers = {"logit": own, "p_fake": chance(own)}
                at = {"level": "frame", "track_id": 1, "time_s": frame / 25}
                rows.append(Prediction(**{**values, **at, **numbers}))
            rows.append(Prediction(**{**values, "logit": logit, "p_fake": chance(logit)}))
    return rows


def chance(logit: float) -> float:
    return float(1 / (1 + np.exp(-logit)))
