"""A plain training loop for networks of clips: drawn batches, checkpoints, resumed exactly.

Every batch is drawn by its number, so a resumed run sees the batches that it would have seen.
"""

from __future__ import annotations

import json
import math
import os
import pickle
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from assay.errors import ConfigError

Drawn = tuple[tuple[Tensor, ...], Any]
CHECKPOINT, LOG = "last.pt", "loss.jsonl"


@dataclass(frozen=True, slots=True)
class ClipSchedule:
    """How long and how fast: `steps` batches or `minutes`, whichever ends first; a resumed run
    goes on counting. The learning rate rises over `warmup` steps and falls by a cosine to 0, which
    follows whichever of both is further on."""

    steps: int
    batch: int = 4
    minutes: float = 1e9
    learning_rate: float = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 1e-4
    warmup: int = 20
    clip_norm: float = 5.0
    checkpoint_s: float = 60.0
    seed: int = 7
    threads: int = 1

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> ClipSchedule:
        """A configuration's [fit]. Raises ConfigError on what is unknown or of no use."""
        unknown = sorted(set(table) - {field.name for field in fields(cls)})
        if unknown:
            raise ConfigError(f"[fit] holds unknown keys: {', '.join(unknown)}.")
        values = dict(table)
        if "betas" in values:
            values["betas"] = tuple(values["betas"])
        found = cls(**values)
        rules = {
            "steps and batch are at least 1": min(found.steps, found.batch, found.threads) >= 1,
            "minutes is above 0": found.minutes > 0,
            "learning_rate is above 0": found.learning_rate > 0,
            "seed is a whole number from 0": isinstance(found.seed, int) and found.seed >= 0,
        }
        if broken := [rule for rule, is_kept in rules.items() if not is_kept]:
            raise ConfigError(f"[fit] breaks a rule: {'; '.join(broken)}.")
        return found


def fit_clips(
    net: nn.Module,
    draw: Callable[[np.random.Generator], Drawn],
    schedule: ClipSchedule,
    folder: Path,
    resume: bool = False,
) -> dict[str, Any]:
    """Train `net` by its own `loss(outputs, batch)`; {"steps", "seconds", "losses"} of the run.

    `folder` gets last.pt and a line of loss.jsonl for every tenth step. With `resume` the run goes
    on from last.pt. Raises ConfigError where there is none, RuntimeError where the loss is NaN.
    """
    torch.set_num_threads(schedule.threads)
    folder.mkdir(parents=True, exist_ok=True)
    optimiser = torch.optim.AdamW(
        net.parameters(),
        schedule.learning_rate,
        betas=schedule.betas,
        weight_decay=schedule.weight_decay,
    )
    state = _Run(net, optimiser, folder)
    if resume:
        state.load()
    else:
        (folder / LOG).unlink(missing_ok=True)
    net.train()
    saved_s = state.clock()
    while state.step < schedule.steps and state.clock() < 60 * schedule.minutes:
        for group in optimiser.param_groups:
            group["lr"] = schedule.learning_rate * _pace(state, schedule)
        inputs, wanted = draw(np.random.default_rng([schedule.seed, state.step]))
        torch.manual_seed(schedule.seed * 1_000_003 + state.step)
        state.advance(inputs, wanted, schedule.clip_norm)
        if state.clock() - saved_s > schedule.checkpoint_s:
            state.save()
            saved_s = state.clock()
    state.save()
    return {"steps": state.step, "seconds": round(state.clock(), 1), "losses": state.losses}


def _pace(state: _Run, schedule: ClipSchedule) -> float:
    done = max(state.step / schedule.steps, state.clock() / (60 * schedule.minutes))
    rise = min(1.0, (state.step + 1) / max(1, schedule.warmup))
    return rise * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


class _Run:
    """Where a run stands."""

    def __init__(self, net: Any, optimiser: torch.optim.Optimizer, folder: Path) -> None:
        self.net, self.optimiser, self.folder = net, optimiser, folder
        self.step, self.before_s, self.losses = 0, 0.0, list[float]()
        self.began = time.monotonic()

    def clock(self) -> float:
        """Seconds of training, those before a resumption included."""
        return self.before_s + time.monotonic() - self.began

    def advance(self, inputs: tuple[Tensor, ...], wanted: Any, clip_norm: float) -> None:
        """One step."""
        loss = self.net.loss(self.net(*inputs), wanted)
        if not torch.isfinite(loss.detach()):
            raise RuntimeError(f"The loss is {float(loss)} at step {self.step}.")
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.net.parameters(), clip_norm)
        self.optimiser.step()
        self.step += 1
        self.losses.append(round(float(loss.detach()), 5))
        if self.step % 10 == 0:
            mean = float(np.mean(self.losses[-10:]))
            line = {"step": self.step, "loss": round(mean, 5), "seconds": round(self.clock(), 1)}
            with (self.folder / LOG).open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

    def save(self) -> None:
        """Write last.pt in one step."""
        part = self.folder / f"{CHECKPOINT}.{os.getpid()}.part"
        held = {
            "net": self.net.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": self.clock(),
            "losses": self.losses,
        }
        torch.save(held, part)
        os.replace(part, self.folder / CHECKPOINT)

    def load(self) -> None:
        """Go on from last.pt."""
        path = self.folder / CHECKPOINT
        if not path.is_file():
            raise ConfigError(f"There is no {path} to resume from.")
        try:
            held = torch.load(path, map_location="cpu", weights_only=True)
            self.net.load_state_dict(held["net"])
            self.optimiser.load_state_dict(held["optimiser"])
            self.step, self.losses = int(held["step"]), list(held["losses"])
            self.before_s = float(held["seconds"])
        except (
            OSError,
            RuntimeError,
            KeyError,
            ValueError,
            EOFError,
            pickle.UnpicklingError,
        ) as error:
            raise ConfigError(f"{path} cannot be resumed from: {error}") from error
