"""Pictures of a folder, and random crops of them cut in the memory of the training device."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from assay.errors import ConfigError
from assay.types import Array

SUFFIXES = (".jpg", ".jpeg", ".png")
LEAST_PX, MOST_PX = 64, 1024


def pictures_of(folder: Path, at_most: int = 4000) -> list[Array]:
    """The JPEG and PNG pictures under `folder`, (h, w, 3) uint8; evenly chosen where they are more
    than `at_most`. Unreadable and tiny ones are left out; of large ones the middle 1024 px
    are kept, so that thousands fit into a GPU's memory.

    Raises ConfigError where none is left.
    """
    paths = sorted(p for p in Path(folder).rglob("*") if p.suffix.lower() in SUFFIXES)
    return pictures_at(paths, at_most, str(folder))


def pictures_at(
    paths: Sequence[Path], at_most: int = 4000, named: str = "The list of files"
) -> list[Array]:
    """The same for these files. Raises ConfigError where no picture is left."""
    step = max(1, -(-len(paths) // at_most))
    with ThreadPoolExecutor(8) as pool:
        read = list(pool.map(_picture, paths[::step]))
    pictures = [p for p in read if p is not None]
    if not pictures:
        raise ConfigError(
            f"{named} holds no usable picture.", remedy="Name a folder with JPEG or PNG files."
        )
    return pictures


def _picture(path: Path) -> Array | None:
    from PIL import Image

    try:
        with Image.open(path) as opened:
            rgb = np.asarray(opened.convert("RGB"), np.uint8)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    top, left = (max(0, side - MOST_PX) // 2 for side in rgb.shape[:2])
    rgb = rgb[top : top + MOST_PX, left : left + MOST_PX].copy()
    return rgb if min(rgb.shape[:2]) >= LEAST_PX else None


class Crops:
    """Square crops of pictures that lie as one row of bytes in the device's memory."""

    def __init__(self, pictures: Sequence[Array], device: torch.device) -> None:
        if not pictures:
            raise ConfigError("There are no pictures to train on.")
        sizes = np.array([p.shape[:2] for p in pictures], np.int64)
        starts = np.r_[0, np.cumsum(sizes.prod(axis=1) * 3)[:-1]]
        flat = np.concatenate([np.ascontiguousarray(p).reshape(-1) for p in pictures])
        self.flat = torch.from_numpy(flat).to(device)
        self.sizes, self.starts = torch.from_numpy(sizes).to(device), torch.from_numpy(starts)
        self.starts = self.starts.to(device)

    def random(self, n: int, side: int) -> Tensor:
        """`n` crops (n, 3, side, side) in [0, 1], half of them mirrored; drawn by torch's seed."""
        device = self.flat.device
        which = torch.randint(len(self.sizes), (n,), device=device)
        free = (self.sizes[which] - side).clamp_min(0) + 1
        corner = (torch.rand(n, 2, device=device) * free).long()
        return self.cut(which, corner, side, torch.rand(n, device=device) < 0.5)

    def middles(self, n: int, side: int) -> Tensor:
        """The middles of the first `n` pictures, (n, 3, side, side) in [0, 1]."""
        which = torch.arange(min(n, len(self.sizes)), device=self.flat.device)
        corner = (self.sizes[which] - side).clamp_min(0) // 2
        return self.cut(which, corner, side, torch.zeros_like(which, dtype=torch.bool))

    def cut(self, which: Tensor, corner: Tensor, side: int, mirrored: Tensor) -> Tensor:
        """Crops at `corner` (n, 2); pictures smaller than `side` are continued by reflection."""
        place = torch.arange(side, device=self.flat.device)
        across = torch.where(mirrored[:, None], place.flip(0), place)
        rows = _reflect(corner[:, :1] + place, self.sizes[which, :1])
        columns = _reflect(corner[:, 1:] + across, self.sizes[which, 1:])
        pixel = rows[:, :, None] * self.sizes[which, 1][:, None, None] + columns[:, None, :]
        index = self.starts[which][:, None, None] + 3 * pixel
        channels = torch.arange(3, device=self.flat.device)[None, :, None, None]
        crops = self.flat[index[:, None] + channels].float() / 255
        return crops.contiguous(memory_format=torch.channels_last)


def _reflect(place: Tensor, length: Tensor) -> Tensor:
    swing = (2 * length - 2).clamp_min(1)
    folded = place % swing
    return torch.minimum(torch.minimum(folded, swing - folded), length - 1)
