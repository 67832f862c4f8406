"""The data of a training run: read, divided, looked at for shortcuts, and prepared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from assay.errors import ConfigError
from assay.evaluation.items import Item, data_hash
from assay.training.classify_data import Prepared
from assay.training.classify_report import say, unseen_lines
from assay.training.classify_split import Divided
from assay.training.classify_split import divided as divide
from assay.training.datasets.manifest_file import Manifest, read_manifest_file
from assay.training.datasets.prepared import prepare_faces, prepare_voices
from assay.training.datasets.readers import recognised
from assay.training.datasets.records import Record
from assay.training.datasets.scanning import PLAIN, scan
from assay.training.datasets.seen_items import look_at_all, memory_of
from assay.training.datasets.shortcuts import FACTS, shortcuts
from assay.training.net_config import NetRun

MANIFEST = "manifest.parquet"
SEEN_BY = {"face": ("image", "video", "frames"), "voice": ("audio", "video")}
OF_SOUND = frozenset(
    (
        *("audio_codec", "sample_rate_hz", "n_channels"),
        *("loudness_db", "leading_silence_s", "bandwidth_hz"),
    )
)
MOST_LOOKED_AT = 400
"""Items whose files are looked at for shortcuts, evenly chosen."""


@dataclass(frozen=True)
class Parts:
    """The prepared items of one run by split, and the manifest with the split."""

    manifest: Manifest
    items: dict[str, list[Prepared]]

    def hash_of(self, split: str) -> str:
        """Sixteen digits that change with any item of that part, its label or its content hash:
        the ones that `assay evaluate` gives it."""
        return data_hash(
            Item(one.record, one.group, self.manifest.root) for one in self.items[split]
        )

    def groups(self, split: str) -> list[str]:
        """The groups of that part, sorted."""
        return sorted({item.group for item in self.items[split]})


def read(data: Path) -> Manifest:
    """The manifest, or the records of the folder by the reader that knows it."""
    if data.is_file():
        return read_manifest_file(data)
    if not data.is_dir():
        raise ConfigError(f"There is no folder or manifest {data}.")
    knowing = [name for name in recognised(data) if name not in PLAIN]
    if len(knowing) > 1:
        raise ConfigError(
            f"{data} looks like several sets: {', '.join(knowing)}.",
            remedy="Train on a manifest of it: assay data scan FOLDER --set NAME --out FILE",
        )
    manifest, reader = scan(data, knowing[0] if knowing else "folder")
    say(f"{data}: {len(manifest.records)} items, read as {reader.about.title!r}")
    for notice in manifest.notices:
        say(f"  {notice.n} × {notice.code}: {notice.text}")
    return manifest


def divided(manifest: Manifest, run: NetRun) -> tuple[Divided, list[str]]:
    """The records that the network can look at, divided; and what is left out.

    An item counts as fake here where the side that the network looks at was changed.
    """
    kinds = SEEN_BY[run.spec.kind]
    usable = [r for r in manifest.records if r.modality in kinds]
    lines = [
        f"{n} {modality} items are left out: {run.spec.name} looks at a {run.spec.kind}"
        for modality, n in Counter(r.modality for r in manifest.records).items()
        if modality not in kinds
    ]
    by_side = [sided(record, run.spec.kind) for record in usable]
    n_other = sum(a.label != b.label for a, b in zip(by_side, usable, strict=True))
    if n_other:
        lines.append(f"{n_other} fake items count as real: what a {run.spec.kind} shows is not")
    if not usable:
        raise ConfigError(f"{run.data} holds nothing that {run.spec.name} looks at.")
    split = divide(by_side, run.split_seed)
    records = [replace(r, split=s.split) for r, s in zip(usable, split.records, strict=True)]
    return replace(split, records=tuple(records)), lines


def sided(record: Record, kind: str) -> Record:
    """The record with the label of what a network of that kind looks at."""
    changed = record.visual_fake if kind == "face" else record.audio_fake
    if changed is None:
        return record
    return replace(record, label="fake" if changed else "real")


def warnings(manifest: Manifest, run: NetRun) -> list[str]:
    """What of the files tells the labels apart without a look at a face or a voice."""
    n = max(1, -(-len(manifest.records) // MOST_LOOKED_AT))
    part = manifest.with_records(manifest.records[::n], "")
    seen = look_at_all(part, memory_of(run.out / MANIFEST), run.workers or 0)
    return [
        f"Warning: {FACTS[one.fact]} alone tells fake from real (AUC {one.auc:.2f}; fake "
        f"{one.fake}, real {one.real}): the network may learn that"
        for one in shortcuts([sided(r, run.spec.kind) for r in part.records], seen)
        if one.is_one and (one.fact in OF_SOUND) == (run.spec.kind == "voice")
    ]


def prepared(run: NetRun, manifest: Manifest) -> Parts:
    """The faces or voices of every part. Raises ConfigError where a part has none of a label."""
    workers = run.workers or 0
    found: Sequence[Prepared]
    if run.spec.kind == "face":
        found = prepare_faces(
            manifest,
            run.cache,
            n_frames=max(run.fit.n_frames, frames_of(run)),
            max_faces=run.spec.max_faces,
            workers=workers,
        )
    else:
        found = prepare_voices(manifest, run.cache, workers=workers)
    items: dict[str, list[Prepared]] = {"train": [], "val": [], "test": []}
    for item in found:
        items[item.record.split].append(item)
    for split, part in items.items():
        for line in unseen_lines(part, split):
            say(line)
        labels = {item.fake for item in part if not item.reason}
        if len(labels) < 2:
            raise ConfigError(f"In the {split} part nothing of one label can be looked at.")
    return Parts(manifest, items)


def frames_of(run: NetRun) -> int:
    """How many frames of a person are looked at: the paper's, unless the user says otherwise."""
    own = run.spec.fit.n_frames == run.fit.n_frames
    return run.spec.n_frames if own else run.fit.n_frames
