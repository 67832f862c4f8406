"""A network of a few hundred weights with a specification, for what is true of every network."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from assay.inputs.face import FaceInput
from assay.inputs.waveform import WaveformInput
from assay.training.nets.spec import NetSpec


class Answer(NamedTuple):
    logit: Tensor
    mask: Tensor | None = None


class TinyFace(nn.Module):
    """uint8 (n, 16, 16, 3) in; a logit, or with `draws` a mask beside it."""

    def __init__(self, draws: bool = False) -> None:
        super().__init__()
        self.draws = draws
        self.first = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)
        self.score = nn.Linear(4, 1)

    def forward(self, pictures: Tensor) -> Any:
        x = torch.relu(self.norm(self.first(pictures.permute(0, 3, 1, 2).float() / 255)))
        logit = self.score(x.mean(dim=(2, 3)))[:, 0]
        return Answer(logit, x.mean(dim=1)) if self.draws else logit


class TinyVoice(nn.Module):
    """float32 (n, 16000) in."""

    def __init__(self) -> None:
        super().__init__()
        self.score = nn.Linear(1, 1)

    def forward(self, sound: Tensor) -> Tensor:
        logit: Tensor = self.score(sound.abs().mean(dim=1, keepdim=True))[:, 0]
        return logit


def renamed(state: Any) -> dict[str, Tensor]:
    """The public names, turned: `stem` for `first`."""
    unknown = [name for name in state if not name.startswith(("stem", "bn", "fc"))]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is no part of it.")
    names = {"stem": "first", "bn": "norm", "fc": "score"}
    return {names[k.partition(".")[0]] + "." + k.partition(".")[2]: v for k, v in state.items()}


def spec(kind: str = "face", **changes: Any) -> NetSpec:
    """The specification of `TinyFace` or `TinyVoice`."""
    values: dict[str, Any] = {
        "name": "tiny",
        "title": "Tiny",
        "paper": "nobody's",
        "kind": kind,
        "recipe": FaceInput(size_px=16) if kind == "face" else WaveformInput(length_s=1.0),
        "build": TinyFace if kind == "face" else TinyVoice,
        "n_parameters": 125,
        "n_macs": 28_000,
        "checkpoint": "tiny.pth of nobody",
        "checkpoint_licence": "CC0",
        "published": renamed,
        "n_frames": 4,
    }
    return NetSpec(**{**values, **changes})
