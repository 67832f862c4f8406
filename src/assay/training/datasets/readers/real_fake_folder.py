"""A plain folder: what lies under `real/` is genuine, what lies under `fake/` is not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from assay.errors import ConfigError
from assay.training.datasets.readers import About, Reader
from assay.training.datasets.readers.set_folder import SetFolder, in_order
from assay.training.datasets.records import NO_SPLIT, Label, Modality, Notice, Record, Split

LABELS: dict[str, Label] = {
    "real": "real", "reals": "real", "genuine": "real", "authentic": "real", "bonafide": "real",
    "bona-fide": "real", "fake": "fake", "fakes": "fake", "forged": "fake", "spoof": "fake",
    "deepfake": "fake", "deepfakes": "fake",
}  # fmt: skip
# Below fake/ these are names of methods, at the top they are the label.
_METHODS_TOO = ("deepfake", "deepfakes")
SPLITS: dict[str, Split] = {
    "train": "train", "training": "train",
    "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
SUFFIXES: dict[Modality, tuple[str, ...]] = {
    "image": (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".heic", ".avif"),
    "video": (".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg"),
    "audio": (".wav", ".flac", ".mp3", ".m4a", ".ogg", ".opus"),
}
MODALITY_OF = {suffix: name for name, suffixes in SUFFIXES.items() for suffix in suffixes}
# id00056_0003.mp4, p01-take2.wav, alice__cafe.mp4: what stands before the first separator.
_PERSON = re.compile(r"^([A-Za-z]+\d+|\d{3,}|[A-Za-z]{3,})(?=[_\-. ])")
# id0_id1_0000.mp4 and 071_054.mp4: a face of the second on the first.
_SWAP = re.compile(r"^(?:([A-Za-z]+)\d+_(?P<donor>\1\d+)(?=[_\-.])|\d{3}_(?P<numbered>\d{3})\.)")
# Words that programs and cameras begin names with: they are nobody.
_NOBODY = frozenset((
    "audio", "clip", "clips", "crop", "download", "dsc", "dscf", "dscn", "face", "faces",
    "fake", "file", "forged", "frame", "frames", "generated", "genuine", "image", "images",
    "img", "mov", "movie", "mvi", "out", "output", "photo", "photos", "pic", "picture", "pxl",
    "real", "recording", "result", "sample", "samples", "scene", "screenshot", "seed", "shot",
    "sound", "speech", "take", "test", "train", "unnamed", "untitled", "vid", "video", "videos",
    "voice", "whatsapp",
))  # fmt: skip
_MOST = 10


class RealFakeFolder(Reader):
    """`[train|val|test]/real|fake/[method/][person/]file`, in any order of the first two."""

    about = About(
        name="folder",
        title="A plain folder with real/ and fake/",
        modalities=("image", "video", "audio"),
        labels=("real", "fake"),
        splits=("train", "val", "test"),
        licence="whatever the files' own terms are",
        obtain="any folder of yours",
        paper="",
        layout="[train|val|test]/{real,fake}/[method/][person/]*.{jpg,mp4,wav,…}",
        quirks=(
            "A file's person is the folder it lies in below a method, else the beginning of its "
            "name (`id07_take2.mp4` → id07; words as `frame_` or `IMG_` are nobody); check the "
            "groups with `assay data verify`.",
            "A folder below fake/ names the method; a file directly in fake/ has the method "
            "`unnamed`.",
            "`id0_id1_0000.mp4` and `071_054.mp4` below fake/ name a second person, the donor.",
            "Also genuine, authentic, bonafide for real/ and forged, spoof, deepfake(s) for fake/. "
            "A file under both is an error; names above the folder and of files mean nothing.",
            "Names beginning with a dot (`.DS_Store`, `._clip.mp4`) are passed over; links are "
            "followed, unless they lead to a folder above themselves.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """A real and a fake folder, at the top or below each split."""
        folder = SetFolder(root)
        splits = [name for name in folder.folders() if name.lower() in SPLITS]
        tops = [[name.lower() for name in folder.folders(top)] for top in ("", *splits)]
        return any({LABELS[name] for name in top if name in LABELS} == {"real", "fake"}
                   for top in tops)  # fmt: skip

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader; files of unknown kinds are counted in a notice. Raises ConfigError where
        a file lies under real/ and under fake/ at once."""
        folder = SetFolder(root)
        rows = []
        for path in folder.files("", ("",), deep=True):
            *places, name = path.split("/")
            label = _label(places, path)
            modality = MODALITY_OF.get(Path(name).suffix.lower())
            folder.counts["unknown_kind"] += label is not None and modality is None
            if label is not None and modality is not None:
                rows.append(_record(path, modality, label))
        if not rows:
            _refuse(root, folder)
        yield from in_order(rows, [*folder.notices(), *_crowds(rows)], self.about.layout)


def _refuse(root: Path, folder: SetFolder) -> None:
    below = {name for top in ("", *folder.folders()) for name in folder.folders(top)}
    synths = below & {"0_real", "1_fake"}
    raise ConfigError(
        f"There is no media file under a folder real/ or fake/ in {root}.",
        remedy="Read it with the reader forensynths: it has 0_real/ and 1_fake/."
        if synths
        else "Put genuine files into real/ and forged ones into fake/.",
    )


def _label(places: list[str], path: str) -> Label | None:
    found: Label | None = None
    for place in places:
        label = LABELS.get(place.lower())
        if label is None or (found == "fake" and place.lower() in _METHODS_TOO):
            continue
        if found is not None and label != found:
            raise ConfigError(f"{path!r} lies under a real and under a fake folder at once.")
        found = label
    return found


def _record(path: str, modality: Modality, label: Label) -> Record:
    *places, name = path.split("/")
    split: Split = next((SPLITS[p.lower()] for p in places if p.lower() in SPLITS), NO_SPLIT)
    labelled = next(k for k, place in enumerate(places) if place.lower() in LABELS)
    below = [p for k, p in enumerate(places) if k != labelled and not _is_frame(p, label)]
    method = (below[0] if below else "unnamed") if label == "fake" else ""
    people = below[1:] if label == "fake" else below
    swap = _SWAP.match(name) if label == "fake" else None
    return Record(
        dataset="folder",
        path=path,
        modality=modality,
        label=label,
        method=method,
        identity=people[-1] if people else _person(name),
        donor=(swap["donor"] or swap["numbered"]) if swap else "",
        split=split,
    )


def _is_frame(place: str, label: Label) -> bool:
    """Whether a folder's name says the split or the label, and nothing of method or person."""
    name = place.lower()
    return name in SPLITS or (name in LABELS and not (label == "fake" and name in _METHODS_TOO))


def _person(name: str) -> str:
    found = _PERSON.match(name)
    word = found[1] if found else ""
    return "" if word.rstrip("0123456789").lower() in _NOBODY else word


def _crowds(rows: list[Record]) -> Iterator[Notice]:
    """A notice where one name stands for most files: it is hardly a person, and what shares a
    person is never divided between training and test."""
    held = Counter(row.identity for row in rows if row.identity)
    name, n = max(held.items(), key=lambda pair: pair[1], default=("", 0))
    if n > _MOST and n > len(rows) / 2:
        yield Notice(
            "one_person",
            f"files are taken for the same person, {name!r}, and will not be divided between "
            "training and test: put each person into a folder, or begin names by the person",
            n,
        )


READERS = (RealFakeFolder,)
