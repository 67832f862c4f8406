"""EfficientNet-B4 with one output, the base of the four networks of the ICPR 2020 ensemble.

Bonettini et al., "Video Face Manipulation Detection Through Ensemble of CNNs", ICPR 2020; the
layers are Tan and Le's (EfficientNet, ICML 2019), from timm.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import timm
from torch import Tensor, nn

from assay.bundles.aggregation import Aggregation
from assay.inputs.face import FaceInput
from assay.training.nets.checkpoints import from_efficientnet_pytorch, unwrapped
from assay.training.nets.spec import Fit, NetSpec
from assay.training.nets.trunk import Outputs

SIDE_PX = 224
POOLED = 1792
REPEATS = (2, 4, 4, 6, 6, 8, 2)
MEAN, SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FACES = FaceInput(size_px=SIDE_PX, scale=1.55)


class EfficientNetB4(nn.Module):
    """uint8 faces (n, 224, 224, 3) in; a logit (n,), higher = fake, and 1,792 features."""

    def __init__(self) -> None:
        super().__init__()
        self.trunk: Any = timm.create_model(
            "tf_efficientnet_b4", pretrained=False, num_classes=0, drop_path_rate=0.2
        )
        self.dropout = nn.Dropout(0.4)
        self.score = nn.Linear(POOLED, 1)

    def forward(self, pictures: Tensor) -> Outputs:
        """See the class."""
        pooled, mask = self.features(pictures)
        return Outputs(self.score(self.dropout(pooled))[:, 0], pooled, mask)

    def features(self, pictures: Tensor) -> tuple[Tensor, Tensor | None]:
        """What the score is read from, (n, 1792), and the mask of attention where there is one."""
        return self.trunk(normalised(pictures, self.score.weight)), None


def normalised(pictures: Tensor, like: Tensor) -> Tensor:
    """uint8 (n, s, s, 3) to (n, 3, s, s) by ImageNet's mean and spread, in the type of `like`."""
    mean = like.new_tensor(MEAN)[:, None, None] * 255
    spread = like.new_tensor(SPREAD)[:, None, None] * 255
    return (pictures.permute(0, 3, 1, 2).to(like.dtype) - mean) / spread


def published(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The public checkpoint's tensors by the names used here, for `load_state_dict`.

    Raises ValueError naming a tensor that is none of it.
    """
    return own_names(unwrapped(state))


def own_names(tensors: Mapping[str, Tensor], prefix: str = "") -> dict[str, Tensor]:
    """The tensors under `prefix` of the public code's EfficientNets (with attention or without),
    by the names used here. Raises ValueError naming one that is none of them."""
    trunk = f"{prefix}efficientnet."
    attention, score = f"{trunk}attconv.", f"{prefix}classifier."
    own: dict[str, Tensor] = {}
    rest: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        if name.startswith(attention):
            own[f"attention.{name.removeprefix(attention)}"] = tensor
        elif name.startswith(score):
            own[f"score.{name.removeprefix(score)}"] = tensor
        elif name.startswith(trunk):
            rest[name] = tensor
        else:
            raise ValueError(f"{name!r} is no part of this EfficientNet-B4.")
    return own | from_efficientnet_pytorch(rest, trunk, "trunk.", REPEATS)


PAPER = "Bonettini et al., Video Face Manipulation Detection Through Ensemble of CNNs, ICPR 2020"
SOURCE = "https://github.com/polimi-ispl/icpr2020dfdc"
BIBTEX = """@inproceedings{bonettini2020video,
  title = {Video Face Manipulation Detection Through Ensemble of {CNNs}},
  author = {Bonettini, Nicol{\\`o} and Cannas, Edoardo Daniele and Mandelli, Sara and
    Bondi, Luca and Bestagini, Paolo and Tubaro, Stefano},
  booktitle = {25th International Conference on Pattern Recognition (ICPR)},
  year = {2020}
}"""
TERMS = "none stated with the weights; the code is recalled as GPL-3.0, not verified"
FIT = Fit(
    steps=30_000,
    batch=32,
    optimiser="adam",
    learning_rate=1e-5,
    decay="plateau",
    factor=0.1,
    every=10,
    augment="icpr2020",
    n_frames=32,
    seed=41,
)
DIFFERS = (
    "the box finder is another: the square is 1.55 of our landmarks' box, the paper's (BlazeFace "
    "and its margins) at the median of 120 portraits, and not set higher by 5 % of it as theirs is",
    "starts from random weights where none are given: the paper's ImageNet weights are not here",
    "batch norms follow the data at timm's pace (0.1), the paper's code at 0.01",
    "the learning rate is not held for twenty checks after each fall, and its floor is not set",
)
AGGREGATION = Aggregation("mean_logit", "max")
NETS = (
    NetSpec(
        name="efficientnet_b4",
        title="EfficientNetB4 of the ICPR 2020 ensemble",
        paper=PAPER,
        kind="face",
        recipe=FACES,
        build=EfficientNetB4,
        n_parameters=17_550_409,
        n_macs=1_501_920_224,
        fit=FIT,
        aggregation=AGGREGATION,
        max_faces=1,
        source=SOURCE,
        checkpoint="EfficientNetB4_{FFPP,DFDC}_bestval-*.pth",
        checkpoint_licence=TERMS,
        published=published,
        imagenet="efficientnet-b4-6ed6700e.pth of efficientnet_pytorch (timm: tf_efficientnet_b4)",
        bibtex=BIBTEX,
        differs=DIFFERS,
    ),
)
