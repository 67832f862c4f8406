"""What `assay train` does with a configuration, by the kind that the file names."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import get_args

from assay.errors import ConfigError
from assay.training.config import Kind
from assay.training.datasets.manifest import read_manifest
from assay.training.shared import shared_folder

PAIRED: tuple[str, ...] = get_args(Kind)


def kind_of(path: Path) -> str:
    """The kind of a configuration file. Raises ConfigError where it is none that can be trained."""
    try:
        kind = tomllib.loads(path.read_text(encoding="utf-8")).get("kind")
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} is no usable training configuration: {error!r}.") from error
    if kind not in (known := (*PAIRED, *OTHERS, *RESUMABLE)):
        said = "names no kind" if kind is None else f"is of the unknown kind {kind!r}"
        raise ConfigError(f"{path} {said}; there are: {', '.join(known)}.")
    return str(kind)


def train_other(path: Path, resume: bool) -> bool:
    """Train by a configuration that is not of pairs; False where it is.

    Raises ConfigError for an unknown kind, and where `resume` is asked of one that cannot.
    """
    kind = kind_of(path)
    if kind in PAIRED:
        return False
    if kind in RESUMABLE:
        RESUMABLE[kind](path, resume)
        return True
    if resume:
        raise ConfigError(f"A run of the kind {kind!r} cannot be resumed; start it anew.")
    OTHERS[kind](path)
    return True


def _autoencoders(path: Path) -> None:
    from assay.training.autoencoders import read_config, train_from_config
    from assay.training.picture_crops import pictures_at

    read_config(path)  # what is wrong with it is said before thousands of pictures are read
    named = tomllib.loads(path.read_text(encoding="utf-8")).get("folders", [""])
    folders = [Path(name) if name else shared_folder() / "data" for name in named]
    items = [item for folder in folders for item in read_manifest(folder)]
    wanted = ("image", "real", "train")
    train_from_config(
        path,
        pictures_at([i.path for i in items if (i.modality, i.label, i.split) == wanted]),
    )


def _geometry(path: Path) -> None:
    from assay.training.face_geometry import run

    run(path)


def _frequency(path: Path) -> None:
    from assay.training.frequency_traces import run

    run(path)


def _voice_cues(path: Path) -> None:
    from assay.training.voice_cues import run

    run(path)


def _voice_splice(path: Path) -> None:
    from assay.training.voice_splice import run

    run(path)


def _eye_state(path: Path) -> None:
    from assay.training.eye_state import run

    run(path)


def _blinking(path: Path) -> None:
    from assay.training.blink_measuring import run

    run(path)


def _flow(path: Path) -> None:
    from assay.training.optical_flow import run

    run(path)


def _temporal(path: Path) -> None:
    from assay.training.temporal import run

    run(path)


def _face_surroundings(path: Path) -> None:
    from assay.training.face_surroundings import run

    run(path)


def _net(path: Path, resume: bool) -> None:
    from assay.training.classify import train_from_file

    train_from_file(path, resume)


def _localisation(path: Path, resume: bool) -> None:
    from assay.training.localisation import run

    run(path, resume)


def _lip_sync(path: Path, resume: bool) -> None:
    from assay.training.lip_sync import run

    run(path, resume)


RESUMABLE: dict[str, Callable[[Path, bool], None]] = {
    "net": _net,
    "localisation": _localisation,
    "lip_sync": _lip_sync,
}
OTHERS: dict[str, Callable[[Path], None]] = {
    "autoencoders": _autoencoders,
    "geometry": _geometry,
    "frequency": _frequency,
    "voice_cues": _voice_cues,
    "voice_splice": _voice_splice,
    "temporal": _temporal,
    "flow": _flow,
    "face_surroundings": _face_surroundings,
    "eye_state": _eye_state,
    "blinking": _blinking,
}
