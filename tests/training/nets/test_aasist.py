from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.errors import ConfigError  # noqa: E402
from assay.training.nets.aasist import (  # noqa: E402
    _PARTS,
    _PLACES,
    BONA_FIDE,
    LEAST_SAMPLES,
    SPOOF,
    Aasist,
    from_published,
)


def net(size: str = "full", **arguments: bool) -> Aasist:
    torch.manual_seed(0)
    return Aasist(size, **arguments).eval()


def published_names(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The way back of `from_published`, as the checkpoint calls its tensors."""
    places = {own: place for place, own in _PLACES.items()}
    joint = {own: part for part, own in _PARTS.items()}
    found = {}
    for name, tensor in state.items():
        own = next(
            p for p in sorted(places, key=len, reverse=True) if f"{name}.".startswith(p + ".")
        )
        part, _, rest = name.removeprefix(own).removeprefix(".").partition(".")
        found[".".join(filter(None, (places[own], joint.get(part, part), rest)))] = tensor
    return found


@pytest.mark.parametrize(("size", "n"), [("full", 297_866), ("light", 85_306)])
def test_as_many_parameters_as_published(size: str, n: int) -> None:
    assert sum(p.numel() for p in Aasist(size).parameters()) == n


@torch.no_grad()
def test_waveforms_in_one_logit_each_out_whatever_stands_beside() -> None:
    one, sounds = net(), torch.randn(3, 20_000) * 0.1
    logits = one(sounds)
    assert logits.shape == (3,)
    assert torch.isfinite(logits).all()
    assert len(set(logits.tolist())) == 3
    assert torch.allclose(one(sounds[1:2]), logits[1:2], atol=1e-4)
    assert one.embed(sounds).shape == (3, 160)


@torch.no_grad()
def test_higher_means_fake() -> None:
    one, sound = net(), torch.randn(1, 20_000)
    before = one(sound)
    one.score.bias[SPOOF] += 2.0
    assert torch.allclose(one(sound), before + 2.0, atol=1e-5)
    one.score.bias[BONA_FIDE] += 5.0
    assert torch.allclose(one(sound), before - 3.0, atol=1e-5)


@torch.no_grad()
def test_from_the_shortest_sound_on() -> None:
    assert net()(torch.randn(1, LEAST_SAMPLES)).shape == (1,)
    assert net().feature_map(torch.randn(1, 64_600)).shape == (1, 64, 23, 29)
    for wrong in (torch.randn(1, LEAST_SAMPLES - 1), torch.randn(20_000)):
        with pytest.raises(ValueError, match="2315"):
            net()(wrong)


def test_everything_learns_but_the_norms_passed_over() -> None:
    for norm_first in (False, True):
        one = net(norm_first=norm_first).train()
        # The dropouts of the poolings may leave a node's way shut: several sounds.
        loss = torch.nn.functional.softplus(one(torch.randn(8, 8_000))).sum()
        loss.backward()
        still = {name for name, p in one.named_parameters() if p.grad is None}
        passed_over = {f"blocks.{i}.before.{w}" for i in range(1, 6) for w in ("weight", "bias")}
        assert still == (set() if norm_first else passed_over)


@pytest.mark.parametrize("size", ["full", "light"])
@torch.no_grad()
def test_the_published_names_lead_to_the_same_network(size: str) -> None:
    one, other = net(size), Aasist(size).eval()
    stored = published_names(one.state_dict())
    assert {"pos_S", "master2", "encoder.0.0.conv1.weight", "pool_hT2.proj.bias"} <= set(stored)
    assert "HtrgGAT_layer_ST22.proj_without_attM.weight" in stored
    assert "encoder.2.0.conv_downsample.weight" in stored
    other.load_state_dict(from_published(stored))
    sound = torch.randn(2, 9_000)
    assert torch.equal(one(sound), other(sound))


def test_a_foreign_tensor_is_named() -> None:
    with pytest.raises(ValueError, match="gru"):
        from_published({"gru.weight": torch.zeros(1)})


def test_an_unknown_size_is_refused() -> None:
    with pytest.raises(ConfigError, match="full, light"):
        Aasist("huge")
