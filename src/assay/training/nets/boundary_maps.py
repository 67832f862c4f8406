"""Parts of BA-TFD and BA-TFD+: features of every proposal, maps over proposals, their fusion.

A boundary map (n, d, t) scores the proposal that begins at frame t and lasts d + 1 frames. The
sampling is BMN's (Lin et al., "BMN: Boundary-Matching Network for Temporal Action Proposal
Generation", ICCV 2019); layers and names follow the repository ControlNet/LAV-DF (commit 51b8d91),
so that its checkpoints' tensors have a place here.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

EDGE = 1e-6
EXPANDED = 0.5
"""A proposal is looked at with half its length before and behind."""


class Unit(nn.Module):
    """A convolution, and the activation behind it where there is one."""

    def __init__(self, conv: nn.Module, activation: nn.Module | None = None) -> None:
        super().__init__()
        self.conv = conv
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        x = self.conv(x)
        return x if self.activation is None else self.activation(x)


def conv(dims: int, n_in: int, n_out: int, kernel: Any, active: bool = True, **more: Any) -> Unit:
    """A convolution in 1, 2 or 3 dimensions with a leaky ReLU."""
    kind = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}[dims]
    return Unit(kind(n_in, n_out, kernel, **more), nn.LeakyReLU() if active else None)


class ProposalSampling(nn.Module):
    """Features (n, c, t) to those of every proposal (n, c, samples, d, t).

    Each is read at `n_samples` places from half its length before to half behind, linearly
    between frames; places outside the clip, and proposals that leave it, are zero. The places are
    looked up, which costs a thousandth of the published product with a matrix of (t, s * d * t).

    `as_published` is a flag that checkpoints of the repository bring: its sampling takes d + 1
    itself, not t + d + 1, for the end of a proposal.
    """

    as_published: Tensor
    left: Tensor
    right: Tensor
    left_weight: Tensor
    right_weight: Tensor

    def __init__(self, n_frames: int, n_samples: int = 10, max_duration: int = 40) -> None:
        super().__init__()
        self.shape = (n_samples, max_duration, n_frames)
        self.register_buffer("as_published", torch.tensor(False))
        for name, values in _places(*self.shape, as_published=False).items():
            self.register_buffer(name, values, persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        """See the class."""
        n, channels = features.shape[:2]
        found = features[:, :, self.left] * self.left_weight
        found = found + features[:, :, self.right] * self.right_weight
        return found.reshape(n, channels, *self.shape)

    def _load_from_state_dict(self, state: Any, prefix: str, *rest: Any) -> None:
        super()._load_from_state_dict(state, prefix, *rest)
        if self.as_published.is_meta:
            return
        tables = _places(*self.shape, as_published=bool(self.as_published))
        for name, values in tables.items():
            setattr(self, name, values.to(self.left.device))


def _places(
    n_samples: int, max_duration: int, n_frames: int, as_published: bool
) -> dict[str, Tensor]:
    """Which frames are read for each (sample, duration, begin), flattened, and how much."""
    sample, duration, begin = np.meshgrid(
        np.arange(n_samples), np.arange(max_duration), np.arange(n_frames), indexing="ij"
    )
    end = duration + 1 + (0 if as_published else begin)
    length = end - begin
    step = length * (1 + 2 * EXPANDED) / (n_samples - 1)
    place = begin - length * EXPANDED + sample * step
    inside = (begin + duration + 1 <= n_frames - 1) & (place >= 0) & (place <= n_frames - 1)
    left = np.floor(place)
    over = np.where(inside, place - left, 0.0)
    whole = np.clip(left, 0, n_frames - 1).astype(np.int64)
    # On a frame itself both weights were one there: it counts twice, as published.
    left_weight = np.where(inside, 1.0 - over, 0.0)
    right_weight = np.where(inside, np.where(over > 0, over, 1.0 if as_published else 0.0), 0.0)
    right = np.where(over > 0, np.minimum(whole + 1, n_frames - 1), whole)
    values = {"left": whole, "right": right}
    # torch.tensor, not from_numpy: the tables go where the layers do, the meta device included.
    tables = {name: torch.tensor(v.reshape(-1)) for name, v in values.items()}
    weights = {"left_weight": left_weight, "right_weight": right_weight}
    return tables | {n: torch.tensor(v.reshape(-1)).float() for n, v in weights.items()}


class BoundaryModule(nn.Module):
    """Features (n, c, t) of one modality to its boundary map (n, d, t), in (0, 1)."""

    def __init__(
        self,
        n_features: int,
        widths: tuple[int, int] = (512, 128),
        n_samples: int = 10,
        n_frames: int = 512,
        max_duration: int = 40,
    ) -> None:
        super().__init__()
        wide, narrow = widths
        self.bm_layer = ProposalSampling(n_frames, n_samples, max_duration)
        self.block0 = nn.Sequential(conv(3, n_features, wide, (n_samples, 1, 1)))
        self.block1 = nn.Sequential(
            conv(2, wide, narrow, 1),
            conv(2, narrow, narrow, 3, padding=1),
            Unit(nn.Conv2d(narrow, 1, 1), nn.Sigmoid()),
        )

    def forward(self, features: Tensor) -> Tensor:
        """See the class."""
        found: Tensor = self.block1(self.sampled(features))[:, 0]
        return found

    def sampled(self, features: Tensor) -> Tensor:
        """Features (n, wide, d, t) of every proposal."""
        found: Tensor = self.block0(self.bm_layer(features))[:, :, 0]
        return found


def best_logit(boundary_map: Tensor) -> Tensor:
    """(n,): the logit of the best proposal of maps (n, d, t) among those that lie in the clip; of
    the others nothing was read."""
    n_durations, n_moments = boundary_map.shape[1:]
    ends = torch.arange(n_durations)[:, None] + torch.arange(n_moments) + 1
    outside = (ends > n_moments - 1).to(boundary_map.device)
    inside = boundary_map.masked_fill(outside, 0.0).flatten(1)
    return torch.logit(inside.amax(dim=1), eps=EDGE)


class MapWeights(nn.Module):
    """How much one modality's map counts, (n, d, t) in (0, 1): from the map itself, its own
    features and the other's, their mean."""

    def __init__(self, n_own: int, n_other: int, max_duration: int) -> None:
        super().__init__()
        self.attn_from_self_features = conv(1, n_own, max_duration, 1, active=False)
        self.attn_from_another_features = conv(1, n_other, max_duration, 1, active=False)
        self.attn_from_bm = conv(1, max_duration, max_duration, 1, active=False)

    def forward(self, boundary_map: Tensor, own: Tensor, other: Tensor) -> Tensor:
        """See the class."""
        total = self.attn_from_bm(boundary_map) + self.attn_from_self_features(own)
        return torch.sigmoid((total + self.attn_from_another_features(other)) / 3)


class MapFusion(nn.Module):
    """The two maps (n, d, t) weighed into one, place by place."""

    def __init__(self, n_video: int = 257, n_audio: int = 257, max_duration: int = 40) -> None:
        super().__init__()
        self.a_attn_block = MapWeights(n_audio, n_video, max_duration)
        self.v_attn_block = MapWeights(n_video, n_audio, max_duration)

    def forward(self, video: Tensor, audio: Tensor, video_map: Tensor, audio_map: Tensor) -> Tensor:
        """`video` and `audio` are features (n, c, t)."""
        a = self.a_attn_block(audio_map, audio, video)
        v = self.v_attn_block(video_map, video, audio)
        return (video_map * v + audio_map * a) / (a + v)
