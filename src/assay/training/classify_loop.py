"""The training loop of a network that tells real from fake, on Lightning: rounds, checks, rates."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from assay.training.callbacks import quiet_lightning
from assay.training.classify_data import Cutter, Draws, Examples, Row
from assay.training.nets.spec import Fit

CHECK_EVERY = 500
"""Steps between two checks where a recipe counts steps and not epochs."""
CLIP = 5.0
HEADS = ("head", "score", "classifier", "fc", "last_linear")
LAST = "last.ckpt"


@dataclass(frozen=True, slots=True)
class Rounds:
    """How long a run is: `n` rounds of `steps` steps, a check after each; `total` steps in all,
    the first `head_rounds` rounds on the last layer alone."""

    n: int
    steps: int
    total: int
    head_rounds: int = 0

    def length(self, number: int) -> int:
        """Steps of that round; the last may be shorter."""
        return max(1, min(self.steps, self.total - number * self.steps))


def rounds_of(fit: Fit, n_rows: int, batch: int) -> Rounds:
    """Epochs over the rows, or the recipe's steps in portions of 500."""
    if fit.steps is not None:
        steps = min(CHECK_EVERY, fit.steps)
        return Rounds(math.ceil(fit.steps / steps), steps, fit.steps)
    steps = math.ceil(n_rows / batch)
    n = fit.head_epochs + fit.epochs
    return Rounds(n, steps, n * steps, fit.head_epochs)


@dataclass(frozen=True)
class Task:
    """What is learned from what: the rows to draw from, those to check on, and how they are cut.
    `n_real` and `n_fake` count the training rows."""

    rows: Sequence[Row]
    checks: Sequence[Row]
    cut: Cutter
    check_cut: Cutter

    @property
    def n_real(self) -> int:
        """Genuine rows to learn from."""
        return sum(not row.fake for row in self.rows)

    @property
    def n_fake(self) -> int:
        """Forged ones."""
        return len(self.rows) - self.n_real


def logit_of(outputs: Any) -> Tensor:
    """The logit (n,) of whatever a network gives."""
    logit: Tensor = outputs if isinstance(outputs, Tensor) else outputs.logit
    return logit.float()


def head_of(net: nn.Module) -> nn.Module:
    """The last layer: what the network calls so, else its last module with weights."""
    for name in HEADS:
        part = getattr(net, name, None)
        if isinstance(part, nn.Module):
            return part
    leaves = [m for m in net.modules() if any(True for _ in m.parameters(recurse=False))]
    return leaves[-1]


class NetModule(lightning.LightningModule):
    """Trains one network by a recipe; checks it after every round and keeps the best.

    The random numbers of a round follow from the seed and its number, so a resumed run is the
    same run. `after_round` is told every finished one.
    """

    def __init__(
        self,
        net: nn.Module,
        task: Task,
        fit: Fit,
        folder: Path,
        workers: int = 0,
        after_round: Callable[[list[dict[str, Any]]], None] = lambda history: None,
    ) -> None:
        super().__init__()
        self.net, self.task, self.recipe, self.folder = net, task, fit, folder
        self.workers, self.after_round = workers, after_round
        # What a network keeps fixed by itself stays so.
        self.learning = [p for p in net.parameters() if p.requires_grad]
        self.batch = min(fit.batch, max(2, len(task.rows)))
        self.draws = Draws(task.rows, self.batch, fit.seed, fit.balanced)
        self.rounds = rounds_of(fit, len(task.rows), self.batch)
        self.history: list[dict[str, Any]] = []
        self.drops, self.stopped, self.seconds = 0, False, 0.0
        self._sums = torch.zeros(3, dtype=torch.float64)
        self._checked: list[tuple[Tensor, Tensor]] = []
        self._began = time.monotonic()

    @property
    def number(self) -> int:
        """The round that runs, or is to run."""
        return self.global_step // self.rounds.steps

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The recipe's own."""
        fit, parameters = self.recipe, list(self.net.parameters())
        given: dict[str, Any] = {"lr": fit.learning_rate, "weight_decay": fit.weight_decay}
        if fit.optimiser == "sgd":
            return torch.optim.SGD(parameters, momentum=fit.momentum, **given)
        made = torch.optim.Adam if fit.optimiser == "adam" else torch.optim.AdamW
        return made(parameters, betas=fit.betas, **given)

    def rate(self) -> float:
        """The learning rate of this step."""
        fit, number = self.recipe, max(0, self.number - self.rounds.head_rounds)
        if fit.decay == "cosine":
            share = self.global_step / max(1, self.rounds.total)
            return fit.learning_rate * 0.5 * (1 + math.cos(math.pi * share))
        by_decay = {"step": number // fit.every, "exponential": number, "plateau": self.drops}
        falls = by_decay.get(fit.decay, 0)
        return float(fit.learning_rate * fit.factor**falls)

    def train_dataloader(self) -> DataLoader[Any]:
        """The rows of this round."""
        chosen = self.draws.round(self.number, self.rounds.length(self.number))
        seed = (self.recipe.seed, self.number)
        return self.loader(Examples(self.task.rows, self.task.cut, chosen, seed))

    def val_dataloader(self) -> DataLoader[Any]:
        """Every row to check on, as at inference."""
        return self.loader(Examples(self.task.checks, self.task.check_cut))

    def loader(self, data: Dataset[Any]) -> DataLoader[Any]:
        """In order; drawing has been done."""
        return DataLoader(
            data,
            batch_size=self.batch,
            num_workers=self.workers,
            worker_init_fn=quiet_worker,
            pin_memory=torch.cuda.is_available(),
        )

    def on_train_epoch_start(self) -> None:
        """Seed the round's dropout; freeze all but the head while the recipe says so."""
        self._began = time.monotonic()
        torch.manual_seed(self.recipe.seed * 1_000_003 + self.number)
        self._sums.zero_()
        only_head = self.number < self.rounds.head_rounds
        self.net.train(not only_head)
        for parameter in self.learning:
            parameter.requires_grad_(not only_head)
        if only_head:
            head_of(self.net).train().requires_grad_(True)

    def on_train_batch_start(self, batch: Any, batch_idx: int) -> None:
        """Set the rate of this step."""
        for group in self.trainer.optimizers[0].param_groups:
            group["lr"] = self.rate()

    def configure_gradient_clipping(self, optimizer: Any, *_: Any, **__: Any) -> None:
        """A single odd batch does not throw the weights far out."""
        nn.utils.clip_grad_norm_(self.net.parameters(), CLIP)

    def training_step(self, batch: Any, _: int) -> Tensor:
        """The loss of one batch."""
        loss, n_right, n = self.learned(batch)
        self._sums += torch.tensor([float(loss.detach()) * n, n_right, n], dtype=torch.float64)
        if not math.isfinite(float(self._sums[0])):
            raise FloatingPointError(
                f"The loss is no number at step {self.global_step}: lower the learning rate."
            )
        return loss

    def learned(self, batch: Any) -> tuple[Tensor, int, int]:
        """Loss, how many of the batch were told right, how many there were."""
        given, labels = batch
        outputs = self.net(given)
        logits = logit_of(outputs)
        loss = self.loss(outputs, logits, labels)
        return loss, int(((logits > 0) == (labels > 0.5)).sum()), len(labels)

    def loss(self, outputs: Any, logits: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy of the logit, weighed or not, or what the network brings itself."""
        if self.recipe.loss == "own":
            own: Tensor = self.net.loss(outputs, {"label": labels})  # type: ignore[operator]
            return own
        weight = None
        if self.recipe.loss == "binary_weighted":
            weight = torch.tensor(self.task.n_real / max(1, self.task.n_fake)).to(logits)
        return nn.functional.binary_cross_entropy_with_logits(logits, labels, pos_weight=weight)

    def validation_step(self, batch: Any, _: int) -> None:
        """Collect what the check needs."""
        given, labels = batch
        self._checked.append((logit_of(self.net(given)).cpu(), labels.cpu()))

    def check(self) -> dict[str, float]:
        """Loss, accuracy and AUC over the frames of the validation part."""
        logits, labels = (torch.cat(parts) for parts in zip(*self._checked, strict=True))
        self._checked.clear()
        return check_numbers(logits, labels)

    def on_validation_epoch_end(self) -> None:
        """Keep the round, its weights where they are the best, and see whether it is enough."""
        if self.trainer.sanity_checking:
            return
        checks = self.check()
        n = max(1.0, float(self._sums[2]))
        before = min((row["val_loss"] for row in self.history), default=math.inf)
        better = checks["val_loss"] < before
        self.history.append(
            {
                "epoch": len(self.history) + 1,
                "step": self.global_step,
                "loss": float(self._sums[0]) / n,
                "accuracy": float(self._sums[1]) / n,
                **checks,
                "learning_rate": self.rate(),
                "seconds": time.monotonic() - self._began,
                "best": better,
            }
        )
        if better or len(self.history) == 1:
            keep_weights(self.net, self.folder / "weights.pt")
        self._settle()
        self.after_round(self.history)

    def _settle(self) -> None:
        """Lower the rate, or stop, where checks have not become better for long."""
        since = 0
        for row in reversed(self.history):
            if row["best"]:
                break
            since += 1
        fit = self.recipe
        if fit.decay == "plateau" and since and since % fit.every == 0:
            self.drops += 1
        if fit.patience is not None and since >= fit.patience:
            self.stopped = self.trainer.should_stop = True

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """What has been goes into the checkpoint."""
        checkpoint["run"] = {"history": self.history, "drops": self.drops, "stopped": self.stopped}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """And out of it."""
        kept = checkpoint["run"]
        self.history, self.drops = list(kept["history"]), int(kept["drops"])
        self.stopped = bool(kept["stopped"])


def check_numbers(logits: Tensor, labels: Tensor) -> dict[str, float]:
    """Loss, accuracy at an even chance, and area under the ROC curve."""
    from assay.evaluation.metrics import auc

    loss = nn.functional.binary_cross_entropy_with_logits(logits, labels)
    fake = labels.numpy() > 0.5
    return {
        "val_loss": float(loss),
        "val_accuracy": float(((logits > 0).numpy() == fake).mean()),
        "val_auc": auc(np.nan_to_num(logits.double().numpy()), fake),
    }


def keep_weights(net: nn.Module, path: Path) -> None:
    """Write the weights in one step."""
    unfinished = path.with_name(f".{path.name}.unfinished")
    torch.save({k: v.detach().cpu() for k, v in net.state_dict().items()}, unfinished)
    unfinished.replace(path)


def train_rounds(module: NetModule, device: str = "auto") -> None:
    """Train to the end, from last.ckpt in the module's folder where there is one.

    Raises KeyboardInterrupt where the user stops it.
    """
    folder = module.folder
    folder.mkdir(parents=True, exist_ok=True)
    last = folder / LAST
    if last.is_file():
        module.on_load_checkpoint(torch.load(last, map_location="cpu", weights_only=False))
        if module.stopped or len(module.history) >= module.rounds.n:
            return
    with quiet_lightning():
        trainer = _trainer(module, device)
        try:
            trainer.fit(module, ckpt_path=last if last.is_file() else None, weights_only=False)
        except SystemExit as stopped:  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from stopped


def _trainer(module: NetModule, device: str) -> lightning.Trainer:
    return lightning.Trainer(
        accelerator=device,
        devices=1,
        max_steps=module.rounds.total,
        max_epochs=-1,
        reload_dataloaders_every_n_epochs=1,
        num_sanity_val_steps=0,
        logger=False,
        enable_model_summary=False,
        enable_progress_bar=False,
        default_root_dir=module.folder,
        callbacks=[
            ModelCheckpoint(
                module.folder, "last", save_on_train_epoch_end=True, enable_version_counter=False
            )
        ],
    )


def quiet_worker(_: int) -> None:
    """One thread a process that loads: they are many already."""
    import cv2

    cv2.setNumThreads(1)
    torch.set_num_threads(1)
