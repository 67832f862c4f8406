"""Train a network that compares lips with sound: `assay train configs/av_lip_sync.toml`.

On a manifest of talking clips, genuine ones and such whose sound was moved or is another's; while
training, half of the forged examples are genuine mouths with another genuine clip's sound, which
no encoder's trace can tell. What training never saw (the split "test": other people) is measured
once at the end.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from assay.bundles.aggregation import Aggregation
from assay.errors import BundleMismatchError, ConfigError
from assay.inputs.clip import mel_of
from assay.inputs.lip_clip import LipClipInput
from assay.training.clip_data import (
    StoredLips,
    bundle_facts,
    chosen_records,
    require_apart,
    stored_lips,
    trained_on,
)
from assay.training.clip_loop import ClipSchedule, Drawn, fit_clips
from assay.training.clip_report import auc_by_method, auc_of
from assay.training.datasets.manifest_file import Manifest
from assay.training.nets import net_named
from assay.training.nets.av_lip_sync import SyncTargets
from assay.types import Array, FloatArray


@dataclass(frozen=True, slots=True)
class LipSyncConfig:
    """One resolved configuration; `raw` is the file as read."""

    raw: dict[str, Any]
    recipe: LipClipInput
    schedule: ClipSchedule

    @property
    def run_folder(self) -> Path:
        """Where weights, report and predictions are written."""
        return Path("runs") / str(self.raw["name"])

    @property
    def arguments(self) -> dict[str, Any]:
        """What the network is built with."""
        given = {k: v for k, v in self.raw.get("net", {}).items() if k != "name"}
        return {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}


def read_config(path: Path) -> LipSyncConfig:
    """Read and check a configuration. Raises ConfigError naming what is wrong."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        raw["name"], raw["version"], raw["data"]["manifest"], raw["data"]["cache"]
        recipe = LipClipInput.from_card(raw.get("input", {}))
        return LipSyncConfig(raw, recipe, ClipSchedule.from_table(raw["fit"]))
    except (OSError, ValueError, KeyError, TypeError, BundleMismatchError, ConfigError) as error:
        raise ConfigError(f"{path} is no usable training configuration: {error!r}.") from error


def run(config_path: Path, resume: bool = False) -> dict[str, Any]:
    """Decode, train, measure on other people; the report, also in runs/<name>/report.json."""
    config = read_config(config_path)
    data = config.raw["data"]
    manifest = chosen_records(Path(data["manifest"]), data.get("root", ""), data.get("methods", ()))
    require_apart(manifest)
    clips = stored_lips(manifest, config.recipe, Path(data["cache"]))
    learnt = [clip for clip in clips if clip.record.split == "train"]
    unseen = [clip for clip in clips if clip.record.split == "test"]
    torch.manual_seed(config.schedule.seed)
    net = net_named("av_lip_sync").build(**config.arguments)
    draw = Batches(learnt, config).draw
    history = fit_clips(net, draw, config.schedule, config.run_folder, resume)
    torch.save(net.state_dict(), config.run_folder / "weights.pt")
    report = {
        "name": config.raw["name"],
        "config": config.raw,
        "recipe": asdict(config.recipe),
        "n_parameters": sum(p.numel() for p in net.parameters()),
        "n_train": len(learnt),
        "train_people": len({clip.group for clip in learnt}),
        "training": {"steps": history["steps"], "seconds": history["seconds"]},
        "train": measured(net, learnt, config, None),
        "held_out": measured(net, unseen, config, config.run_folder / "predictions.json"),
    }
    text = json.dumps(report, indent=1) + "\n"
    (config.run_folder / "report.json").write_text(text, encoding="utf-8")
    write_lip_bundle(net, config, manifest, learnt[0])
    return report


def write_lip_bundle(
    net: nn.Module, config: LipSyncConfig, manifest: Manifest, example: StoredLips
) -> Path:
    """The network as runs/<name>/bundle, which reports a logit: it is not calibrated."""
    from assay.training.net_bundle import write_bundle

    mouths = np.asarray(example.mouths[0])[None]
    return write_bundle(
        replace(net_named("av_lip_sync"), recipe=config.recipe),
        net,
        config.run_folder / "bundle",
        facts=bundle_facts(config.raw, manifest),
        calibration=None,
        operating_points=(),
        trained_on=trained_on(manifest),
        examples={"mouths": mouths, "mel": mel_of(example.samples, config.recipe)[None]},
    )


class Batches:
    """Draws batches: half genuine; of the others half are forged files, half genuine mouths with
    the sound of another genuine clip. Each example is a part of `part_frames` of its window."""

    def __init__(self, clips: Sequence[StoredLips], config: LipSyncConfig) -> None:
        self.config = config
        part = int(config.raw["data"].get("part_frames", config.recipe.n_frames))
        self.part = replace(config.recipe, n_frames=min(part, config.recipe.n_frames))
        self.genuine = [clip for clip in clips if not clip.fake]
        self.forged = [clip for clip in clips if clip.fake]
        if len(self.genuine) < 2 or not self.forged:
            raise ConfigError("Training needs genuine and forged clips in the split train.")

    def draw(self, rng: np.random.Generator) -> Drawn:
        """The inputs (mouths, mel) and the targets of one batch."""
        rows = [self._example(rng, number % 2 == 1) for number in range(self.config.schedule.batch)]
        mouths, mels = (torch.from_numpy(np.stack(part)) for part in zip(*rows, strict=True))
        fake = torch.arange(len(rows)) % 2
        return (mouths, mels), SyncTargets(fake)

    def _example(self, rng: np.random.Generator, fake: bool) -> tuple[Array, FloatArray]:
        from_file = fake and rng.random() < 0.5
        side = self.forged if from_file else self.genuine
        clip = side[int(rng.integers(len(side)))]
        other = clip
        while fake and not from_file and other.record.source == clip.record.source:
            other = self.genuine[int(rng.integers(len(self.genuine)))]
            if len({c.record.source for c in self.genuine}) == 1:
                break
        window = int(rng.integers(len(clip.starts)))
        skipped = int(rng.integers(self.config.recipe.n_frames - self.part.n_frames + 1))
        mouths = np.asarray(clip.mouths[window][skipped : skipped + self.part.n_frames])
        first = (clip.starts[window] + skipped) / self.part.fps * self.part.sample_rate_hz
        sound = varied_sound(other.samples[round(first) :][: self.part.n_samples], rng)
        return varied_mouths(mouths, rng), mel_of(sound, self.part)


def varied_mouths(mouths: Array, rng: np.random.Generator) -> Array:
    """Mouths (n, s, s, 3) mirrored, moved by up to a twelfth, in other light: all alike."""
    if rng.random() < 0.5:
        mouths = mouths[:, :, ::-1]
    reach = max(1, mouths.shape[1] // 12)
    held = np.pad(mouths, ((0, 0), (reach, reach), (reach, reach), (0, 0)), mode="edge")
    top, left = rng.integers(2 * reach + 1, size=2)
    moved = held[:, top : top + mouths.shape[1], left : left + mouths.shape[2]]
    colour = rng.uniform(0.7, 1.3) * rng.uniform(0.9, 1.1, 3).astype(np.float32)
    light = colour * moved.astype(np.float32) + rng.uniform(-20, 20)
    return np.clip(light, 0, 255).astype(np.uint8)


def varied_sound(samples: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Sound (n,) louder or softer, duller or sharper, in some noise."""
    gain = 10 ** (rng.uniform(-9, 6) / 20)
    tilt = float(rng.uniform(-0.9, 0.9))
    sharper = samples - tilt * np.concatenate([samples[:1], samples[:-1]])
    loud = float(np.sqrt(np.mean(np.square(samples)))) if len(samples) else 0.0
    noise = rng.standard_normal(len(samples)) * loud * 10 ** (rng.uniform(-40, -10) / 20)
    return np.asarray(gain * (sharper + noise), np.float32)


@torch.no_grad()
def measured(
    net: nn.Module, clips: Sequence[StoredLips], config: LipSyncConfig, out: Path | None
) -> dict[str, Any]:
    """AUC of the clips' scores, in all and by method; predictions are written to `out`."""
    net.eval()
    join = Aggregation("mean_logit", "max")
    recipe, found = config.recipe, []
    for clip in clips:
        mels = [
            mel_of(clip.samples[round(start / recipe.fps * recipe.sample_rate_hz) :], recipe)
            for start in clip.starts
        ]
        mouths = torch.from_numpy(np.stack([np.asarray(part) for part in clip.mouths]))
        logits = net(mouths, torch.from_numpy(np.stack(mels))).logit
        found.append(join.person(logits.numpy()))
    scores = np.array(found)
    fake = np.array([clip.fake for clip in clips])
    groups, seed = [clip.group for clip in clips], config.schedule.seed
    if out is not None:
        told = {c.record.path: round(s, 4) for c, s in zip(clips, found, strict=True)}
        out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    methods = [clip.record.method for clip in clips]
    return {
        "auc": auc_of(scores, fake, groups, seed),
        "by_method": auc_by_method(scores, fake, groups, methods, seed),
    }
