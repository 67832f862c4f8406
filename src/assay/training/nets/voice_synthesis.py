"""A network for windows of speech: fine spectrum and phase in, score and features out."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor, nn

from assay.bundles.aggregation import Aggregation
from assay.inputs.waveform import WaveformInput
from assay.training.nets.spec import Fit, NetSpec
from assay.training.nets.trunk import Outputs

WINDOW = 512
HOP = 160
N_BANDS = 256
LEVEL = 0.05
FLOOR = 1e-4
CHANNELS = 5


class Spectrum(nn.Module):
    """Sound (n, m) to (n, 5, 256, t): log magnitude, and the cosine and sine of how the phase
    advances from frame to frame and from band to band.

    Frames of 32 ms every 10 ms; the lowest bin, which holds the constant part, is left out. The
    level is set by the whole window's. Vocoders that draw their own phase leave it less regular
    between harmonics than a throat does. Written as convolutions, so that it exports.
    """

    waves: Tensor
    advance_cos: Tensor
    advance_sin: Tensor

    def __init__(self) -> None:
        super().__init__()
        time = torch.arange(WINDOW, dtype=torch.float64)
        bins = torch.arange(1, N_BANDS + 1, dtype=torch.float64)[:, None]
        window = torch.hann_window(WINDOW, dtype=torch.float64)
        turn = 2 * math.pi * bins * time / WINDOW
        waves = torch.cat([torch.cos(turn), -torch.sin(turn)]) * window / window.sum()
        self.register_buffer("waves", waves.float()[:, None])
        expected = 2 * math.pi * bins[:, 0] * HOP / WINDOW
        self.register_buffer("advance_cos", torch.cos(expected).float()[:, None])
        self.register_buffer("advance_sin", torch.sin(expected).float()[:, None])

    def forward(self, sound: Tensor) -> Tensor:
        """See the class."""
        sound = sound.float()
        sound = sound - sound.mean(dim=1, keepdim=True)
        level = sound.square().mean(dim=1, keepdim=True).sqrt()
        sound = sound * (LEVEL / (level + 1e-6))
        both = nn.functional.conv1d(sound[:, None], self.waves, stride=HOP)
        real, imaginary = both[:, :N_BANDS], both[:, N_BANDS:]
        power = real.square() + imaginary.square()
        # Zero where there is nothing, so that the mean is exact there on every machine.
        loudness = torch.log(power / (FLOOR * FLOOR) + 1)
        loudness = (loudness - loudness.mean(dim=(1, 2), keepdim=True)) / 4
        size = torch.sqrt(power + 1e-12)
        real, imaginary = real / size, imaginary / size
        in_time = self._advance(real, imaginary)
        in_bands = _between(real, imaginary, 1)
        return torch.stack([loudness, *in_time, *in_bands], dim=1)

    def _advance(self, real: Tensor, imaginary: Tensor) -> tuple[Tensor, Tensor]:
        """The phase's advance between frames beyond that of the band's middle."""
        cosine, sine = _between(real, imaginary, 2)
        return (
            cosine * self.advance_cos + sine * self.advance_sin,
            sine * self.advance_cos - cosine * self.advance_sin,
        )


def _between(real: Tensor, imaginary: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine of the difference to the neighbour before; of the first it is 0."""
    n = real.shape[dim]
    later = real.narrow(dim, 1, n - 1), imaginary.narrow(dim, 1, n - 1)
    before = real.narrow(dim, 0, n - 1), imaginary.narrow(dim, 0, n - 1)
    cosine = later[0] * before[0] + later[1] * before[1]
    sine = later[1] * before[0] - later[0] * before[1]
    zeros = torch.zeros_like(real.narrow(dim, 0, 1))
    return torch.cat([zeros, cosine], dim), torch.cat([zeros, sine], dim)


class Block(nn.Module):
    """Two 3 × 3 convolutions around a shortcut (He et al., 2016); the first may halve the size."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(),
            nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(n_out),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or n_in != n_out:
            self.shortcut = nn.Sequential(
                nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out)
            )

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        return torch.relu(self.body(x) + self.shortcut(x))


class VoiceSynthesisNet(nn.Module):
    """float32 sound (n, m) at 16 kHz in; score and features out, and while training which method
    made it (Sun et al., "AI-Synthesized Voice Detection Using Neural Vocoder Artifacts", 2023).

    A residual network over the spectrum that keeps the bands apart to the end: mean and spread
    over time are taken of each. `phase` False leaves the phase out.
    """

    def __init__(
        self,
        widths: tuple[int, ...] = (24, 32, 48, 64, 96),
        features: int = 128,
        dropout: float = 0.2,
        phase: bool = True,
        n_methods: int = 0,
    ) -> None:
        super().__init__()
        self.spectrum = Spectrum()
        self.channels = CHANNELS if phase else 1
        self.stem = nn.Sequential(
            nn.Conv2d(self.channels, widths[0], 5, 2, 2, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
        )
        stages: list[nn.Module] = []
        for n_in, n_out in itertools.pairwise(widths):
            stages += [Block(n_in, n_out, 2), Block(n_out, n_out, 1)]
        self.stages = nn.Sequential(*stages)
        n_rows = N_BANDS >> len(widths)
        self.squeeze = nn.Conv2d(widths[-1], 32, 1)
        self.pooled = nn.Sequential(nn.Linear(2 * 32 * n_rows, features), nn.ReLU())
        self.dropout = nn.Dropout(dropout)
        self.score = nn.Linear(features, 1)
        self.method = nn.Linear(features, n_methods) if n_methods else None

    def forward(self, sound: Tensor) -> Outputs:
        """See the class."""
        with torch.autocast(sound.device.type, enabled=False):
            x = self.spectrum(sound)
        x = self.stages(self.stem(x[:, : self.channels]))
        x = self.squeeze(x).float()
        spread = torch.sqrt(x.var(dim=3, unbiased=False) + 1e-5)
        pooled = self.pooled(torch.cat([x.mean(dim=3), spread], dim=1).flatten(1)).float()
        kept = self.dropout(pooled)
        methods = None if self.method is None else self.method(kept)
        return Outputs(self.score(kept)[:, 0], pooled, None, methods)


BIBTEX = """@inproceedings{sun2023ai,
  title = {{AI}-Synthesized Voice Detection Using Neural Vocoder Artifacts},
  author = {Sun, Chengzhe and Jia, Shan and Hou, Shuwei and Lyu, Siwei},
  booktitle = {IEEE/CVF Conference on Computer Vision and Pattern Recognition Workshops (CVPRW)},
  year = {2023}
}"""
NETS = (
    NetSpec(
        name="voice_synthesis",
        title="Traces of a vocoder in speech",
        paper="assay (docs/models/voice_synthesis.md), after Sun et al., AI-Synthesized Voice "
        "Detection Using Neural Vocoder Artifacts, CVPR Workshops 2023",
        kind="voice",
        recipe=WaveformInput(),
        build=VoiceSynthesisNet,
        n_parameters=638_825,
        n_macs=619_873_408,
        fit=Fit(
            steps=2406,
            batch=32,
            optimiser="adamw",
            learning_rate=1e-3,
            weight_decay=2e-2,
            decay="cosine",
            loss="own",
            augment="none",
        ),
        aggregation=Aggregation("mean_logit", "max"),
        bibtex=BIBTEX,
        own=True,
        differs=(
            "trained on pairs by a program of its own: `assay train configs/voice_synthesis.toml`; "
            "its card tells of the weights that ship, which go on from 400 steps before",
        ),
    ),
)
