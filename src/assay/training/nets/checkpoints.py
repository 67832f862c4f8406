"""Tensors of other people's checkpoints: out of their wrapping, and under timm's names.

The EfficientNets of several papers come from `efficientnet_pytorch` (Luke Melas-Kyriazi, after Tan
and Le, 2019); its tensors have the shapes of timm's `tf_efficientnet_*`, and other names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

WRAPPERS = ("net", "state_dict", "model_state_dict", "model")
_ENDS = {
    "_conv_stem": "conv_stem",
    "_bn0": "bn1",
    "_conv_head": "conv_head",
    "_bn1": "bn2",
    "_fc": "classifier",
}
_FIRST = {  # a block that does not widen
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn1",
    "_se_reduce": "se.conv_reduce",
    "_se_expand": "se.conv_expand",
    "_project_conv": "conv_pw",
    "_bn2": "bn2",
}
_LATER = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_se_reduce": "se.conv_reduce",
    "_se_expand": "se.conv_expand",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def unwrapped(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of a checkpoint: out of a training record, and without the `module.` of a net
    that was trained on several devices. Raises ValueError where it holds anything else."""
    for name in WRAPPERS:
        inner = state.get(name)
        if isinstance(inner, Mapping):
            return unwrapped(inner)
    others = [name for name, value in state.items() if not isinstance(value, Tensor)]
    if others or not state:
        raise ValueError(
            f"The checkpoint holds no tensors but {', '.join(others[:3]) or 'nothing'}."
        )
    if all(name.startswith("module.") for name in state):
        return {name.removeprefix("module."): value for name, value in state.items()}
    return dict(state)


def from_efficientnet_pytorch(
    state: Mapping[str, Tensor], prefix: str, own_prefix: str, repeats: Sequence[int]
) -> dict[str, Tensor]:
    """The tensors under `prefix`, as timm names them, under `own_prefix`.

    `repeats` are the blocks of each stage. Raises ValueError naming a tensor that is none of such
    a trunk.
    """
    places = [(stage, block) for stage, n in enumerate(repeats) for block in range(n)]
    own = {}
    for name, tensor in state.items():
        if name.startswith(prefix):
            own[own_prefix + _timm_name(name.removeprefix(prefix), places)] = tensor
    counters = [name for name in own if name.endswith("running_var")]
    for name in counters:  # checkpoints older than the counter lack it
        own.setdefault(name.replace("running_var", "num_batches_tracked"), torch.tensor(0))
    return own


def _timm_name(name: str, places: Sequence[tuple[int, int]]) -> str:
    head, _, rest = name.partition(".")
    if head in _ENDS and rest:
        return f"{_ENDS[head]}.{rest}"
    number, _, inner = rest.partition(".")
    part, _, tensor = inner.partition(".")
    if head == "_blocks" and number.isdecimal() and int(number) < len(places):
        stage, block = places[int(number)]
        names = _FIRST if stage == 0 else _LATER
        if part in names and tensor:
            return f"blocks.{stage}.{block}.{names[part]}.{tensor}"
    raise ValueError(f"{name!r} is no part of an EfficientNet with {len(places)} blocks.")
