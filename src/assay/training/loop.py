"""The training loop, on Lightning: paired batches, averaged weights, checkpoints, curves.

Several networks may be trained side by side on the same batches, each leaving out some sources:
that is how the leave-one-out tables are made at little more than the cost of one.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from assay.training.callbacks import (
    AveragedWeights,
    DrawCurves,
    KeepDepthwiseExact,
    TellProgress,
    quiet_lightning,
)
from assay.training.contrast import also_asked
from assay.training.pairs import Pair


class Source(Protocol):
    """Draws pairs; the same seed always gives the same one. `tags` are all methods and sources."""

    tags: tuple[str, ...]

    def draw(self, seed: int) -> Pair:
        """The pair of that seed."""
        ...


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast: batches of `pairs` pairs, cosine from `learning_rate` to 0.

    Training ends after `steps`, or after `minutes` where that comes first; the learning rate
    follows whichever is further on, so that it has always reached 0 at the end. It also ends when
    the check has not improved for `patience` checks.
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
    method_weight: float = 0.0
    contrast_weight: float = 0.0
    check_every: int = 250
    check_pairs: int = 384
    patience: int = 1000
    workers: int = 1
    seed: int = 7
    device: str = "auto"
    devices: int = 1


@dataclass(slots=True)
class Member:
    """One network in training and the methods and sources whose pairs it never sees. It is
    trained on one batch in `every`; one with `every` 0 is not trained, only checked."""

    name: str
    net: nn.Module
    leaves_out: frozenset[str] = field(default_factory=frozenset)
    every: int = 1


class PairDataset(Dataset[dict[str, Any]]):
    """Pair number i of the run; drawn by seed, so that a resumed run sees the same pairs."""

    def __init__(self, source: Source, first: int, count: int, seed: int) -> None:
        self.source, self.first, self.count, self.seed = source, first, count, seed
        self.codes = {tag: code for code, tag in enumerate(source.tags)}

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, i: int) -> dict[str, Any]:
        pair = self.source.draw(self.seed * 1_000_003 + self.first + i)
        item = {
            "genuine": torch.tensor(pair.genuine),
            "fake": torch.tensor(pair.fake),
            "aligned": pair.aligned,
            "method": self.codes[pair.method],
            "source": self.codes[pair.source],
        }
        if pair.mask is not None:
            item["mask"] = torch.from_numpy(pair.mask)
        return item


def pair_loss(
    logits: Tensor,
    aligned: Tensor,
    masks: Tensor | None,
    wanted: Tensor | None,
    schedule: Schedule,
) -> tuple[Tensor, dict[str, Tensor]]:
    """Score, mask and ranking loss of one batch: the genuine half first, then its forgeries.

    The ranking term asks that a forgery score above its own genuine picture; it counts for
    aligned pairs only.
    """
    n = len(logits) // 2
    labels = torch.cat([torch.zeros(n), torch.ones(n)]).to(logits)
    score = nn.functional.binary_cross_entropy_with_logits(logits, labels)
    gaps = nn.functional.softplus(logits[:n] - logits[n:]) * aligned
    ranking = gaps.sum() / aligned.sum().clamp(min=1)
    total = score + schedule.ranking_weight * ranking
    numbers = {"score": score.detach(), "ranking": ranking.detach()}
    if masks is not None and wanted is not None:
        targets = torch.cat([torch.zeros_like(wanted), wanted])
        mask = nn.functional.binary_cross_entropy_with_logits(masks, targets)
        total = total + schedule.mask_weight * mask
        numbers["mask"] = mask.detach()
    right = ((logits > 0) == (labels > 0.5)).float().mean()
    return total, {"loss": total.detach(), "accuracy": right, **numbers}


class PairModule(lightning.LightningModule):
    """Trains its members on the pairs of `source`, and checks them on those of `checks`."""

    def __init__(
        self, members: Sequence[Member], source: Source, checks: Source, schedule: Schedule
    ) -> None:
        super().__init__()
        self.members = list(members)
        self.nets = nn.ModuleList(member.net for member in members)
        self.source, self.checks, self.schedule = source, checks, schedule
        codes = {tag: code for code, tag in enumerate(source.tags)}
        self.left_out = [[codes[t] for t in sorted(m.leaves_out) if t in codes] for m in members]
        self.told = next((i for i, member in enumerate(members) if member.every), 0)
        for member in members:
            member.net.requires_grad_(bool(member.every))
        self.seconds = 0.0
        self._watched = torch.zeros(())
        self._last: float | None = None
        self._scored: list[tuple[Tensor, Tensor, Tensor]] = []

    @property
    def progress(self) -> float:
        """How far the run is, 0 to 1, by steps or by the clock."""
        by_clock = self.seconds / (60 * self.schedule.minutes)
        return max(self.global_step / self.schedule.steps, by_clock)

    def rate(self) -> float:
        """The learning rate of this step."""
        warm = min(1.0, (self.global_step + 1) / self.schedule.warmup)
        falling = 0.5 * (1 + np.cos(np.pi * min(1.0, self.progress)))
        return float(self.schedule.learning_rate * warm * falling)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW; norms and biases are not decayed."""
        decayed = [p for p in self.parameters() if p.ndim > 1]
        plain = [p for p in self.parameters() if p.ndim <= 1]
        groups = [
            {"params": decayed, "weight_decay": self.schedule.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=self.schedule.learning_rate)

    def configure_gradient_clipping(self, optimizer: Any, *_: Any, **__: Any) -> None:
        """Each member by itself, so that none slows another."""
        for net in self.nets:
            nn.utils.clip_grad_norm_(net.parameters(), 5.0)

    def train_dataloader(self) -> DataLoader[Any]:
        """The pairs up to the next check, counted from where the run stands."""
        schedule = self.schedule
        todo = min(schedule.check_every, max(1, schedule.steps - self.global_step))
        first, count = self.global_step * schedule.pairs, todo * schedule.pairs
        return _loader(PairDataset(self.source, first, count, schedule.seed), schedule)

    def val_dataloader(self) -> DataLoader[Any]:
        """The same check pairs every time."""
        data = PairDataset(self.checks, 10_000_000, self.schedule.check_pairs, 0)
        return _loader(data, self.schedule)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> int | None:
        """Set the rate; skip everything once the run is over."""
        if self.progress >= 1:
            self.trainer.should_stop = True
            return -1
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = self.rate()
        return None

    def training_step(self, batch: dict[str, Tensor], _: int) -> Tensor:
        """The summed loss of all members; each on the pairs it may see."""
        total = torch.zeros((), device=self.device, requires_grad=True)
        for i, (member, net, left_out) in enumerate(
            zip(self.members, self.nets, self.left_out, strict=True)
        ):
            if not member.every or (self.global_step + i) % member.every:
                continue
            seen = _without(batch, left_out) if left_out else batch
            if len(seen["genuine"]) < 2:  # batch norm needs more than one
                continue
            outputs = net(torch.cat([seen["genuine"], seen["fake"]]))
            masks = None if outputs.mask is None else outputs.mask.float()
            loss, numbers = pair_loss(
                outputs.logit.float(), seen["aligned"], masks, seen.get("mask"), self.schedule
            )
            loss = loss + also_asked(outputs, seen["method"], self.schedule)
            total = total + (loss if len(self.members) == 1 else freed(loss, net))
            if i == self.told:
                self.log_dict(numbers)
        self._watched = self._watched.to(total) + total.detach()
        return total

    def on_train_batch_end(self, *_: Any) -> None:
        """Keep the clock, and stop at a loss that is no number, before any of it is kept.

        Asked now and then, since a GPU is waited for: every 20 steps and before each check.
        """
        now = time.monotonic()
        if self._last is not None:
            self.seconds += now - self._last
        self._last = now
        asked = self.global_step % 20 == 0 or self.trainer.is_last_batch
        if asked and not torch.isfinite(self._watched):
            raise FloatingPointError(f"The loss is no number at step {self.global_step}.")
        if self.progress >= 1:
            self.trainer.should_stop = True

    def validation_step(self, batch: dict[str, Tensor], _: int) -> None:
        """Collect the logits of all members."""
        both = torch.cat([batch["genuine"], batch["fake"]])
        logits = torch.stack([net(both).logit.float() for net in self.nets])
        n = len(batch["genuine"])
        self._scored.append((logits[:, :n].cpu(), logits[:, n:].cpu(), batch["method"].cpu()))

    def on_validation_epoch_end(self) -> None:
        """AUC for each method and member; `auc` is the first member's mean over methods."""
        genuine, fake = (torch.cat([s[i] for s in self._scored], dim=1) for i in (0, 1))
        methods = torch.cat([s[2] for s in self._scored])
        self._scored.clear()
        for i, member in enumerate(self.members):
            numbers = check_numbers(genuine[i], fake[i], methods, self.checks.tags)
            prefix = "" if i == 0 else f"{member.name}/"
            self.log_dict({prefix + name: value for name, value in numbers.items()})

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """The clock goes into the checkpoint."""
        checkpoint["seconds"] = self.seconds

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """And out of it."""
        self.seconds = float(checkpoint["seconds"])


def freed(loss: Tensor, net: nn.Module) -> Tensor:
    """The same number, with the same gradient in the network's parameters. The graph behind `loss`
    is done with: networks side by side need the memory of one."""
    parameters = [p for p in net.parameters() if p.requires_grad]
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    parts = [
        (p * g.to(p)).sum() for p, g in zip(parameters, gradients, strict=True) if g is not None
    ]
    surrogate = torch.stack(parts).sum()
    return loss.detach() + (surrogate - surrogate.detach())


def check_numbers(
    genuine: Tensor, fake: Tensor, methods: Tensor, tags: Sequence[str]
) -> dict[str, float]:
    """AUC by method, their mean, and how often a forgery scores above its own genuine picture."""
    from torchmetrics.functional.classification import binary_auroc

    numbers = {"pair_order": float((fake > genuine).float().mean())}
    found = []
    for code in sorted(set(methods.tolist())):
        chosen = methods == code
        scores = torch.cat([genuine[chosen], fake[chosen]])
        labels = torch.cat([torch.zeros(int(chosen.sum())), torch.ones(int(chosen.sum()))])
        # Ranks, since torchmetrics squashes scores outside [0, 1] and float32 then saturates.
        ranks = torch.unique(scores, return_inverse=True)[1]
        found.append(float(binary_auroc(ranks.float() / len(scores), labels.int())))
        numbers[f"auc_{tags[code]}"] = found[-1]
    return {"auc": float(np.mean(found)), **numbers}


def _without(batch: dict[str, Tensor], left_out: Sequence[int]) -> dict[str, Tensor]:
    """The batch with the pairs left out replaced by others of it: its size stays, since every new
    size costs a GPU seconds of choosing kernels. Empty where nothing may be seen."""
    codes = torch.tensor(left_out, device=batch["method"].device)
    keep = ~(torch.isin(batch["method"], codes) | torch.isin(batch["source"], codes))
    rows = keep.nonzero()[:, 0]
    if len(rows):
        rows = rows[torch.arange(len(keep), device=rows.device) % len(rows)]
    return {name: value[rows] for name, value in batch.items()}


def _loader(data: PairDataset, schedule: Schedule) -> DataLoader[Any]:
    return DataLoader(
        data,
        batch_size=schedule.pairs,
        num_workers=schedule.workers,
        prefetch_factor=3 if schedule.workers else None,
        worker_init_fn=_quiet_worker,
        pin_memory=torch.cuda.is_available(),
    )


def fit(module: PairModule, folder: Path, resume: bool = False) -> None:
    """Train to the end; afterwards the members hold their averaged weights.

    Everything needed to go on lies in `folder`: last.ckpt, logs/, curves.png.
    """
    schedule = module.schedule
    folder.mkdir(parents=True, exist_ok=True)
    _quiet_opencv()  # its threads, once there, hang every worker that is forked
    last = folder / "last.ckpt"
    if not resume and getattr(rank_zero_only, "rank", 0) == 0:
        shutil.rmtree(folder / "logs", ignore_errors=True)  # else the curves would mix two runs
    with quiet_lightning():
        trainer = _trainer(schedule, folder)
        module.to(memory_format=torch.channels_last)
        checkpoint = last if resume and last.is_file() else None
        try:
            trainer.fit(module, ckpt_path=checkpoint, weights_only=False)
        except SystemExit as stopped:  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from stopped


def _trainer(schedule: Schedule, folder: Path) -> lightning.Trainer:
    terminal = sys.stdout.isatty()
    callbacks: list[Callback] = [
        AveragedWeights(schedule.average),
        KeepDepthwiseExact(),
        # Not strict: a finished run that is resumed has no check.
        EarlyStopping("auc", mode="max", patience=schedule.patience, strict=False),
        ModelCheckpoint(folder, "last", save_on_train_epoch_end=True, enable_version_counter=False),
        DrawCurves(folder),
    ]
    return lightning.Trainer(
        accelerator=_accelerator(schedule.device),
        devices=schedule.devices if schedule.devices else "auto",
        precision="bf16-mixed",
        max_steps=schedule.steps,
        max_epochs=-1,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        log_every_n_steps=min(10, schedule.check_every),
        enable_model_summary=False,
        enable_progress_bar=terminal,
        default_root_dir=folder,
        logger=CSVLogger(folder, name="logs"),
        callbacks=callbacks if terminal else [*callbacks, TellProgress()],
    )


def _accelerator(device: str) -> str:
    return {"cuda": "gpu"}.get(device, device)


def _quiet_opencv() -> None:
    import cv2

    cv2.setNumThreads(1)


def _quiet_worker(_: int) -> None:
    _quiet_opencv()
    torch.set_num_threads(1)
