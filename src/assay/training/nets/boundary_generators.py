"""Parts of BA-TFD+: BSN++'s complementary boundary generator and proposal relation block.

Su et al., "BSN++: Complementary Boundary Regressor with Scale-Balanced Relation Modeling for
Temporal Action Proposal Generation", AAAI 2021; sizes and names as in ControlNet/LAV-DF @51b8d91.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from assay.training.nets.boundary_maps import BoundaryModule, conv


class _Layer(nn.Module):
    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__()
        self.conv = nn.Sequential(nn.Conv1d(n_in, n_out, 3, 1, 1), nn.BatchNorm1d(n_out), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        found: Tensor = self.conv(x)
        return found


class BoundaryGenerator(nn.Module):
    """Features (n, c, t) to the chances (n, 2, t) that a forgery begins and ends at a moment, and
    to features (n, 3 * width, t): a U-Net with nested ways across. t is a multiple of four."""

    def __init__(self, n_features: int, width: int = 512) -> None:
        super().__init__()
        self.conv0_0 = _Layer(n_features, width)
        self.conv1_0 = _Layer(width, width)
        self.conv2_0 = _Layer(width, width)
        self.conv0_1 = _Layer(2 * width, width)
        self.conv1_1 = _Layer(2 * width, width)
        self.conv0_2 = _Layer(3 * width, width)
        self.final = nn.Conv1d(3 * width, 2, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        pool, up = nn.functional.max_pool1d, nn.functional.interpolate
        top = self.conv0_0(x)
        middle = self.conv1_0(pool(top, 2))
        top_1 = self.conv0_1(torch.cat([top, up(middle, scale_factor=2.0)], dim=1))
        low = self.conv2_0(pool(middle, 2))
        middle_1 = self.conv1_1(torch.cat([middle, up(low, scale_factor=2.0)], dim=1))
        joined = [top, top_1, up(middle_1, scale_factor=2.0)]
        features = torch.cat([top, top_1, self.conv0_2(torch.cat(joined, dim=1))], dim=1)
        return torch.sigmoid(self.final(features)), features


class _Attention(nn.Module):
    """What both kinds of attention share: values, queries, keys, and the way back."""

    def __init__(self, width: int, coarse: bool) -> None:
        super().__init__()

        def ways() -> nn.Sequential:
            return nn.Sequential(nn.Conv2d(width, width, 1), nn.BatchNorm2d(width), nn.ReLU())

        self.g, self.theta, self.phi = ways(), ways(), ways()
        self.W = nn.Sequential(nn.Conv2d(width, width, 1), nn.BatchNorm2d(width))
        if coarse:
            self.g = nn.Sequential(self.g, nn.MaxPool2d(2))
            self.phi = nn.Sequential(self.phi, nn.MaxPool2d(2))


class PositionAttention(_Attention):
    """Each proposal of a map (n, c, d, t) beside all others, these at half the fineness."""

    def __init__(self, width: int = 128) -> None:
        super().__init__(width, coarse=True)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        near = torch.softmax(self.theta(x).flatten(2).transpose(1, 2) @ self.phi(x).flatten(2), 2)
        found: Tensor = near @ self.g(x).flatten(2).transpose(1, 2)
        return x + self.W(found.transpose(1, 2).reshape(x.shape))


class ChannelAttention(_Attention):
    """Each channel of a map (n, c, d, t) beside all others."""

    def __init__(self, width: int = 128) -> None:
        super().__init__(width, coarse=False)

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        near = torch.softmax(self.theta(x).flatten(2) @ self.phi(x).flatten(2).transpose(1, 2), 2)
        found: Tensor = near @ self.g(x).flatten(2)
        return x + self.W(found.reshape(x.shape))


class RelationBlock(nn.Module):
    """Features (n, c, d, t) of proposals to three maps (n, d, t) in (0, 1): by place, by channel,
    by both."""

    def __init__(self, width: int = 128) -> None:
        super().__init__()
        self.p_net, self.c_net = PositionAttention(width), ChannelAttention(width)
        self.conv0_0, self.conv0_1 = _mixed(width), _mixed(width)
        self.conv1, self.conv4 = _mixed(width), _mixed(width)
        self.conv2, self.conv3, self.conv5 = _scored(width), _scored(width), _scored(width)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See the class."""
        place = self.conv1(self.p_net(self.conv0_0(x)))
        channel = self.conv4(self.c_net(self.conv0_1(x)))
        maps = (self.conv2(place), self.conv5(channel), self.conv3(place + channel))
        return maps[0][:, 0], maps[1][:, 0], maps[2][:, 0]


def _mixed(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(width, width, 3, 1, 1), nn.BatchNorm2d(width), nn.ReLU())


def _scored(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(width, 1, 3, 1, 1), nn.Sigmoid())


class RelatedBoundaryModule(BoundaryModule):
    """Features (n, c, t) of one modality to its three boundary maps (n, d, t)."""

    def __init__(
        self,
        n_features: int,
        widths: tuple[int, int] = (512, 128),
        n_samples: int = 10,
        n_frames: int = 512,
        max_duration: int = 40,
    ) -> None:
        super().__init__(n_features, widths, n_samples, n_frames, max_duration)
        wide, narrow = widths
        self.block1 = nn.Sequential(conv(2, wide, narrow, 1), conv(2, narrow, narrow, 3, padding=1))
        self.proposal_block = RelationBlock(narrow)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # type: ignore[override]
        """See the class."""
        found: tuple[Tensor, Tensor, Tensor] = self.proposal_block(
            self.block1(self.sampled(features))
        )
        return found
