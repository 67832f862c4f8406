from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.errors import ConfigError  # noqa: E402
from assay.training.nets.rawnet2 import BONA_FIDE, SPOOF, RawNet2  # noqa: E402


@pytest.fixture(scope="module")
def net() -> RawNet2:
    torch.manual_seed(0)
    return RawNet2("baseline").eval()


# 25.43 million in the literature; 17.6 million in the baseline's own log.
@pytest.mark.parametrize(("size", "n"), [("paper", 25_433_602), ("baseline", 17_621_410)])
def test_as_many_parameters_as_published(size: str, n: int) -> None:
    assert sum(p.numel() for p in RawNet2(size).parameters()) == n


@torch.no_grad()
def test_waveforms_in_one_logit_each_out_whatever_stands_beside(net: RawNet2) -> None:
    sounds = torch.randn(3, 12_000) * 0.1
    logits = net(sounds)
    assert logits.shape == (3,)
    assert len(set(logits.tolist())) == 3
    assert torch.allclose(net(sounds[1:2]), logits[1:2], atol=1e-4)
    assert net.embed(sounds).shape == (3, 1024)


@torch.no_grad()
def test_higher_means_fake(net: RawNet2) -> None:
    sound = torch.randn(1, 9_000)
    before = net(sound)
    net.score.bias[SPOOF] += 2.0
    net.score.bias[BONA_FIDE] -= 1.0
    assert torch.allclose(net(sound), before + 3.0, atol=1e-5)


@pytest.mark.parametrize(("size", "least"), [("paper", 2_315), ("baseline", 3_211)])
@torch.no_grad()
def test_from_the_shortest_sound_on(size: str, least: int) -> None:
    net = RawNet2(size).eval()
    assert net(torch.randn(1, least)).shape == (1,)
    with pytest.raises(ValueError, match=str(least)):
        net(torch.randn(1, least - 1))


def test_everything_learns() -> None:
    net = RawNet2("baseline").train()
    net(torch.randn(2, 8_000)).sum().backward()
    assert [name for name, p in net.named_parameters() if p.grad is None] == []


def test_an_unknown_size_is_refused() -> None:
    with pytest.raises(ConfigError, match="paper, baseline"):
        RawNet2("huge")
