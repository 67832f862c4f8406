from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.errors import ConfigError, InputError  # noqa: E402
from assay.training.forgeries import Subject, discover, vae  # noqa: E402
from tests.real_faces import portrait, scaled  # noqa: E402


def decibels(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean((a.astype(float) - b.astype(float)) ** 2)))


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    return scaled(portrait(), 0.5)[:257, :251]


def test_a_portrait_comes_back_nearly_the_same(face: np.ndarray) -> None:
    made = vae.reconstruct_picture(face)
    assert made.shape == face.shape
    assert made.dtype == np.uint8
    assert 29 < decibels(face, made) < 45


def test_batches_and_single_pictures_agree(face: np.ndarray) -> None:
    one = face[:64, :72]
    pictures = torch.from_numpy(one).permute(2, 0, 1)[None].float().repeat(2, 1, 1, 1) / 255
    made = vae.reconstruct(vae.load_vae("cpu"), pictures)
    assert made.shape == pictures.shape
    rounded = (made[1].permute(1, 2, 0) * 255).round().numpy()
    assert np.abs(rounded - vae.reconstruct_picture(one)).max() <= 1


def test_the_decoder_limits_wild_latents() -> None:
    net = vae.TinyVae()
    wild = torch.full((1, vae.LATENT, 2, 2), 1e4)
    assert torch.equal(net.decoder(wild), net.decoder(wild * 10))


def test_the_forger_forges_the_whole_picture(face: np.ndarray) -> None:
    forger = discover()["vae_reconstruction"]
    assert (forger.kind, forger.needs) == ("generated", "picture")
    forgery = forger.make(Subject(face), None, np.random.default_rng(0))
    assert forgery.mask.shape == face.shape[:2]
    assert forgery.mask.dtype == np.float32
    assert forgery.mask.min() == 1
    assert forgery.genuine is face
    assert (forgery.fake != face).any()


def test_without_a_picture_there_is_no_forgery() -> None:
    with pytest.raises(InputError):
        vae.forge(None, None, np.random.default_rng(0))


def test_missing_weights_are_a_configuration_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vae, "WEIGHTS", tmp_path)
    with pytest.raises(ConfigError, match=r"taef2\.npz"):
        vae.load_vae()


def test_the_notice_names_author_and_licence() -> None:
    notice = (vae.WEIGHTS / "NOTICE").read_text(encoding="utf-8")
    assert "Ollin Boer Bohan" in notice
    assert "Permission is hereby granted" in notice
