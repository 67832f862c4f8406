from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("timm", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import torch  # noqa: E402

from assay.training.nets import net_named  # noqa: E402
from assay.training.nets.efficientnet_b4 import published  # noqa: E402
from assay.training.nets.efficientnet_b4_att import EfficientNetB4Att  # noqa: E402
from tests.training.nets import public_layouts as layouts  # noqa: E402


def built() -> torch.nn.Module:
    spec = net_named("efficientnet_b4_att")
    with torch.device("meta"):
        return spec.build(**spec.arguments)


def test_the_public_layout_fits_in_names_and_shapes() -> None:
    own = published(layouts.state(layouts.b4(attention=True)))
    built().load_state_dict(own, assign=True)


def test_a_foreign_tensor_is_named() -> None:
    with pytest.raises(ValueError, match="elsewhere"):
        published({**layouts.state(layouts.b4(attention=True)), "elsewhere.weight": torch.zeros(1)})


@torch.no_grad()
def test_where_the_mask_is_shut_nothing_of_the_face_is_seen() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    net = EfficientNetB4Att().eval()
    faces = torch.randint(0, 256, (2, 224, 224, 3), dtype=torch.uint8)
    open_to_all = net(faces)
    assert open_to_all.mask.shape == (2, 28, 28)
    net.attention.weight.zero_()
    net.attention.bias.fill_(-100.0)
    shut = net(faces)
    assert not torch.allclose(open_to_all.logit[0], open_to_all.logit[1], atol=1e-7)
    assert torch.allclose(shut.logit[0], shut.logit[1], atol=1e-6)
