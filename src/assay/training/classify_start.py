"""Weights that training goes on from: this program's own, or the network's public checkpoint."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from assay.errors import ConfigError
from assay.training.nets.spec import NetSpec


def start_from(net: nn.Module, spec: NetSpec, path: Path) -> str:
    """Load the weights and say what was loaded.

    A file of this network's own tensors (weights.pt of a run) comes first, then the layout of its
    public checkpoint. Raises ConfigError where it is neither.
    """
    if not path.is_file():
        raise ConfigError(f"There is no file of weights {path}.")
    own = _tensors(path)
    if own is not None and set(own) == set(net.state_dict()):
        _load(net, own, path)
        return f"Training starts from the weights in {path}."
    if spec.published is None:
        raise ConfigError(f"{path} holds no weights of {spec.name}.")
    try:
        stored = spec.read_checkpoint(path) if spec.read_checkpoint else own
        if stored is None:
            raise ConfigError(f"{path} cannot be read as a checkpoint.")
        renamed = spec.published(stored)
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        raise ConfigError(f"{path} is no checkpoint of {spec.name}: {error}") from error
    _load(net, renamed, path)
    return f"Training starts from the public checkpoint {path.name}."


def _tensors(path: Path) -> Mapping[str, Any] | None:
    """What torch stored there, as plain tensors and no code; None where it is another format."""
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError):
        return None
    return stored if isinstance(stored, Mapping) else None


def _load(net: nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    try:
        net.load_state_dict(dict(tensors))
    except (RuntimeError, TypeError) as error:
        said = " ".join(str(error).split())[:300]
        raise ConfigError(f"The weights {path} do not fit: {said}") from error
