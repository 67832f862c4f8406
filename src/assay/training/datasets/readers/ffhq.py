"""Flickr-Faces-HQ: 70,000 aligned portraits, all genuine (Karras et al., CVPR 2019)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assay.errors import ConfigError
from assay.training.datasets.readers import About, Choice, Reader
from assay.training.datasets.readers.label_files import field_of, inside, text_of
from assay.training.datasets.readers.nesting import join, started
from assay.training.datasets.readers.nesting import start_of as find_start
from assay.training.datasets.readers.set_folder import SetFolder, in_order
from assay.training.datasets.records import Notice, PublishedCount, Record, Split

LABELS_FILE = "ffhq-dataset-v2.json"
# choice: (folder, the JSON's object that tells of it)
SIZES = {
    "1024": ("images1024x1024", "image"),
    "128": ("thumbnails128x128", "thumbnail"),
    "wild": ("in-the-wild-images", "in_the_wild"),
}
CATEGORIES: dict[str, Split] = {"training": "train", "validation": "val"}
FIRST_OF_VALIDATION = 60_000
SET_LICENCE = "CC BY-NC-SA 4.0 (the set); each photograph has its own, see the record"
# The file has 255 MB, nearly all of them landmarks: what is not needed is dropped while reading.
_KEPT = {"category", "metadata", "license", "photo_url", "file_path"}
_KEPT |= {part for _, part in SIZES.values()}


class Ffhq(Reader):
    """`{images1024x1024,thumbnails128x128}/00000/00000.png` and `ffhq-dataset-v2.json`."""

    about = About(
        name="ffhq",
        title="Flickr-Faces-HQ (FFHQ)",
        modalities=("image",),
        labels=("real",),
        splits=("train", "val"),
        licence=SET_LICENCE,
        obtain="https://github.com/NVlabs/ffhq-dataset: python download_ffhq.py --json --images",
        paper="Karras, Laine, Aila: A Style-Based Generator Architecture for Generative "
        "Adversarial Networks, CVPR 2019, arXiv:1812.04948",
        bibtex="""@inproceedings{karras2019style,
  title={A Style-Based Generator Architecture for Generative Adversarial Networks},
  author={Karras, Tero and Laine, Samuli and Aila, Timo},
  booktitle={CVPR},
  year={2019}
}""",
        layout="""ffhq-dataset-v2.json
images1024x1024/00000/00000.png … images1024x1024/69000/69999.png
thumbnails128x128/00000/00000.png
in-the-wild-images/00000/00000.png""",
        published=(
            PublishedCount(70_000),
            PublishedCount(60_000, {"split": "train"}),
            PublishedCount(10_000, {"split": "val"}),
        ),
        choices={
            "size": Choice(
                ("1024", "128", "wild"),
                "aligned pictures of 1024 or 128 pixels, or the photographs they were cut from",
            )
        },
        quirks=(
            "All genuine: pair it with a set of forged faces, and mind that StyleGAN faces are "
            "aligned as these are and most other genuine ones are not.",
            "The StyleGAN paper trained its generator on all 70,000, validation included.",
            "Without ffhq-dataset-v2.json the split follows the published rule (the first 60,000 "
            "are for training), and a notice says so.",
            "One photograph may have given several faces: `source` is its address, so that they "
            "are not divided.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """One of the three picture folders, or the labels."""
        return find_start(SetFolder(root), _is_start) is not None

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader."""
        folder, start = started(root, _is_start, self.about.layout)
        name, part = SIZES[choices["size"]]
        _check_chosen(folder, start, name)
        found = {
            _number(path): path for path in folder.files(join(start, name), (".png",), deep=True)
        }
        strange = found.pop(-1, None) is not None
        labels = join(start, LABELS_FILE)
        told = _listed(root / labels, part) if folder.has(labels) else {}
        rows = [_record(n, found.get(n) or join(start, path), row, True)
                for n, (path, row) in told.items()]  # fmt: skip
        unlisted = [n for n in found if n not in told]
        rows += [_record(n, found[n], {}, False) for n in unlisted]
        notices = [
            *folder.notices(),
            Notice("odd_name", "pictures are not called by a number", int(strange)),
            Notice(
                "no_label_file" if not told else "unlisted",
                f"pictures are not in {LABELS_FILE}; their split follows their number",
                len(unlisted),
            ),
        ]
        yield from in_order(rows, notices, self.about.layout)


def _is_start(folder: SetFolder, place: str) -> bool:
    names = {name for name, _ in SIZES.values()}
    return bool(names & set(folder.folders(place))) or folder.has(join(place, LABELS_FILE))


def _check_chosen(folder: SetFolder, start: str, name: str) -> None:
    there = folder.folders(start)
    others = [size for size, (other, _) in SIZES.items() if other in there]
    if name not in there and others:
        raise ConfigError(
            f"{folder.root} has no {name}.", remedy=f"Choose size={others[0]}: that is there."
        )


def _number(path: str) -> int:
    stem = path.rsplit("/", 1)[-1].split(".")[0]
    return int(stem) if stem.isascii() and stem.isdigit() and len(stem) < 10 else -1


def _listed(path: Path, part: str) -> dict[int, tuple[str, dict[str, Any]]]:
    """{image number: (path of the picture, its row)}."""
    try:
        rows = json.loads(text_of(path), object_pairs_hook=lambda pairs: _slim(path, pairs))
    except json.JSONDecodeError as error:
        raise ConfigError(f"{path}, line {error.lineno}: {error.msg}.") from error
    except RecursionError as error:
        raise ConfigError(f"{path} is nested too deeply.") from error
    if not isinstance(rows, dict):
        raise ConfigError(f"{path} holds a {type(rows).__name__} where an object is expected.")
    found = {}
    for key, row in rows.items():
        where = f"{path}, image {key[:40]!r}"
        if _number(key) < 0:
            raise ConfigError(f"{where}: this is no number.")
        if str(field_of(row, "category", where)) not in CATEGORIES:
            raise ConfigError(f"{where}: the category {row['category']!r} is unknown.")
        given = field_of(field_of(row, part, where), "file_path", where)
        found[_number(key)] = (inside(given, where), row)
    return found


def _slim(path: Path, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    kept = [(key, value) for key, value in pairs if key in _KEPT or key[:1].isdigit()]
    if len({key for key, _ in kept}) < len(kept):
        raise ConfigError(f"{path} gives one image twice.")
    return dict(kept)


def _record(number: int, path: str, row: Mapping[str, Any], listed: bool) -> Record:
    by_rule: Split = "train" if number < FIRST_OF_VALIDATION else "val"
    photo = row.get("metadata")
    photo = photo if isinstance(photo, dict) else {}
    return Record(
        dataset="ffhq",
        path=path,
        modality="image",
        label="real",
        split=CATEGORIES[row["category"]] if listed else by_rule,
        source=str(photo.get("photo_url") or ""),
        licence=str(photo.get("license") or ""),
        listed=listed,
    )


READERS = (Ffhq,)
