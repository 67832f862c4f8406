"""What others published on the field's boards: quoted with its source, never measured here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ReadIn = Literal["the system's repository", "the paper's abstract", "a third party's table"]


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """One published number. `value` is a share (0 to 1) or, with `unit` "%", a percentage; `level`
    is what one answer stands for. `read_in` says where the number was read. `net` is the network
    of this program that writes the system's layers anew."""

    dataset: str
    system: str
    paper: str
    metric: str
    value: float
    level: str
    read_in: ReadIn
    net: str
    trained_on: str
    unit: str = ""
    note: str = ""

    def text(self) -> str:
        """The number as its source writes it."""
        return f"{self.value:g} %" if self.unit == "%" else f"{self.value:.4f}".rstrip("0")


_CROSS = (
    "DFDC", "Cross Efficient ViT",
    "Coccomini et al., Combining EfficientNet and Vision Transformers, ICIAP 2022",
)  # fmt: skip
_B4 = (
    "FaceForensics++", "EfficientNetB4 + B4ST + B4Att + B4AttST",
    "Bonettini et al., Video face manipulation detection through ensemble of CNNs, ICPR 2020",
)  # fmt: skip
_SYNC = (
    "FakeAVCeleb", "AV-Lip-Sync",
    "Shahzad et al., Lip Sync Matters, APSIPA 2022",
)  # fmt: skip
_XCEPTION = (
    "FaceForensics", "XceptionNet",
    "Rössler et al., FaceForensics++: Learning to detect manipulated facial images, ICCV 2019",
)  # fmt: skip
_BATFD = (
    "LAV-DF", "BA-TFD",
    "Cai et al., Do you really mean that?, DICTA 2022",
)  # fmt: skip
_REPOSITORY: ReadIn = "the system's repository"
_NOT_OFFICIAL = "its own split of the set, not the official one"

ROWS = (
    PublishedRow(
        *_CROSS, "AUC", 0.951, "video", "the paper's abstract", "cross_efficient_vit",
        "FaceForensics++ and DFDC", note="5,000 test videos",
    ),
    PublishedRow(
        *_CROSS, "F1", 88.0, "video", "the paper's abstract", "cross_efficient_vit",
        "FaceForensics++ and DFDC", "%", "5,000 test videos",
    ),
    PublishedRow(
        *_B4, "AUC", 0.9444, "frame", _REPOSITORY, "efficientnet_b4_ensemble",
        "FaceForensics++ c23", note=_NOT_OFFICIAL,
    ),
    PublishedRow(
        *_B4, "log loss", 0.3294, "frame", _REPOSITORY, "efficientnet_b4_ensemble",
        "FaceForensics++ c23", note=_NOT_OFFICIAL,
    ),
    PublishedRow(
        *_SYNC, "accuracy", 94.0, "video", "a third party's table", "av_lip_sync",
        "FakeAVCeleb", "%", "its layers were never published",
    ),
    *(
        PublishedRow(
            *_XCEPTION, "accuracy", value, "frame", _REPOSITORY, "xception",
            "FaceForensics++ c23, one method each", "%", f"{method} against genuine",
        )
        for method, value in (
            ("Deepfakes", 98.85), ("Face2Face", 98.36), ("FaceShifter", 96.69),
            ("FaceSwap", 98.23), ("NeuralTextures", 94.5),
        )
    ),
    *(
        PublishedRow(
            *_BATFD, f"AP@{overlap}", value, "span", _REPOSITORY, "ba_tfd", "LAV-DF", "%",
            "the full test set",
        )
        for overlap, value in ((".5", 79.15), (".75", 38.57), (".95", 0.24))
    ),
)  # fmt: skip
