"""EfficientNet-B4 with attention, its features learnt from triplets, a linear layer upon them.

EfficientNetB4AttST of Bonettini et al., "Video Face Manipulation Detection Through Ensemble of
CNNs", ICPR 2020.
"""

from __future__ import annotations

from dataclasses import replace

from assay.training.nets import efficientnet_b4_st as siamese
from assay.training.nets.efficientnet_b4_att import EfficientNetB4Att


def build() -> siamese.Siamese:
    """EfficientNetB4AttST; `mask` of its outputs is the attention."""
    return siamese.Siamese(EfficientNetB4Att())


NETS = (
    replace(
        siamese.NETS[0],
        name="efficientnet_b4_att_st",
        title="EfficientNetB4AttST of the ICPR 2020 ensemble (siamese training)",
        build=build,
        n_parameters=17_555_843,
        n_macs=1_501_964_128,
        checkpoint="EfficientNetAutoAttB4ST_{FFPP,DFDC}_bestval-*.pth",
    ),
)
