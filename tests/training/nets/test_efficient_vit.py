from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("timm", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import torch  # noqa: E402

from assay.training.nets import net_named  # noqa: E402
from assay.training.nets.efficient_vit import INNER, bgr, flattened, published  # noqa: E402
from tests.training.nets import public_layouts as layouts  # noqa: E402


def layout() -> layouts.Shapes:
    shapes = layouts.efficientnet("efficient_net.", 1.0, 1.0, last=True)
    shapes |= {"pos_embedding": (32, 1, 1024), "cls_token": (1, 1, 1024)}
    shapes |= layouts.linear("patch_to_embedding", 62720, 1024)
    for level in range(6):
        place = f"transformer.layers.{level}."
        for part in "01":
            shapes |= {f"{place}{part}.norm.weight": (1024,), f"{place}{part}.norm.bias": (1024,)}
        shapes |= layouts.linear(f"{place}0.fn.to_qkv", 1024, 1536, bias=False)
        shapes |= layouts.linear(f"{place}0.fn.to_out.0", 512, 1024)
        shapes |= layouts.linear(f"{place}1.fn.net.0", 1024, 2048)
        shapes |= layouts.linear(f"{place}1.fn.net.3", 2048, 1024)
    return shapes | layouts.linear("mlp_head.0", 1024, 2048) | layouts.linear("mlp_head.2", 2048, 1)


def built() -> torch.nn.Module:
    spec = net_named("efficient_vit")
    with torch.device("meta"):
        return spec.build(**spec.arguments)


def test_the_public_layout_fits_in_names_and_shapes() -> None:
    own = published(layouts.state(layout()))
    built().load_state_dict(own, assign=True)


def test_a_foreign_tensor_is_named() -> None:
    with pytest.raises(ValueError, match="elsewhere"):
        published({**layouts.state(layout()), "elsewhere.weight": torch.zeros(1)})


def test_questions_keys_and_values_are_taken_apart_in_their_order() -> None:
    together = torch.arange(3 * INNER, dtype=torch.float32)[:, None]
    own = published({"transformer.layers.2.0.fn.to_qkv.weight": together})
    assert torch.equal(own["encoder.attentions.2.ask.weight"], together[:INNER])
    assert torch.equal(own["encoder.attentions.2.told.weight"], together[INNER:])


def test_blue_comes_first_and_the_channels_of_a_patch_lie_together() -> None:
    red = torch.tensor([[[[255, 0, 7]]]], dtype=torch.uint8)
    assert bgr(red, torch.zeros(1)).flatten().tolist() == [7.0, 0.0, 255.0]
    features = torch.arange(8.0).view(1, 2, 2, 2)
    assert flattened(features).tolist() == [[0, 4, 1, 5, 2, 6, 3, 7]]
