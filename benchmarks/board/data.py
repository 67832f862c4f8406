"""The data of the leaderboard, as manifests: faces, videos, voices, or a stand-in for all."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np

from assay.training.datasets.forged_faces import Plan, make
from assay.training.datasets.manifest import Item, held_out, read_manifest
from assay.training.datasets.manifest_file import Manifest, read_manifest_file, write_manifest
from assay.training.datasets.readers import discover
from assay.training.datasets.records import Record, Split
from assay.training.datasets.tutorial_media import arrange, placed
from assay.training.shared import shared_folder

VAL_SHARE = 0.2
SWAPS = ("deepfacelab-swap", "mead-hdtf", "grid", "hdtf", "eat-talking-head")


def faces(out: Path, cache: Path) -> Path:
    """Genuine faces and forged twins; two forgers are only tested."""
    folder = cache / "forged_faces"
    make(read_manifest(shared_folder() / "data"), Plan(), folder)
    return _folder_manifest(folder, out / "faces.parquet", "made by forged_faces")


def videos(out: Path, cache: Path) -> Path:
    """Footage, its face swaps and talking heads; all of it test, since nothing learns from it."""
    folder = cache / "board_videos"
    arrange(placed(read_manifest(shared_folder() / "data"), folder, SWAPS))
    path = _folder_manifest(folder, out / "videos.parquet", "made by tutorial_media")
    manifest = read_manifest_file(path)
    tested = [replace(record, split="test") for record in manifest.records]
    write_manifest(manifest.with_records(tested, manifest.made_by), path)
    return path


def voices(out: Path, cache: Path) -> Path:
    """Genuine speech, and synthetic speech of systems of which some are only tested."""
    items = [i for i in read_manifest(shared_folder() / "data") if i.modality == "audio"]
    forged = cache / "voices_forged"
    if (forged / "manifest.csv").is_file():
        items += read_manifest(forged)
    return _items_manifest(items, out / "voices.parquet")


def stand_in(out: Path, portraits: Iterable[Path], n_people: int = 60, most: int = 60) -> Path:
    """Faces for a machine without labelled media: portraits warped into `n_people` likenesses, of
    which at most `most` are taken for each split.

    It shows that every step runs; a number measured on it says nothing about any network.
    """
    likenesses = _likenesses(out / "likenesses", list(portraits), n_people)
    items = [
        Item(path, "image", "real", "cfp", path.stem, _split(i), "public domain", path.stem)
        for i, path in enumerate(likenesses)
    ]
    make(items, Plan(train=most, val=most, test=most), out / "faces")
    return _folder_manifest(out / "faces", out / "stand-in.parquet", "portraits, warped")


def _split(i: int) -> str:
    return "val" if i % 3 == 0 else "train"


def _likenesses(folder: Path, portraits: list[Path], n_people: int) -> list[Path]:
    from PIL import Image, ImageEnhance

    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for i in range(n_people):
        rng = np.random.default_rng(i)
        picture = Image.open(portraits[i % len(portraits)]).convert("RGB")
        width, height = picture.size
        size = (round(width * rng.uniform(0.8, 1.2)), round(height * rng.uniform(0.8, 1.2)))
        picture = ImageEnhance.Color(picture.resize(size)).enhance(float(rng.uniform(0.5, 1.5)))
        path = folder / f"likeness{i:03d}.png"
        picture.save(path)
        found.append(path)
    return found


def _folder_manifest(folder: Path, path: Path, made_by: str) -> Path:
    rows = discover()["folder"].read(folder, {})
    records = tuple(row for row in rows if isinstance(row, Record))
    write_manifest(Manifest(folder.resolve(), records, made_by=made_by), path)
    return path


def _items_manifest(items: list[Item], path: Path) -> Path:
    labelled = [item for item in items if item.label in ("real", "fake")]
    root = Path(os.path.commonpath([item.path.resolve() for item in labelled]))
    records = [_record(item, root) for item in labelled]
    write_manifest(Manifest(root, tuple(records), made_by="the labelled media's voices"), path)
    return path


def _record(item: Item, root: Path) -> Record:
    split: Split = "test" if item.split == "val" else "train"
    if split == "train" and held_out(item.group, VAL_SHARE, "board"):
        split = "val"
    return Record(
        dataset="voices",
        path=item.path.resolve().relative_to(root).as_posix(),
        modality="audio",
        label="fake" if item.label == "fake" else "real",
        method=item.method if item.label == "fake" else "",
        subset=item.method if item.label == "real" else "",
        identity=item.group,
        split=split,
        licence=item.licence,
        sha256=item.sha256 if len(item.sha256) == 64 else "",
    )
