"""AASIST: graphs over the bands and over the moments of a waveform's feature map, read together.

Jung et al., "AASIST: Audio Anti-Spoofing using Integrated Spectro-Temporal Graph Attention
Networks", ICASSP 2022, written anew from the paper: 297,866 parameters, AASIST-L 85,306. The
feature extractor is RawNet2's, read as a picture of bands by time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor, nn

from assay.bundles.aggregation import Aggregation
from assay.errors import ConfigError
from assay.inputs.waveform import WaveformInput
from assay.training.nets.band_passes import BandPasses
from assay.training.nets.spec import Fit, NetSpec

N_BANDS, N_TAPS = 70, 129
POOL = 3
LEAST_SAMPLES = N_TAPS - 1 + POOL**7  # below it nothing is left after seven poolings
SPOOF, BONA_FIDE = 0, 1  # the two outputs, in the order of the published weights


@dataclass(frozen=True, slots=True)
class Size:
    """Channels of the residual blocks, widths of the graphs before and after they are joined, the
    shares of nodes that poolings keep, and the temperatures of their softmax."""

    channels: tuple[int, ...] = (32, 32, 64, 64, 64, 64)
    own_width: int = 64
    joint_width: int = 32
    bands_kept: float = 0.5
    moments_kept: float = 0.7
    joint_kept: float = 0.5
    own_temperature: float = 2.0
    joint_temperature: float = 100.0


SIZES = {
    "full": Size(),
    "light": Size(
        (32, 32, 24, 24, 24, 24), 24, 32, bands_kept=0.4, moments_kept=0.5, joint_kept=0.7
    ),
}


class Aasist(nn.Module):
    """Waveforms (b, n) at 16 kHz in [-1, 1] in, a logit (b,) out: higher = more likely fake.

    `norm_first` puts each block's first norm and activation to use, as the paper draws it; the
    published weights were trained with them passed over. Raises ValueError below 2,315 samples.
    """

    def __init__(self, size: str = "full", norm_first: bool = False) -> None:
        super().__init__()
        if size not in SIZES:
            raise ConfigError(
                f"There is no AASIST of size {size!r}; there are: {', '.join(SIZES)}."
            )
        chosen = SIZES[size]
        self.filters = BandPasses(N_BANDS, N_TAPS)
        self.norm = nn.BatchNorm2d(1)
        pairs = pairwise((1, *chosen.channels))
        self.blocks = nn.ModuleList(
            _Block(n_in, n_out, first=number == 0, norm_first=norm_first)
            for number, (n_in, n_out) in enumerate(pairs)
        )
        features, own = chosen.channels[-1], chosen.own_width
        self.band_places = nn.Parameter(torch.randn(1, N_BANDS // POOL, features))
        self.bands = _Attention(features, own, chosen.own_temperature)
        self.moments = _Attention(features, own, chosen.own_temperature)
        self.keep_bands = _Keep(own, chosen.bands_kept)
        self.keep_moments = _Keep(own, chosen.moments_kept)
        self.branches = nn.ModuleList(_Branch(chosen) for _ in range(2))
        self.branch_dropout = nn.Dropout(0.2)
        self.dropout = nn.Dropout(0.5)
        self.score = nn.Linear(5 * chosen.joint_width, 2)

    def forward(self, waveform: Tensor) -> Tensor:
        """See the class."""
        both = self.score(self.dropout(self.embed(waveform)))
        logit: Tensor = both[:, SPOOF] - both[:, BONA_FIDE]
        return logit

    def embed(self, waveform: Tensor) -> Tensor:
        """The features (b, 160) that the score is read from."""
        magnitude = self.feature_map(waveform).abs()
        bands = self.bands(magnitude.amax(dim=3).transpose(1, 2) + self.band_places)
        moments = self.moments(magnitude.amax(dim=2).transpose(1, 2))
        nodes = self.keep_moments(moments), self.keep_bands(bands)
        first, second = ([self.branch_dropout(x) for x in one(*nodes)] for one in self.branches)
        moments, bands, stack = (torch.maximum(a, b) for a, b in zip(first, second, strict=True))
        parts = [moments.abs().amax(dim=1), moments.mean(dim=1)]
        parts += [bands.abs().amax(dim=1), bands.mean(dim=1), stack[:, 0]]
        return torch.cat(parts, dim=1)

    def feature_map(self, waveform: Tensor) -> Tensor:
        """Features (b, channels, 23 bands, moments)."""
        if waveform.ndim != 2 or waveform.shape[1] < LEAST_SAMPLES:
            raise ValueError(
                f"AASIST reads (b, n) from {LEAST_SAMPLES} samples on, got {tuple(waveform.shape)}."
            )
        picture = self.filters(waveform)[:, None].abs()
        x = nn.functional.selu(self.norm(nn.functional.max_pool2d(picture, POOL)))
        for block in self.blocks:
            x = block(x)
        return x


class _Block(nn.Module):
    """Two convolutions beside a short cut; a third of the time steps is left."""

    def __init__(self, n_in: int, n_out: int, *, first: bool, norm_first: bool) -> None:
        super().__init__()
        self.norm_first = norm_first and not first
        # Kept unused as well: it is among the published parameters.
        self.before = None if first else nn.BatchNorm2d(n_in)
        self.first = nn.Conv2d(n_in, n_out, (2, 3), padding=(1, 1))
        self.between = nn.BatchNorm2d(n_out)
        self.second = nn.Conv2d(n_out, n_out, (2, 3), padding=(0, 1))
        self.short_cut = (
            nn.Identity() if n_in == n_out else nn.Conv2d(n_in, n_out, (1, 3), padding=(0, 1))
        )

    def forward(self, x: Tensor) -> Tensor:
        into = nn.functional.selu(self.before(x)) if self.norm_first and self.before else x
        inner = nn.functional.selu(self.between(self.first(into)))
        return nn.functional.max_pool2d(self.second(inner) + self.short_cut(x), (1, POOL))


class _Attention(nn.Module):
    """Every node (b, n, d) takes in all others, weighted by how their products look."""

    def __init__(self, n_in: int, n_out: int, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature
        self.pair = nn.Linear(n_in, n_out)
        self.weigh = _weights(n_out)
        self.from_all = nn.Linear(n_in, n_out)
        self.from_self = nn.Linear(n_in, n_out)
        self.norm = nn.BatchNorm1d(n_out)
        self.dropout = nn.Dropout(0.2)

    def forward(self, nodes: Tensor) -> Tensor:
        x = self.dropout(nodes)
        likeness = (torch.tanh(self.pair(_products(x))) @ self.weigh)[..., 0]
        share = torch.softmax(likeness / self.temperature, dim=2)
        return nn.functional.selu(_normed(self.norm, self.from_all(share @ x) + self.from_self(x)))


class _JointAttention(nn.Module):
    """The same over both kinds of node at once, with weights of their own within a kind and
    across, and a stack node (b, 1, d) that only listens."""

    def __init__(self, n_in: int, n_out: int, temperature: float) -> None:
        super().__init__()
        self.temperature = temperature
        self.moments_in, self.bands_in = nn.Linear(n_in, n_in), nn.Linear(n_in, n_in)
        self.pair, self.pair_stack = nn.Linear(n_in, n_out), nn.Linear(n_in, n_out)
        self.weigh_moments, self.weigh_bands = _weights(n_out), _weights(n_out)
        self.weigh_across, self.weigh_stack = _weights(n_out), _weights(n_out)
        self.from_all, self.from_self = nn.Linear(n_in, n_out), nn.Linear(n_in, n_out)
        self.stack_from_all = nn.Linear(n_in, n_out)
        self.stack_from_self = nn.Linear(n_in, n_out)
        self.norm = nn.BatchNorm1d(n_out)
        self.dropout = nn.Dropout(0.2)

    def forward(
        self, moments: Tensor, bands: Tensor, stack: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        n = moments.shape[1]
        x = self.dropout(torch.cat([self.moments_in(moments), self.bands_in(bands)], dim=1))
        heard = torch.tanh(self.pair_stack(x * stack)) @ self.weigh_stack
        heard = torch.softmax(heard / self.temperature, dim=1).transpose(1, 2)
        stack = self.stack_from_all(heard @ x) + self.stack_from_self(stack)
        share = torch.softmax(self._likeness(x, n) / self.temperature, dim=2)
        x = self.from_all(share @ x) + self.from_self(x)
        x = nn.functional.selu(_normed(self.norm, x))
        return x[:, :n], x[:, n:], stack

    def _likeness(self, x: Tensor, n: int) -> Tensor:
        """(b, nodes, nodes); the first `n` nodes are moments."""
        seen = torch.tanh(self.pair(_products(x)))
        upper = [seen[:, :n, :n] @ self.weigh_moments, seen[:, :n, n:] @ self.weigh_across]
        lower = [seen[:, n:, :n] @ self.weigh_across, seen[:, n:, n:] @ self.weigh_bands]
        return torch.cat([torch.cat(upper, dim=2), torch.cat(lower, dim=2)], dim=1)[..., 0]


class _Keep(nn.Module):
    """The share of nodes that score highest, each scaled by its score, highest first."""

    def __init__(self, width: int, share: float) -> None:
        super().__init__()
        self.share = share
        self.score = nn.Linear(width, 1)
        self.dropout = nn.Dropout(0.3)

    def forward(self, nodes: Tensor) -> Tensor:
        score = torch.sigmoid(self.score(self.dropout(nodes)))
        n = max(1, int(nodes.shape[1] * self.share))
        at = score.topk(n, dim=1).indices.expand(-1, -1, nodes.shape[2])
        return (nodes * score).gather(1, at)


class _Branch(nn.Module):
    """One of two competing ways through the joint graph: attention, pooling, attention."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        width, temperature = size.joint_width, size.joint_temperature
        self.stack = nn.Parameter(torch.randn(1, 1, size.own_width))
        self.first = _JointAttention(size.own_width, width, temperature)
        self.keep_moments = _Keep(width, size.joint_kept)
        self.keep_bands = _Keep(width, size.joint_kept)
        self.second = _JointAttention(width, width, temperature)

    def forward(self, moments: Tensor, bands: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        moments, bands, stack = self.first(moments, bands, self.stack)
        moments, bands = self.keep_moments(moments), self.keep_bands(bands)
        more = self.second(moments, bands, stack)
        return moments + more[0], bands + more[1], stack + more[2]


def _weights(width: int) -> nn.Parameter:
    return nn.Parameter(nn.init.xavier_normal_(torch.empty(width, 1)))


def _products(nodes: Tensor) -> Tensor:
    """Of every two nodes, (b, n, n, d)."""
    return nodes[:, :, None] * nodes[:, None]


def _normed(norm: nn.BatchNorm1d, nodes: Tensor) -> Tensor:
    flat: Tensor = norm(nodes.flatten(0, 1))
    return flat.view(nodes.shape)


# How the published checkpoint calls the parts, and how they are called here.
_PARTS = {
    "att_projM": "pair_stack",
    "att_proj": "pair",
    "att_weight11": "weigh_moments",
    "att_weight22": "weigh_bands",
    "att_weight12": "weigh_across",
    "att_weightM": "weigh_stack",
    "att_weight": "weigh",
    "proj_type1": "moments_in",
    "proj_type2": "bands_in",
    "proj_with_attM": "stack_from_all",
    "proj_without_attM": "stack_from_self",
    "proj_with_att": "from_all",
    "proj_without_att": "from_self",
    "bn": "norm",
    "bn1": "before",
    "bn2": "between",
    "conv1": "first",
    "conv2": "second",
    "conv_downsample": "short_cut",
}
_PLACES = {
    "pos_S": "band_places",
    "master1": "branches.0.stack",
    "master2": "branches.1.stack",
    "first_bn": "norm",
    **{f"encoder.{i}.0": f"blocks.{i}" for i in range(6)},
    "GAT_layer_S": "bands",
    "GAT_layer_T": "moments",
    "pool_S.proj": "keep_bands.score",
    "pool_T.proj": "keep_moments.score",
    **{f"pool_hS{i + 1}.proj": f"branches.{i}.keep_bands.score" for i in range(2)},
    **{f"pool_hT{i + 1}.proj": f"branches.{i}.keep_moments.score" for i in range(2)},
    **{f"HtrgGAT_layer_ST{i + 1}1": f"branches.{i}.first" for i in range(2)},
    **{f"HtrgGAT_layer_ST{i + 1}2": f"branches.{i}.second" for i in range(2)},
    "out_layer": "score",
}


def from_published(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors of the public checkpoint by the names used here, for `load_state_dict`.

    Raises ValueError naming a tensor that is none of AASIST's.
    """
    return {_own_name(name): tensor for name, tensor in state.items()}


def _own_name(name: str) -> str:
    for place, own_place in _PLACES.items():
        if name == place:
            return own_place
        if name.startswith(f"{place}."):
            part, _, rest = name.removeprefix(f"{place}.").partition(".")
            part = _PARTS.get(part, part)
            return ".".join(filter(None, (own_place, part, rest)))
    raise ValueError(f"{name!r} is no part of AASIST.")


BIBTEX = """@inproceedings{jung2022aasist,
  title = {{AASIST}: Audio Anti-Spoofing using Integrated Spectro-Temporal Graph
    Attention Networks},
  author = {Jung, Jee-weon and Heo, Hee-Soo and Tak, Hemlata and Shim, Hye-jin and
    Chung, Joon Son and Lee, Bong-Jin and Yu, Ha-Jin and Evans, Nicholas},
  booktitle = {IEEE International Conference on Acoustics, Speech and Signal Processing (ICASSP)},
  year = {2022}
}"""
FULL = NetSpec(
    name="aasist",
    title="AASIST",
    paper="Jung et al., AASIST: Audio Anti-Spoofing using Integrated Spectro-Temporal Graph "
    "Attention Networks, ICASSP 2022",
    kind="voice",
    recipe=WaveformInput(length_s=4.0375),
    build=Aasist,
    n_parameters=297_866,
    n_macs=9_562_041_168,
    fit=Fit(
        epochs=100,
        batch=24,
        optimiser="adam",
        learning_rate=1e-4,
        weight_decay=1e-4,
        decay="cosine",
        loss="binary_weighted",
        balanced=False,
        seed=1234,
    ),
    aggregation=Aggregation("mean_logit", "max"),
    source="https://github.com/clovaai/aasist",
    checkpoint="AASIST.pth of the authors, trained on ASVspoof 2019 LA",
    checkpoint_licence="MIT (NAVER Corp.)",
    published=from_published,
    bibtex=BIBTEX,
    differs=(
        "the paper reads the first 64,600 samples; here speech is read in up to eight such "
        "windows, silence left out, and their logits are averaged",
        "the learning rate falls to 0, the paper's to 5e-6, and the weights are not averaged",
        "genuine voices weigh as much as the fakes together; the paper's code weighs them nine to "
        "one, which is nearly that in ASVspoof 2019",
    ),
    arguments={"size": "full"},
)
NETS = (
    FULL,
    replace(
        FULL,
        name="aasist_l",
        title="AASIST-L",
        n_parameters=85_306,
        n_macs=6_603_129_104,
        checkpoint="AASIST-L.pth of the authors, trained on ASVspoof 2019 LA",
        arguments={"size": "light"},
    ),
)
