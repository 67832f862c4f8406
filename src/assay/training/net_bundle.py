"""From a trained or imported network to a bundle's folder: network.onnx, parity, card.json."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from assay import __version__
from assay.bundles.folder import CARD, MAX_NETWORK_BYTES, NETWORK, load_bundle_folder
from assay.bundles.network import Network
from assay.errors import ConfigError
from assay.training.nets.spec import NetSpec
from assay.training.parity import Parity, parity
from assay.training.platt import calibrated

__all__ = ["Examples", "calibrated", "write_bundle"]

N_PROBES = 3
N_EXAMPLES, HEAVY_MACS = 8, 4_000_000_000  # of a heavier network one example is compared
OPSET = 17
INPUT_NAMES = {"face": "pictures", "picture": "pictures", "voice": "sound"}
# Facts that are the card's own fields; the others stand under its `training`.
OWN_FACTS = (
    "name",
    "version",
    "licence",
    "in_domain",
    "heatmap",
    "checkpoint",
    "checkpoint_sha256",
    "proposals",
)

Arrays = NDArray[Any]
Examples = Arrays | Mapping[str, Arrays]


class Shipped(nn.Module):
    """A network as it ships: `logit` (n,), and `mask` (n, h, w) or `boundary_map` (n, durations,
    moments), both in [0, 1], where it draws one."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """What the network's recipe cuts, as it is."""
        given = self.net(*inputs)
        logit = given if isinstance(given, Tensor) else given.logit
        mask, fused = getattr(given, "mask", None), getattr(given, "fused_map", None)
        if fused is not None:
            return (logit, fused)
        return (logit,) if mask is None else (logit, torch.sigmoid(mask))


def write_bundle(
    spec: NetSpec,
    net: nn.Module,
    folder: Path,
    *,
    facts: Mapping[str, Any],
    calibration: Mapping[str, Any] | None,
    operating_points: Sequence[Mapping[str, Any]],
    trained_on: Sequence[Mapping[str, Any]],
    examples: Examples,
    alone: bool = False,
) -> Path:
    """Write network.onnx and card.json into the folder, and return it.

    `examples` are some inputs as the recipe cuts them, (k, …) with k from 1 on, or a mapping of
    them where the network takes several; torch and ONNX Runtime are compared on eight of them (one
    of a heavy network) and on three probes. `facts` tell of the training (data_hash, seed, recipe,
    commit, …); "name", "version", "licence", "in_domain", "heatmap", "checkpoint" and
    "checkpoint_sha256" among them become fields of the card. `facts["training_groups"]` and
    `facts["calibration_groups"]` must be disjoint where both are told. `calibration` and
    `operating_points` are what `calibrated` gives; None and none make a bundle that reports.

    With `alone` one example is all: for networks that need a minute and gigabytes for a clip. The
    network is left on the processor, in float32 and evaluation mode. Raises ConfigError where
    it is over 2 GB, gives no single logit, or differs from ONNX Runtime by more than 1e-4 and more
    than rounding explains (see parity).
    """
    _require_disjoint(facts, calibration)
    arrays, n_probes = _arrays(spec, examples, alone), 0 if alone else N_PROBES
    _require_small(net)
    shipped = Shipped(net.eval().cpu().float()).eval()
    batch, wanted = _answers(spec, shipped, arrays, n_probes)
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=folder) as name:
        path = Path(name) / NETWORK
        traced = {name: np.repeat(a[:1], 1 if alone else 2, 0) for name, a in arrays.items()}
        _export(shipped, traced, tuple(wanted), path, _metadata(spec, facts))
        compared = parity(Network(path, threads=1), shipped, batch, wanted, n_probes)
        card = _card(spec, path, facts, compared)
        card |= _fit(calibration, operating_points)
        card |= {"trained_on": [dict(one) for one in trained_on]}
        _write_card(card, Path(name) / CARD)
        # The card last: a folder with a card is a whole one.
        (folder / CARD).unlink(missing_ok=True)
        os.replace(path, folder / NETWORK)
        os.replace(Path(name) / CARD, folder / CARD)
    load_bundle_folder(folder)
    return folder


def with_calibration(
    folder: Path, calibration: Mapping[str, Any], operating_points: Sequence[Mapping[str, Any]]
) -> None:
    """Write what `calibrated` gives into the card of a folder; the network stays as it is."""
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=folder) as name:
        _write_card({**card, **_fit(calibration, operating_points)}, Path(name) / CARD)
        os.replace(Path(name) / CARD, folder / CARD)
    load_bundle_folder(folder)


def _fit(
    calibration: Mapping[str, Any] | None, operating_points: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    points = [dict(point) for point in operating_points] if calibration else []
    return {
        "calibration": dict(calibration) if calibration else None,
        "operating_points": points,
    }


def _require_disjoint(facts: Mapping[str, Any], calibration: Mapping[str, Any] | None) -> None:
    if calibration is None:
        return
    both = set(facts.get("training_groups", ())) & set(facts.get("calibration_groups", ()))
    if both:
        shown = ", ".join(sorted(map(str, both))[:5])
        raise ConfigError(
            f"{len(both)} groups are in training and in calibration ({shown}): the probability "
            "would be of people that the network has seen."
        )


def _require_small(net: nn.Module) -> None:
    n_bytes = sum(t.numel() * t.element_size() for t in net.state_dict().values())
    if n_bytes > MAX_NETWORK_BYTES:
        raise ConfigError(
            f"The network has {n_bytes / 1e9:.1f} GB of weights; one file holds at most "
            f"{MAX_NETWORK_BYTES // 10**9} GB."
        )


def _arrays(spec: NetSpec, examples: Examples, alone: bool) -> dict[str, Arrays]:
    n = N_EXAMPLES if spec.n_macs < HEAVY_MACS and not alone else 1
    if isinstance(examples, Mapping):
        arrays = {name: np.asarray(value)[:n] for name, value in examples.items()}
    else:
        arrays = {INPUT_NAMES.get(spec.kind, "clip"): np.asarray(examples)[:n]}
    lengths = {len(array) for array in arrays.values()}
    if len(lengths) != 1 or not min(lengths):
        raise ConfigError(f"{spec.name}: at least one example input is needed to write a bundle.")
    return arrays


def _metadata(spec: NetSpec, facts: Mapping[str, Any]) -> dict[str, str]:
    told = {"net": spec.name, "recipe_fingerprint": spec.recipe.fingerprint, "assay": __version__}
    return told | {"data_hash": str(facts["data_hash"])} if facts.get("data_hash") else told


def _answers(
    spec: NetSpec, shipped: nn.Module, arrays: Mapping[str, Arrays], n_probes: int = N_PROBES
) -> tuple[dict[str, Arrays], dict[str, Arrays]]:
    """Probes with the examples behind them, and what torch says of them, by output.

    Raises ConfigError where that is not one finite logit each.
    """
    batch = {
        name: np.concatenate([_probes(array)[:n_probes], array]) for name, array in arrays.items()
    }
    with torch.no_grad():
        values = [value.numpy() for value in shipped(*map(torch.from_numpy, batch.values()))]
    n = len(next(iter(batch.values())))
    if values[0].shape != (n,):
        raise ConfigError(f"{spec.name} gives {values[0].shape} for {n} inputs, not a logit each.")
    if not all(np.isfinite(value).all() for value in values):
        raise ConfigError(f"{spec.name} gives what is no number for an ordinary input.")
    drawn = "boundary_map" if values[-1].ndim == 3 and spec.kind == "clip" else "mask"
    return batch, dict(zip(("logit", drawn), values, strict=False))


def _export(
    shipped: nn.Module,
    arrays: Mapping[str, Arrays],
    outputs: Sequence[str],
    path: Path,
    metadata: Mapping[str, str],
) -> None:
    import onnx

    inputs = tuple(torch.from_numpy(array) for array in arrays.values())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing: the comparison that follows is the test
        torch.onnx.export(
            shipped,
            inputs,
            str(path),
            input_names=list(arrays),
            output_names=list(outputs),
            dynamic_axes={name: {0: "n"} for name in (*arrays, *outputs)},
            opset_version=OPSET,
            dynamo=False,
        )
    graph = onnx.load(str(path))
    for key, value in metadata.items():
        graph.metadata_props.add(key=key, value=value)
    onnx.save(graph, str(path))


def _probes(like: Arrays) -> Arrays:
    """Three inputs of that shape: seeded noise, nothing, and something faint."""
    rng = np.random.default_rng(0)
    shape = (N_PROBES, *like.shape[1:])
    if like.dtype == np.uint8:
        pictures = rng.integers(0, 256, shape, dtype=np.uint8)
        pictures[1], pictures[2] = 0, pictures[2] // 8 + 100
        return pictures
    noise = rng.normal(0, 0.1, shape).astype(like.dtype)
    noise[1], noise[2] = 0, noise[2] / 1000
    return noise


def _card(spec: NetSpec, path: Path, facts: Mapping[str, Any], compared: Parity) -> dict[str, Any]:
    assert is_dataclass(spec.recipe)
    own = {name: facts[name] for name in OWN_FACTS if name in facts}
    return {
        "name": spec.name,
        "version": "1",
        "licence": f"network: {spec.licence}; weights: see where they were trained",
        "net": spec.name,
        "title": spec.title,
        "kind": spec.kind,
        "network_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "recipe": asdict(spec.recipe),
        "recipe_fingerprint": spec.recipe.fingerprint,
        "purpose": f"{spec.title}: one logit of a {spec.kind}, higher = more likely fake",
        "aggregation": spec.aggregation.as_card(),
        "n_frames": spec.n_frames,
        "max_faces": spec.max_faces,
        "n_parameters": spec.n_parameters,
        "paper": spec.paper,
        "bibtex": spec.bibtex,
        "source": spec.source,
        "differs": list(spec.differs),
        "training": {name: value for name, value in facts.items() if name not in OWN_FACTS},
        **compared.as_card(),
        "in_domain": {},
        "heatmap": {"faithful": False},
        **own,
    }


def _write_card(card: Mapping[str, Any], path: Path) -> None:
    try:
        text = json.dumps(card, indent=1, ensure_ascii=False, allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"The card of {card['name']!r} cannot be written: {error}.") from error
    path.write_text(text + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray | Tensor):
        return value.tolist()
    if isinstance(value, set | frozenset):
        return sorted(value)
    if isinstance(value, Path):
        return value.name
    raise TypeError(f"{type(value).__name__} is no JSON value")
