from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("timm", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import torch  # noqa: E402

from assay.training.nets import net_named  # noqa: E402
from assay.training.nets.efficientnet_b4_st import Siamese, published  # noqa: E402
from tests.training.nets import public_layouts as layouts  # noqa: E402


def built() -> torch.nn.Module:
    spec = net_named("efficientnet_b4_st")
    with torch.device("meta"):
        return spec.build(**spec.arguments)


def test_the_public_layout_fits_in_names_and_shapes() -> None:
    own = published(layouts.state(layouts.siamese()))
    built().load_state_dict(own, assign=True)


def test_a_foreign_tensor_is_named() -> None:
    with pytest.raises(ValueError, match="elsewhere"):
        published({**layouts.state(layouts.siamese()), "elsewhere.weight": torch.zeros(1)})


class Extractor(torch.nn.Module):
    """In the place of a large one: features that are the mean pixel, and a weight."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1792))

    def features(self, pictures: torch.Tensor) -> tuple[torch.Tensor, None]:
        return pictures.float().mean((1, 2, 3))[:, None] * self.weight, None


def test_triplets_teach_the_features_and_the_score_does_not() -> None:
    net = Siamese(Extractor())  # type: ignore[arg-type]
    faces = torch.randint(0, 256, (4, 8, 8, 3), dtype=torch.uint8)
    outputs = net.train()(faces)
    outputs.logit.sum().backward(retain_graph=True)
    assert net.extractor.weight.grad is None
    assert net.score[1].weight.grad is not None
    anchor, near, far = outputs.pooled[:1], outputs.pooled[1:2], outputs.pooled[2:3]
    torch.nn.functional.triplet_margin_loss(anchor, near, far, margin=1e6).backward()
    assert net.extractor.weight.grad is not None
