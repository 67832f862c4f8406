"""EfficientNet-B4 whose features were learnt from triplets, with a linear layer upon them.

EfficientNetB4ST of Bonettini et al., "Video Face Manipulation Detection Through Ensemble of CNNs",
ICPR 2020 (siamese training): the features learn that two fakes lie nearer to each other than to a
genuine face, and the other way round; then a batch norm and a linear layer learn upon them alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from assay.training.nets import efficientnet_b4 as base
from assay.training.nets.checkpoints import unwrapped
from assay.training.nets.spec import Fit
from assay.training.nets.trunk import Outputs


class Siamese(nn.Module):
    """uint8 faces (n, 224, 224, 3) in; a logit (n,), higher = fake, and 1,792 features.

    The triplets' loss on `pooled` teaches the extractor; what the logit is taught stops short of
    it, so that the last layers learn upon features as they stand. The extractor's own last layer
    is among the published parameters and has no part in this.
    """

    def __init__(self, extractor: base.EfficientNetB4) -> None:
        super().__init__()
        self.extractor = extractor
        self.score = nn.Sequential(nn.BatchNorm1d(base.POOLED), nn.Linear(base.POOLED, 1))

    def forward(self, pictures: Tensor) -> Outputs:
        """See the class."""
        pooled, mask = self.extractor.features(pictures)
        return Outputs(self.score(pooled.detach())[:, 0], pooled, mask)


def build() -> Siamese:
    """EfficientNetB4ST."""
    return Siamese(base.EfficientNetB4())


def published(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The public checkpoint's tensors by the names used here, for `load_state_dict`.

    Raises ValueError naming a tensor that is none of it.
    """
    tensors = unwrapped(state)
    last = {name: tensor for name, tensor in tensors.items() if name.startswith("classifier.")}
    own = {f"score.{name.removeprefix('classifier.')}": value for name, value in last.items()}
    if "score.0.running_var" in own:
        own.setdefault("score.0.num_batches_tracked", torch.tensor(0))
    rest = {name: value for name, value in tensors.items() if name not in last}
    inner = base.own_names(rest, "feat_ext.")
    return own | {f"extractor.{name}": value for name, value in inner.items()}


FIT = Fit(
    steps=60_000,
    batch=12,
    optimiser="adam",
    learning_rate=1e-5,
    decay="plateau",
    factor=0.1,
    every=10,
    loss="triplet",
    margin=1.0,
    augment="icpr2020",
    n_frames=32,
    seed=41,
)
DIFFERS = (
    *base.DIFFERS,
    "the last layers learn upon features taken in evaluation mode; the paper's code leaves the "
    "frozen extractor's batch norms and dropped paths in training mode (32 a batch, 5,000 steps)",
)
NETS = (
    replace(
        base.NETS[0],
        name="efficientnet_b4_st",
        title="EfficientNetB4ST of the ICPR 2020 ensemble (siamese training)",
        build=build,
        n_parameters=17_555_786,
        n_macs=1_501_920_224,
        fit=FIT,
        checkpoint="EfficientNetB4ST_{FFPP,DFDC}_bestval-*.pth",
        published=published,
        differs=DIFFERS,
    ),
)
