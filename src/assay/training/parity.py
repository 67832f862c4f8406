"""Whether an exported network answers as torch does: each input at the precision that it has.

A batch norm that has hardly seen a channel move divides by next to nothing, and what then comes
out of an input unlike the training's (noise, a black picture) hangs on the last bit of every sum:
torch itself differs from torch in double precision by any amount. Such an answer has fewer digits,
so fewer are compared; how many it has is measured on the network before export, which no fault of
the export can change.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from assay.bundles.network import Network
from assay.errors import ConfigError

Arrays = NDArray[Any]
MAX_DIFFERENCE = 1e-4
MAX_SWAY = 1e-2
"""An ordinary input whose answer sways by more, of all that are given, has no answer."""
SLACK = 4
"""ONNX Runtime adds in another order than torch: it may be as unlucky, and a little more."""
DRAWS, LAST_BIT = 2, 2.0**-24


@dataclass(frozen=True, slots=True)
class Parity:
    """`difference` is the largest of inputs that single precision settles to 1e-4; `n_swaying`
    others were compared at their own precision, `sway` the worst of it."""

    difference: float
    n_swaying: int = 0
    sway: float = 0.0

    def as_card(self) -> dict[str, Any]:
        """The card's fields."""
        fields: dict[str, Any] = {"parity_max_difference": self.difference}
        if self.n_swaying:
            fields["parity_swaying"] = {"inputs": self.n_swaying, "by": self.sway}
        return fields


def parity(
    network: Network,
    shipped: nn.Module,
    batch: Mapping[str, Arrays],
    wanted: Mapping[str, Arrays],
    n_probes: int,
) -> Parity:
    """Compare all inputs at once and the last one alone with what torch said, `wanted`.

    Differences are relative to each input's own answer where that is over 1. The first `n_probes`
    inputs are no ordinary ones. Raises ConfigError where one differs by more than 1e-4 and by more
    than rounding explains, and where rounding moves every ordinary answer by over 1 %.
    """
    found = _together_and_alone(network, batch)
    off = np.maximum(*(_differences(one, wanted) for one in found))
    if (off <= MAX_DIFFERENCE).all():
        return Parity(float(off.max()))
    exact, sway = _sway(shipped, batch, wanted, float(np.max(off)))
    off = np.maximum(*(_differences(one, exact) for one in found))
    wrong = ~(off <= np.maximum(MAX_DIFFERENCE, SLACK * sway))  # also where it is no number
    if wrong.any():
        raise _differ(float(off[wrong].max()), float(sway[wrong].max()))
    if sway[n_probes:].min() > MAX_SWAY:
        raise ConfigError(
            f"Rounding alone moves the network's answers by {sway[n_probes:].min():.2g} of their "
            f"size; up to {MAX_SWAY:g} is fine.",
            remedy="Train it for longer, or on more: some of its norms have hardly seen anything.",
        )
    steady = SLACK * sway <= MAX_DIFFERENCE
    difference = float(off[steady].max()) if steady.any() else MAX_DIFFERENCE
    return Parity(difference, int((~steady).sum()), float(sway.max()))


def _together_and_alone(network: Network, batch: Mapping[str, Arrays]) -> list[dict[str, Arrays]]:
    """Answers to all inputs at once, and the same with the last one's given alone."""
    together = network.run_all(batch)
    if len(together["logit"]) == 1:  # both are the same question
        return [together, together]
    last = network.run_all({name: array[-1:] for name, array in batch.items()})
    alone = {name: np.concatenate([value[:-1], last[name]]) for name, value in together.items()}
    return [together, alone]


def _differences(found: Mapping[str, Arrays], wanted: Mapping[str, Arrays]) -> Arrays:
    """(n,) the largest of each input's outputs, relative to its answer where that is over 1."""
    parts = []
    for name, value in wanted.items():
        flat = value.reshape(len(value), -1)
        off = np.abs(found[name].reshape(flat.shape) - flat).max(axis=1)
        parts.append(off / np.maximum(1.0, np.abs(flat).max(axis=1)))
    worst: Arrays = np.max(parts, axis=0)
    return worst


def _sway(
    shipped: nn.Module, batch: Mapping[str, Arrays], wanted: Mapping[str, Arrays], off: float
) -> tuple[dict[str, Arrays], Arrays]:
    """Answers in double precision, and (n,) how far single precision moves each: torch's own
    distance from them, or that of weights whose last bit is another."""
    double = copy.deepcopy(shipped).double()
    try:
        exact = _answers(double, batch, wanted)
    except (RuntimeError, TypeError) as error:  # it computes in single precision whatever it is in
        raise _differ(off, None) from error
    sways = [_differences(wanted, exact)]
    draws = torch.Generator().manual_seed(0)
    kept = {name: value.clone() for name, value in double.state_dict().items()}
    for _ in range(DRAWS):
        double.load_state_dict({name: _nudged(value, draws) for name, value in kept.items()})
        sways.append(_differences(_answers(double, batch, wanted), exact))
    return exact, np.max(sways, axis=0)


def _answers(
    net: nn.Module, batch: Mapping[str, Arrays], names: Mapping[str, Any]
) -> dict[str, Arrays]:
    given = [torch.from_numpy(array) for array in batch.values()]
    with torch.no_grad():
        values = net(*(x.double() if x.is_floating_point() else x for x in given))
    return {name: value.numpy() for name, value in zip(names, values, strict=True)}


def _nudged(value: torch.Tensor, draws: torch.Generator) -> torch.Tensor:
    if not value.is_floating_point():
        return value
    signs = torch.randint(0, 2, value.shape, generator=draws) * 2 - 1
    return value * (1 + LAST_BIT * signs)


def _differ(difference: float, sway: float | None) -> ConfigError:
    own = "" if sway is None else f", and rounding explains {sway:.2g}"
    return ConfigError(
        f"torch and ONNX Runtime differ by {difference:.2g}; up to {MAX_DIFFERENCE:g} is fine{own}."
    )
