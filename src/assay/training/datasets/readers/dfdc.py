"""DFDC: the Deepfake Detection Challenge, 50 parts for training and two labelled test folders."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from assay.errors import ConfigError
from assay.training.datasets.readers import About, Choice, Reader
from assay.training.datasets.readers.label_files import field_of, inside, json_of, rows_of
from assay.training.datasets.readers.set_folder import VIDEOS, SetFolder, in_order
from assay.training.datasets.records import (
    NO_SPLIT,
    Label,
    Modality,
    Notice,
    PublishedCount,
    Record,
    Split,
)

_PART = re.compile(r"(?:dfdc_train_part_(?P<number>\d{1,3})|train_sample_videos)")
_LABELLED: dict[str, Split] = {"test": "test", "validation": "val", "val": "val"}
_WORDS: dict[str, Label] = {"real": "real", "fake": "fake", "0": "real", "1": "fake"}
LAYOUT = (
    "[train/]dfdc_train_part_N/{metadata.json,*.mp4}, {test,validation}/{labels.csv,*.mp4}, "
    "train_sample_videos/{metadata.json,*.mp4}"
)


class Dfdc(Reader):
    """Each part's metadata.json and each test folder's labels.csv say what is fake."""

    about = About(
        name="dfdc",
        title="Deepfake Detection Challenge (Dolhansky et al., 2020)",
        modalities=("video", "frames"),
        labels=("real", "fake"),
        splits=("train", "val", "test"),
        licence="the DFDC data set licence: research, no redistribution (see ai.meta.com)",
        obtain="https://ai.meta.com/datasets/dfdc/ or, for the training parts, "
        "https://www.kaggle.com/c/deepfake-detection-challenge",
        paper="Dolhansky et al., The DeepFake Detection Challenge (DFDC) Dataset, 2020, "
        "arXiv:2006.07397",
        layout=LAYOUT,
        bibtex="@article{dolhansky2020dfdc, title={The {DeepFake} Detection Challenge ({DFDC}) "
        "Dataset}, author={Dolhansky, Brian and Bitton, Joanna and Pflaum, Ben and Lu, Jikuo and "
        "Howes, Russ and Wang, Menglin and Ferrer, Cristian Canton}, journal={arXiv:2006.07397}, "
        "year={2020}}",
        published=(
            PublishedCount(119154, {"subset": "train"}),
            PublishedCount(100000, {"subset": "train", "label": "fake"}),
            PublishedCount(4000, {"subset": "validation"}),
            PublishedCount(5000, {"subset": "test"}, sure=False),
        ),
        choices={
            "split": Choice(
                ("official", "icpr2020"),
                "official: the parts are train, validation/ is val, test/ is test; icpr2020: parts "
                "0-34 train, 35-39 val, 40-49 test, the labelled folders in none",
            )
        },
        quirks=(
            "`split` in metadata.json is always train; the folder says which split it is.",
            "`original` ties a fake to its genuine video; where it is null or absent, the video is "
            "its own `source`.",
            "Nothing says who is seen: `source` ties a fake to its original, but one actor may be "
            "in many parts.",
            "Some fakes have forged sound, too; which ones is not told: `visual_fake` and "
            "`audio_fake` are unknown.",
            "A published rearrangement of it keeps only the last video of `val`; the reader goes "
            "by the label files.",
            "A genuine video has several fakes: 5 of 6 in the training parts are fake.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """A training part, or a test folder with labels.csv."""
        tree = SetFolder(root)
        return any(True for _ in _parts(tree)) or any(True for _ in _tests(tree))

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader."""
        tree = SetFolder(root)
        official = choices["split"] == "official"
        rows: list[Record] = []
        unlisted = 0
        for folder, number in _parts(tree):
            split: Split = "train" if official else _of_part(number)
            found, more = _of_folder(tree, folder, _metadata(tree, folder), "train", split)
            rows += found
            unlisted += more
        for folder, part in _tests(tree):
            labels = _labels(tree, folder)
            subset = "validation" if part == "val" else "test"
            where = part if official else NO_SPLIT
            found, more = _of_folder(tree, folder, labels, subset, where)
            rows += found
            unlisted += more
        said = Notice("unlisted", "videos are in no label file and were left out", unlisted)
        yield from in_order(rows, (*tree.notices(), said), LAYOUT)


def _parts(tree: SetFolder) -> Iterator[tuple[str, int | None]]:
    """(folder, number) of each training part with metadata.json; the root may be one itself."""
    own = _PART.fullmatch(tree.root.resolve().name)
    places = [("", own)] if own else []
    for above in ("", "train"):
        for name in tree.folders(above):
            if part := _PART.fullmatch(name):
                places.append((f"{above}/{name}" if above else name, part))
    for folder, part in places:
        if part and tree.has(_in(folder, "metadata.json")):
            yield folder, int(part["number"]) if part["number"] else None


def _tests(tree: SetFolder) -> Iterator[tuple[str, Split]]:
    for folder, split in _LABELLED.items():
        if tree.has(f"{folder}/labels.csv"):
            yield folder, split


def _of_part(number: int | None) -> Split:
    if number is None or number > 49:
        return NO_SPLIT
    return "train" if number < 35 else "val" if number < 40 else "test"


def _in(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _metadata(tree: SetFolder, folder: str) -> dict[str, tuple[Label, str]]:
    """{file: (label, original or "")} of a part. Raises ConfigError for another label."""
    path = tree.root / folder / "metadata.json"
    found: dict[str, tuple[Label, str]] = {}
    for name, entry in json_of(path, dict).items():
        where = f"{path}, {name!r}"
        word = str(field_of(entry, "label", where)).strip().lower()
        if word not in ("real", "fake"):
            raise ConfigError(f"{where}: the label {word!r} is neither REAL nor FAKE.")
        original = entry.get("original")
        found[inside(name, where)] = (_WORDS[word], inside(original, where) if original else "")
    return found


def _labels(tree: SetFolder, folder: str) -> dict[str, tuple[Label, str]]:
    path = tree.root / folder / "labels.csv"
    found: dict[str, tuple[Label, str]] = {}
    for line, row in rows_of(path, ("filename", "label")):
        where = f"{path}, line {line}"
        if row["label"].lower() not in _WORDS:
            raise ConfigError(f"{where}: the label {row['label']!r} is neither 0 nor 1.")
        name, value = inside(row["filename"], where), (_WORDS[row["label"].lower()], "")
        if found.setdefault(name, value) != value:
            raise ConfigError(f"{where}: {name} is labelled {found[name][0]} above.")
    return found


def _of_folder(
    tree: SetFolder,
    folder: str,
    labels: Mapping[str, tuple[Label, str]],
    subset: str,
    split: Split,
) -> tuple[list[Record], int]:
    """The listed items of a folder, and how many of its videos are not listed."""
    there = {_stem(path): (path, modality) for path, modality in tree.videos(folder)}
    rows = []
    for name, (label, original) in labels.items():
        path, modality = there.pop(_stem(name), (_in(folder, name), "video"))
        kind: Modality = "frames" if modality == "frames" else "video"
        rows.append(_record(path, kind, label, _stem(original or name), subset, split))
    return rows, len(there)


def _stem(path: str) -> str:
    name = path.rsplit("/", 1)[-1]
    return name.rsplit(".", 1)[0] if name.lower().endswith(VIDEOS) else name


def _record(
    path: str, modality: Modality, label: Label, source: str, subset: str, split: Split
) -> Record:
    fake = label == "fake"
    return Record(
        dataset="dfdc",
        path=path,
        modality=modality,
        label=label,
        method="DFDC" if fake else "",
        source=source,
        split=split,
        subset=subset,
        visual_fake=None if fake else False,
        audio_fake=None if fake else False,
        listed=True,
    )


READERS = (Dfdc,)
