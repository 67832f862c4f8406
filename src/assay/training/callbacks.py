"""What happens beside the training steps: averaged weights, exact depthwise layers, curves, and
what the user is told."""

from __future__ import annotations

import logging
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.utilities.warnings import PossibleUserWarning
from lightning.pytorch.callbacks import Callback, WeightAveraging
from torch import Tensor, nn
from torch.optim.swa_utils import get_ema_multi_avg_fn

from assay.training.curves import draw_curves
from assay.training.progress import EVERY_S

# A finished run that is resumed has no check; a folder is resumed in, or begun anew, on purpose.
NO_NEWS = (
    ".*LeafSpec.*deprecated",
    "Early stopping conditioned on metric `auc`",
    "Checkpoint directory .* exists and is not empty",
)
NUMBERS = ("loss", "accuracy", "auc", "pair_order")


class AveragedWeights(WeightAveraging):
    """An exponential moving average of all weights, used for checks and for what is kept."""

    def __init__(self, decay: float) -> None:
        super().__init__(multi_avg_fn=get_ema_multi_avg_fn(decay))  # type: ignore[no-untyped-call]

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Copy the networks, but not the pictures: copied, they would be read into memory."""
        kept = pl_module.source, pl_module.checks
        pl_module.source = pl_module.checks = None
        try:
            super().setup(trainer, pl_module, stage)
        finally:
            pl_module.source, pl_module.checks = kept

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """A finished run that is resumed has no end of training; it is averaged all the same."""
        self.on_train_end(trainer, pl_module)


class KeepDepthwiseExact(Callback):
    """Run depthwise convolutions in float32 where training runs on a CPU.

    There their bfloat16 backward passes fall back to kernels two to three times slower than
    float32 ones; everything else gains from bfloat16. A callback, so that the averaged copy of
    the weights, made before, stays free of it.
    """

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Only on a CPU."""
        if pl_module.device.type == "cpu":
            keep_depthwise_exact(pl_module)

    def on_fit_end(self, trainer: Any, pl_module: Any) -> None:
        """A network that is copied or exported later is a plain one again."""
        for module in pl_module.modules():
            vars(module).pop("forward", None)


class DrawCurves(Callback):
    """Draw what was logged after every check."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Not in the rehearsal before training."""
        if not trainer.sanity_checking and trainer.is_global_zero:
            trainer.logger.save()
            draw_curves(self.folder)


class TellProgress(Callback):
    """One line a minute and one after every check, where Lightning's bar would fill a log."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any) -> None:
        """A line when the last is a minute old."""
        if time.monotonic() - self._last >= EVERY_S:
            self._tell(trainer, pl_module)

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """A line with what the check found."""
        self._tell(trainer, pl_module)

    def _tell(self, trainer: Any, pl_module: Any) -> None:
        self._last = time.monotonic()
        if trainer.is_global_zero:
            found = {k: float(v) for k, v in trainer.callback_metrics.items() if k in NUMBERS}
            words = [f"{name} {found[name]:.3f}" for name in NUMBERS if name in found]
            steps = f"step {pl_module.global_step} of {pl_module.schedule.steps}"
            clock = f"{pl_module.seconds / 60:.1f} minutes"
            print(", ".join([steps, clock, *words]), file=sys.stderr, flush=True)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Lightning without its advertisements, its list of devices and its advice on workers.

    Its warnings about what may be wrong in training stay.
    """
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=PossibleUserWarning)
        for message in NO_NEWS:
            warnings.filterwarnings("ignore", message=message)
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def keep_depthwise_exact(net: nn.Module) -> None:
    """Run the network's depthwise convolutions in float32 under autocast."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d) and module.groups == module.in_channels > 1:
            object.__setattr__(module, "forward", _exact(module.forward))


def _exact(forward: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    def exact(x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return forward(x.float())

    return exact
