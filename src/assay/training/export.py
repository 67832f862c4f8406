"""From a trained network to a finished bundle: ONNX, parity, calibration, card."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from assay.bundles.network import Network
from assay.training.cache import CachedView
from assay.training.calibration import Measured, measure
from assay.training.datasets.manifest import Item
from assay.training.loop import write_json

if TYPE_CHECKING:
    from assay.training.run import TrainingConfig

MAX_DIFFERENCE = 1e-4


class _Exported(nn.Module):
    """The network with a mask in [0, 1] instead of its logit."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        logit, mask = self.net(pictures)
        return logit, torch.sigmoid(mask)


def export_onnx(net: nn.Module, path: Path, size_px: int, metadata: dict[str, str]) -> float:
    """Write the graph (uint8 in; logit and mask out) and return its largest difference to torch.

    Raises RuntimeError when that is over 1e-4.
    """
    import onnx

    wrapped = _Exported(net).eval().cpu().float()
    example = torch.zeros((2, size_px, size_px, 3), dtype=torch.uint8)
    torch.onnx.export(
        wrapped,
        (example,),
        str(path),
        input_names=["pictures"],
        output_names=["logit", "mask"],
        dynamic_axes={"pictures": {0: "n"}, "logit": {0: "n"}, "mask": {0: "n"}},
        opset_version=17,
        dynamo=False,
    )
    graph = onnx.load(str(path))
    for key, value in metadata.items():
        graph.metadata_props.add(key=key, value=value)
    onnx.save(graph, str(path))
    difference = parity(wrapped, path, size_px)
    if difference > MAX_DIFFERENCE:
        raise RuntimeError(f"torch and ONNX Runtime differ by {difference:.2g}.")
    return difference


def parity(wrapped: nn.Module, path: Path, size_px: int) -> float:
    """The largest difference between torch and ONNX Runtime on seeded noise and flat pictures."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (3, size_px, size_px, 3), dtype=np.uint8)
    pictures[1], pictures[2] = 0, pictures[2] // 8 + 100
    with torch.no_grad():
        wanted = wrapped(torch.from_numpy(pictures))
    found = Network(path).run(pictures)
    return max(
        float(np.abs(found[name] - value.numpy()).max())
        for name, value in zip(("logit", "mask"), wanted, strict=True)
    )


def finish(
    net: nn.Module,
    config: TrainingConfig,
    items: Sequence[Item],
    training: Sequence[CachedView],
    calibration: Sequence[CachedView],
) -> Path:
    """Export, calibrate on people that training never saw, write the card. Returns the folder."""
    from assay.training.run import provenance

    folder = config.run_folder / "bundle"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "network.onnx"
    facts = provenance(config, items, training, calibration)
    metadata = {"recipe_fingerprint": config.recipe.fingerprint, "data_hash": facts["data_hash"]}
    difference = export_onnx(net, path, config.recipe.size_px, metadata)
    require_disjoint(training, calibration)
    measured = measure(Network(path), calibration, config.recipe, config.schedule.seed)
    write_json(folder / "card.json", card(config, path, facts, measured, difference, items))
    return folder


def require_disjoint(training: Sequence[CachedView], calibration: Sequence[CachedView]) -> None:
    """Raise RuntimeError when a group stands on both sides."""
    both = {view.group for view in training} & {view.group for view in calibration}
    if both:
        raise RuntimeError(f"In training and in calibration: {sorted(both)}.")


def card(
    config: TrainingConfig,
    path: Path,
    facts: dict[str, Any],
    measured: Measured,
    difference: float,
    items: Sequence[Item],
) -> dict[str, Any]:
    """The card of the bundle, as a JSON value."""
    sets = Counter((item.method, item.licence) for item in items)
    return {
        "name": config.name,
        "version": config.version,
        "network_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "recipe": asdict(config.recipe),
        "recipe_fingerprint": config.recipe.fingerprint,
        "licence": "Apache-2.0 (weights trained here; the sets' own terms are listed)",
        "purpose": "scores one face for traces of blending and draws where they are",
        "architecture": "EfficientNet-Lite0, ImageNet start, score head and 28 x 28 mask head",
        "trained_on": [
            {"set": name, "licence": licence, "files": n}
            for (name, licence), n in sorted(sets.items())
        ],
        "training": facts,
        "parity_max_difference": difference,
        **measured.as_card(),
    }
