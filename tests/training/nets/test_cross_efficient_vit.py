from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("timm", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import torch  # noqa: E402

from assay.training.nets import net_named  # noqa: E402
from assay.training.nets.cross_efficient_vit import published  # noqa: E402
from tests.training.nets import public_layouts as layouts  # noqa: E402


def attention(place: str, width: int) -> layouts.Shapes:
    shapes: layouts.Shapes = {f"{place}norm.weight": (width,), f"{place}norm.bias": (width,)}
    shapes |= layouts.linear(f"{place}fn.to_q", width, 512, bias=False)
    shapes |= layouts.linear(f"{place}fn.to_kv", width, 1024, bias=False)
    return shapes | layouts.linear(f"{place}fn.to_out.0", 512, width)


def encoder(place: str, width: int, depth: int) -> layouts.Shapes:
    shapes: layouts.Shapes = {f"{place}norm.weight": (width,), f"{place}norm.bias": (width,)}
    for level in range(depth):
        inner = f"{place}layers.{level}."
        shapes |= attention(f"{inner}0.", width)
        shapes |= {f"{inner}1.norm.weight": (width,), f"{inner}1.norm.bias": (width,)}
        shapes |= layouts.linear(f"{inner}1.fn.net.0", width, 2048)
        shapes |= layouts.linear(f"{inner}1.fn.net.3", 2048, width)
    return shapes


def layout() -> layouts.Shapes:
    shapes: layouts.Shapes = {}
    for name, width, values, places in (("sm", 192, 62720, 1025), ("lg", 384, 75264, 17)):
        place = f"{name}_image_embedder."
        shapes |= layouts.efficientnet(f"{place}efficient_net.", 1.0, 1.0, last=True)
        shapes |= {f"{place}pos_embedding": (1, places, width), f"{place}cls_token": (1, 1, width)}
        shapes |= layouts.linear(f"{place}to_patch_embedding.1", values, width)
        head = f"{name}_mlp_head."
        shapes |= {f"{head}0.weight": (width,), f"{head}0.bias": (width,)}
        shapes |= layouts.linear(f"{head}1", width, 1)
    for level in range(4):
        place = f"multi_scale_encoder.layers.{level}."
        shapes |= encoder(f"{place}0.", 192, 2) | encoder(f"{place}1.", 384, 3)
        for crossing in range(2):
            for number, (width, other) in enumerate(((192, 384), (384, 192))):
                inner = f"{place}2.layers.{crossing}.{number}."
                shapes |= layouts.linear(f"{inner}project_in", width, other)
                shapes |= layouts.linear(f"{inner}project_out", other, width)
                shapes |= attention(f"{inner}fn.", other)
    return shapes


def built() -> torch.nn.Module:
    spec = net_named("cross_efficient_vit")
    with torch.device("meta"):
        return spec.build(**spec.arguments)


def test_the_public_layout_fits_in_names_and_shapes() -> None:
    own = published(layouts.state(layout()))
    built().load_state_dict(own, assign=True)


def test_a_foreign_tensor_is_named() -> None:
    with pytest.raises(ValueError, match="elsewhere"):
        published({**layouts.state(layout()), "elsewhere.weight": torch.zeros(1)})


def test_the_published_tensors_are_101_378_millions() -> None:
    counted = [
        torch.Size(shape).numel()
        for name, shape in layout().items()
        if not name.endswith(("running_mean", "running_var", "num_batches_tracked"))
    ]
    assert sum(counted) == 101_377_610
