"""RawNet2 for anti-spoofing: residual blocks on band-passed waveforms, then a recurrent layer.

Tak et al., "End-to-end anti-spoofing with RawNet2", ICASSP 2021, written anew from the paper:
25.43 million parameters (`paper`). The baseline of ASVspoof 2021 has fewer filters, longer and
narrower, and 17.6 million (`baseline`); its public weights were trained with other activations.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from assay.bundles.aggregation import Aggregation
from assay.errors import ConfigError
from assay.inputs.waveform import WaveformInput
from assay.training.nets.band_passes import BandPasses
from assay.training.nets.checkpoints import unwrapped
from assay.training.nets.spec import Fit, NetSpec

POOL = 3
N_POOLINGS = 7
HIDDEN = 1024
N_RECURRENT = 3
SLOPE = 0.3
SPOOF, BONA_FIDE = 0, 1


@dataclass(frozen=True, slots=True)
class Size:
    """Filters of the first layer and their length, channels after the two and after the four
    residual blocks."""

    n_taps: int
    narrow: int
    wide: int


SIZES = {"paper": Size(129, 128, 512), "baseline": Size(1025, 20, 128)}


class RawNet2(nn.Module):
    """Waveforms (b, n) at 16 kHz in [-1, 1] in, a logit (b,) out: higher = more likely fake.

    `as_published` follows the code behind the public weights, where it differs from the paper: the
    first norm and activation of each block are passed over, and the activations before the blocks
    and before the recurrent layer are SELU. Raises ValueError where n is too short for seven
    poolings by three (2,315 samples; 3,211 for the baseline).
    """

    def __init__(self, size: str = "paper", as_published: bool = False) -> None:
        super().__init__()
        if size not in SIZES:
            raise ConfigError(
                f"There is no RawNet2 of size {size!r}; there are: {', '.join(SIZES)}."
            )
        self.as_published = as_published
        chosen = SIZES[size]
        narrow, wide = chosen.narrow, chosen.wide
        self.least_samples = chosen.n_taps - 1 + POOL**N_POOLINGS
        self.filters = BandPasses(narrow, chosen.n_taps)
        self.norm = nn.BatchNorm1d(narrow)
        widths = [narrow] * 3 + [wide] * 4
        self.blocks = nn.ModuleList(
            _Block(n_in, n_out, first=number == 0, norm_first=not as_published)
            for number, (n_in, n_out) in enumerate(pairwise(widths))
        )
        self.last_norm = nn.BatchNorm1d(wide)
        self.recurrent = nn.GRU(wide, HIDDEN, N_RECURRENT, batch_first=True)
        self.read = nn.Linear(HIDDEN, HIDDEN)
        self.score = nn.Linear(HIDDEN, 2)

    def forward(self, waveform: Tensor) -> Tensor:
        """See the class."""
        both = self.score(self.embed(waveform))
        logit: Tensor = both[:, SPOOF] - both[:, BONA_FIDE]
        return logit

    def embed(self, waveform: Tensor) -> Tensor:
        """The features (b, 1024) that the score is read from."""
        if waveform.ndim != 2 or waveform.shape[1] < self.least_samples:
            raise ValueError(
                f"RawNet2 reads (b, n) from {self.least_samples} samples on, "
                f"got {tuple(waveform.shape)}."
            )
        x = nn.functional.max_pool1d(self.filters(waveform).abs(), POOL)
        x = self._active(self.norm(x))
        for block in self.blocks:
            x = block(x)
        x = self._active(self.last_norm(x))
        steps, _ = self.recurrent(x.transpose(1, 2))
        features: Tensor = self.read(steps[:, -1])
        return features

    def _active(self, x: Tensor) -> Tensor:
        return nn.functional.selu(x) if self.as_published else nn.functional.leaky_relu(x, SLOPE)


class _Block(nn.Module):
    """Two convolutions beside a short cut, a third of the time steps, and each channel scaled and
    shifted by what its mean says of it (filter-wise feature map scaling)."""

    def __init__(self, n_in: int, n_out: int, *, first: bool, norm_first: bool) -> None:
        super().__init__()
        self.norm_first = norm_first and not first
        # Kept unused as well: it is among the published parameters.
        self.before = None if first else nn.BatchNorm1d(n_in)
        self.first = nn.Conv1d(n_in, n_out, 3, padding=1)
        self.between = nn.BatchNorm1d(n_out)
        self.second = nn.Conv1d(n_out, n_out, 3, padding=1)
        self.short_cut = nn.Identity() if n_in == n_out else nn.Conv1d(n_in, n_out, 1)
        self.scale = nn.Linear(n_out, n_out)

    def forward(self, x: Tensor) -> Tensor:
        into = x
        if self.norm_first and self.before is not None:
            into = nn.functional.leaky_relu(self.before(x), SLOPE)
        inner = nn.functional.leaky_relu(self.between(self.first(into)), SLOPE)
        x = nn.functional.max_pool1d(self.second(inner) + self.short_cut(x), POOL)
        scale = torch.sigmoid(self.scale(x.mean(dim=2)))[..., None]
        return x * scale + scale


_PLACES = {
    "first_bn": "norm",
    "bn_before_gru": "last_norm",
    "gru": "recurrent",
    "fc1_gru": "read",
    "fc2_gru": "score",
    **{f"fc_attention{i}.0": f"blocks.{i}.scale" for i in range(6)},
}
_PARTS = {
    "bn1": "before",
    "bn2": "between",
    "conv1": "first",
    "conv2": "second",
    "conv_downsample": "short_cut",
}


def published(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of the public checkpoint by the names used here, for `load_state_dict`.

    Raises ValueError naming a tensor that is none of RawNet2's.
    """
    return {_own_name(name): tensor for name, tensor in unwrapped(state).items()}


def _own_name(name: str) -> str:
    place, _, tensor = name.rpartition(".")
    if place in _PLACES:
        return f"{_PLACES[place]}.{tensor}"
    block, _, part = place.partition(".0.")
    number = block.removeprefix("block")
    if block.startswith("block") and number in "012345" and part in _PARTS:
        return f"blocks.{number}.{_PARTS[part]}.{tensor}"
    raise ValueError(f"{name!r} is no part of RawNet2.")


BIBTEX = """@inproceedings{tak2021rawnet2,
  title = {End-to-End anti-spoofing with {RawNet2}},
  author = {Tak, Hemlata and Patino, Jose and Todisco, Massimiliano and Nautsch, Andreas and
    Evans, Nicholas and Larcher, Anthony},
  booktitle = {IEEE International Conference on Acoustics, Speech and Signal Processing (ICASSP)},
  pages = {6369--6373},
  year = {2021}
}"""
WINDOWS = (
    "the paper reads the first 64,600 samples; here speech is read in up to eight such windows, "
    "silence left out, and their logits are averaged"
)
PAPER = NetSpec(
    name="rawnet2",
    title="RawNet2 for anti-spoofing",
    paper="Tak et al., End-to-end anti-spoofing with RawNet2, ICASSP 2021",
    kind="voice",
    recipe=WaveformInput(length_s=4.0375),
    build=RawNet2,
    n_parameters=25_433_602,
    n_macs=8_693_740_544,
    fit=Fit(
        epochs=100,
        batch=32,
        optimiser="adam",
        learning_rate=1e-4,
        weight_decay=1e-4,
        loss="binary_weighted",
        balanced=False,
        seed=1234,
    ),
    aggregation=Aggregation("mean_logit", "max"),
    source="https://github.com/eurecom-asp/rawnet2-antispoofing",
    bibtex=BIBTEX,
    differs=(
        WINDOWS,
        "genuine voices weigh as much as the fakes together; the paper's code weighs them nine to "
        "one, which is nearly that in ASVspoof 2019",
        "the band-pass filters cut half the rate into equal steps of the mel scale; the paper's "
        "code takes steps one part in 130 smaller, and leaves the highest out",
    ),
    arguments={"size": "paper"},
)
NETS = (
    PAPER,
    replace(
        PAPER,
        name="rawnet2_baseline",
        title="RawNet2, the baseline of ASVspoof 2021",
        n_parameters=17_621_410,
        n_macs=2_090_862_080,
        source="https://github.com/asvspoof-challenge/2021 (LA/Baseline-RawNet2)",
        checkpoint="pre_trained_DF_RawNet2.pth of the challenge, trained on ASVspoof 2019 LA",
        checkpoint_licence="MIT for the code (its LICENSE); none stated with the weights",
        published=published,
        differs=(WINDOWS,),
        arguments={"size": "baseline", "as_published": True},
    ),
)
