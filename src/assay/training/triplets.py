"""Siamese training: first features in which a label lies together, then one layer to read them.

Bonettini et al., "Video Face Manipulation Detection Through Ensemble of CNNs", ICPR 2020: triplets,
alternately of two fakes and a genuine face and of two genuine faces and a fake, under a margin loss
of the L2 distance; then the features are frozen and a batch norm with a linear layer is trained on
the cross-entropy.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from assay.errors import ConfigError
from assay.training.classify_data import Cutter, Row
from assay.training.classify_loop import NetModule, Task, train_rounds
from assay.training.nets.spec import Fit

HEAD_STEPS = 5_000
HEAD_BATCH = 32
HEAD_EPOCHS = 5
"""Of the layer on frozen features, where the run counts epochs and names no `head_epochs`."""
CHECK_TRIPLETS = 512
FEATURES = "features"
Told = Callable[[list[dict[str, Any]]], None]


class Triplets(Dataset[tuple[Tensor, Tensor]]):
    """Triplet number i: anchor, another of its label, one of the other label, as (3, …); drawn by
    seed. `chosen` are the anchors' places in `rows`, fakes and genuine ones in turn."""

    def __init__(
        self, rows: Sequence[Row], cut: Cutter, chosen: Sequence[int], seed: tuple[int, int],
        changed: bool = True,
    ) -> None:  # fmt: skip
        self.rows, self.cut, self.chosen, self.seed, self.changed = rows, cut, chosen, seed, changed
        self.by_label = {f: [i for i, r in enumerate(rows) if r.fake == f] for f in (True, False)}

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        anchor = self.rows[self.chosen[i]]
        rng = np.random.default_rng([*self.seed, i])
        alike = self._another(anchor, rng)
        others = self.by_label[not anchor.fake]
        other = self.rows[others[int(rng.integers(len(others)))]]
        given = rng if self.changed else None
        parts = [self.cut(row, given) for row in (anchor, alike, other)]
        return torch.from_numpy(np.stack(parts)), torch.tensor(float(anchor.fake))

    def _another(self, anchor: Row, rng: np.random.Generator) -> Row:
        """One of the same label, of another item where there is one within a few tries."""
        own = self.by_label[anchor.fake]
        drawn = [self.rows[own[int(rng.integers(len(own)))]] for _ in range(4)]
        return next((row for row in drawn if row.item != anchor.item), drawn[0])


class TripletModule(NetModule):
    """Trains the features (`pooled`) of a network; `accuracy` is how often the one of the same
    label is the nearer."""

    def train_dataloader(self) -> DataLoader[Any]:
        """The anchors of this round, with their company."""
        chosen = self.draws.round(self.number, self.rounds.length(self.number))
        seed = (self.recipe.seed, self.number)
        return self.loader(Triplets(self.task.rows, self.task.cut, chosen, seed))

    def val_dataloader(self) -> DataLoader[Any]:
        """The same triplets every time, as at inference."""
        rows = self.task.checks
        draws = replace(self.draws, rows=rows, balanced=True)
        chosen = draws.round(0, -(-min(CHECK_TRIPLETS, max(8, len(rows))) // self.batch))
        return self.loader(Triplets(rows, self.task.check_cut, chosen, (0, 0), changed=False))

    def learned(self, batch: Any) -> tuple[Tensor, int, int]:
        """See NetModule."""
        near, far = self.distances(batch[0])
        loss = torch.relu(near - far + self.recipe.margin).mean()
        return loss, int((near < far).sum()), len(near)

    def validation_step(self, batch: Any, _: int) -> None:
        """See NetModule."""
        near, far = self.distances(batch[0])
        self._checked.append((near.cpu(), far.cpu()))

    def check(self) -> dict[str, float]:
        """Loss of the triplets, and the share in the right order."""
        near, far = (torch.cat(parts) for parts in zip(*self._checked, strict=True))
        self._checked.clear()
        loss = torch.relu(near - far + self.recipe.margin).mean()
        return {"val_loss": float(loss), "val_accuracy": float((near < far).float().mean())}

    def distances(self, given: Tensor) -> tuple[Tensor, Tensor]:
        """L2 distances (n,) from the anchors of `given` (n, 3, …) to their likes, and to others."""
        pooled = self.net(given.flatten(0, 1)).pooled.float()
        anchor, alike, other = pooled.unflatten(0, (-1, 3)).unbind(1)
        distance = nn.functional.pairwise_distance
        return distance(anchor, alike), distance(anchor, other)


class HeadModule(NetModule):
    """Trains what no gradient of the features reaches: the layers that read them."""

    def on_train_epoch_start(self) -> None:
        """The features stay as they are, their batch norms too."""
        super().on_train_epoch_start()
        self.net.eval().requires_grad_(False)
        for module in head_modules(self.net):
            module.train().requires_grad_(True)


def head_modules(net: nn.Module) -> list[nn.Module]:
    """The modules that read the features: what the network calls its head, else its last layer and
    a batch norm of vectors beside it. Raises ConfigError where there is none."""
    named = getattr(net, "head", None)
    if isinstance(named, nn.Module):
        return [named]
    found: list[nn.Module] = [
        part
        for part in net.children()
        if isinstance(part, nn.Linear | nn.BatchNorm1d)
        or (isinstance(part, nn.Sequential) and any(isinstance(p, nn.Linear) for p in part))
    ]
    if not found:
        raise ConfigError(f"{type(net).__name__} has no layer of its own to read its features.")
    return found


def train_siamese(
    net: nn.Module, task: Task, fit: Fit, folder: Path, workers: int, device: str,
    told: tuple[Told, Told],
) -> HeadModule:  # fmt: skip
    """Train features, then the layer; the best of each is kept. `told` hears of every round of the
    first and of the second. What is finished already is not done again."""
    features = TripletModule(net, task, fit_of_features(fit), folder / FEATURES, workers, told[0])
    train_rounds(features, device)
    load(net, folder / FEATURES / "weights.pt")
    head = HeadModule(net, task, fit_of_head(fit), folder, workers, told[1])
    train_rounds(head, device)
    return head


def fit_of_features(fit: Fit) -> Fit:
    """The recipe of the triplets: no head is trained before."""
    return replace(fit, head_epochs=0)


def fit_of_head(fit: Fit) -> Fit:
    """The recipe of the layer on frozen features: the same optimiser on the cross-entropy."""
    steps = None if fit.steps is None else min(HEAD_STEPS, fit.steps)
    epochs = fit.head_epochs or HEAD_EPOCHS
    batch = max(fit.batch, HEAD_BATCH)
    return replace(fit, loss="binary", steps=steps, epochs=epochs, head_epochs=0, batch=batch)


def load(net: nn.Module, path: Path) -> None:
    """Load weights that a round kept."""
    net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
