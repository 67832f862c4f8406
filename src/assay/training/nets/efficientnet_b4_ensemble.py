"""Four EfficientNets together: the mean of the logits of B4, B4Att, B4ST and B4AttST.

Bonettini et al., "Video Face Manipulation Detection Through Ensemble of CNNs", ICPR 2020. Each of
the four is trained by itself; this one is put together from their four checkpoints.
"""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from assay.errors import ConfigError
from assay.training.nets import (
    efficientnet_b4,
    efficientnet_b4_att,
    efficientnet_b4_att_st,
    efficientnet_b4_st,
)
from assay.training.nets.checkpoints import unwrapped
from assay.training.nets.trunk import Outputs

SPECS = {
    spec.name: spec
    for spec in (
        efficientnet_b4.NETS[0],
        efficientnet_b4_att.NETS[0],
        efficientnet_b4_st.NETS[0],
        efficientnet_b4_att_st.NETS[0],
    )
}
_PUBLIC = re.compile(r"efficientnet(autoatt)?b4(st)?(?:_.*)?", re.IGNORECASE)
_OWN = re.compile(r"efficientnet_b4(_att)?(_st)?", re.IGNORECASE)
_SUFFIXES = (".pt", ".pth")


class EfficientNetB4Ensemble(nn.Module):
    """uint8 faces (n, 224, 224, 3) in; the mean logit (n,) of four networks, higher = fake, their
    features (n, 7168), and the mean of the two attention masks (n, 28, 28)."""

    def __init__(self) -> None:
        super().__init__()
        self.members = nn.ModuleDict({name: spec.build() for name, spec in SPECS.items()})

    def forward(self, pictures: Tensor) -> Outputs:
        """See the class."""
        found: list[Outputs] = [member(pictures) for member in self.members.values()]
        masks = [one.mask for one in found if one.mask is not None]
        return Outputs(
            torch.stack([one.logit for one in found]).mean(dim=0),
            torch.cat([one.pooled for one in found], dim=1),
            torch.stack(masks).mean(dim=0),
        )


def read_folder(folder: Path) -> dict[str, Tensor]:
    """The four checkpoints of a folder, each tensor's name after its network's; where all four are
    weights of this program, by the names used here.

    A file, or the folder right above it, is called as the public ones are (EfficientNetB4_…,
    EfficientNetAutoAttB4ST_…) or as the networks here. Raises ConfigError where one of the four is
    missing or there twice, and where a file holds no tensors.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder} is no folder with the four checkpoints of the ensemble.")
    found: dict[str, Path] = {}
    for path in sorted([*folder.glob("*"), *folder.glob("*/*")]):
        name = _member(path) if path.suffix in _SUFFIXES and path.is_file() else None
        if name in found:
            raise ConfigError(f"Two files hold {name}: {found[name]} and {path}.")
        if name:
            found[name] = path
    missing = [name for name in SPECS if name not in found]
    if missing:
        raise ConfigError(f"{folder} holds no checkpoint of {', '.join(missing)}.")
    parts = {name: _tensors(path) for name, path in found.items()}
    own = all(_is_own(part) for part in parts.values())
    return {
        f"members.{name}.{key}" if own else f"{name}/{key}": tensor
        for name, part in parts.items()
        for key, tensor in part.items()
    }


def published(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What `read_folder` gives, by the names used here: public checkpoints and own weights, mixed
    at will. Raises ValueError naming a tensor that belongs to none of the four."""
    if all(key.startswith("members.") for key in state):
        return dict(state)
    parts: dict[str, dict[str, Tensor]] = {name: {} for name in SPECS}
    for key, tensor in state.items():
        name, _, inner = key.partition("/")
        if name not in parts:
            raise ValueError(f"{key!r} belongs to none of {', '.join(SPECS)}.")
        parts[name][inner] = tensor
    own: dict[str, Tensor] = {}
    for name, part in parts.items():
        rename = SPECS[name].published
        named = part if rename is None or _is_own(part) else rename(part)
        own |= {f"members.{name}.{key}": tensor for key, tensor in named.items()}
    return own


def _is_own(part: Mapping[str, Tensor]) -> bool:
    return bool(part) and all(
        name.startswith(("trunk.", "attention.", "score.", "extractor.")) for name in part
    )


def _member(path: Path) -> str | None:
    for name in (path.stem, path.parent.name):
        match = _PUBLIC.fullmatch(name) or _OWN.fullmatch(name)
        if match:
            attention, siamese = match.groups()
            return "efficientnet_b4" + "_att" * bool(attention) + "_st" * bool(siamese)
    return None


def _tensors(path: Path) -> dict[str, Tensor]:
    try:
        return unwrapped(torch.load(path, map_location="cpu", weights_only=True))
    except (
        pickle.UnpicklingError,
        RuntimeError,
        ValueError,
        AttributeError,
        EOFError,
        OSError,
    ) as error:
        said = " ".join(str(error).split())[:200]
        raise ConfigError(f"{path} holds no tensors of a network: {said}") from error


NETS = (
    replace(
        efficientnet_b4.NETS[0],
        name="efficientnet_b4_ensemble",
        title="The four EfficientNets of the ICPR 2020 ensemble",
        build=EfficientNetB4Ensemble,
        n_parameters=sum(spec.n_parameters for spec in SPECS.values()),
        n_macs=sum(spec.n_macs for spec in SPECS.values()),
        checkpoint="a folder with one checkpoint of each of the four, public or trained here",
        published=published,
        read_checkpoint=read_folder,
        differs=(
            *efficientnet_b4.DIFFERS,
            "trained as one network it would learn four at once: train the four, then put them "
            "together",
        ),
    ),
)
