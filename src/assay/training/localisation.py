"""Train a network that finds forged seconds: `assay train configs/ba_tfd_small.toml`.

On a manifest whose fakes name their spans. What training never saw (the split "test": other
people) is measured once at the end: AP and AR as LAV-DF computes them, and the clip's score.
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

from assay.errors import BundleMismatchError, ConfigError
from assay.inputs.clip import ClipInput, prepare_clip
from assay.inputs.proposals import Suppression, proposals_of
from assay.training.clip_data import (
    StoredClip,
    bundle_facts,
    chosen_records,
    require_apart,
    stored_clips,
    trained_on,
)
from assay.training.clip_loop import ClipSchedule, Drawn, fit_clips
from assay.training.clip_report import Localisation, localisation_report
from assay.training.datasets.manifest_file import Manifest
from assay.training.datasets.records import FakeSpan
from assay.training.localisation_losses import clip_targets, stacked, valid_moments
from assay.training.nets import net_named
from assay.types import Array, FloatArray

NETWORKS = ("ba_tfd", "ba_tfd_plus")


@dataclass(frozen=True, slots=True)
class LocalisationConfig:
    """One resolved configuration; `raw` is the file as read."""

    raw: dict[str, Any]
    recipe: ClipInput
    schedule: ClipSchedule
    suppression: Suppression

    @property
    def run_folder(self) -> Path:
        """Where weights, report and predictions are written."""
        return Path("runs") / str(self.raw["name"])

    @property
    def arguments(self) -> dict[str, Any]:
        """What the network is built with."""
        given = {k: v for k, v in self.raw["net"].items() if k != "name"}
        fixed = {"n_frames": self.recipe.n_frames, "size_px": self.recipe.size_px}
        return {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()} | fixed

    @property
    def rate_hz(self) -> float:
        """Moments a second that the network judges."""
        return float(self.recipe.fps) / int(self.arguments.get("stride", 1))

    @property
    def max_duration(self) -> int:
        """Moments of the longest proposal."""
        return int(self.arguments.get("max_duration", 40))


def read_config(path: Path) -> LocalisationConfig:
    """Read and check a configuration. Raises ConfigError naming what is wrong."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        raw["name"], raw["version"], raw["data"]["manifest"], raw["data"]["cache"]
        if raw["net"]["name"] not in NETWORKS:
            raise ConfigError(f"Of {', '.join(NETWORKS)}, not {raw['net']['name']!r}.")
        found = LocalisationConfig(
            raw,
            ClipInput.from_card(raw.get("input", {})),
            ClipSchedule.from_table(raw["fit"]),
            Suppression(**raw.get("proposals", {})),
        )
        if found.recipe.n_frames % int(found.arguments.get("stride", 1)):
            raise ConfigError("n_frames is no multiple of the stride.")
    except (OSError, ValueError, KeyError, TypeError, BundleMismatchError, ConfigError) as error:
        raise ConfigError(f"{path} is no usable training configuration: {error!r}.") from error
    return found


def run(config_path: Path, resume: bool = False) -> dict[str, Any]:
    """Decode, train, measure on other people; the report, also in runs/<name>/report.json."""
    config = read_config(config_path)
    data = config.raw["data"]
    manifest = chosen_records(Path(data["manifest"]), data.get("root", ""), data.get("methods", ()))
    require_apart(manifest)
    clips = stored_clips(manifest, config.recipe, Path(data["cache"]))
    learnt = [clip for clip in clips if clip.record.split == "train"]
    unseen = [clip for clip in clips if clip.record.split == "test"]
    torch.manual_seed(config.schedule.seed)
    net = net_named(config.raw["net"]["name"]).build(**config.arguments)
    draw = Batches(learnt, config).draw
    history = fit_clips(net, draw, config.schedule, config.run_folder, resume)
    torch.save(net.state_dict(), config.run_folder / "weights.pt")
    answers = localised(net, unseen, config)
    report = localisation_report(answers, config.schedule.seed)
    report = {
        "name": config.raw["name"],
        "config": config.raw,
        "recipe": asdict(config.recipe),
        "n_parameters": sum(p.numel() for p in net.parameters()),
        "n_train": len(learnt),
        "train_people": len({clip.group for clip in learnt}),
        "training": {**history, "losses": _thinned(history["losses"])},
        **report,
    }
    _write(config.run_folder, report, answers)
    write_clip_bundle(net, config, manifest, learnt[0])
    return report


def write_clip_bundle(
    net: nn.Module, config: LocalisationConfig, manifest: Manifest, example: StoredClip
) -> Path:
    """The network as runs/<name>/bundle, which reports a clip's logit: it is not calibrated."""
    from assay.training.net_bundle import write_bundle

    cut = prepare_clip(list(example.frames), example.samples, config.recipe)
    spec = replace(net_named(config.raw["net"]["name"]), recipe=config.recipe)
    return write_bundle(
        spec,
        net,
        config.run_folder / "bundle",
        facts={**bundle_facts(config.raw, manifest), "proposals": asdict(config.suppression)},
        calibration=None,
        operating_points=(),
        trained_on=trained_on(manifest),
        examples={"frames": cut.frames[None], "mel": cut.mel[None]},
    )


class Batches:
    """Draws batches: half of the clips genuine, each from a random start, sometimes mirrored."""

    def __init__(self, clips: Sequence[StoredClip], config: LocalisationConfig) -> None:
        self.config = config
        self.sides = [[c for c in clips if c.fake is fake] for fake in (False, True)]
        if not all(self.sides):
            raise ConfigError("Training needs genuine and forged clips in the split train.")

    def draw(self, rng: np.random.Generator) -> Drawn:
        """The inputs (frames, mel) and the targets of one batch."""
        share = float(self.config.raw["data"].get("genuine_share", 0.25))
        pictures, mels, wanted = [], [], []
        for _ in range(self.config.schedule.batch):
            side = self.sides[0 if rng.random() < share else 1]
            frames, samples, spans = varied(
                side[int(rng.integers(len(side)))], self.config.recipe, rng
            )
            clip = prepare_clip(list(frames), samples, self.config.recipe)
            pictures.append(clip.frames)
            mels.append(clip.mel)
            wanted.append(self.targets(spans, clip.n_valid))
        inputs = (torch.from_numpy(np.stack(pictures)), torch.from_numpy(np.stack(mels)))
        return inputs, stacked(wanted)

    def targets(self, spans: Sequence[FakeSpan], n_valid: int) -> Any:
        """What the network should give of a clip."""
        stride = int(self.config.arguments.get("stride", 1))
        moments = self.config.recipe.n_frames // stride
        return clip_targets(
            spans,
            valid_moments(n_valid, stride),
            moments,
            self.config.max_duration,
            self.config.rate_hz,
        )


def varied(
    clip: StoredClip, recipe: ClipInput, rng: np.random.Generator
) -> tuple[Array, FloatArray, list[FakeSpan]]:
    """The clip from a start in its first quarter on, mirrored, lighter or darker, louder or
    softer: the same for whatever label."""
    skipped = int(rng.integers(len(clip.frames) // 4 + 1))
    frames = np.asarray(clip.frames[skipped:])
    if rng.random() < 0.5:
        frames = frames[:, :, ::-1]
    light = rng.uniform(0.8, 1.2) * frames.astype(np.float32) + rng.uniform(-15, 15)
    samples = clip.samples[round(skipped / recipe.fps * recipe.sample_rate_hz) :]
    gain = np.float32(10 ** (rng.uniform(-6, 6) / 20))
    spans = [
        replace(span, start_s=max(0.0, span.start_s - at), end_s=span.end_s - at)
        for at in (skipped / recipe.fps,)
        for span in clip.spans
        if span.end_s > at
    ]
    return np.clip(light, 0, 255).astype(np.uint8), samples * gain, spans


@torch.no_grad()
def localised(
    net: nn.Module, clips: Sequence[StoredClip], config: LocalisationConfig
) -> list[Localisation]:
    """What the network finds in each clip, as it is."""
    net.eval()
    stride = int(config.arguments.get("stride", 1))
    found = []
    for clip in clips:
        cut = prepare_clip(list(clip.frames), clip.samples, config.recipe)
        outputs = net(torch.from_numpy(cut.frames)[None], torch.from_numpy(cut.mel)[None])
        n = valid_moments(cut.n_valid, stride)
        tables = [
            proposals_of(each[0].numpy(), n, config.rate_hz, config.suppression)
            for each in (outputs.fused_map, outputs.video_map, outputs.audio_map)
        ]
        # Of what leaves the clip nothing was read: the best proposal is the clip's score.
        best = torch.tensor(tables[0][0, 0] if len(tables[0]) else 0.0)
        logit = float(torch.logit(best, eps=1e-6))
        found.append(Localisation(clip.record, clip.group, clip.spans, logit, *tables))
    return found


def _thinned(losses: list[float], n: int = 50) -> list[float]:
    parts = np.array_split(np.array(losses), min(n, max(1, len(losses))))
    return [round(float(part.mean()), 5) for part in parts if len(part)]


def _write(folder: Path, report: dict[str, Any], answers: Sequence[Localisation]) -> None:
    (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    told = {answer.record.path: answer.as_json() for answer in answers}
    (folder / "predictions.json").write_text(json.dumps(told) + "\n", encoding="utf-8")
