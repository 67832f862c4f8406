"""LFCC-LCNN: the baseline of ASVspoof 2021 on cepstra of a linear filter bank.

Wang & Yamagishi, "A Comparative Study on Recent Neural Spoofing Countermeasures for Synthetic
Speech Detection", Interspeech 2021, as in the baseline LFCC-LCNN of the challenge
(asvspoof-challenge/2021 @4ab5666): 60 cepstra and differences up to 4 kHz every 10 ms, a light CNN
with max-feature-map units (Wu et al., 2018), two bidirectional LSTMs, the mean over time. Written
anew from the layer sizes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from assay.bundles.aggregation import Aggregation
from assay.inputs.waveform import WaveformInput
from assay.training.nets.spec import Fit, NetSpec

RATE_HZ, FRAME, HOP, LINES, CEPSTRA = 16000, 320, 160, 1024, 20
HIGHEST_SHARE = 0.5
EMPHASIS = 0.97
BIBTEX = """@inproceedings{wang2021comparative,
  title={A Comparative Study on Recent Neural Spoofing Countermeasures for Synthetic Speech
         Detection},
  author={Wang, Xin and Yamagishi, Junichi},
  booktitle={Interspeech},
  year={2021}
}"""


class Lfcc(nn.Module):
    """Sound (n, m) at 16 kHz to (n, 1 + m // 160, 60): the logarithm of the energy and 19 cepstra
    of 20 triangles from 0 to 4 kHz, and their first and second differences.

    The transform is a convolution, so that it exports; a frame's phase does not matter here.
    """

    waves: Tensor
    triangles: Tensor
    cosines: Tensor

    def __init__(self) -> None:
        super().__init__()
        n_lines = int(HIGHEST_SHARE * (LINES // 2 + 1))
        time = torch.arange(FRAME, dtype=torch.float64)
        turn = 2 * math.pi * torch.arange(n_lines, dtype=torch.float64)[:, None] * time / LINES
        window = torch.hamming_window(FRAME, dtype=torch.float64)
        waves = torch.cat([torch.cos(turn), torch.sin(turn)]) * window
        self.register_buffer("waves", waves.float()[:, None], persistent=False)
        self.register_buffer("triangles", _triangles(n_lines), persistent=False)
        self.register_buffer("cosines", _cosines(CEPSTRA), persistent=False)

    def forward(self, sound: Tensor) -> Tensor:
        """See the class."""
        raised = torch.cat([sound[:, :1], sound[:, 1:] - EMPHASIS * sound[:, :-1]], dim=1)
        both = nn.functional.conv1d(raised[:, None], self.waves, stride=HOP, padding=FRAME // 2)
        half = both.shape[1] // 2
        power = (both[:, :half].square() + both[:, half:].square()).transpose(1, 2)
        least = torch.finfo(torch.float32).eps
        bands = torch.log10(power @ self.triangles + least)
        energy = torch.log10((power / LINES).sum(dim=2, keepdim=True) + least)
        cepstra = torch.cat([energy, (bands @ self.cosines)[:, :, 1:]], dim=2)
        first = _differences(cepstra)
        return torch.cat([cepstra, first, _differences(first)], dim=2)


def _triangles(n_lines: int) -> Tensor:
    """(lines, 20): evenly spaced triangles, peak 1, over all lines."""
    lines = torch.linspace(0, HIGHEST_SHARE, n_lines, dtype=torch.float64)[:, None]
    edges = torch.linspace(0, HIGHEST_SHARE, CEPSTRA + 2, dtype=torch.float64)
    width = edges[1] - edges[0]
    return (1 - (lines - edges[1:-1]).abs() / width).clamp(min=0).float()


def _cosines(n: int) -> Tensor:
    """The orthonormal DCT of type II, (n, n), to be multiplied from the right."""
    at = torch.arange(n, dtype=torch.float64)
    table = torch.cos(math.pi * (at[:, None] + 0.5) * at / n) * math.sqrt(2 / n)
    table[:, 0] /= math.sqrt(2)
    return table.float()


def _differences(x: Tensor) -> Tensor:
    """The next moment less the one before; the ends are repeated. (n, t, d) each."""
    held = torch.cat([x[:, :1], x, x[:, -1:]], dim=1)
    return held[:, 2:] - held[:, :-2]


class MaxFeatureMap(nn.Module):
    """The larger of both halves of the channels."""

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        # A plain number: with a size that is traced the graph loses count of its channels.
        n = int(x.shape[1]) // 2
        return torch.maximum(x.narrow(1, 0, n), x.narrow(1, n, n))


class Lcnn(nn.Module):
    """Sound (n, m) float32 at 16 kHz, from a tenth of a second on; a logit (n,), higher = fake."""

    def __init__(self, dropout: float = 0.7) -> None:
        super().__init__()
        self.front = Lfcc()
        layers: list[nn.Module] = [*_unit(1, 64, 5), nn.MaxPool2d(2)]
        layers += [*_unit(32, 64, 1), _norm(32), *_unit(32, 96, 3), nn.MaxPool2d(2), _norm(48)]
        layers += [*_unit(48, 96, 1), _norm(48), *_unit(48, 128, 3), nn.MaxPool2d(2)]
        layers += [*_unit(64, 128, 1), _norm(64), *_unit(64, 64, 3), _norm(32)]
        layers += [*_unit(32, 64, 1), _norm(32), *_unit(32, 64, 3), nn.MaxPool2d(2)]
        self.transform = nn.Sequential(*layers, nn.Dropout(dropout))
        width = 3 * CEPSTRA // 16 * 32
        self.lstms = nn.ModuleList(
            nn.LSTM(width, width // 2, batch_first=True, bidirectional=True) for _ in range(2)
        )
        self.score = nn.Linear(width, 1)

    def forward(self, sound: Tensor) -> Tensor:
        """See the class."""
        x = self.transform(self.front(sound.float())[:, None])
        x = x.transpose(1, 2).flatten(2)
        heard = x
        for lstm in self.lstms:
            heard, _ = lstm(heard)
        logit: Tensor = self.score((heard + x).mean(dim=1))[:, 0]
        return logit


def _unit(n_in: int, n_out: int, kernel: int) -> tuple[nn.Module, nn.Module]:
    return nn.Conv2d(n_in, n_out, kernel, 1, kernel // 2), MaxFeatureMap()


def _norm(n: int) -> nn.Module:
    return nn.BatchNorm2d(n, affine=False)


def published(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The baseline's tensors under the names of Lcnn; its score is high for bona fide speech, so
    the last layer changes sign. Its fixed front end and means are left out."""
    found = {}
    for name, value in tensors.items():
        kind, _, rest = name.partition(".0.")
        if kind == "m_transform":
            found[f"transform.{rest}"] = value
        elif kind == "m_before_pooling":
            found[f"lstms.{rest.replace('l_blstm.', '')}"] = value
        elif name.startswith("m_output_act.0."):
            found[f"score.{name.rpartition('.')[2]}"] = -value
    return found


NETS = (
    NetSpec(
        name="lcnn",
        title="LFCC-LCNN, baseline of ASVspoof 2021",
        paper="Wang & Yamagishi, Interspeech 2021; ASVspoof 2021 baseline LFCC-LCNN",
        kind="voice",
        recipe=WaveformInput(length_s=4.0),
        build=Lcnn,
        n_parameters=269_729,
        n_macs=400_143_856,
        fit=Fit(
            epochs=100,
            batch=64,
            optimiser="adam",
            learning_rate=3e-4,
            decay="step",
            factor=0.5,
            every=10,
            balanced=False,
            sure=False,
        ),
        aggregation=Aggregation("mean_logit", "max"),
        source="github.com/asvspoof-challenge/2021 @4ab5666",
        checkpoint="the baseline's trained_network.pt: m_transform, m_before_pooling, m_output_act",
        checkpoint_licence="BSD-3-Clause (the project that it belongs to)",
        published=published,
        bibtex=BIBTEX,
        differs=(
            "speech is read in windows of 4 s whose logits are averaged; the baseline reads a "
            "whole recording at once",
            "no published checkpoint was read: its names are those of the baseline's code",
        ),
    ),
)
