"""Whole pictures through TAEF2, a tiny autoencoder for the latents of the FLUX.2 generator.

Weights: TAEF2 by Ollin Boer Bohan (MIT; weights/NOTICE), 32 latent channels at an eighth of the
size. Its decoder leaves the traces of pictures that were generated as such latents.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from assay.errors import InputError
from assay.training.forgeries.forgery import Forger, Forgery, Subject
from assay.training.forgeries.reconstruction import (
    WEIGHTS,
    picture_through,
    read_weights,
    through,
)
from assay.types import Array

FACTOR, LATENT, WIDTH = 8, 32, 64
REMEDY = "Reinstall assay: weights/taef2.npz belongs to the package."


class Residual(nn.Module):
    """Three convolutions around a shortcut; `wide` adds an inner 1x1 bottleneck whose group
    statistics see the whole picture."""

    def __init__(self, wide: bool) -> None:
        super().__init__()
        convs = [nn.Conv2d(WIDTH, WIDTH, 3, padding=1) for _ in range(3)]
        self.conv = nn.Sequential(convs[0], nn.ReLU(), convs[1], nn.ReLU(), convs[2])
        self.pool: nn.Sequential | None = None
        if wide:
            self.pool = nn.Sequential(
                nn.Conv2d(WIDTH, 4 * WIDTH, 1, bias=False),
                nn.GroupNorm(4, 4 * WIDTH),
                nn.ReLU(),
                nn.Conv2d(4 * WIDTH, WIDTH, 1, bias=False),
            )

    def forward(self, x: Tensor) -> Tensor:
        """(n, 64, h, w) in and out."""
        if self.pool is not None:
            x = x + self.pool(x)
        return torch.relu(self.conv(x) + x)


class SoftLimit(nn.Module):
    """Keeps latents within ±3, smoothly."""

    def forward(self, x: Tensor) -> Tensor:
        """Any shape."""
        return 3 * torch.tanh(x / 3)


class TinyVae(nn.Module):
    """Pictures (n, 3, h, w) in [0, 1], sides multiples of 8, in; their reconstruction out."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(*_encoder())
        self.decoder = nn.Sequential(*_decoder())

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class; the result may leave [0, 1] a little."""
        return cast(Tensor, self.decoder(self.encoder(pictures)))


def _encoder() -> Iterator[nn.Module]:
    yield nn.Conv2d(3, WIDTH, 3, padding=1)
    yield Residual(wide=False)
    for level in range(3):
        yield nn.Conv2d(WIDTH, WIDTH, 3, stride=2, padding=1, bias=False)
        yield from (Residual(wide=level == 2) for _ in range(3))
    yield nn.Conv2d(WIDTH, LATENT, 3, padding=1)


def _decoder() -> Iterator[nn.Module]:
    yield from (SoftLimit(), nn.Conv2d(LATENT, WIDTH, 3, padding=1), nn.ReLU())
    for level in range(3):
        yield from (Residual(wide=level == 0) for _ in range(3))
        yield nn.Upsample(scale_factor=2)
        yield nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False)
    yield Residual(wide=False)
    yield nn.Conv2d(WIDTH, 3, 3, padding=1)


def load_vae(device: torch.device | str = "cpu") -> nn.Module:
    """TAEF2 with its packaged weights, in evaluation mode. Raises ConfigError."""
    weights, _ = read_weights(WEIGHTS / "taef2.npz", REMEDY)
    net = TinyVae()
    net.load_state_dict(weights)
    net.requires_grad_(False)
    return net.eval().to(device).to(memory_format=torch.channels_last)


def reconstruct(vae: nn.Module, pictures: Tensor) -> Tensor:
    """`pictures` (n, 3, h, w) in [0, 1], any size, through the autoencoder; same shape."""
    return through(vae, FACTOR, pictures)


@cache
def _on_cpu() -> nn.Module:
    return load_vae("cpu")


def reconstruct_picture(rgb: Array) -> Array:
    """One picture (h, w, 3) uint8 through the autoencoder on the CPU; same shape, uint8.

    Raises InputError where it is no RGB picture.
    """
    return picture_through(_on_cpu(), FACTOR, rgb)


def forge(subject: Subject | None, donor: Subject | None, rng: np.random.Generator) -> Forgery:
    """The whole picture, decoded anew; nothing here is random."""
    if subject is None:
        raise InputError("A picture is needed.")
    fake = reconstruct_picture(subject.rgb)
    mask = np.ones(subject.rgb.shape[:2], np.float32)
    return Forgery(fake, subject.rgb, mask, "vae_reconstruction/taef2")


FORGER = Forger(
    name="vae_reconstruction",
    title="The whole picture through the autoencoder of a latent diffusion model",
    kind="generated",
    needs="picture",
    source="TAEF2, tiny autoencoder for FLUX.2 latents (MIT)",
    make=forge,
)
