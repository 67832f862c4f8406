from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.errors import ConfigError, InputError  # noqa: E402
from assay.training.forgeries import Subject, discover, upsampling  # noqa: E402
from assay.training.forgeries.upsampling import (  # noqa: E402
    Kind,
    UpsamplingAutoencoder,
    load_packaged,
    packaged,
    reconstruct,
    reconstruct_picture,
    save_trained,
)
from tests.real_faces import textured  # noqa: E402

KINDS = get_args(Kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("factor", [4, 8])
def test_shapes_of_every_kind(kind: Kind, factor: int) -> None:
    net = UpsamplingAutoencoder(kind, factor, latent=4, width=16)
    pictures = torch.rand(2, 3, 32, 48)
    mean, log_variance = net.encode(pictures)
    assert mean.shape == log_variance.shape == (2, 4, 32 // factor, 48 // factor)
    assert net(pictures).shape == pictures.shape


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("factor", [4, 8])
def test_the_usual_width_has_about_a_million_parameters(kind: Kind, factor: int) -> None:
    net = UpsamplingAutoencoder(kind, factor)
    assert 0.3e6 < sum(p.numel() for p in net.parameters()) < 1.1e6


def test_the_seed_draws_the_weights_and_leaves_torchs_own_state() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    nets = [UpsamplingAutoencoder("nearest", 4, 4, 16, seed) for seed in (1, 1, 2)]
    assert torch.equal(torch.rand(3), expected)
    first, same, other = (net.last.weight for net in nets)
    assert torch.equal(first, same)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("wrong", [{"kind": "magic"}, {"factor": 5}, {"width": 12}, {"latent": 0}])
def test_impossible_networks_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ConfigError):
        UpsamplingAutoencoder(**{"kind": "nearest", **wrong})  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_saved_reconstructs_the_same(kind: Kind, tmp_path: Path) -> None:
    net = UpsamplingAutoencoder(kind, 8, 4, 16, seed=3).eval()
    save_trained(net, "a", tmp_path, {"psnr": 1.0})
    again = load_packaged("a", folder=tmp_path)
    assert packaged(tmp_path) == ["a"]
    assert again.settings == net.settings
    pictures = torch.rand(1, 3, 30, 21)
    assert torch.allclose(reconstruct(net, pictures), reconstruct(again, pictures), atol=4e-3)


def test_missing_foreign_and_damaged_weights_name_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load_packaged("none", folder=tmp_path)
    assert "configs/autoencoders.toml" in caught.value.remedy
    net = UpsamplingAutoencoder("nearest", 4, 4, 16)
    net.settings["latent"] = 8
    save_trained(net, "odd", tmp_path, {})
    with pytest.raises(ConfigError, match="fit no network"):
        load_packaged("odd", folder=tmp_path)


@pytest.fixture
def two_packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two untrained networks in the place of the packaged ones."""
    for name, kind in (("a", "nearest"), ("b", "transposed")):
        save_trained(UpsamplingAutoencoder(kind, 8, 4, 16), name, tmp_path, {})  # type: ignore[arg-type]
    monkeypatch.setattr(upsampling, "packaged", lambda: packaged(tmp_path))
    monkeypatch.setattr(upsampling, "_on_cpu", lambda name: load_packaged(name, folder=tmp_path))
    return tmp_path


def test_the_forger_draws_a_network(two_packaged: Path) -> None:
    forger = discover()["upsampling_reconstruction"]
    assert (forger.kind, forger.needs) == ("generated", "picture")
    rgb = textured(41, 50)
    made = [forger.make(Subject(rgb), None, np.random.default_rng(seed)) for seed in range(8)]
    assert {forgery.name.split("/")[1] for forgery in made} == {"a", "b"}
    for forgery in made:
        net = load_packaged(forgery.name.split("/")[1], folder=two_packaged)
        assert np.array_equal(forgery.fake, reconstruct_picture(net, rgb))
        assert forgery.mask.shape == (41, 50)
        assert forgery.mask.min() == 1
    again = forger.make(Subject(rgb), None, np.random.default_rng(3))
    assert again.name == made[3].name


def test_without_networks_or_pictures_there_is_no_forgery(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError):
        upsampling.forge(None, None, np.random.default_rng(0))
    monkeypatch.setattr(upsampling, "packaged", lambda: [])
    with pytest.raises(ConfigError) as caught:
        upsampling.forge(Subject(textured(16, 16)), None, np.random.default_rng(0))
    assert "assay.training.autoencoders" in caught.value.remedy


@pytest.mark.skipif(not packaged(), reason="no up-sampling network is packaged yet")
def test_the_packaged_networks_reconstruct_a_picture() -> None:
    rgb = textured(128, 128)
    for name in packaged():
        made = reconstruct_picture(load_packaged(name), rgb)
        assert 10 * np.log10(255**2 / np.mean((made.astype(float) - rgb) ** 2)) > 15, name
