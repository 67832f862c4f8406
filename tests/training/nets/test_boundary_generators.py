from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("torchvision", reason="the train extra is not installed")
pytestmark = pytest.mark.train

import torch  # noqa: E402

from assay.training.nets.boundary_generators import (  # noqa: E402
    BoundaryGenerator,
    ChannelAttention,
    PositionAttention,
    RelatedBoundaryModule,
    RelationBlock,
)


def test_a_generator_gives_chances_of_every_moment_and_its_features() -> None:
    chances, features = BoundaryGenerator(5, 8).eval()(torch.randn(2, 5, 16))
    assert chances.shape == (2, 2, 16)
    assert features.shape == (2, 24, 16)
    assert (chances > 0).all()
    assert (chances < 1).all()


def test_a_generators_size_is_that_of_the_published_one() -> None:
    with torch.device("meta"):
        net = BoundaryGenerator(257)
    c = 3 * 512
    layers = [(257, 1), (512, 1), (512, 1), (1024, 1), (1024, 1), (1536, 1)]
    wanted = sum(n * c + 512 + 2 * 512 for n, _ in layers) + 2 * 1536 + 2
    assert sum(p.numel() for p in net.parameters()) == wanted


def test_attention_reaches_the_whole_map() -> None:
    torch.manual_seed(0)
    for attention in (PositionAttention(4).eval(), ChannelAttention(4).eval()):
        x = torch.randn(1, 4, 4, 8)
        changed = x.clone()
        changed[0, :, 3, 7] += 3
        assert (attention(changed) - attention(x))[0, :, 0, 0].abs().max() > 0


def test_a_relation_block_gives_three_maps() -> None:
    torch.manual_seed(0)
    maps = RelationBlock(4).eval()(torch.randn(2, 4, 4, 8))
    assert [m.shape for m in maps] == [(2, 4, 8)] * 3
    assert not torch.allclose(maps[0], maps[1])
    assert all(bool((m > 0).all() and (m < 1).all()) for m in maps)


def test_a_module_draws_them_of_features() -> None:
    maps = RelatedBoundaryModule(3, (8, 4), 4, 16, 4).eval()(torch.randn(2, 3, 16))
    assert [m.shape for m in maps] == [(2, 4, 16)] * 3
