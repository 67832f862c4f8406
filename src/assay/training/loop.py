"""The training loop: paired batches, averaged weights, checkpoints, curves."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader, Dataset
from tqdm import tqdm

from assay.training.pairs import PairSource


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast: batches of `pairs` pairs, cosine from `learning_rate` to 0.

    Training ends after `steps`, or after `minutes` where that comes first; the learning rate
    follows whichever is further on, so that it has always reached 0 at the end.
    """

    steps: int
    minutes: float = 1e9
    pairs: int = 16
    learning_rate: float = 5e-4
    weight_decay: float = 1e-2
    warmup: int = 100
    average: float = 0.998
    mask_weight: float = 1.0
    ranking_weight: float = 0.5
    check_every: int = 250
    workers: int = 1
    seed: int = 7
    device: str = "auto"


class PairDataset(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Pair number i of the run; drawn by seed, so that a resumed run sees the same pairs."""

    def __init__(self, source: PairSource, first: int, count: int, seed: int) -> None:
        self.source, self.first, self.count, self.seed = source, first, count, seed

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor, Tensor]:
        pair = self.source.draw(self.seed * 1_000_003 + self.first + i)
        return (
            torch.from_numpy(pair.genuine),
            torch.from_numpy(pair.fake),
            torch.from_numpy(pair.mask),
        )


def pair_loss(
    logits: Tensor, masks: Tensor, wanted: Tensor, schedule: Schedule
) -> tuple[Tensor, dict[str, float]]:
    """Score, mask and ranking loss of one batch: the genuine half first, then its forgeries."""
    n = len(logits) // 2
    labels = torch.cat([torch.zeros(n), torch.ones(n)]).to(logits)
    score = nn.functional.binary_cross_entropy_with_logits(logits, labels)
    targets = torch.cat([torch.zeros_like(wanted), wanted])
    mask = nn.functional.binary_cross_entropy_with_logits(masks, targets)
    ranking = nn.functional.softplus(logits[:n] - logits[n:]).mean()
    total = score + schedule.mask_weight * mask + schedule.ranking_weight * ranking
    right = ((logits > 0) == (labels > 0.5)).float().mean()
    return total, {
        "loss": total.item(),
        "score": score.item(),
        "mask": mask.item(),
        "ranking": ranking.item(),
        "accuracy": right.item(),
    }


class Trainer:
    """Trains one network on one PairSource; everything it needs to go on lies in `folder`."""

    def __init__(
        self, net: nn.Module, source: PairSource, schedule: Schedule, folder: Path
    ) -> None:
        self.schedule, self.source, self.folder = schedule, source, folder
        self.device = _device(schedule.device)
        self.net = net.to(self.device).to(memory_format=torch.channels_last)
        self.averaged = AveragedModel(
            self.net, multi_avg_fn=get_ema_multi_avg_fn(schedule.average), use_buffers=True
        )
        if self.device.type == "cpu":
            keep_depthwise_exact(self.net)  # after the copy for averaging was made
        self.optimiser = torch.optim.AdamW(
            _groups(self.net, schedule.weight_decay), lr=schedule.learning_rate
        )
        self.step, self.seconds = 0, 0.0
        folder.mkdir(parents=True, exist_ok=True)

    def train(self, check: Any) -> None:
        """Run to the last step; `check(net) -> dict` is called now and then, and at the end."""
        schedule = self.schedule
        bar = tqdm(total=schedule.steps, initial=self.step, desc="train", mininterval=5)
        self.net.train()
        last = time.monotonic()
        for batch in self._batches():
            started = time.monotonic()
            numbers = self._one_step(*batch)
            self.step += 1
            self.seconds += time.monotonic() - last
            last = time.monotonic()
            bar.update()
            bar.set_postfix(loss=f"{numbers['loss']:.3f}", accuracy=f"{numbers['accuracy']:.2f}")
            numbers["seconds"] = time.monotonic() - started
            self._note("curve.csv", {"step": self.step, **numbers})
            over = self._progress() >= 1
            if self.step % schedule.check_every == 0 or over:
                self._note("checks.csv", {"step": self.step, **check(self.averaged.module)})
                self.save()
                draw_curves(self.folder)
                self.net.train()
            if over:
                break
        bar.close()

    def _batches(self) -> Iterator[Any]:
        if self._progress() >= 1:  # a finished run, resumed for its export
            return
        schedule = self.schedule
        first = self.step * schedule.pairs
        count = schedule.steps * schedule.pairs - first
        dataset = PairDataset(self.source, first, count, schedule.seed)
        yield from DataLoader(
            dataset,
            batch_size=schedule.pairs,
            num_workers=schedule.workers,
            prefetch_factor=4 if schedule.workers else None,
            worker_init_fn=_quiet_worker,
        )

    def _one_step(self, genuine: Tensor, fake: Tensor, wanted: Tensor) -> dict[str, float]:
        for group in self.optimiser.param_groups:
            group["lr"] = self._rate()
        pictures = torch.cat([genuine, fake]).to(self.device)
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            x = pictures.permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)
            logits, masks = self.net.scaled((x - 127.0) / 128.0)  # type: ignore[operator]
        loss, numbers = pair_loss(
            logits.float(), masks.float(), wanted.to(self.device), self.schedule
        )
        if not torch.isfinite(loss):
            raise FloatingPointError(f"The loss is {loss.item()} at step {self.step}.")
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimiser.step()
        self.averaged.update_parameters(self.net)
        return numbers

    def _progress(self) -> float:
        return max(self.step / self.schedule.steps, self.seconds / (60 * self.schedule.minutes))

    def _rate(self) -> float:
        warm = min(1.0, (self.step + 1) / self.schedule.warmup)
        falling = 0.5 * (1 + np.cos(np.pi * min(1.0, self._progress())))
        return float(self.schedule.learning_rate * warm * falling)

    def save(self) -> None:
        """Write checkpoint.pt, through a second file so that a crash never leaves half of one."""
        state = {
            "step": self.step,
            "seconds": self.seconds,
            "net": self.net.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        torch.save(state, self.folder / "checkpoint.tmp")
        (self.folder / "checkpoint.tmp").replace(self.folder / "checkpoint.pt")

    def resume(self) -> bool:
        """Go on from checkpoint.pt; False where there is none."""
        path = self.folder / "checkpoint.pt"
        if not path.is_file():
            return False
        state = torch.load(path, map_location=self.device, weights_only=True)
        self.net.load_state_dict(state["net"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.seconds = int(state["step"]), float(state["seconds"])
        return True

    def _note(self, name: str, row: dict[str, float]) -> None:
        path = self.folder / name
        fresh = not path.is_file()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(row))
            if fresh:
                writer.writeheader()
            writer.writerow({key: f"{value:.6g}" for key, value in row.items()})


def keep_depthwise_exact(net: nn.Module) -> None:
    """Run depthwise convolutions in float32 under autocast.

    On a CPU their bfloat16 backward passes fall back to kernels two to three times slower than
    float32 ones; everything else gains from bfloat16.
    """
    for module in net.modules():
        if isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1:
            object.__setattr__(module, "forward", _exact(module.forward))


def _exact(forward: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    def exact(x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return forward(x.float())

    return exact


def _device(wanted: str) -> torch.device:
    if wanted != "auto":
        return torch.device(wanted)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _groups(net: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    decayed = [p for p in net.parameters() if p.ndim > 1]
    plain = [p for p in net.parameters() if p.ndim <= 1]
    return [
        {"params": decayed, "weight_decay": weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]


def _quiet_worker(_: int) -> None:
    import cv2

    cv2.setNumThreads(1)
    torch.set_num_threads(1)


def draw_curves(folder: Path) -> None:
    """Draw curve.csv and checks.csv into curves.png."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(11, 4))
    for axis, name in zip(axes, ("curve.csv", "checks.csv"), strict=True):
        with (folder / name).open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        steps = [float(row["step"]) for row in rows]
        for key in rows[0]:
            if key in ("step", "seconds"):
                continue
            values = np.array([float(row[key]) for row in rows])
            width = max(1, len(values) // 60)
            axis.plot(steps, _smooth(values, width), label=key)
        axis.set_xlabel("step")
        axis.legend(fontsize=8)
        axis.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(folder / "curves.png", dpi=110)
    plt.close(figure)


def _smooth(values: Any, width: int) -> Any:
    padded = np.pad(values, (width - 1, 0), mode="edge")
    return np.convolve(padded, np.ones(width) / width, mode="valid")


def write_json(path: Path, value: Any) -> None:
    """Write one JSON file, indented."""
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
