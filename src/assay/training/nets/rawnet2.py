"""RawNet2 for anti-spoofing: residual blocks on band-passed waveforms, then a recurrent layer.

Tak et al., "End-to-end anti-spoofing with RawNet2", ICASSP 2021, written anew from the paper:
25.43 million parameters (`paper`). The baseline of ASVspoof 2021 has fewer filters, longer and
narrower, and 17.6 million (`baseline`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from assay.errors import ConfigError
from assay.training.nets.band_passes import BandPasses

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

    Raises ValueError where n is too short for seven poolings by three (2,315 samples; 3,211 for
    the baseline).
    """

    def __init__(self, size: str = "paper") -> None:
        super().__init__()
        if size not in SIZES:
            raise ConfigError(
                f"There is no RawNet2 of size {size!r}; there are: {', '.join(SIZES)}."
            )
        chosen = SIZES[size]
        narrow, wide = chosen.narrow, chosen.wide
        self.least_samples = chosen.n_taps - 1 + POOL**N_POOLINGS
        self.filters = BandPasses(narrow, chosen.n_taps)
        self.norm = nn.BatchNorm1d(narrow)
        widths = [narrow] * 3 + [wide] * 4
        self.blocks = nn.ModuleList(
            _Block(n_in, n_out, first=number == 0)
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
        x = nn.functional.leaky_relu(self.norm(x), SLOPE)
        for block in self.blocks:
            x = block(x)
        x = nn.functional.leaky_relu(self.last_norm(x), SLOPE)
        steps, _ = self.recurrent(x.transpose(1, 2))
        features: Tensor = self.read(steps[:, -1])
        return features


class _Block(nn.Module):
    """Two convolutions beside a short cut, a third of the time steps, and each channel scaled and
    shifted by what its mean says of it (filter-wise feature map scaling)."""

    def __init__(self, n_in: int, n_out: int, *, first: bool) -> None:
        super().__init__()
        self.before = None if first else nn.BatchNorm1d(n_in)
        self.first = nn.Conv1d(n_in, n_out, 3, padding=1)
        self.between = nn.BatchNorm1d(n_out)
        self.second = nn.Conv1d(n_out, n_out, 3, padding=1)
        self.short_cut = nn.Identity() if n_in == n_out else nn.Conv1d(n_in, n_out, 1)
        self.scale = nn.Linear(n_out, n_out)

    def forward(self, x: Tensor) -> Tensor:
        into = x if self.before is None else nn.functional.leaky_relu(self.before(x), SLOPE)
        inner = nn.functional.leaky_relu(self.between(self.first(into)), SLOPE)
        x = nn.functional.max_pool1d(self.second(inner) + self.short_cut(x), POOL)
        scale = torch.sigmoid(self.scale(x.mean(dim=2)))[..., None]
        return x * scale + scale
