"""Weights to go on from: those of an earlier run, those inside a finished bundle, and means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from assay.errors import ConfigError

PREFIX = "net."  # what the exported graph calls the network inside it
LARGEST_DIFFERENCE = 1e-3
BATCH = 16

Stored = dict[str, NDArray[Any]]
Convolution = tuple[str, nn.Conv2d, nn.BatchNorm2d | None]


def load_weights(net: nn.Module, path: Path) -> None:
    """Load weights kept by an earlier run. Raises ConfigError where they do not fit.

    The layer that names the method stays as it is where the methods have become others.
    """
    try:
        kept = torch.load(path, map_location="cpu", weights_only=True)
        own = net.state_dict()
        for name in ("method.weight", "method.bias"):
            if name in kept and name in own and kept[name].shape != own[name].shape:
                kept[name] = own[name]
        net.load_state_dict(kept)
    except (OSError, RuntimeError) as error:
        raise ConfigError(f"The weights {path} cannot be used: {error}") from error


def average_with(net: nn.Module, path: Path) -> None:
    """Give the network the mean of its weights and of those kept in `path`.

    Wortsman et al., "Model soups", ICML 2022: the mean of two networks of one descent generalises
    better than either. Counters stay the network's own. Raises ConfigError where they do not fit.
    """
    own = {name: value.detach().clone() for name, value in net.state_dict().items()}
    load_weights(net, path)
    others = net.state_dict()
    net.load_state_dict(
        {
            name: (value + others[name].to(value)) / 2 if value.is_floating_point() else value
            for name, value in own.items()
        }
    )


@torch.no_grad()
def load_bundle(net: nn.Module, folder: Path, pictures: NDArray[np.uint8]) -> None:
    """Load the network of a finished bundle, so that it can be trained further.

    A bundle's graph has every batch norm folded into the convolution before it. Here each is
    unfolded again: it gets the mean and spread which the convolution has on `pictures`
    (n, s, s, 3), and a scale and shift that undo just these. The network computes what the bundle
    computes, and its norms can learn. Raises ConfigError where the bundle holds another network.
    """
    import onnx
    from google.protobuf.message import DecodeError
    from onnx import numpy_helper

    path = Path(folder) / "network.onnx"
    try:
        graph = onnx.load(str(path)).graph
    except (OSError, ValueError, DecodeError) as error:
        raise ConfigError(f"The bundle {folder} cannot be read: {error}") from error
    stored = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    nodes = [list(node.input) for node in graph.node if node.op_type == "Conv"]
    net.float().eval()
    order = _in_order(net, torch.from_numpy(pictures[:1]))
    if len(order) != len(nodes):
        said = f"{len(nodes)} convolutions, {len(order)} are wanted"
        raise ConfigError(f"The bundle {folder} holds another network: {said}.")
    state, folded = _named(net, stored), []
    for (name, convolution, norm), inputs in zip(order, nodes, strict=True):
        if PREFIX + name + ".weight" not in stored:
            state |= _folded(net, name, convolution, norm, [stored[i] for i in inputs[1:]])
            folded.append((convolution, norm))
    try:
        net.load_state_dict(net.state_dict() | state)
    except RuntimeError as error:
        raise ConfigError(f"The bundle {folder} holds another network: {error}") from error
    _unfold(net, [(c, n) for c, n in folded if n is not None], pictures)
    _require_same(net, path, pictures[:BATCH])


def _in_order(net: nn.Module, pictures: Tensor) -> list[Convolution]:
    """The convolutions as they are run, each with the batch norm right after it, if any."""
    names = {module: name for name, module in net.named_modules()}
    run: list[nn.Module] = []
    hooks = [
        module.register_forward_hook(lambda module, *_: run.append(module))
        for module in names
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d)
    ]
    net(pictures)
    for hook in hooks:
        hook.remove()
    return [
        (names[module], module, after if isinstance(after, nn.BatchNorm2d) else None)
        for module, after in zip(run, [*run[1:], None], strict=True)
        if isinstance(module, nn.Conv2d)
    ]


def _named(net: nn.Module, stored: Stored) -> dict[str, Tensor]:
    """What the graph keeps under the network's own names."""
    return {
        name: torch.from_numpy(stored[PREFIX + name].copy())
        for name in net.state_dict()
        if PREFIX + name in stored
    }


def _folded(
    net: nn.Module,
    name: str,
    convolution: nn.Conv2d,
    norm: nn.BatchNorm2d | None,
    tensors: list[NDArray[Any]],
) -> dict[str, Tensor]:
    """A convolution that has swallowed its norm, and a norm that does nothing but add its bias."""
    if norm is None or convolution.bias is not None or len(tensors) != 2:
        raise ConfigError(f"{name} is no convolution with a norm in that bundle.")
    weight, bias = (torch.from_numpy(tensor.copy()) for tensor in tensors)
    of_norm = next(key for key, module in net.named_modules() if module is norm)
    return {
        f"{name}.weight": weight,
        f"{of_norm}.weight": torch.full_like(bias, (1 + norm.eps) ** 0.5),
        f"{of_norm}.bias": bias,
        f"{of_norm}.running_mean": torch.zeros_like(bias),
        f"{of_norm}.running_var": torch.ones_like(bias),
    }


def _unfold(
    net: nn.Module,
    pairs: list[tuple[nn.Conv2d, nn.BatchNorm2d]],
    pictures: NDArray[np.uint8],
) -> None:
    """Give each norm the statistics of its convolution, without changing what it computes."""
    means = {convolution: torch.zeros(()) for convolution, _ in pairs}
    squares = dict(means)

    def add(module: nn.Conv2d, _: Any, output: Tensor) -> None:
        values, share = output.double(), len(output) / len(pictures)
        means[module] = means[module] + share * values.mean(dim=(0, 2, 3))
        squares[module] = squares[module] + share * values.square().mean(dim=(0, 2, 3))

    hooks = [convolution.register_forward_hook(add) for convolution, _ in pairs]
    for start in range(0, len(pictures), BATCH):
        net(torch.from_numpy(pictures[start : start + BATCH]))
    for hook in hooks:
        hook.remove()
    for convolution, norm in pairs:
        mean = means[convolution]
        spread = (squares[convolution] - mean.square()).clamp_min(1e-6)
        norm.running_mean, norm.running_var = mean.float(), spread.float()
        norm.weight.copy_((spread + norm.eps).sqrt())
        norm.bias.add_(mean)


def _require_same(net: nn.Module, path: Path, pictures: NDArray[np.uint8]) -> None:
    from assay.bundles.network import Network

    wanted = Network(path).run(pictures)["logit"]
    found = net(torch.from_numpy(pictures)).logit.numpy()
    if (difference := float(np.abs(found - wanted).max())) > LARGEST_DIFFERENCE:
        raise ConfigError(f"{path} and the network read from it differ by {difference:.2g}.")
