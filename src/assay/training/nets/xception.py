"""Xception: depthwise separable convolutions throughout, the reference of FaceForensics++.

Chollet, "Xception: Deep Learning with Depthwise Separable Convolutions", CVPR 2017, as trained on
faces by Rössler et al., "FaceForensics++: Learning to Detect Manipulated Facial Images", ICCV 2019.
The layers are timm's `legacy_xception`, which keeps the names of the public checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import timm
import torch
from torch import Tensor, nn

from assay.bundles.aggregation import Aggregation
from assay.inputs.face import FaceInput
from assay.training.nets.checkpoints import unwrapped
from assay.training.nets.spec import Fit, NetSpec
from assay.training.nets.trunk import Outputs

SIDE_PX = 299
POOLED = 2048
GENUINE, FAKE = 0, 1  # the two outputs, in the order of the published weights
_PLACES = ("model.", "backbone.", "xception.", "")  # of FaceForensics, DeepfakeBench, icpr2020dfdc
_LAST = ("last_linear.1.", "last_linear.", "fc.")
_UNUSED = ("adjust_channel.",)  # DeepfakeBench keeps a layer that its Xception passes over


class Xception(nn.Module):
    """uint8 faces (n, 299, 299, 3) in; a logit (n,), higher = more likely fake, and 2,048 features.

    `n_outputs` 2 (FaceForensics): the logit is that of fake less that of genuine; 1: it is the one.
    """

    def __init__(self, n_outputs: int = 2) -> None:
        super().__init__()
        self.trunk: Any = timm.create_model("legacy_xception", pretrained=False, num_classes=0)
        self.score = nn.Linear(POOLED, n_outputs)

    def forward(self, pictures: Tensor) -> Outputs:
        """See the class."""
        x = pictures.permute(0, 3, 1, 2).to(self.score.weight.dtype)
        pooled = self.trunk(x / 127.5 - 1.0)
        scores = self.score(pooled)
        logit = scores[:, 0] if scores.shape[1] == 1 else scores[:, FAKE] - scores[:, GENUINE]
        return Outputs(logit, pooled)


def published(state: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of a public Xception, by the names used here, for `load_state_dict`.

    Knows the names of FaceForensics, DeepfakeBench and icpr2020dfdc, and separable kernels that
    were stored flat. Raises ValueError naming a tensor that is no Xception's.
    """
    tensors = unwrapped(state)
    prefix = next(
        p for p in _PLACES if any(name.startswith(f"{p}conv1.") for name in tensors) or not p
    )
    own: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        inner = name.removeprefix(prefix)
        if not name.startswith(prefix):
            raise ValueError(f"{name!r} is no part of an Xception.")
        if not inner.startswith(_UNUSED):
            own[_own_name(inner)] = _shaped(inner, tensor)
    for name in [name for name in own if name.endswith("running_var")]:
        own.setdefault(name.replace("running_var", "num_batches_tracked"), torch.tensor(0))
    return own


def _own_name(name: str) -> str:
    for last in _LAST:
        if name.startswith(last):
            return f"score.{name.removeprefix(last)}"
    return f"trunk.{name}"


def _shaped(name: str, tensor: Tensor) -> Tensor:
    flat = name.endswith("pointwise.weight") and tensor.ndim == 2
    return tensor[:, :, None, None] if flat else tensor


BIBTEX = """@inproceedings{roessler2019faceforensics,
  title = {{FaceForensics++}: Learning to Detect Manipulated Facial Images},
  author = {R{\\"o}ssler, Andreas and Cozzolino, Davide and Verdoliva, Luisa and
    Riess, Christian and Thies, Justus and Nie{\\ss}ner, Matthias},
  booktitle = {IEEE/CVF International Conference on Computer Vision (ICCV)},
  year = {2019}
}"""
NETS = (
    NetSpec(
        name="xception",
        title="XceptionNet of FaceForensics++",
        paper="Rössler et al., FaceForensics++: Learning to Detect Manipulated Facial Images, "
        "ICCV 2019 (layers: Chollet, CVPR 2017)",
        kind="face",
        recipe=FaceInput(size_px=SIDE_PX, scale=1.22),
        build=Xception,
        n_parameters=20_811_050,
        n_macs=8_355_359_592,
        fit=Fit(
            epochs=15,
            batch=32,
            optimiser="adam",
            learning_rate=2e-4,
            head_epochs=3,
            loss="binary",
            augment="none",
            sure=False,
        ),
        aggregation=Aggregation("mean_probability", "max"),
        max_faces=1,
        source="https://github.com/ondyari/FaceForensics",
        checkpoint="the authors' faceforensics++_models (full/xception/full_*.p), as a state dict: "
        "the files are whole pickled modules, which run code when they are opened; DeepfakeBench's "
        "xception_best.pth and icpr2020dfdc's Xception_{FFPP,DFDC} (one output) are read as well",
        checkpoint_licence="MIT for the code; the weights come with FaceForensics' terms of use",
        published=published,
        imagenet="timm legacy_xception.tf_in1k",
        bibtex=BIBTEX,
        differs=(
            "the box finder is another: the square is 1.22 of our landmarks' box, the paper's "
            "(1.3 of dlib's) at the median of 107 portraits; edges repeat, where theirs are cut",
            "trained on cross-entropy of the one logit (the difference of the two outputs), which "
            "is the softmax's of two classes",
            "the paper scores frames; the mean probability of a person's frames is taken for a "
            "video",
        ),
    ),
)
