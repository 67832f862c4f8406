"""Pictures sent through a small autoencoder and back: padding, tiles, and packaged weights.

A reconstruction shows what its genuine original shows, so a detector that tells the two apart can
only go by the decoder's traces (Ricker et al., "AEROBLADE", CVPR 2024; Guillaro et al., 2025).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from torch import Tensor, nn

from assay.errors import ConfigError, InputError
from assay.types import Array, FloatArray

WEIGHTS = Path(__file__).parent / "weights"
# Beyond this the activations of a whole picture (64 channels, full size) take gigabytes.
WHOLE_PX, TILE_PX, OVERLAP_PX = 2048, 1024, 64


def through(net: nn.Module, factor: int, pictures: Tensor) -> Tensor:
    """`pictures` (n, 3, h, w) in [0, 1], any size, through `net` and back; same shape, float32.

    Reflected up to a multiple of `factor`, cut back afterwards. On CUDA in half precision, not
    bfloat16: its steps of 1/256 near white would leave a histogram that no generator leaves.
    """
    rows = reflected(pictures.shape[2], factor, pictures.device)
    columns = reflected(pictures.shape[3], factor, pictures.device)
    padded = pictures.float()[:, :, rows][:, :, :, columns]
    half = pictures.device.type == "cuda"
    with torch.no_grad(), torch.autocast("cuda", dtype=torch.float16, enabled=half):
        out: Tensor = net(padded.contiguous(memory_format=torch.channels_last))
    return out.float().clamp(0, 1)[:, :, : pictures.shape[2], : pictures.shape[3]].contiguous()


def reflected(length: int, factor: int, device: torch.device) -> Tensor:
    """The indices 0..length-1, then back again until their number is a multiple of `factor`."""
    wanted = -(-length // factor) * factor
    swing = max(1, 2 * length - 2)
    place = torch.arange(wanted, device=device) % swing
    return torch.minimum(place, swing - place) if length > 1 else torch.zeros_like(place)


def picture_through(net: nn.Module, factor: int, rgb: Array) -> Array:
    """One picture (h, w, 3) uint8 through `net`; same shape and type.

    A picture longer than 2048 px goes in overlapping tiles on the decoder's own grid. Raises
    InputError where it is no RGB picture.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or min(rgb.shape) == 0:
        raise InputError(f"A uint8 RGB picture is needed, not {rgb.dtype} {rgb.shape}.")
    if max(rgb.shape) <= WHOLE_PX:
        return as_uint8(_as_tensor_through(net, factor, rgb))
    return as_uint8(_tiled(net, factor, rgb))


def as_uint8(picture: FloatArray) -> Array:
    """[0, 1] to uint8, rounded."""
    return np.asarray(np.clip(picture * 255 + 0.5, 0, 255), np.uint8)


def _as_tensor_through(net: nn.Module, factor: int, rgb: Array) -> FloatArray:
    device = next(net.parameters()).device
    picture = torch.from_numpy(np.ascontiguousarray(rgb)).to(device).permute(2, 0, 1)[None]
    out = through(net, factor, picture.float() / 255)[0].permute(1, 2, 0)
    return np.asarray(out.cpu().numpy(), np.float32)


def _tiled(net: nn.Module, factor: int, rgb: Array) -> FloatArray:
    height, width = rgb.shape[:2]
    total = np.zeros((height, width, 3), np.float32)
    weight = np.zeros((height, width, 1), np.float32)
    for top in tile_starts(height, factor):
        for left in tile_starts(width, factor):
            part = np.s_[top : top + TILE_PX, left : left + TILE_PX]
            out = _as_tensor_through(net, factor, rgb[part])
            ramp = _ramp(out.shape[0])[:, None, None] * _ramp(out.shape[1])[None, :, None]
            total[part] += out * ramp
            weight[part] += ramp
    return total / weight


def tile_starts(length: int, factor: int) -> list[int]:
    """Where tiles begin: multiples of `factor`, so that no tile shifts the decoder's grid."""
    step = (TILE_PX - OVERLAP_PX) // factor * factor
    return list(range(0, max(1, length - OVERLAP_PX), step))


def _ramp(length: int) -> FloatArray:
    edge = np.minimum(np.arange(length), np.arange(length)[::-1]) + 1.0
    return np.minimum(edge / OVERLAP_PX, 1.0).astype(np.float32)


def save_weights(path: Path, net: nn.Module, facts: dict[str, Any]) -> None:
    """Write a network's weights (half precision) and `facts` (JSON) into one .npz."""
    arrays = {
        name: value.detach().float().cpu().numpy().astype(np.float16)
        for name, value in net.state_dict().items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, **arrays, __facts__=np.array(json.dumps(facts)))


def read_weights(path: Path, remedy: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Weights as float32 tensors, and the facts saved beside them.

    Raises ConfigError with `remedy` where the file is missing or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        facts = json.loads(str(arrays.pop("__facts__")))
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        message = f"The weights {path.name} are missing or damaged ({error})."
        raise ConfigError(message, remedy=remedy) from error
    return {name: torch.from_numpy(a.astype(np.float32)) for name, a in arrays.items()}, facts
