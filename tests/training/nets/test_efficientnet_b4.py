from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("timm", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import torch  # noqa: E402

from assay.training.nets import net_named  # noqa: E402
from assay.training.nets.efficientnet_b4 import MEAN, SPREAD, normalised, published  # noqa: E402
from tests.training.nets import public_layouts as layouts  # noqa: E402


def built() -> torch.nn.Module:
    spec = net_named("efficientnet_b4")
    with torch.device("meta"):
        return spec.build(**spec.arguments)


def test_the_public_layout_fits_in_names_and_shapes() -> None:
    own = published(layouts.state(layouts.b4()))
    built().load_state_dict(own, assign=True)


def test_a_foreign_tensor_is_named() -> None:
    with pytest.raises(ValueError, match="elsewhere"):
        published({**layouts.state(layouts.b4()), "elsewhere.weight": torch.zeros(1)})


def test_pictures_are_scaled_by_imagenets_mean_and_spread() -> None:
    white = torch.full((1, 2, 2, 3), 255, dtype=torch.uint8)
    found = normalised(white, torch.zeros(1))[0, :, 0, 0]
    wanted = [(1 - mean) / spread for mean, spread in zip(MEAN, SPREAD, strict=True)]
    assert torch.allclose(found, torch.tensor(wanted), atol=1e-5)


def test_blocks_go_to_the_stage_and_part_of_the_same_place() -> None:
    shapes = dict.fromkeys(layouts.b4(), (1,))
    state = layouts.numbered(shapes)
    own = published(state)
    pairs = {
        "_blocks.0._project_conv.weight": "blocks.0.0.conv_pw.weight",
        "_blocks.0._bn2.bias": "blocks.0.0.bn2.bias",
        "_blocks.9._expand_conv.weight": "blocks.2.3.conv_pw.weight",
        "_blocks.10._bn1.weight": "blocks.3.0.bn2.weight",
        "_blocks.31._se_expand.bias": "blocks.6.1.se.conv_expand.bias",
        "_bn1.running_var": "bn2.running_var",
    }
    for theirs, mine in pairs.items():
        assert torch.equal(state[f"efficientnet.{theirs}"], own[f"trunk.{mine}"]), theirs
    assert len(own) == len(state)
