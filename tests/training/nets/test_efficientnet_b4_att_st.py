from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("timm", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import torch  # noqa: E402

from assay.training.nets import net_named  # noqa: E402
from assay.training.nets.efficientnet_b4_st import published  # noqa: E402
from tests.training.nets import public_layouts as layouts  # noqa: E402


def built() -> torch.nn.Module:
    spec = net_named("efficientnet_b4_att_st")
    with torch.device("meta"):
        return spec.build(**spec.arguments)


def test_the_public_layout_fits_in_names_and_shapes() -> None:
    own = published(layouts.state(layouts.siamese(attention=True)))
    built().load_state_dict(own, assign=True)


def test_a_foreign_tensor_is_named() -> None:
    with pytest.raises(ValueError, match="elsewhere"):
        published(
            {**layouts.state(layouts.siamese(attention=True)), "elsewhere.weight": torch.zeros(1)}
        )
