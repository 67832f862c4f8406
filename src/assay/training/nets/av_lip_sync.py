"""Do the lips move as the sound says? Two branches, compared over shifts in time.

After the idea of Shahzad et al., "Lip Sync Matters: A Novel Multimodal Forgery Detector", APSIPA
2022, whose layers were never published: the mouth and the sound of the same moment each go through
a convolutional branch, and a classifier judges how well they agree. Here the agreement is the
cosine of both features at every shift up to a third of a second, as in SyncNet (Chung & Zisserman,
2016) and AVH-Align (Smeu et al., CVPR 2025), so that a person's looks cannot decide.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from assay.bundles.aggregation import Aggregation
from assay.inputs.lip_clip import LipClipInput
from assay.training.nets.spec import Fit, NetSpec
from assay.training.nets.trunk import Outputs

MAX_SHIFT = 8
REACH = 6
"""Frames at either end whose features the zeros beyond the sequence touch. They are left out: both
branches could mark the ends there, and no shift would ever fit better than none."""
SYNC_WEIGHT = 0.5
BIBTEX = """@inproceedings{shahzad2022lip,
  title={Lip Sync Matters: A Novel Multimodal Forgery Detector},
  author={Shahzad, Sahibzada Adil and Hashmi, Ammarah and Khan, Sarwar and Peng, Yan-Tsung and
          Tsao, Yu and Wang, Hsin-Min},
  booktitle={Asia-Pacific Signal and Information Processing Association Annual Summit and
             Conference},
  year={2022}
}"""


class SyncTargets(NamedTuple):
    """What a batch should give: `fake` (n,) 0 or 1; the loss on shifts asks the genuine only."""

    fake: Tensor


class MouthBranch(nn.Module):
    """uint8 mouths (n, t, s, s, 3) to unit features (n, c, t)."""

    def __init__(self, widths: tuple[int, ...], n_features: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        n_in = 3
        for number, width in enumerate(widths):
            kernel = 5 if number == 0 else 3
            layers += [
                nn.Conv3d(n_in, width, kernel, (1, 2, 2), kernel // 2, bias=False),
                nn.BatchNorm3d(width),
                nn.ReLU(),
            ]
            n_in = width
        self.layers = nn.Sequential(*layers)
        self.last = nn.Conv1d(n_in, n_features, 3, 1, 1)

    def forward(self, mouths: Tensor) -> Tensor:
        """See the class."""
        x = mouths.permute(0, 4, 1, 2, 3).to(self.last.weight.dtype) / 255.0
        # Light and skin are constant in a sequence: what is left is what moves.
        x = x - x.mean(dim=2, keepdim=True)
        return functional.normalize(self.last(self.layers(4 * x).mean(dim=(3, 4))), dim=1)


class SoundBranch(nn.Module):
    """Log-mel (n, bands, 4 t) to unit features (n, c, t)."""

    def __init__(self, n_mels: int, widths: tuple[int, ...], n_features: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        n_in = n_mels
        for number, width in enumerate(widths):
            stride = 2 if number < 2 else 1
            layers += [
                nn.Conv1d(n_in, width, 5, stride, 2, bias=False),
                nn.BatchNorm1d(width),
                nn.ReLU(),
            ]
            n_in = width
        self.layers = nn.Sequential(*layers)
        self.last = nn.Conv1d(n_in, n_features, 3, 1, 1)

    def forward(self, mel: Tensor) -> Tensor:
        """See the class."""
        mel = mel.to(self.last.weight.dtype)
        mel = (mel - mel.mean(dim=(1, 2), keepdim=True)) / 2
        return functional.normalize(self.last(self.layers(mel)), dim=1)


class AvLipSync(nn.Module):
    """Mouths (n, t, s, s, 3) uint8 and log-mel (n, bands, 4 t) in; a logit (n,), higher = fake, and
    as `pooled` how well both agree at each shift (n, 2 * max_shift + 1), from the sound early by
    `max_shift` frames to late by as many.
    """

    def __init__(
        self,
        n_mels: int = 64,
        n_features: int = 96,
        mouth_widths: tuple[int, ...] = (16, 32, 64, 96),
        sound_widths: tuple[int, ...] = (96, 128, 128),
        max_shift: int = MAX_SHIFT,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        self.max_shift = max_shift
        self.mouth = MouthBranch(tuple(mouth_widths), n_features)
        self.sound = SoundBranch(n_mels, tuple(sound_widths), n_features)
        self.log_scale = nn.Parameter(torch.tensor(2.0))
        n_shifts = 2 * max_shift + 1
        self.judge = nn.Sequential(
            nn.Linear(2 * n_shifts, 32), nn.ReLU(), nn.Dropout(dropout), nn.Linear(32, 1)
        )

    def forward(self, mouths: Tensor, mel: Tensor) -> Outputs:
        """See the class."""
        curve = self.agreement(self.mouth(mouths), self.sound(mel))
        beside_best = curve - curve.amax(dim=1, keepdim=True)
        logit = self.judge(torch.cat([curve, beside_best], dim=1) * 4)[:, 0]
        return Outputs(logit, curve)

    def agreement(self, seen: Tensor, heard: Tensor) -> Tensor:
        """(n, shifts): the mean cosine of features (n, c, t), the sound's moved by each shift."""
        seen, heard = seen[:, :, REACH:-REACH], heard[:, :, REACH:-REACH]
        n = seen.shape[2]
        shifts = range(-self.max_shift, self.max_shift + 1)
        means = [
            (seen[:, :, max(0, -s) : n - max(0, s)] * heard[:, :, max(0, s) : n - max(0, -s)])
            .sum(dim=1)
            .mean(dim=1)
            for s in shifts
        ]
        return torch.stack(means, dim=1)

    def loss(self, outputs: Outputs, batch: SyncTargets) -> Tensor:
        """Cross-entropy of the score, and for genuine sequences of the shift: none is right."""
        fake = batch.fake.to(outputs.logit.dtype)
        score = functional.binary_cross_entropy_with_logits(outputs.logit, fake)
        scale = self.log_scale.exp().clamp(max=100.0)
        ranked = functional.log_softmax(outputs.pooled * scale, dim=1)[:, self.max_shift]
        genuine = 1 - fake
        shift = -(ranked * genuine).sum() / genuine.sum().clamp(min=1)
        return score + SYNC_WEIGHT * shift


NETS = (
    NetSpec(
        name="av_lip_sync",
        title="AV-Lip-Sync: mouth and sound compared",
        paper="Shahzad et al., Lip Sync Matters, APSIPA 2022 (idea); layers of our own",
        kind="clip",
        recipe=LipClipInput(),
        build=AvLipSync,
        n_parameters=482_066,
        n_macs=459_981_920,
        fit=Fit(
            epochs=30,
            batch=16,
            optimiser="adamw",
            learning_rate=1e-3,
            weight_decay=1e-2,
            decay="cosine",
            loss="own",
            n_frames=50,
            sure=False,
        ),
        aggregation=Aggregation("mean_logit", "max"),
        n_frames=50,
        max_faces=1,
        source="github.com/sahibzadaadil/lip-sync-matters-a-novel-multimodal-forgery-detector "
        "(a README only)",
        bibtex=BIBTEX,
        differs=(
            "the paper's layers, sizes and training are not public: all of them are ours here",
            "the paper draws a second sequence of lips from the sound by Wav2Lip and compares the "
            "two; here the sound's own features are compared with the mouth's, since Wav2Lip's "
            "weights may not be shipped",
            "the published accuracy of .94 on FakeAVCeleb is the paper's, not this network's",
        ),
    ),
)
