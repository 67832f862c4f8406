"""140k Real and Fake Faces: FFHQ against StyleGAN, 256 pixels (xhlulu, Kaggle)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from assay.errors import ConfigError
from assay.training.datasets.readers import About, Reader
from assay.training.datasets.readers.label_files import inside, rows_of
from assay.training.datasets.readers.nesting import has_folders, join, started
from assay.training.datasets.readers.nesting import start_of as find_start
from assay.training.datasets.readers.set_folder import PICTURES, SetFolder, in_order
from assay.training.datasets.records import Label, Notice, PublishedCount, Record, Split

SPLITS: dict[str, Split] = {"train": "train", "valid": "val", "test": "test"}
LABELS: tuple[Label, ...] = ("real", "fake")
# In its tables 1 is a genuine face.
NUMBERS = {"1": "real", "0": "fake", "1.0": "real", "0.0": "fake"}


class Faces140k(Reader):
    """`real_vs_fake/real-vs-fake/{train,valid,test}/{real,fake}/*.jpg` and three tables above."""

    about = About(
        name="faces_140k",
        title="140k Real and Fake Faces",
        modalities=("image",),
        labels=("real", "fake"),
        splits=("train", "val", "test"),
        licence="genuine: as FFHQ (non-commercial); forged: see the Kaggle page",
        obtain="https://www.kaggle.com/datasets/xhlulu/140k-real-and-fake-faces",
        paper="xhlulu: 140k Real and Fake Faces, Kaggle 2020; faces of Karras et al., CVPR 2019",
        bibtex="""@misc{xhlulu2020faces,
  title={140k Real and Fake Faces},
  author={xhlulu},
  year={2020},
  howpublished={https://www.kaggle.com/datasets/xhlulu/140k-real-and-fake-faces}
}""",
        layout="""train.csv valid.csv test.csv
real_vs_fake/real-vs-fake/{train,valid,test}/{real,fake}/*.jpg""",
        published=(
            PublishedCount(140_000, sure=False),
            PublishedCount(70_000, {"label": "real"}, sure=False),
            PublishedCount(70_000, {"label": "fake"}, sure=False),
            PublishedCount(100_000, {"split": "train"}, sure=False),
            PublishedCount(20_000, {"split": "val"}, sure=False),
            PublishedCount(20_000, {"split": "test"}, sure=False),
        ),
        quirks=(
            "In train.csv, valid.csv and test.csv the label 1 is a GENUINE face; label, "
            "label_str and the folder are held against each other, a contradiction is an error.",
            "The tables' `path` starts below real-vs-fake/, two folders away from the tables.",
            "Genuine faces are FFHQ's, called by FFHQ's number: `source` is `ffhq 31355`, so "
            "that FFHQ and this set can be held apart.",
            "Both classes have the same size and encoder, and FFHQ's alignment.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """The folder real-vs-fake with the three splits, `valid` so called."""
        return find_start(SetFolder(root), _is_start) is not None

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader."""
        folder, start = started(root, _is_start, self.about.layout)
        listed, twice, tables = _listed(folder, start)
        found = {
            path: (split, label)
            for split in SPLITS
            for label in LABELS
            for path in folder.files(join(start, split, label), PICTURES)
        }
        rows = [_record(path, *facts, path in listed) for path, facts in (listed | found).items()]
        unlisted = len(found.keys() - listed.keys()) if tables else 0
        notices = [
            *folder.notices(),
            Notice("no_label_file", "no table is there; the folders tell", int(not tables)),
            Notice("unlisted", "pictures are in no table; their folder tells", unlisted),
            Notice("listed_twice", "rows say again what a row above said", twice),
        ]
        yield from in_order(rows, notices, self.about.layout)


def _is_start(folder: SetFolder, place: str) -> bool:
    return has_folders(folder, place, *SPLITS) and has_folders(
        folder, join(place, "train"), *LABELS
    )


def _listed(folder: SetFolder, start: str) -> tuple[dict[str, tuple[str, Label]], int, int]:
    """({path: (folder of its split, label)} of all tables, rows said again, tables found)."""
    listed: dict[str, tuple[str, Label]] = {}
    twice = tables = 0
    ups = {start, start.rpartition("/")[0], start.rpartition("/")[0].rpartition("/")[0]}
    for split in SPLITS:
        for up in sorted(ups):
            if not folder.has(join(up, f"{split}.csv")):
                continue
            tables += 1
            for path, label in _rows(folder.root / join(up, f"{split}.csv"), split):
                twice += join(start, path) in listed
                listed[join(start, path)] = (split, label)
    return listed, twice, tables


def _rows(table: Path, split: str) -> Iterator[tuple[str, Label]]:
    for line, row in rows_of(table, ("label", "path")):
        where = f"{table}, line {line}"
        path = inside(row["path"], where)
        words = {NUMBERS.get(row["label"]), path.split("/")[1] if path.count("/") == 2 else None}
        words |= {row["label_str"].lower()} if "label_str" in row else set()
        label = next((known for known in LABELS if words == {known}), None)
        if label is None:
            raise ConfigError(
                f"{where}: label {row['label']!r}, label_str {row.get('label_str', '')!r} and the "
                f"folder of {path!r} do not say the same (here 1 is a genuine face)."
            )
        if path.split("/")[0] != split:
            raise ConfigError(f"{where}: {path!r} is not of the split {split!r}.")
        yield path, label


def _record(path: str, split: str, label: Label, listed: bool) -> Record:
    stem = path.rsplit("/", 1)[-1].split(".")[0]
    return Record(
        dataset="faces_140k",
        path=path,
        modality="image",
        label=label,
        method="stylegan" if label == "fake" else "",
        source=f"ffhq {stem}" if label == "real" and stem.isdigit() else "",
        split=SPLITS[split],
        listed=listed,
    )


READERS = (Faces140k,)
