"""Names and shapes of the tensors in public checkpoints, as the public code makes them."""

from __future__ import annotations

import math

import torch
from torch import Tensor

Shapes = dict[str, tuple[int, ...]]
# Of EfficientNet-B0's stages: blocks, kernel, widening, channels in and out.
STAGES = (
    (1, 3, 1, 32, 16),
    (2, 3, 6, 16, 24),
    (2, 5, 6, 24, 40),
    (3, 3, 6, 40, 80),
    (3, 5, 6, 80, 112),
    (4, 5, 6, 112, 192),
    (1, 3, 6, 192, 320),
)


def norm(place: str, width: int) -> Shapes:
    parts = ("weight", "bias", "running_mean", "running_var")
    return {**{f"{place}.{part}": (width,) for part in parts}, f"{place}.num_batches_tracked": ()}


def linear(place: str, n_in: int, n_out: int, bias: bool = True) -> Shapes:
    shapes: Shapes = {f"{place}.weight": (n_out, n_in)}
    return shapes | ({f"{place}.bias": (n_out,)} if bias else {})


def convolution(place: str, n_in: int, n_out: int, side: int, bias: bool = False) -> Shapes:
    shapes: Shapes = {f"{place}.weight": (n_out, n_in, side, side)}
    return shapes | ({f"{place}.bias": (n_out,)} if bias else {})


def rounded(channels: int, width: float) -> int:
    """A multiple of eight, never more than a tenth below."""
    wanted = channels * width
    found = max(8, int(wanted + 4) // 8 * 8)
    return found + 8 if found < 0.9 * wanted else found


def efficientnet(prefix: str, width: float, depth: float, last: bool) -> Shapes:
    """efficientnet_pytorch's tensors; `last` with its layer of 1,000 classes."""
    stem = rounded(32, width)
    shapes = convolution(f"{prefix}_conv_stem", 3, stem, 3) | norm(f"{prefix}_bn0", stem)
    number = 0
    for repeats, side, widening, n_in, n_out in STAGES:
        into, out = rounded(n_in, width), rounded(n_out, width)
        for _ in range(math.ceil(repeats * depth)):
            place, wide = f"{prefix}_blocks.{number}.", into * widening
            if widening > 1:
                shapes |= convolution(f"{place}_expand_conv", into, wide, 1)
                shapes |= norm(f"{place}_bn0", wide)
            shapes |= convolution(f"{place}_depthwise_conv", 1, wide, side)
            shapes |= norm(f"{place}_bn1", wide)
            squeezed = max(1, int(into * 0.25))
            shapes |= convolution(f"{place}_se_reduce", wide, squeezed, 1, bias=True)
            shapes |= convolution(f"{place}_se_expand", squeezed, wide, 1, bias=True)
            shapes |= convolution(f"{place}_project_conv", wide, out, 1)
            shapes |= norm(f"{place}_bn2", out)
            into, number = out, number + 1
    head = rounded(1280, width)
    shapes |= convolution(f"{prefix}_conv_head", into, head, 1) | norm(f"{prefix}_bn1", head)
    return shapes | (linear(f"{prefix}_fc", head, 1000) if last else {})


def b4(prefix: str = "", attention: bool = False) -> Shapes:
    """EfficientNetB4 and EfficientNetAutoAttB4 of icpr2020dfdc."""
    shapes = efficientnet(f"{prefix}efficientnet.", 1.4, 1.8, last=False)
    if attention:
        shapes |= convolution(f"{prefix}efficientnet.attconv", 56, 1, 1, bias=True)
    return shapes | linear(f"{prefix}classifier", 1792, 1)


def siamese(attention: bool = False) -> Shapes:
    """EfficientNetB4ST and EfficientNetAutoAttB4ST of icpr2020dfdc."""
    shapes = b4("feat_ext.", attention)
    return shapes | norm("classifier.0", 1792) | linear("classifier.1", 1792, 1)


def state(shapes: Shapes, device: str = "meta") -> dict[str, Tensor]:
    """Tensors of those shapes; on `meta` they hold nothing."""
    return {name: torch.zeros(shape, device=device) for name, shape in shapes.items()}


def numbered(shapes: Shapes) -> dict[str, Tensor]:
    """Each tensor filled with its own number, so that it is known again wherever it goes."""
    return {name: torch.full(shape, float(i)) for i, (name, shape) in enumerate(shapes.items())}
