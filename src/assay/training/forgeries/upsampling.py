"""Our own small autoencoders, one for each way in which decoders enlarge.

Transposed convolutions, nearest or bilinear enlargement with a convolution behind it, and pixel
shuffling leave different periodic traces (Odena et al., 2016; Durall et al., CVPR 2020). The shape
is that of a latent diffusion model's autoencoder (Rombach et al., CVPR 2022), only narrower.
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, cast, get_args

import numpy as np
import torch
from torch import Tensor, nn

from assay.errors import ConfigError, InputError
from assay.training.forgeries.forgery import Forger, Forgery, Subject
from assay.training.forgeries.reconstruction import (
    WEIGHTS,
    picture_through,
    read_weights,
    save_weights,
    through,
)
from assay.types import Array

Kind = Literal["transposed", "nearest", "bilinear", "pixel_shuffle"]
REMEDY = (
    "Train them: python -m assay.training.autoencoders --config configs/autoencoders.toml "
    "--pictures FOLDER --out FOLDER"
)
PREFIX = "upsampling_"


class UpsamplingAutoencoder(nn.Module):
    """Pictures (n, 3, h, w) in [0, 1], sides multiples of `factor`, in; their reconstruction out.

    `factor` 4 or 8 is how much smaller the latents are, `latent` their channels, `width` the
    channels at full size; `seed` draws the first weights. Raises ConfigError.
    """

    def __init__(
        self, kind: Kind, factor: int = 8, latent: int = 16, width: int = 32, seed: int = 0
    ) -> None:
        super().__init__()
        if kind not in get_args(Kind) or factor not in (4, 8) or width % 8 or latent < 1:
            raise ConfigError(f"No autoencoder {kind!r} of factor {factor}, width {width}.")
        self.settings = {
            "kind": kind, "factor": factor, "latent": latent, "width": width, "seed": seed,
        }  # fmt: skip
        self.factor = factor
        widths = [width] + [2 * width] * (3 if factor == 8 else 2)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.encoder = _encoder(widths, latent)
            self.decoder = _decoder(widths, latent, kind)
            self.last = nn.Conv2d(width, 3, 3, padding=1)

    def encode(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance of the latents, each (n, latent, h/f, w/f)."""
        mean, spread = self.encoder(2 * pictures - 1).float().chunk(2, dim=1)
        # Begin with little noise, or the decoder learns to ignore the latents.
        return mean, (spread - 4).clamp(-20, 4)

    def decode(self, latents: Tensor) -> Tensor:
        """Latents to pictures; the result may leave [0, 1] a little."""
        x = self.decoder(latents)
        # Float32 whatever the rest runs in: coarser steps would show in the histogram.
        with torch.autocast(x.device.type, enabled=False):
            return (cast(Tensor, self.last(x.float())) + 1) / 2

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class; the latents' means are decoded, without noise."""
        return self.decode(self.encode(pictures)[0])


class Residual(nn.Module):
    """Two normalised convolutions around a shortcut."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.block = nn.Sequential(
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
            nn.GroupNorm(8, width),
            nn.SiLU(),
            nn.Conv2d(width, width, 3, padding=1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """(n, width, h, w) in and out."""
        return x + cast(Tensor, self.block(x))


def _encoder(widths: list[int], latent: int) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(3, widths[0], 3, padding=1)]
    for fine, coarse in pairwise(widths):
        layers += [Residual(fine), nn.Conv2d(fine, coarse, 3, stride=2, padding=1)]
    layers += [Residual(widths[-1]), nn.GroupNorm(8, widths[-1]), nn.SiLU()]
    return nn.Sequential(*layers, nn.Conv2d(widths[-1], 2 * latent, 3, padding=1))


def _decoder(widths: list[int], latent: int, kind: Kind) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv2d(latent, widths[-1], 3, padding=1), Residual(widths[-1])]
    for coarse, fine in zip(widths[:0:-1], widths[-2::-1], strict=True):
        layers += [Residual(coarse), _enlarge(kind, coarse, fine)]
    return nn.Sequential(*layers, Residual(widths[0]), nn.GroupNorm(8, widths[0]), nn.SiLU())


def _enlarge(kind: Kind, coarse: int, fine: int) -> nn.Module:
    if kind == "transposed":
        return nn.ConvTranspose2d(coarse, fine, 4, stride=2, padding=1)
    if kind == "pixel_shuffle":
        return nn.Sequential(nn.Conv2d(coarse, 4 * fine, 3, padding=1), nn.PixelShuffle(2))
    return nn.Sequential(
        nn.Upsample(scale_factor=2, mode=kind), nn.Conv2d(coarse, fine, 3, padding=1)
    )


def save_trained(
    net: UpsamplingAutoencoder, name: str, folder: Path, facts: dict[str, Any]
) -> Path:
    """Write a trained network where `load_packaged` looks for it; gives its path."""
    path = folder / f"{PREFIX}{name}.npz"
    save_weights(path, net, {**facts, "settings": net.settings})
    return path


def packaged(folder: Path = WEIGHTS) -> list[str]:
    """The names of the trained networks of `folder`, sorted."""
    return sorted(path.stem.removeprefix(PREFIX) for path in folder.glob(f"{PREFIX}*.npz"))


def load_packaged(
    name: str, device: torch.device | str = "cpu", folder: Path = WEIGHTS
) -> UpsamplingAutoencoder:
    """A trained network, in evaluation mode. Raises ConfigError where there is none."""
    weights, facts = read_weights(folder / f"{PREFIX}{name}.npz", REMEDY)
    try:
        net = UpsamplingAutoencoder(**facts["settings"])
        net.load_state_dict(weights)
    except (KeyError, TypeError, RuntimeError) as error:
        raise ConfigError(f"The weights {name} fit no network: {error}", remedy=REMEDY) from error
    net.requires_grad_(False)
    return net.eval().to(device).to(memory_format=torch.channels_last)


def reconstruct(net: UpsamplingAutoencoder, pictures: Tensor) -> Tensor:
    """`pictures` (n, 3, h, w) in [0, 1], any size, through the network; same shape."""
    return through(net, net.factor, pictures)


def reconstruct_picture(net: UpsamplingAutoencoder, rgb: Array) -> Array:
    """One picture (h, w, 3) uint8 through the network; same shape. Raises InputError."""
    return picture_through(net, net.factor, rgb)


@cache
def _on_cpu(name: str) -> UpsamplingAutoencoder:
    return load_packaged(name)


def forge(subject: Subject | None, donor: Subject | None, rng: np.random.Generator) -> Forgery:
    """The whole picture, decoded anew by one of the packaged networks."""
    if subject is None:
        raise InputError("A picture is needed.")
    names = packaged()
    if not names:
        raise ConfigError("No up-sampling network is packaged.", remedy=REMEDY)
    name = str(rng.choice(names))
    fake = reconstruct_picture(_on_cpu(name), subject.rgb)
    mask = np.ones(subject.rgb.shape[:2], np.float32)
    return Forgery(fake, subject.rgb, mask, f"upsampling_reconstruction/{name}")


FORGER = Forger(
    name="upsampling_reconstruction",
    title="The whole picture through a small autoencoder, by one of four ways of enlarging",
    kind="generated",
    needs="picture",
    source="trained by this project (Apache-2.0); shape after Rombach et al., CVPR 2022",
    make=forge,
)
