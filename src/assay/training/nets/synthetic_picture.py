"""A network for native-resolution patches of whole pictures."""

from __future__ import annotations

from torch import Tensor, nn

from assay.training.nets.trunk import POOLED, Outputs, Trunk, scaled


class SyntheticPictureNet(nn.Module):
    """uint8 patches (n, s, s, 3) in; score and features out. Of larger patches it sees the middle
    `window_px`, so that networks of different reach can be trained on the same patches.

    `first_stride` 1 leaves out the first down-sampling, as Rajan et al., "Aligned Datasets Improve
    Detection of Latent Diffusion-Generated Images", ICLR 2025, and others do: the traces that
    decoders leave are as fine as the pixels.
    """

    def __init__(
        self,
        pretrained: bool = True,
        dropout: float = 0.2,
        backbone: str = "lite0",
        first_stride: int = 2,
        window_px: int = 224,
    ) -> None:
        super().__init__()
        self.trunk = Trunk(backbone, pretrained, first_stride)
        self.dropout = nn.Dropout(dropout)
        self.score = nn.Linear(POOLED, 1)
        self.window_px = window_px

    def forward(self, pictures: Tensor) -> Outputs:
        """See the class."""
        spare = int(pictures.shape[1]) - self.window_px
        if spare > 0:
            at = spare // 2
            pictures = pictures[:, at : at + self.window_px, at : at + self.window_px]
        _, pooled = self.trunk(scaled(pictures, self.score.weight.dtype))
        return Outputs(self.score(self.dropout(pooled))[:, 0], pooled)
