"""Convolutional Cross ViT: two EfficientNets read the face finely and coarsely, and ask each other.

Coccomini et al., "Combining EfficientNet and Vision Transformers for Video Deepfake Detection",
ICIAP 2022. Each branch has two tokens: one patch, its whole map (of 1280 × 7 × 7 after the last
block, of 24 × 56 × 56 after the second stage), and the one that its answer is read from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from assay.training.nets import efficient_vit as single
from assay.training.nets.checkpoints import from_efficientnet_pytorch, unwrapped
from assay.training.nets.efficient_vit import DROPOUT, Attention, Encoder
from assay.training.nets.trunk import Outputs

SMALL, LARGE = 192, 384
DEPTH, SMALL_DEPTH, LARGE_DEPTH, CROSS_DEPTH = 4, 2, 3, 2
EARLY_CHANNELS, EARLY_SIDE, EARLY_STAGES = 24, 56, 2
SMALL_PLACES, LARGE_PLACES = 1025, 17


class CrossEfficientViT(nn.Module):
    """uint8 RGB faces (n, 224, 224, 3) in; a logit (n,), higher = fake, and 576 features."""

    def __init__(self) -> None:
        super().__init__()
        last = single.LAST_CHANNELS * single.LAST_SIDE**2
        self.small = _Branch(SMALL, last, SMALL_PLACES, n_stages=None)
        early = EARLY_CHANNELS * EARLY_SIDE**2
        self.large = _Branch(LARGE, early, LARGE_PLACES, n_stages=EARLY_STAGES)
        self.levels = nn.ModuleList(_Level() for _ in range(DEPTH))
        self.score = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 1)) for width in (SMALL, LARGE)
        )

    def forward(self, pictures: Tensor) -> Outputs:
        """See the class."""
        x = single.bgr(pictures, self.small.answer)
        small, large = self.small(x), self.large(x)
        for level in self.levels:
            small, large = level(small, large)
        answers = small[:, 0], large[:, 0]
        scores = [score(answer) for score, answer in zip(self.score, answers, strict=True)]
        return Outputs((scores[0] + scores[1])[:, 0], torch.cat(answers, dim=1))


class _Branch(nn.Module):
    """Pictures (n, 3, 224, 224) to two tokens (n, 2, width).

    `n_stages` of the trunk are gone through, None: all and the last convolution. The table of
    places is larger than two rows, as published: the rest is not read.
    """

    def __init__(self, width: int, n_values: int, n_places: int, n_stages: int | None) -> None:
        super().__init__()
        self.trunk = single.trunk()
        self.n_stages = n_stages
        self.embed = nn.Linear(n_values, width)
        self.answer = nn.Parameter(torch.randn(1, 1, width))
        self.places = nn.Parameter(torch.randn(1, n_places, width))
        self.dropout = nn.Dropout(DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        net = self.trunk
        x = net.bn1(net.conv_stem(x))
        for stage in net.blocks[: self.n_stages]:
            x = stage(x)
        if self.n_stages is None:
            x = net.bn2(net.conv_head(x))
        patch = self.embed(single.flattened(x))[:, None]
        tokens = torch.cat([self.answer.expand(patch.shape[0], -1, -1), patch], dim=1)
        placed: Tensor = self.dropout(tokens + self.places[:, : tokens.shape[1]])
        return placed


class _Level(nn.Module):
    """A Transformer in each branch, then each branch's answer token asks the other's patches."""

    def __init__(self) -> None:
        super().__init__()
        self.small = _encoder(SMALL, SMALL_DEPTH)
        self.large = _encoder(LARGE, LARGE_DEPTH)
        self.small_asks = nn.ModuleList(_Crossing(SMALL, LARGE) for _ in range(CROSS_DEPTH))
        self.large_asks = nn.ModuleList(_Crossing(LARGE, SMALL) for _ in range(CROSS_DEPTH))

    def forward(self, small: Tensor, large: Tensor) -> tuple[Tensor, Tensor]:
        small, large = self.small(small), self.large(large)
        answer, other = small[:, :1], large[:, :1]
        for small_asks, large_asks in zip(self.small_asks, self.large_asks, strict=True):
            answer = small_asks(answer, large[:, 1:]) + answer
            other = large_asks(other, small[:, 1:]) + other
        return torch.cat([answer, small[:, 1:]], 1), torch.cat([other, large[:, 1:]], 1)


class _Crossing(nn.Module):
    """A token of one width attends to itself and to tokens of another, in their width."""

    def __init__(self, width: int, other: int) -> None:
        super().__init__()
        self.into = nn.Linear(width, other)
        self.attend = Attention(other, DROPOUT)
        self.back = nn.Linear(other, width)

    def forward(self, answer: Tensor, others: Tensor) -> Tensor:
        found: Tensor = self.back(self.attend(self.into(answer), others))
        return found


def _encoder(width: int, depth: int) -> Encoder:
    return Encoder(width, depth, attention_dropout=DROPOUT, mlp_dropout=DROPOUT, last_norm=True)


_BRANCHES = {"sm_image_embedder.": "small.", "lg_image_embedder.": "large."}
_BRANCH_PARTS = {
    "pos_embedding": "places",
    "cls_token": "answer",
    "to_patch_embedding.1.weight": "embed.weight",
    "to_patch_embedding.1.bias": "embed.bias",
}
_HEADS = {"sm_mlp_head.": "score.0.", "lg_mlp_head.": "score.1."}
_ENCODERS = {"0": "small.", "1": "large."}
_CROSSINGS = {"0": "small_asks", "1": "large_asks"}
_CROSSING_PARTS = {
    "project_in": "into",
    "project_out": "back",
    **{f"fn.{theirs}": f"attend.{own}" for theirs, own in single.ATTENTION_PARTS.items()},
}


def published(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The public checkpoint's tensors by the names used here, for `load_state_dict`.

    Raises ValueError naming a tensor that is none of it.
    """
    tensors = unwrapped(state)
    own: dict[str, Tensor] = {}
    trunks: tuple[str, ...] = ()
    for prefix, place in _BRANCHES.items():
        trunk = f"{prefix}efficient_net."
        trunks += (trunk,)
        own |= from_efficientnet_pytorch(tensors, trunk, f"{place}trunk.", single.REPEATS)
    rest = {name: tensor for name, tensor in tensors.items() if not name.startswith(trunks)}
    return own | {_own_name(name): tensor for name, tensor in rest.items()}


def _own_name(name: str) -> str:
    head, _, inner = name.partition(".")
    if f"{head}." in _BRANCHES and inner in _BRANCH_PARTS:
        return _BRANCHES[f"{head}."] + _BRANCH_PARTS[inner]
    if f"{head}." in _HEADS:
        return _HEADS[f"{head}."] + inner
    words = name.split(".")
    if words[:2] == ["multi_scale_encoder", "layers"] and len(words) > 5:
        level, kind, prefix = words[2], words[3], ".".join(words[:4]) + "."
        if kind in _ENCODERS:
            return single.encoder_name(name, prefix, f"levels.{level}.{_ENCODERS[kind]}")
        if kind == "2" and words[4] == "layers" and len(words) > 8:
            return f"levels.{level}.{_crossing_name(name, words[5:])}"
    raise ValueError(f"{name!r} is no part of this network.")


def _crossing_name(name: str, words: list[str]) -> str:
    number, kind, place, tensor = words[0], words[1], ".".join(words[2:-1]), words[-1]
    if kind in _CROSSINGS and place in _CROSSING_PARTS:
        return f"{_CROSSINGS[kind]}.{number}.{_CROSSING_PARTS[place]}.{tensor}"
    raise ValueError(f"{name!r} is no part of this network.")


NETS = (
    replace(
        single.NETS[0],
        name="cross_efficient_vit",
        title="Convolutional Cross ViT (Cross Efficient ViT)",
        build=CrossEfficientViT,
        n_parameters=101_377_610,
        n_macs=593_425_120,
        fit=replace(single.FIT, batch=16, learning_rate=1e-2),
        checkpoint="cross_efficient_vit.pth of the authors",
        published=published,
        differs=single.DIFFERS,
    ),
)
