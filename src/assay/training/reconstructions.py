"""What generative decoders make of genuine pictures, made once and kept: the aligned forgeries.

Rajan et al., "Aligned Datasets Improve Detection of Latent Diffusion-Generated Images", ICLR 2025:
a picture and its own reconstruction differ in the decoder's traces and in nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from assay.media.resample import resized
from assay.training.cache import CachedView
from assay.training.forgeries import upsampling, vae
from assay.training.pictures import CachedPicture
from assay.training.progress import told
from assay.types import Array

SIDES_PX = (512, 448, 384, 320, 256, 224, 192)
MOST_PX = 320  # windows of 224 px need no more, and the work grows with the square
BATCH = 16
PAD_PX = 64

Decoder = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True, slots=True)
class Base:
    """One square of a genuine picture, to be reconstructed: scaled by `scale`, then cut."""

    picture: CachedPicture
    number: int
    scale: float
    side_px: int
    left: int
    top: int

    def cut(self) -> Array:
        """The square (s, s, 3) uint8."""
        rgb = np.asarray(self.picture.rgb)
        size = (round(rgb.shape[1] * self.scale), round(rgb.shape[0] * self.scale))
        small = resized(rgb, size) if self.scale < 1 else rgb
        part = small[self.top : self.top + self.side_px, self.left : self.left + self.side_px]
        return np.ascontiguousarray(part)


class Decoders:
    """The variational autoencoder and our own up-sampling autoencoders, on one device."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        net = vae.load_vae(device)
        self.named: dict[str, Decoder] = {"vae_reconstruction": lambda x: vae.reconstruct(net, x)}
        for name in upsampling.packaged():
            own = upsampling.load_packaged(name, device)
            self.named[f"upsampling_reconstruction/{name}"] = _through(own)

    def draw(self, rng: np.random.Generator) -> str:
        """One of them by name; the packaged autoencoders together as often as the other."""
        names = list(self.named)
        if len(names) == 1 or rng.random() < 0.5:
            return names[0]
        return names[1 + int(rng.integers(len(names) - 1))]

    def __call__(self, name: str, pictures: Sequence[Array]) -> list[Array]:
        """The reconstructions of pictures of one size."""
        batch = torch.from_numpy(np.stack(pictures)).to(self.device).permute(0, 3, 1, 2) / 255.0
        out = (self.named[name](batch) * 255 + 0.5).clamp(0, 255).to(torch.uint8)
        return list(out.permute(0, 2, 3, 1).contiguous().cpu().numpy())


def _through(net: upsampling.UpsamplingAutoencoder) -> Decoder:
    return lambda x: upsampling.reconstruct(net, x)


def reconstructed_pictures(
    pictures: Sequence[CachedPicture],
    decoders: Decoders,
    rounds: int,
    folder: Path,
    seed: int = 0,
) -> list[CachedPicture]:
    """`rounds` forgeries of every genuine picture, each with its twin: a square of it, at a scale
    drawn between a third and 1, and what one of the decoders makes of it. Kept in `folder`, a
    tenth of a second of work each on one processor core.
    """
    folder.mkdir(parents=True, exist_ok=True)
    jobs: dict[tuple[str, int], list[Base]] = {}
    for picture in pictures:
        for number in range(rounds):
            rng = np.random.default_rng([seed, number, _code(picture)])
            base = _base(picture, number, rng)
            if base is not None:
                jobs.setdefault((decoders.draw(rng), base.side_px), []).append(base)
    parts = [
        (name, bases[i : i + BATCH])
        for (name, _), bases in sorted(jobs.items())
        for i in range(0, len(bases), BATCH)
    ]
    # Cutting on the processor while the decoder runs.
    with ThreadPoolExecutor(8) as pool:
        cut = pool.map(lambda part: [base.cut() for base in part[1]], parts)
        made = zip(parts, told(cut, len(parts), "reconstructions"), strict=True)
        return [
            p for (name, bases), cuts in made for p in _made(name, bases, cuts, decoders, folder)
        ]


def _made(
    name: str, bases: Sequence[Base], cuts: Sequence[Array], decoders: Decoders, folder: Path
) -> list[CachedPicture]:
    places = [folder / f"{_digest(name, rgb)}.npy" for rgb in cuts]
    todo = [i for i, place in enumerate(places) if not place.is_file()]
    if todo:
        for i, fake in zip(todo, decoders(name, [cuts[i] for i in todo]), strict=True):
            _keep(places[i], fake)
    fakes = [np.load(place, mmap_mode="r") for place in places]
    method = name.split("/")[0]
    return [
        replace(base.picture, method=method, fake=True, rgb=fake, twin=genuine)
        for base, genuine, fake in zip(bases, cuts, fakes, strict=True)
    ]


def _keep(place: Path, rgb: Array) -> None:
    """Write it so that a file which is there is whole."""
    half = place.with_suffix(".half.npy")
    np.save(half, rgb)
    half.rename(place)


def _digest(name: str, rgb: Array) -> str:
    said = f"{name} {rgb.shape} ".encode()
    return hashlib.sha256(said + rgb.tobytes()).hexdigest()[:24]


def _base(picture: CachedPicture, number: int, rng: np.random.Generator) -> Base | None:
    height, width = picture.rgb.shape[:2]
    short = min(height, width)
    least = min(1.0, max(0.35, 200 / short))
    scale = 1.0 if rng.random() < 0.4 else float(rng.uniform(least, 1.0))
    fitting = [side for side in SIDES_PX if side <= int(short * scale)]
    if not fitting:
        return None
    side = fitting[0] if rng.random() < 0.7 else fitting[int(rng.integers(len(fitting)))]
    side = min(side, MOST_PX)
    left = int(rng.integers(round(width * scale) - side + 1))
    top = int(rng.integers(round(height * scale) - side + 1))
    return Base(picture, number, scale, side, left, top)


def _code(picture: CachedPicture) -> int:
    """Of what the picture shows: wherever it lies, it is forged alike."""
    pixels = np.ascontiguousarray(picture.rgb[::7, ::7])
    return int.from_bytes(hashlib.sha256(pixels.tobytes()).digest()[:6], "big")


def with_reconstructions(
    views: Sequence[CachedView],
    decoders: Decoders,
    rounds: int,
    folder: Path,
    share: float = 1.0,
    seed: int = 0,
) -> list[CachedView]:
    """The views, a `share` of them each with `rounds` reconstructions of itself, kept in `folder`
    (paired clips stay as they are).

    Each is decoded at a scale drawn between a third and 1 and enlarged again: face-swap programs
    decode at 64 to 256 px.
    """
    folder.mkdir(parents=True, exist_ok=True)
    jobs: dict[tuple[str, int, int], list[_Job]] = {}
    places: dict[int, list[Path]] = {}
    for i, view in enumerate(views):
        rgb = np.asarray(view.rgb)
        digest = hashlib.sha256(rgb.tobytes()).hexdigest()[:20]
        rng = np.random.default_rng([seed, int(digest[:12], 16)])
        wanted = rounds if view.twin is None and rng.random() < share else 0
        for number in range(wanted):
            name, small = decoders.draw(rng), _shrunk(rgb, rng)
            place = folder / f"{digest}-{seed}-{number}.npy"
            places.setdefault(i, []).append(place)
            if not place.is_file():
                height, width = (-(-side // PAD_PX) * PAD_PX for side in small.shape[:2])
                job = _Job(small, place, rgb.shape)
                jobs.setdefault((name, height, width), []).append(job)
    for (name, height, width), todo in told(sorted(jobs.items()), len(jobs), "faces reconstructed"):
        for start in range(0, len(todo), BATCH):
            part = todo[start : start + BATCH]
            decoded = decoders(name, [_padded(job.rgb, height, width) for job in part])
            for job, picture in zip(part, decoded, strict=True):
                cut = picture[: job.rgb.shape[0], : job.rgb.shape[1]]
                _keep(job.place, _enlarged(cut, job.shape))
    return [
        replace(v, reconstructions=tuple(np.load(p, mmap_mode="r") for p in places.get(i, ())))
        for i, v in enumerate(views)
    ]


@dataclass(frozen=True, slots=True)
class _Job:
    rgb: Array
    place: Path
    shape: tuple[int, ...]


def _shrunk(rgb: Array, rng: np.random.Generator) -> Array:
    scale = 1.0 if rng.random() < 0.4 else float(rng.uniform(0.35, 1.0))
    size = (max(32, round(rgb.shape[1] * scale)), max(32, round(rgb.shape[0] * scale)))
    return resized(rgb, size) if scale < 1 else rgb


def _padded(rgb: Array, height: int, width: int) -> Array:
    room = ((0, height - rgb.shape[0]), (0, width - rgb.shape[1]), (0, 0))
    return np.pad(rgb, room, mode="edge")


def _enlarged(rgb: Array, shape: tuple[int, ...]) -> Array:
    import cv2

    if rgb.shape[:2] == shape[:2]:
        return np.ascontiguousarray(rgb)
    size = (shape[1], shape[0])
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_CUBIC), np.uint8)
