"""`assay train CONFIG`: data, training, export, calibration; everything lands in runs/<name>."""

from __future__ import annotations

import subprocess
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from assay.errors import ConfigError
from assay.evaluation.metrics import auc
from assay.inputs.face import FaceInput
from assay.training.cache import CachedView, cached_views
from assay.training.datasets.manifest import Item, data_hash, held_out, read_manifest
from assay.training.loop import Schedule, Trainer, write_json
from assay.training.nets.face_blending import FaceBlendingNet
from assay.training.pairs import Mixture, PairSource
from assay.training.shared import shared_folder

CHECK_PAIRS = 192


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """One resolved training configuration; `raw` is the file as read."""

    name: str
    version: str
    folder: Path
    cache: Path
    calibration_share: float
    calibration_groups: tuple[str, ...]
    recipe: FaceInput
    mixture: Mixture
    schedule: Schedule
    raw: dict[str, Any]

    @property
    def run_folder(self) -> Path:
        """Where checkpoints, curves and the finished bundle are written."""
        return Path("runs") / self.name


def read_config(path: Path) -> TrainingConfig:
    """Read and check a training configuration. Raises ConfigError naming what is wrong."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        data = raw["data"]
        return TrainingConfig(
            name=raw["name"],
            version=raw["version"],
            folder=Path(data["folder"]) if data["folder"] else shared_folder() / "data",
            cache=Path(data["cache"]),
            calibration_share=data["calibration_share"],
            calibration_groups=tuple(data["calibration_groups"]),
            recipe=FaceInput(**raw["recipe"]),
            mixture=Mixture(**raw["mixture"]),
            schedule=Schedule(**raw["schedule"]),
            raw=raw,
        )
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is no usable training configuration: {error!r}.") from error


def train(config_path: Path, resume: bool = False) -> None:
    """Train, export and calibrate as the configuration says.

    The finished bundle (network.onnx, card.json) lies in runs/<name>/bundle. Raises ConfigError.
    """
    config = read_config(Path(config_path))
    torch.manual_seed(config.schedule.seed)
    items = training_items(config.folder)
    views = cached_views(items, config.cache)
    training, calibration = split_views(views, config)
    net = FaceBlendingNet()
    source = PairSource(training, config.recipe, config.mixture)
    trainer = Trainer(net, source, config.schedule, config.run_folder)
    if resume:
        trainer.resume()
    facts = provenance(config, items, training, calibration)
    write_json(config.run_folder / "resolved.json", facts)
    checks = PairSource(calibration, config.recipe, config.mixture)
    trainer.train(lambda averaged: check(averaged, checks, trainer.device))
    from assay.training.export import finish

    finish(trainer.averaged.module, config, items, training, calibration)


def training_items(folder: Path) -> list[Item]:
    """The genuine pictures and videos and the paired clips of the `train` split."""
    return [
        item
        for item in read_manifest(folder)
        if item.split == "train"
        and item.modality in ("image", "video")
        and item.label in ("real", "paired")
    ]


def split_views(
    views: Sequence[CachedView], config: TrainingConfig
) -> tuple[list[CachedView], list[CachedView]]:
    """Views for training and for calibration; no group stands on both sides.

    Raises ConfigError when a group that the configuration keeps out does not exist.
    """
    unknown = set(config.calibration_groups) - {view.group for view in views}
    if unknown:
        raise ConfigError(f"calibration_groups that are not in the data: {sorted(unknown)}.")

    def kept_out(view: CachedView) -> bool:
        if view.group in config.calibration_groups:
            return True
        return view.twin is None and held_out(view.group, config.calibration_share)

    calibration = [view for view in views if kept_out(view)]
    training = [view for view in views if not kept_out(view)]
    return training, calibration


def provenance(
    config: TrainingConfig,
    items: Sequence[Item],
    training: Sequence[CachedView],
    calibration: Sequence[CachedView],
) -> dict[str, Any]:
    """What a later reader needs to make the same bundle again."""
    return {
        "config": config.raw,
        "recipe": asdict(config.recipe),
        "data_hash": data_hash(items),
        "commit": _commit(),
        "torch": torch.__version__,
        "n_training_views": len(training),
        "n_calibration_views": len(calibration),
        "calibration_groups": sorted({view.group for view in calibration}),
    }


def _commit() -> str:
    done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


@torch.no_grad()
def check(net: Any, source: PairSource, device: torch.device) -> dict[str, float]:
    """AUC on pairs of held-out people, the same pairs every time; and how often the forgery of
    a pair scores above its own genuine picture."""
    net.eval()
    pairs = [source.draw(10_000_000 + i) for i in range(CHECK_PAIRS)]
    logits: list[Any] = []
    for start in range(0, len(pairs), 16):
        part = pairs[start : start + 16]
        batch = np.stack([p.genuine for p in part] + [p.fake for p in part])
        scores = net(torch.from_numpy(batch).to(device))[0].float().cpu().numpy()
        logits.append(scores.reshape(2, -1))
    genuine, fake = np.concatenate(logits, axis=1)
    twin = np.array([p.method == "swapped_twin" for p in pairs])
    numbers = {"pair_order": float((fake > genuine).mean())}
    for name, chosen in (("auc_blends", ~twin), ("auc_swaps", twin)):
        if not chosen.any():  # a set without paired clips has no swaps to check
            continue
        labels = np.repeat([False, True], chosen.sum())
        numbers[name] = auc(np.r_[genuine[chosen], fake[chosen]], labels)
    return numbers
