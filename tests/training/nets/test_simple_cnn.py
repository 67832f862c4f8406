from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import torch  # noqa: E402
from torch import nn  # noqa: E402

from assay.training.nets.simple_cnn import SimpleCnn  # noqa: E402


def test_it_is_the_tutorials_three_convolutions_three_poolings_and_two_dense_layers() -> None:
    layers = [type(part).__name__ for part in SimpleCnn().modules()]
    assert [layers.count(name) for name in ("Conv2d", "MaxPool2d", "Linear")] == [3, 3, 2]


def test_it_takes_pictures_as_they_are_cut_and_gives_one_logit_each() -> None:
    torch.manual_seed(0)
    net = SimpleCnn().eval()
    pictures = torch.randint(0, 256, (3, 128, 128, 3), dtype=torch.uint8)
    with torch.no_grad():
        logits = net(pictures)
        again = net(pictures.flip(0)).flip(0)
    assert logits.shape == (3,)
    assert torch.allclose(logits, again, atol=1e-5)
    assert logits.std() > 0


def test_black_and_white_are_not_the_same_to_it() -> None:
    torch.manual_seed(0)
    net: nn.Module = SimpleCnn().eval()
    black = torch.zeros(1, 128, 128, 3, dtype=torch.uint8)
    with torch.no_grad():
        assert float(net(black) - net(black + 255)) != 0.0
