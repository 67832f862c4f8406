"""Score, with every member of a run, what it has not seen: the leave-one-out tables' raw rows."""

from __future__ import annotations

import csv
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from assay.inputs.face import FaceInput, crop_face
from assay.inputs.patch import PatchInput, cut_patches
from assay.inputs.waveform import WaveformInput, cut_windows
from assay.training.loop import Member
from assay.training.pairs import METHODS, PairSource
from assay.training.voices import as_float

if TYPE_CHECKING:
    from assay.training.config import TrainingConfig
    from assay.training.run import Prepared

MOST_PER_SOURCE = 150
PATCHES = 4
COLUMNS = ("split", "label", "method", "source", "group", "path")


@dataclass(frozen=True, slots=True)
class Row:
    """One thing to score: `example` as it is, or forged by `method`."""

    split: str
    fake: bool
    method: str
    source: str
    example: Any

    @property
    def columns(self) -> tuple[str, ...]:
        """The row as it stands in scores.csv, without the logits."""
        label = "fake" if self.fake else "real"
        path = str(self.example.source_path)
        return (self.split, label, self.method, self.source, self.example.group, path)


def write_scores(config: TrainingConfig, prepared: Prepared, members: Sequence[Member]) -> None:
    """Write runs/<name>/scores.csv: one row a thing scored, one column of logits a member.

    Of training data at most 150 examples a source, for the members that left it out, where there
    are such; of what was kept out and of the `val` split everything.
    """
    left_out = any(member.leaves_out for member in members)
    rows = _rows(config, prepared if left_out else replace(prepared, training=[]))
    data = _Inputs(rows, config, prepared)
    logits = _scored(data, members, config)
    with (config.run_folder / "scores.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow([*COLUMNS, *(member.name for member in members)])
        for row, values in zip(rows, logits, strict=True):
            writer.writerow([*row.columns, *(f"{value:.4f}" for value in values)])


def _rows(config: TrainingConfig, prepared: Prepared) -> list[Row]:
    rows: list[Row] = []
    for split, examples in (
        ("train", _thinned(prepared.training)),
        ("calibration", prepared.calibration),
        ("val", prepared.validation),
    ):
        for example in examples:
            if config.kind == "face":
                rows += _face_rows(split, example, config)
            else:
                rows.append(Row(split, example.fake, example.method, _source(example), example))
    return rows


def _face_rows(split: str, view: Any, config: TrainingConfig) -> list[Row]:
    if view.twin is not None:
        methods = ["swapped_twin"]
    else:
        methods = [m for m in METHODS if m != "swapped_twin"]
        if not view.reconstructions:
            methods.remove("face_reconstruction")
    rows = [Row(split, False, "genuine", view.method, view)]
    return rows + [Row(split, True, method, view.method, view) for method in methods]


def _source(example: Any) -> str:
    """Where the genuine sentence behind a copy is from, else the method itself."""
    source: str = getattr(example, "source", "") or example.method
    return source


def _thinned(examples: Sequence[Any]) -> list[Any]:
    by_method: dict[str, list[Any]] = {}
    for example in examples:
        by_method.setdefault(example.method, []).append(example)
    rng = np.random.default_rng(0)
    chosen = []
    for part in by_method.values():
        keep = rng.permutation(len(part))[:MOST_PER_SOURCE]
        chosen += [part[i] for i in sorted(keep)]
    return chosen


class _Inputs(Dataset[Any]):
    """The crops of each row, (n, s, s, 3) uint8: one of a face, up to four of a picture."""

    def __init__(self, rows: Sequence[Row], config: TrainingConfig, prepared: Prepared) -> None:
        self.rows, self.recipe = rows, config.recipe
        self.source = None
        if isinstance(config.recipe, FaceInput):
            donors = [*prepared.calibration, *prepared.validation] or prepared.training
            self.source = PairSource(donors, config.recipe, config.mixture)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, i: int) -> tuple[int, Any]:
        row = self.rows[i]
        if isinstance(self.recipe, PatchInput):
            return i, cut_patches(np.asarray(row.example.rgb), self.recipe, PATCHES)[0]
        if isinstance(self.recipe, WaveformInput):
            return i, cut_windows(as_float(row.example.samples), self.recipe)
        if not row.fake:
            view = row.example
            return i, crop_face(np.asarray(view.rgb), view.box_px, self.recipe)[None]
        assert self.source is not None
        # Of the method, not of the place in the list: the same forgery in every run.
        seed = zlib.crc32("|".join(row.columns).encode())
        pair = self.source.draw_as(row.method, np.random.default_rng(seed), row.example)
        return i, pair.fake[None]


@torch.no_grad()
def _scored(data: _Inputs, members: Sequence[Member], config: TrainingConfig) -> Any:
    """Each member's mean logit over each row's crops, (rows, members); NaN where a row has none
    (flat, too small)."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    nets = [member.net.to(device).eval() for member in members]
    found = np.full((len(data), len(nets)), np.nan)
    loader = DataLoader(
        data, batch_size=32, num_workers=config.schedule.workers, collate_fn=lambda batch: batch
    )
    for batch in loader:
        kept = [(i, crops) for i, crops in batch if len(crops)]
        if not kept:
            continue
        pictures = torch.from_numpy(np.concatenate([crops for _, crops in kept])).to(device)
        ends = np.cumsum([len(crops) for _, crops in kept])
        for column, net in enumerate(nets):
            logits = np.concatenate([_logits(net, part) for part in pictures.split(64)])  # type: ignore[no-untyped-call]
            for (i, _), part in zip(kept, np.split(logits, ends[:-1]), strict=True):
                found[i, column] = part.mean()
    return found


def _logits(net: torch.nn.Module, pictures: torch.Tensor) -> Any:
    device = pictures.device
    with torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda"):
        return net(pictures).logit.float().cpu().numpy()
