from __future__ import annotations

from itertools import pairwise

import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.errors import ConfigError  # noqa: E402
from assay.training.nets.rawnet2 import BONA_FIDE, SPOOF, RawNet2, published  # noqa: E402
from tests.training.nets import public_layouts as layouts  # noqa: E402


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


def public_layout() -> layouts.Shapes:
    """The tensors of ASVspoof 2021's baseline."""
    shapes = layouts.norm("first_bn", 20) | layouts.norm("bn_before_gru", 128)
    widths = [20, 20, 20, 128, 128, 128, 128]
    for number, (n_in, n_out) in enumerate(pairwise(widths)):
        place = f"block{number}.0."
        if number:
            shapes |= layouts.norm(f"{place}bn1", n_in)
        shapes |= {f"{place}conv1.weight": (n_out, n_in, 3), f"{place}conv1.bias": (n_out,)}
        shapes |= layouts.norm(f"{place}bn2", n_out)
        shapes |= {f"{place}conv2.weight": (n_out, n_out, 3), f"{place}conv2.bias": (n_out,)}
        if n_in != n_out:
            shapes[f"{place}conv_downsample.weight"] = (n_out, n_in, 1)
            shapes[f"{place}conv_downsample.bias"] = (n_out,)
        shapes |= layouts.linear(f"fc_attention{number}.0", n_out, n_out)
    for level in range(3):
        shapes[f"gru.weight_ih_l{level}"] = (3072, 1024 if level else 128)
        shapes[f"gru.weight_hh_l{level}"] = (3072, 1024)
        shapes |= {f"gru.bias_ih_l{level}": (3072,), f"gru.bias_hh_l{level}": (3072,)}
    return shapes | layouts.linear("fc1_gru", 1024, 1024) | layouts.linear("fc2_gru", 1024, 2)


def test_the_baselines_public_layout_fits_in_names_and_shapes() -> None:
    with torch.device("meta"):
        net = RawNet2("baseline", as_published=True)
    net.load_state_dict(published(layouts.state(public_layout())), assign=True)
    with pytest.raises(ValueError, match="elsewhere"):
        published({"elsewhere.weight": torch.zeros(1)})


@torch.no_grad()
def test_the_public_code_passes_over_each_blocks_first_norm() -> None:
    torch.manual_seed(0)
    sound = torch.randn(1, 5000) * 0.1
    for as_published in (False, True):
        net = RawNet2("baseline", as_published=as_published).eval()
        before = float(net(sound)[0])
        for block in net.blocks[1:]:
            block.before.bias += 1.0
        assert (float(net(sound)[0]) == before) is as_published
