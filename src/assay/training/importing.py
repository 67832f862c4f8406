"""Other people's checkpoints of the known networks: read as tensors, renamed, checked, bundled.

No code of a checkpoint is ever run: torch reads plain tensors only (`weights_only`), safetensors
hold nothing else, and Keras files are read as arrays.
"""

from __future__ import annotations

import hashlib
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from assay.errors import ConfigError
from assay.inputs.clip import ClipInput, mel_of
from assay.inputs.face import FaceInput
from assay.inputs.lip_clip import LipClipInput
from assay.inputs.patch import PatchInput
from assay.inputs.waveform import WaveformInput
from assay.training.nets.spec import NetSpec

TORCH = (".pth", ".pt", ".ckpt", ".bin", ".tar", ".p", ".pkl")
KERAS = (".h5", ".hdf5", ".keras")
SAFE = ".safetensors"
MAX_BYTES = 4_000_000_000
MAX_NAMED = 8
# What training records keep their tensors under, outermost first.
WRAPPERS = ("state_dict", "model_state_dict", "model_state", "model", "net", "network", "weights")
PREFIXES = ("module.", "model.", "net.", "network.", "_orig_mod.")
OWN, PUBLIC = "weights of this program", "the public checkpoint"

State = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Imported:
    """A network with somebody's weights: where they are from, and `layout` in which they lay."""

    net: nn.Module
    layout: str
    sha256: str
    n_tensors: int


def import_checkpoint(spec: NetSpec, path: Path) -> Imported:
    """The network of the specification with the weights of a file (or folder, where it reads one).

    Raises ConfigError where the file cannot be read as tensors, or naming what is missing, what
    is too much and what has another shape.
    """
    stored = read_checkpoint(spec, path)
    net = spec.build(**dict(spec.arguments)).eval()
    own = net.state_dict()
    tensors, layout = _fitting(spec, stored, own, path)
    require_fitting(spec, tensors, own, path)
    # Counters of batches are of no use in an answer, and older checkpoints have none.
    counters = {k: v for k, v in own.items() if k.endswith("num_batches_tracked")}
    net.load_state_dict({**counters, **tensors})
    return Imported(net, layout, _sha256(path, stored), len(tensors))


def read_checkpoint(spec: NetSpec, path: Path) -> dict[str, Any]:
    """All tensors of a file by name, whatever they were wrapped in. Raises ConfigError."""
    if not path.exists():
        raise ConfigError(f"There is no checkpoint {path}.")
    if path.is_file() and path.stat().st_size > MAX_BYTES:
        raise ConfigError(f"{path} is larger than {MAX_BYTES // 10**9} GB.")
    suffix = path.suffix.lower()
    if path.is_dir() or suffix in KERAS:
        if spec.read_checkpoint is None:
            what = "a folder" if path.is_dir() else "a Keras file"
            raise ConfigError(f"{spec.name} has no public checkpoint in the form of {what}.")
        return dict(spec.read_checkpoint(path))
    if suffix == SAFE:
        return unwrapped(_safetensors(path), path)
    if suffix in TORCH:
        return unwrapped(_torch(path), path)
    known = ", ".join((*TORCH, SAFE, *KERAS))
    raise ConfigError(f"{path} is none of the checkpoints that are read: {known}.")


def unwrapped(stored: Any, path: Path) -> State:
    """The tensors of a training record. Raises ConfigError where there are none."""
    if not isinstance(stored, Mapping):
        raise ConfigError(f"{path} holds {type(stored).__name__} where named tensors belong.")
    for name in WRAPPERS:
        inner = stored.get(name)
        if isinstance(inner, Mapping):
            return unwrapped(inner, path)
    tensors = {str(k): v for k, v in stored.items() if isinstance(v, Tensor)}
    if not tensors:
        keys = ", ".join(str(key)[:40] for key in list(stored)[:MAX_NAMED]) or "nothing"
        raise ConfigError(f"{path} holds no tensors but: {keys}.")
    return tensors


def require_fitting(
    spec: NetSpec, tensors: Mapping[str, Tensor], own: Mapping[str, Tensor], path: Path
) -> None:
    """Raise ConfigError naming the missing, the unexpected and the mis-shaped tensors."""
    missing = [k for k in own if k not in tensors and not k.endswith("num_batches_tracked")]
    unexpected = [k for k in tensors if k not in own]
    shapes = [
        f"{k} {tuple(tensors[k].shape)} instead of {tuple(own[k].shape)}"
        for k in own
        if k in tensors and tensors[k].shape != own[k].shape
    ]
    wrong = {"missing": missing, "unexpected": unexpected, "of another shape": shapes}
    said = [f"{len(found)} {what}: {_named(found)}" for what, found in wrong.items() if found]
    if said:
        raise ConfigError(
            f"{path} does not fit {spec.name}. Tensors {'; '.join(said)}.",
            remedy=f"Its public checkpoint: {spec.checkpoint or 'there is none'}.",
        )
    broken = [k for k, v in tensors.items() if not bool(torch.isfinite(v.float()).all())]
    if broken:
        raise ConfigError(f"{path} holds what is no number in {_named(broken)}.")


def facts_of(spec: NetSpec, imported: Imported, path: Path) -> dict[str, Any]:
    """What a bundle's card tells of an imported checkpoint."""
    return {
        "checkpoint": f"{path.name} ({imported.layout})",
        "checkpoint_sha256": imported.sha256,
        "licence": f"network: {spec.licence}; weights: {licence_of(spec, imported)}",
        "imported": True,
    }


def licence_of(spec: NetSpec, imported: Imported) -> str:
    """The licence of the weights, in words; their owner's where it is not known."""
    if imported.layout == OWN:
        return "whoever trained them"
    return spec.checkpoint_licence or "not stated by its authors: ask them before you pass it on"


def trained_on(spec: NetSpec, imported: Imported) -> list[dict[str, Any]]:
    """What is known of the training of imported weights: what the network's page says."""
    known = imported.layout == PUBLIC and spec.checkpoint
    told = f"as its authors say: {spec.checkpoint}" if known else "not told by the file"
    return [{"set": told}]


def example_inputs(spec: NetSpec, n: int = 4) -> NDArray[Any] | dict[str, NDArray[Any]]:
    """Seeded inputs of the recipe's shape: what an export is compared on where no media are given.

    Of a network of clips one pair of pictures and log-mel, by name.
    """
    rng, recipe = np.random.default_rng(11), spec.recipe
    if isinstance(recipe, ClipInput | LipClipInput):
        small = rng.integers(0, 256, (1, recipe.n_frames, 8, 8, 3), dtype=np.uint8)
        rows = np.arange(recipe.size_px) * 8 // recipe.size_px
        sound = rng.normal(0, 0.05, recipe.n_samples).astype(np.float32)
        name = "mouths" if isinstance(recipe, LipClipInput) else "frames"
        pictures = np.ascontiguousarray(small[:, :, rows][:, :, :, rows])
        return {name: pictures, "mel": mel_of(sound, recipe)[None]}
    if isinstance(recipe, WaveformInput):
        return rng.normal(0, 0.05, (n, recipe.n_samples)).astype(np.float32)
    if isinstance(recipe, FaceInput | PatchInput):
        small = rng.integers(0, 256, (n, 8, 8, 3), dtype=np.uint8)
        rows = np.arange(recipe.size_px) * 8 // recipe.size_px
        return np.ascontiguousarray(small[:, rows][:, :, rows])
    raise ConfigError(f"{spec.name}: inputs of its recipe cannot be made.")


def _fitting(
    spec: NetSpec, stored: Mapping[str, Any], own: Mapping[str, Tensor], path: Path
) -> tuple[State, str]:
    """The tensors by the names used here, and in which layout they came."""
    versions = _stripped(stored)
    for state in versions:
        if _shares(state, own):
            return dict(state), OWN
    if spec.published is None:  # the fault is told by the names that come nearest
        return max(versions, key=lambda state: sum(name in own for name in state)), OWN
    faults = []
    for state in versions:
        try:
            return dict(_rename(spec)(state)), PUBLIC
        except (ValueError, KeyError, TypeError, IndexError, RuntimeError, ConfigError) as error:
            faults.append(" ".join(str(error).split())[:300])
    raise ConfigError(
        f"{path} is no checkpoint of {spec.name}: {faults[0]}",
        remedy=f"Its public checkpoint: {spec.checkpoint or 'there is none'}.",
    )


def _rename(spec: NetSpec) -> Callable[[Mapping[str, Tensor]], dict[str, Tensor]]:
    assert spec.published is not None
    return spec.published


def _shares(state: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> bool:
    return sum(name in state for name in own) * 2 > len(own)


def _stripped(stored: Mapping[str, Any]) -> Sequence[dict[str, Any]]:
    """The tensors as they are named, and without what training programs put before all names."""
    versions = [dict(stored)]
    for _ in range(3):
        last = versions[-1]
        for prefix in PREFIXES:
            if last and all(name.startswith(prefix) for name in last):
                versions.append({k.removeprefix(prefix): v for k, v in last.items()})
                break
        else:
            break
    return versions


def _torch(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ConfigError(
            f"{path} holds more than plain tensors, and code of a checkpoint is never run.",
            remedy="Save its state_dict() alone, on a machine that you would trust it with.",
        ) from error
    except Exception as error:  # torch raises whatever its readers meet
        said = " ".join(str(error).split())[:200]
        raise ConfigError(f"{path} cannot be read as a checkpoint of torch: {said}") from error


def _safetensors(path: Path) -> Any:
    from safetensors.torch import load_file

    try:
        return load_file(path, device="cpu")
    except Exception as error:  # safetensors has an error type of its own, by Rust
        said = " ".join(str(error).split())[:200]
        raise ConfigError(f"{path} cannot be read as safetensors: {said}") from error


def _named(names: Sequence[str]) -> str:
    shown = ", ".join(name[:120] for name in names[:MAX_NAMED])
    more = len(names) - MAX_NAMED
    return f"{shown} and {more} more" if more > 0 else shown


def _sha256(path: Path, stored: Mapping[str, Any]) -> str:
    """Of a file; of a folder, of the tensors that were read from it, in the order of their names:
    it may hold other files, too."""
    digest = hashlib.sha256()
    if path.is_dir():
        for name in sorted(stored):
            tensor = torch.as_tensor(stored[name]).detach()
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            digest.update(tensor.flatten().view(torch.uint8).numpy().data)
        return digest.hexdigest()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
