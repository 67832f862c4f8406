"""FakeAVCeleb: 500 people; picture, sound, both or neither forged."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from assay.errors import ConfigError
from assay.training.datasets.readers import About, Choice, Reader
from assay.training.datasets.readers.label_files import inside, rows_of
from assay.training.datasets.readers.set_folder import VIDEOS, SetFolder, in_order
from assay.training.datasets.records import NO_SPLIT, Notice, PublishedCount, Record, Split

LIST = "meta_data.csv"
# (category letter, picture forged, sound forged) of each folder
CATEGORIES = {
    "RealVideo-RealAudio": ("A", False, False),
    "RealVideo-FakeAudio": ("B", False, True),
    "FakeVideo-RealAudio": ("C", True, False),
    "FakeVideo-FakeAudio": ("D", True, True),
}
# The column of directories has no name; see rows_of.
COLUMNS = ("source", "target1", "method", "category", "type", "race", "gender", "path", "")
# What the names of videos end in, for copies that come without the list.
_ENDINGS = (
    ("faceswap", "wavtolip", "faceswap-wav2lip"),
    ("fsgan", "wavtolip", "fsgan-wav2lip"),
    ("", "wavtolip", "wav2lip"),
    ("", "faceswap", "faceswap"),
    ("", "fsgan", "fsgan"),
    ("", "fake", "rtvc"),
)
_SHARES: tuple[tuple[Split, float], ...] = (("train", 0.7), ("val", 0.85), ("test", 1.0))
LAYOUT = (
    "[FakeAVCeleb_v1.2/]meta_data.csv and "
    "{RealVideo-RealAudio,RealVideo-FakeAudio,FakeVideo-RealAudio,FakeVideo-FakeAudio}/"
    "<race>/{men,women}/idNNNNN/*.mp4"
)


class FakeAvCeleb(Reader):
    """The list says method and people; the folder of a video says what of it is forged."""

    about = About(
        name="fakeavceleb",
        title="FakeAVCeleb v1.2 (Khalid et al., NeurIPS 2021)",
        modalities=("video",),
        labels=("real", "fake"),
        splits=(),
        licence="research only, on request; the videos are from VoxCeleb2 (YouTube)",
        obtain="the form in https://github.com/DASH-Lab/FakeAVCeleb",
        paper="Khalid et al., FakeAVCeleb: A Novel Audio-Video Multimodal Deepfake Dataset, "
        "NeurIPS 2021 Datasets and Benchmarks, arXiv:2108.05080",
        layout=LAYOUT,
        bibtex="@inproceedings{khalid2021fakeavceleb, title={{FakeAVCeleb}: A Novel Audio-Video "
        "Multimodal Deepfake Dataset}, author={Khalid, Hasam and Tariq, Shahroz and Kim, Minha "
        "and Woo, Simon S.}, booktitle={NeurIPS Datasets and Benchmarks}, year={2021}}",
        published=(
            PublishedCount(500, {"label": "real"}),
            PublishedCount(19500, {"label": "fake"}),
        ),
        choices={
            "split": Choice(
                ("none", "identity"),
                "none: it has no split of its own; identity: 70/15/15 of the people (350/75/75 of "
                "all), in the order of the SHA-256 of their names",
            )
        },
        quirks=(
            "In meta_data.csv the column `path` is the file's name and the last, unnamed column "
            "its directory, which begins FakeAVCeleb/ whatever the folder is called.",
            "Folders are called Asian (East), with a space and parentheses, in some copies "
            "Asian_East: both are found.",
            "22 files are listed twice, as wav2lip and as faceswap-wav2lip: one record each, with "
            "the method that comes first; the other one is in `note`.",
            "An audit found 21,544 files; its README states 500 + 19,500.",
            "`identity` is the person whose video it is, `donor` target1. Nearly everybody is a "
            "donor of somebody: split with the donor not tied, and say so.",
            "500 genuine videos against some 20,000 fake ones: accuracy alone says little.",
            "Silence at the beginning tells genuine from forged sound almost alone (Smeu et al., "
            "CVPR 2025): trim it from both.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """Two of the four folders."""
        base = root / _base(SetFolder(root))
        return sum((base / name).is_dir() for name in CATEGORIES) >= 2

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader."""
        tree = SetFolder(root)
        base = _base(tree)
        there = {
            _spelled(path[len(base) :].lstrip("/")): path
            for name in CATEGORIES
            for path in tree.files(f"{base}/{name}".lstrip("/"), VIDEOS, deep=True)
        }
        list_path = next((p for p in (f"{base}/{LIST}", LIST) if tree.has(p.lstrip("/"))), "")
        if list_path:
            rows, notices = _listed(root / list_path.lstrip("/"), base, there)
            known = {row.path for row in rows}
            n = sum(path not in known for path in there.values())
            notices.append(Notice("unlisted", f"videos are not in {LIST} and were left out", n))
        else:
            rows = [_found(path[len(base) :].lstrip("/"), path) for path in there.values()]
            text = f"{LIST} is not there: methods are told by the names of files, donors not at all"
            notices = [Notice("no_label_file", text)]
        if choices["split"] == "identity":
            rows = _with_split(rows)
        yield from in_order(rows, (*tree.notices(), *notices), LAYOUT)


def _base(tree: SetFolder) -> str:
    if set(tree.folders()) & set(CATEGORIES):
        return ""
    inner = [name for name in tree.folders() if name.startswith("FakeAVCeleb")]
    return next((name for name in inner if set(tree.folders(name)) & set(CATEGORIES)), "")


def _spelled(path: str) -> str:
    """The path as it is compared: 'Asian (East)' and 'Asian_East' are one folder."""
    *folders, name = path.split("/")
    return "/".join([*(re.sub(r"[^a-z0-9-]+", "", part.lower()) for part in folders), name])


def _listed(path: Path, base: str, there: Mapping[str, str]) -> tuple[list[Record], list[Notice]]:
    """A record for each file of the list. Raises ConfigError where a row contradicts itself or
    another one."""
    found: dict[str, Record] = {}
    twice = 0
    for line, row in rows_of(path, COLUMNS):
        record = _record(row, f"{path}, line {line}", base, there)
        first = found.setdefault(record.path, record)
        if first is record:
            continue
        twice += 1
        if (first.visual_fake, first.audio_fake) != (record.visual_fake, record.audio_fake):
            raise ConfigError(f"{path}, line {line}: {record.path} has another label above.")
        if record.method != first.method:
            found[record.path] = replace(first, note=f"also listed as {record.method}")
    text = "files are listed twice, with two methods; each is one record with the first of them"
    return list(found.values()), [Notice("listed_twice", text, twice)]


def _record(row: Mapping[str, str], where: str, base: str, there: Mapping[str, str]) -> Record:
    folder = inside(row[""], where)
    if folder.split("/")[0].startswith("FakeAVCeleb"):
        folder = folder.partition("/")[2]
    name = inside(row["path"], where)
    category = folder.split("/")[0]
    letter, visual, audio = CATEGORIES.get(category, ("", False, False))
    if not letter or row["category"] != letter or row["type"] != category:
        raise ConfigError(
            f"{where}: category {row['category']!r}, type {row['type']!r} and directory "
            f"{folder!r} do not agree."
        )
    inner = f"{folder}/{name}"
    fake = visual or audio
    if fake == (row["method"] == "real"):
        raise ConfigError(f"{where}: the method {row['method']!r} in category {letter}.")
    other = row["target1"]
    return Record(
        dataset="fakeavceleb",
        path=there.get(_spelled(inner), f"{base}/{inner}".lstrip("/")),
        modality="video",
        label="fake" if fake else "real",
        method=row["method"] if fake else "",
        identity=row["source"],
        donor=other if fake and re.fullmatch(r"id\d+", other) else "",
        source=f"{row['source']} {name.split('_')[0].split('.')[0]}",
        subset=category,
        visual_fake=visual,
        audio_fake=audio,
        listed=True,
    )


def _found(inner: str, path: str) -> Record:
    """A record of a file without the list."""
    parts = inner.split("/")
    _, visual, audio = CATEGORIES[parts[0]]
    stem = parts[-1].rsplit(".", 1)[0].lower()
    fake = visual or audio
    method = next((m for a, end, m in _ENDINGS if a in stem and stem.endswith(end)), "unnamed")
    person = next((part for part in parts[1:-1] if re.fullmatch(r"id\d+", part)), "")
    return Record(
        dataset="fakeavceleb",
        path=path,
        modality="video",
        label="fake" if fake else "real",
        method=method if fake else "",
        identity=person,
        source=f"{person} {stem.split('_')[0]}",
        subset=parts[0],
        visual_fake=visual,
        audio_fake=audio,
    )


def _with_split(rows: Iterable[Record]) -> list[Record]:
    rows = list(rows)
    people = sorted(
        {row.identity for row in rows if row.identity},
        key=lambda name: hashlib.sha256(f"fakeavceleb {name}".encode()).hexdigest(),
    )
    split: dict[str, Split] = {
        name: next(part for part, share in _SHARES if place < round(share * len(people)))
        for place, name in enumerate(people)
    }
    return [replace(row, split=split.get(row.identity, NO_SPLIT)) for row in rows]


READERS = (FakeAvCeleb,)
