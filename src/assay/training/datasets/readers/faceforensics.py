"""FaceForensics (2018) and FaceForensics++ (2019): all methods, compressions, masks, two splits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import get_args

import numpy as np

from assay.errors import ConfigError
from assay.training.datasets.readers import About, Choice, Reader
from assay.training.datasets.readers.dfd import actors
from assay.training.datasets.readers.faceforensics_folders import (
    COMPRESSION,
    DFD,
    FIVE,
    YOUTUBE,
    Sequence,
    is_faceforensics,
    sequences,
    without_compression,
)
from assay.training.datasets.readers.label_files import json_of
from assay.training.datasets.readers.set_folder import VIDEOS, SetFolder, in_order
from assay.training.datasets.records import (
    NO_SPLIT,
    Label,
    Notice,
    PublishedCount,
    Record,
    Split,
)

FOUR = FIVE[:4]
SPLITS: tuple[Split, ...] = ("train", "val", "test")
PLACES = ("splits", "dataset/splits", "")
_NAME = re.compile(r"(?P<target>\d{3})(?:_(?P<source>\d{3}))?")
_METHODS = {
    "five": FIVE,
    "four": FOUR,
    "all": (*FIVE, DFD),
    **{name: (name,) for name in (*FIVE, DFD)},
}
LAYOUT = (
    "original_sequences/{youtube,actors}/{raw|c0,c23,c40}/videos/NNN.mp4, "
    "manipulated_sequences/<method>/{raw|c0,c23,c40}/videos/TTT_SSS.mp4, "
    "manipulated_sequences/<method>/masks/videos/TTT_SSS.mp4, splits/{train,val,test}.json; or, in "
    "copies, original/NNN.mp4 and <method>/TTT_SSS.mp4"
)


def _counts() -> tuple[PublishedCount, ...]:
    real = {"label": "real", "subset": "c23"}
    sizes = {"train": 720, "val": 140, "test": 140}
    return (
        PublishedCount(1000, real),
        *(PublishedCount(1000, {"method": name, "subset": "c23"}) for name in FIVE),
        *(PublishedCount(n, {**real, "split": split}) for split, n in sizes.items()),
    )


class FaceForensicsPlusPlus(Reader):
    """1,000 videos from YouTube, each forged by every method; TTT_SSS is TTT's footage."""

    about = About(
        name="faceforensics++",
        title="FaceForensics++ (Rössler et al., ICCV 2019), with FaceShifter and DeepFakeDetection",
        modalities=("video", "frames"),
        labels=("real", "fake"),
        splits=("train", "val", "test"),
        licence="research and education only, on request; see its terms of use",
        obtain="the request form of https://github.com/ondyari/FaceForensics gives a script; put "
        "dataset/splits/*.json of that repository into splits/ beside the videos",
        paper="Rössler et al., FaceForensics++: Learning to Detect Manipulated Facial Images, "
        "ICCV 2019, arXiv:1901.08971",
        layout=LAYOUT,
        bibtex="@inproceedings{roessler2019faceforensicspp, title={{FaceForensics++}: Learning to "
        'Detect Manipulated Facial Images}, author={R{\\"o}ssler, Andreas and Cozzolino, Davide '
        "and Verdoliva, Luisa and Riess, Christian and Thies, Justus and Nie{\\ss}ner, Matthias}, "
        "booktitle={ICCV}, year={2019}}",
        published=_counts(),
        choices={
            "compression": COMPRESSION,
            "method": Choice(
                tuple(_METHODS),
                "five: the methods on the YouTube videos; four: those of the paper; all: with "
                "DeepFakeDetection and its actors; or one, with its originals",
            ),
            "split": Choice(
                ("official", "icpr2020"),
                "official: the pairs of splits/*.json; icpr2020: a permutation with seed 41 as "
                "Bonettini et al. (ICPR 2020) drew theirs",
            ),
        },
        quirks=(
            "The official pairs are not in the download: without splits/train.json, val.json and "
            "test.json no video has a split, and that is said.",
            "A fake TTT_SSS is in the official split that lists the pair, both ways round; both "
            "its people are in that split.",
            "icpr2020: that repository permutes the YouTube videos in the order in which its "
            "authors' disk listed them, which nobody else can repeat. Here the permutation (numpy, "
            "seed 41, 720/140/140) goes over the names in order: the same rule, other members.",
            "icpr2020 puts a fake where its target is; its source may be in another split. A "
            "notice counts them.",
            "`identity` is the target's number (whose footage it is), `donor` the source's. "
            "Numbers are videos: one person may have several.",
            "FaceShifter has no masks. Deepfakes and FaceSwap replace the face, Face2Face and "
            "NeuralTextures its expression.",
            "The actors (DeepFakeDetection) are in no split.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """The folder of the YouTube videos or of one of the five methods."""
        return is_faceforensics(root)

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader."""
        tree = SetFolder(root)
        chosen, quality = _METHODS[choices["method"]], choices["compression"]
        split, notices = official(tree) if choices["split"] == "official" else icpr2020()
        rows: list[Record] = []
        strange = 0
        for folder, method in _folders(chosen):
            for video in sequences(tree, folder, quality):
                name = _NAME.fullmatch(video.name)
                if name is None or bool(name["source"]) != bool(method):
                    strange += 1
                    continue
                where = split.get(video.name, NO_SPLIT)
                if choices["split"] == "icpr2020":
                    where = split.get(name["target"], NO_SPLIT)
                rows.append(_record(video, name, method, where))
        if DFD in chosen:
            found, odd = actors(tree, quality, self.about.name)
            rows += found
            notices.append(odd)
        notices.append(Notice("unknown_name", "videos are not named NNN or TTT_SSS", strange))
        notices += [_parted(rows, split), without_compression(rows), _left(tree, chosen)]
        yield from in_order(rows, (*tree.notices(), *notices), LAYOUT)


def _folders(chosen: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """(folder, method) of what is numbered NNN and TTT_SSS; the originals have no method."""
    numbered = [name for name in chosen if name != DFD]
    if numbered:
        yield YOUTUBE, ""
    yield from ((f"manipulated_sequences/{name}", name) for name in numbered)


def _record(video: Sequence, name: re.Match[str], method: str, split: Split) -> Record:
    return Record(
        dataset="faceforensics++",
        path=video.path,
        modality=video.modality,
        label="fake" if method else "real",
        method=method,
        identity=name["target"],
        donor=name["source"] or "",
        source=f"youtube {name['target']}",
        split=split,
        subset=video.compression,
        visual_fake=bool(method),
        mask=video.mask,
    )


def _left(tree: SetFolder, chosen: tuple[str, ...]) -> Notice:
    """Which methods are there and were not chosen."""
    there = {*tree.folders("manipulated_sequences"), *tree.folders()} & {*FIVE, DFD}
    left = sorted(there - set(chosen))
    text = f"methods are there and were not chosen: {', '.join(left)}"
    return Notice("not_chosen", text, len(left))


def _parted(rows: list[Record], split: Mapping[str, Split]) -> Notice:
    """How many fakes have their two people in two splits."""
    n = sum(split.get(row.donor, row.split) != row.split for row in rows if row.donor and row.split)
    return Notice("donor_elsewhere", "fakes have their source's video in another split", n)


def official(tree: SetFolder) -> tuple[dict[str, Split], list[Notice]]:
    """The split of each name (NNN and TTT_SSS) by the pairs that come with the set's code.

    Raises ConfigError where a file is no list of pairs or a video is in two splits.
    """
    place = next((p for p in PLACES if any(tree.has(_at(p, s)) for s in SPLITS)), None)
    if place is None:
        text = "splits/{train,val,test}.json are not there: no video has a split"
        return {}, [Notice("no_split_files", text)]
    found: dict[str, Split] = {}
    missing: list[Notice] = []
    for split in SPLITS:
        if not tree.has(_at(place, split)):
            missing.append(Notice("no_split_files", f"{_at(place, split)} is not there"))
            continue
        for name in _names(tree.root / _at(place, split)):
            if found.setdefault(name, split) != split:
                raise ConfigError(
                    f"{tree.root / _at(place, split)} lists {name}, and so does "
                    f"{_at(place, found[name])}."
                )
    return found, missing


def _at(place: str, split: str) -> str:
    return f"{place}/{split}.json" if place else f"{split}.json"


def _names(path: Path) -> Iterator[str]:
    for number, pair in enumerate(json_of(path, list), start=1):
        good = isinstance(pair, list) and len(pair) == 2
        if not good or not all(isinstance(n, str) and re.fullmatch(r"\d{3}", n) for n in pair):
            raise ConfigError(f"{path}, entry {number}: {str(pair)[:60]} is no pair of numbers.")
        first, second = pair
        yield from (first, second, f"{first}_{second}", f"{second}_{first}")


def icpr2020() -> tuple[dict[str, Split], list[Notice]]:
    """The split of each YouTube video NNN: a permutation with numpy's legacy generator, seed 41.

    polimi-ispl/icpr2020dfdc, isplutils/split.py: 720 for training, 140 and 140. It goes over all
    1,000 numbers in order, whichever of them are there.
    """
    order = np.random.RandomState(41).permutation(1000)
    parts = {"train": order[:720], "val": order[720:860], "test": order[860:]}
    split: dict[str, Split] = {
        f"{number:03d}": part for part in get_args(Split) if part for number in parts[part]
    }
    text = "the authors' own members depend on their disk's order; these are drawn by the same rule"
    return split, [Notice("icpr2020_members", text)]


OLD_LAYOUT = "[<kind>/]{train,val,test}/{original,altered,mask}/<video>.avi"
_KINDS: dict[str, Label] = {"original": "real", "altered": "fake"}


class FaceForensics(Reader):
    """The first set, of Face2Face only: each altered video beside its original."""

    about = About(
        name="faceforensics",
        title="FaceForensics (Rössler et al., 2018)",
        modalities=("video", "frames"),
        labels=("real", "fake"),
        splits=("train", "val", "test"),
        licence="research and education only, on request; see its terms of use",
        obtain="no longer given out: FaceForensics++ took its place "
        "(https://github.com/ondyari/FaceForensics)",
        paper="Rössler et al., FaceForensics: A Large-scale Video Dataset for Forgery Detection in "
        "Human Faces, arXiv:1803.09179",
        layout=OLD_LAYOUT,
        bibtex="@article{roessler2018faceforensics, title={{FaceForensics}: A Large-scale Video "
        'Dataset for Forgery Detection in Human Faces}, author={R{\\"o}ssler, Andreas and '
        "Cozzolino, Davide and Verdoliva, Luisa and Riess, Christian and Thies, Justus and "
        "Nie{\\ss}ner, Matthias}, journal={arXiv:1803.09179}, year={2018}}",
        published=(
            PublishedCount(1004, {"label": "real", "method": ""}, sure=False),
            PublishedCount(1004, {"method": "self_reenactment"}, sure=False),
        ),
        quirks=(
            "A video's original, altered version and mask share the first 14 signs of their names, "
            "which begin with the 11 of the YouTube video: that is the `source`.",
            "A folder named for source-to-target holds reenactments by another person's face; who "
            "that is, the reader does not tell.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """original/ and altered/ in a split, at the top or one level below."""
        return any(
            {"original", "altered"} <= {path.name for path in (root / kind / split).glob("*/")}
            for kind in ["", *SetFolder(root).folders()[:20]]
            for split in SPLITS
        )

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader."""
        tree = SetFolder(root)
        rows: list[Record] = []
        for kind in ["", *(name for name in tree.folders() if name not in SPLITS)]:
            for split in SPLITS:
                rows += _of_split(tree, kind, split)
        yield from in_order(rows, tree.notices(), OLD_LAYOUT)


def _of_split(tree: SetFolder, kind: str, split: Split) -> Iterator[Record]:
    here = f"{kind}/{split}" if kind else split
    masks = {path.rsplit("/", 1)[-1][:14]: path for path in tree.files(f"{here}/mask", VIDEOS)}
    method = "source_to_target" if "source" in kind.lower() else "self_reenactment"
    for folder, label in _KINDS.items():
        for path, modality in tree.videos(f"{here}/{folder}"):
            name = path.rsplit("/", 1)[-1]
            fake = label == "fake"
            yield Record(
                dataset="faceforensics",
                path=path,
                modality="frames" if modality == "frames" else "video",
                label=label,
                method=method if fake else "",
                source=name[:11],
                split=split,
                subset=kind,
                visual_fake=fake,
                mask=masks.get(name[:14], "") if fake else "",
            )


READERS = (FaceForensicsPlusPlus, FaceForensics)
