"""From a trained network to a finished bundle: ONNX, parity, features, calibration, card."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from assay.bundles.network import Network
from assay.inputs.waveform import WaveformInput
from assay.training.calibration import Measured, measure_faces, measure_pictures
from assay.training.curves import write_json
from assay.training.voice_calibration import measure_voices

if TYPE_CHECKING:
    from assay.training.config import TrainingConfig
    from assay.training.run import Prepared

MAX_DIFFERENCE = 1e-4
N_FEATURES = 32
N_WHITENED = 640
LEAST_SPREAD = 1e-3
PURPOSES = {
    "face": "scores one face for traces of blending and draws where they are",
    "picture": "scores native-resolution patches of a picture for traces of a generator's decoder",
    "voice": "scores windows of speech for traces of a vocoder",
}
ARCHITECTURES = {
    "face": "EfficientNet, ImageNet start",
    "picture": "EfficientNet, ImageNet start",
    "voice": "residual network over log magnitude and phase advance",
}


class Exported(nn.Module):
    """The network as it ships: `logit`, a `mask` in [0, 1] where it draws one, and `features`
    (n, 32): the pooled features along their main axes, each of unit variance over training crops.
    """

    def __init__(self, net: nn.Module, centre: Tensor, axes: Tensor) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("centre", centre)
        self.register_buffer("axes", axes)

    def forward(self, pictures: Tensor) -> tuple[Tensor, ...]:
        """uint8 (n, s, s, 3) in."""
        outputs = self.net(pictures)
        features = (outputs.pooled - self.centre) @ self.axes
        if outputs.mask is None:
            return outputs.logit, features
        return outputs.logit, torch.sigmoid(outputs.mask), features


@torch.no_grad()
def whitened(net: nn.Module, crops: NDArray[Any]) -> Exported:
    """The network with the axes of its features on these crops (n, s, s, 3) or windows (n, m)."""
    net = net.eval().cpu().float()
    pooled = torch.cat([net(torch.from_numpy(part)).pooled for part in np.split(crops, 20)])
    centre = pooled.mean(dim=0)
    _, spread, axes = torch.linalg.svd(pooled - centre, full_matrices=False)
    # Along an axis without spread any file would lie infinitely far out.
    n_axes = max(1, min(N_FEATURES, int((spread > LEAST_SPREAD * spread[0]).sum())))
    scale = spread[:n_axes] / (len(crops) - 1) ** 0.5
    return Exported(net, centre, axes[:n_axes].T / scale.clamp(min=1e-6)).eval()


def export_onnx(
    exported: nn.Module, path: Path, size: int, metadata: dict[str, str], sound: bool = False
) -> float:
    """Write the graph and return its largest difference to torch. It takes uint8 pictures of
    `size` pixels a side or, with `sound`, float32 windows of `size` samples.

    Raises RuntimeError when that is over 1e-4.
    """
    import onnx

    example = torch.from_numpy(probes(size, sound)[:2])
    with torch.no_grad():
        n_outputs = len(exported(example))
    names = ["logit", "mask", "features"] if n_outputs == 3 else ["logit", "features"]
    given = "sound" if sound else "pictures"
    torch.onnx.export(
        exported,
        (example,),
        str(path),
        input_names=[given],
        output_names=names,
        dynamic_axes={name: {0: "n"} for name in (given, *names)},
        opset_version=17,
        dynamo=False,
    )
    graph = onnx.load(str(path))
    for key, value in metadata.items():
        graph.metadata_props.add(key=key, value=value)
    onnx.save(graph, str(path))
    difference = parity(exported, path, size, names, sound)
    if difference > MAX_DIFFERENCE:
        raise RuntimeError(f"torch and ONNX Runtime differ by {difference:.2g}.")
    return difference


def probes(size: int, sound: bool = False) -> NDArray[Any]:
    """Three inputs to compare on: seeded noise, nothing, and something faint; see export_onnx."""
    rng = np.random.default_rng(0)
    if sound:
        noise = rng.normal(0, 0.1, (3, size)).astype(np.float32)
        noise[1], noise[2] = 0, 0.001 * np.sin(np.arange(size) / 9) + noise[2] / 1000
        return noise
    pictures = rng.integers(0, 256, (3, size, size, 3), dtype=np.uint8)
    pictures[1], pictures[2] = 0, pictures[2] // 8 + 100
    return pictures


def parity(
    exported: nn.Module, path: Path, size: int, names: Sequence[str], sound: bool = False
) -> float:
    """The largest difference between torch and ONNX Runtime on the probes of that size, relative
    to the largest value where that is over 1."""
    inputs = probes(size, sound)
    with torch.no_grad():
        wanted = exported(torch.from_numpy(inputs))
    found = Network(path).run(inputs)
    return max(
        float(np.abs(found[name] - value.numpy()).max() / max(1.0, float(value.abs().max())))
        for name, value in zip(names, wanted, strict=True)
    )


def finish(net: nn.Module, config: TrainingConfig, prepared: Prepared) -> Path:
    """Export, calibrate on people that training never saw, write the card. Returns the folder."""
    from assay.training.run import pair_source, provenance

    require_disjoint(prepared)
    folder = config.run_folder / "bundle"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "network.onnx"
    facts = provenance(config, prepared)
    source = pair_source(config, prepared.training)
    pairs = [source.draw(30_000_000 + i) for i in range(N_WHITENED // 2)]
    exported = whitened(net, np.stack([crop for p in pairs for crop in (p.genuine, p.fake)]))
    metadata = {"recipe_fingerprint": config.recipe.fingerprint, "data_hash": facts["data_hash"]}
    recipe = config.recipe
    sound = isinstance(recipe, WaveformInput)
    size = recipe.n_samples if isinstance(recipe, WaveformInput) else recipe.size_px
    difference = export_onnx(exported, path, size, metadata, sound)
    measured = _measured(Network(path), config, prepared)
    write_json(folder / "card.json", card(config, path, facts, measured, difference, prepared))
    return folder


def _measured(network: Network, config: TrainingConfig, prepared: Prepared) -> Measured:
    if config.kind == "face":
        return measure_faces(network, prepared.calibration, config)
    if config.kind == "picture":
        return measure_pictures(network, prepared.calibration, config)
    return measure_voices(network, prepared.calibration, config)


def require_disjoint(prepared: Prepared) -> None:
    """Raise RuntimeError when a group stands on both sides."""
    both = {e.group for e in prepared.training} & {e.group for e in prepared.calibration}
    if both:
        raise RuntimeError(f"In training and in calibration: {sorted(both)}.")


def card(
    config: TrainingConfig,
    path: Path,
    facts: dict[str, Any],
    measured: Measured,
    difference: float,
    prepared: Prepared,
) -> dict[str, Any]:
    """The card of the bundle, as a JSON value."""
    sets = Counter((item.method, item.label, item.licence) for item in prepared.items)
    return {
        "name": config.name,
        "version": config.version,
        "network_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "recipe": asdict(config.recipe),
        "recipe_fingerprint": config.recipe.fingerprint,
        "licence": "Apache-2.0 (weights trained here; the sets' own terms are listed)",
        "purpose": PURPOSES[config.kind],
        "architecture": f"{ARCHITECTURES[config.kind]}; {config.net}",
        "trained_on": [
            {"set": name, "label": label, "licence": licence, "files": n}
            for (name, label, licence), n in sorted(sets.items())
        ],
        "training": facts,
        "parity_max_difference": difference,
        **measured.as_card(),
    }
