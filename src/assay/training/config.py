"""A training configuration: one TOML file, read and checked."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from assay.bundles import bundle_folder, bundle_names
from assay.errors import BundleMismatchError, ConfigError
from assay.inputs.face import FaceInput
from assay.inputs.patch import PatchInput
from assay.inputs.waveform import WaveformInput
from assay.training.loop import Schedule
from assay.training.pairs import Mixture
from assay.training.shared import shared_folder

Kind = Literal["face", "picture", "voice"]
Recipe = FaceInput | PatchInput | WaveformInput


@dataclass(frozen=True, slots=True)
class DataChoice:
    """Which media, and which of them are kept out of training for checks and calibration.

    `folders` each hold a manifest.csv; an empty name stands for ASSAY_SHARED or ../shared.
    `calibration_groups` and `calibration_sources` are kept out whole, of everything else the
    share `calibration_share` of the groups. Methods in `withheld` are only scored, never trained
    on. `reconstructions` is how often each genuine picture
    is sent through a generative decoder (of the faces, the share `reconstructed_share`). Of each
    genuine voice `copies` are made by different ones of `forgers`, drawn by their odds.
    """

    folders: tuple[Path, ...]
    cache: Path
    calibration_share: float = 0.15
    calibration_groups: tuple[str, ...] = ()
    calibration_sources: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    reconstructions: int = 0
    reconstructed_share: float = 1.0
    copies: int = 0
    forgers: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MembersChoice:
    """What is trained beside the network that ships: `variants` of it by their arguments, and one
    network for each pattern in `leave_out`, which never sees the methods and sources that match.

    Those are built with `net`, and so is a reference that leaves nothing out; they learn from one
    batch in `every`. With `only` nothing else is trained: the network that ships is taken as it
    is, to be scored beside them, and no bundle is made.
    """

    variants: dict[str, dict[str, Any]] = field(default_factory=dict)
    leave_out: tuple[str, ...] = ()
    net: dict[str, Any] = field(default_factory=dict)
    every: int = 1
    only: bool = False


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """One resolved training configuration; `raw` is the file as read. `start` is a file of weights
    from which training goes on, instead of the ImageNet ones, or the folder of a finished bundle
    of pictures or faces (the name alone of one that ships); with `mean_with_start` what ships is
    the mean of those and of what training made of them."""

    name: str
    version: str
    kind: Kind
    data: DataChoice
    recipe: Recipe
    net: dict[str, Any]
    mixture: Mixture
    schedule: Schedule
    members: MembersChoice
    raw: dict[str, Any]
    start: Path | None = None
    mean_with_start: bool = False

    @property
    def run_folder(self) -> Path:
        """Where checkpoints, curves and the finished bundle are written."""
        return Path("runs") / self.name


def read_config(path: Path) -> TrainingConfig:
    """Read and check a training configuration. Raises ConfigError naming what is wrong."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        kind: Kind = raw.get("kind", "face")
        if kind not in get_args(Kind):
            raise KeyError(f"kind {kind!r}")
        stored = raw["recipe"]
        config = TrainingConfig(
            name=raw["name"],
            version=raw["version"],
            kind=kind,
            data=_data(raw["data"]),
            recipe=_recipe(kind, stored),
            net=raw.get("net", {}),
            mixture=Mixture(**raw.get("mixture", {})),
            schedule=Schedule(**raw["schedule"]),
            members=_members(raw.get("members", {})),
            raw=raw,
            start=_start(raw["start"]) if "start" in raw else None,
            mean_with_start="start" in raw and bool(raw.get("mean_with_start", False)),
        )
        return _require_start(config)
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path} is no usable training configuration: {error!r}.") from error
    except BundleMismatchError as error:
        raise ConfigError(f"{path}: {error}") from error


def _start(named: str) -> Path:
    return bundle_folder(named) if named in bundle_names() else Path(named)


def _recipe(kind: Kind, stored: dict[str, Any]) -> Recipe:
    if kind == "face":
        return FaceInput(**stored)
    return (PatchInput if kind == "picture" else WaveformInput).from_card(stored)


def _data(stored: dict[str, Any]) -> DataChoice:
    values = dict(stored)
    folders = values.pop("folders", [""])
    return DataChoice(
        folders=tuple(Path(name) if name else shared_folder() / "data" for name in folders),
        cache=Path(values.pop("cache")),
        calibration_groups=tuple(values.pop("calibration_groups", ())),
        calibration_sources=tuple(values.pop("calibration_sources", ())),
        withheld=tuple(values.pop("withheld", ())),
        **values,
    )


def _members(stored: dict[str, Any]) -> MembersChoice:
    values = dict(stored)
    return MembersChoice(leave_out=tuple(values.pop("leave_out", ())), **values)


def _require_start(config: TrainingConfig) -> TrainingConfig:
    if config.members.only and not (config.start and config.members.leave_out):
        raise KeyError("[members] only needs `start` and `leave_out`")
    return config
