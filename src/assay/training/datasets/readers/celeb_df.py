"""Celeb-DF v1, v2 and Celeb-DF++: celebrities and their swaps. In its test list 1 means genuine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from assay.errors import ConfigError
from assay.training.datasets.readers import About, Reader
from assay.training.datasets.readers.label_files import inside, lines_of
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

TEST_LIST = "List_of_testing_videos.txt"
REALS = ("Celeb-real", "YouTube-real")
FAKES = "Celeb-synthesis"
SCENARIOS = ("FaceSwap", "FaceReenact", "TalkingFace")
# Which of two sets of one layout it is, where the folder's name does not say: v1 lists 100 videos
# for the test, v2 518.
_FEW = 200
_NAME = re.compile(r"(?P<target>id\d+)(?:_(?P<donor>id\d+))?_(?P<take>\d+)(?=_|$)")
_WORD: dict[str, Label] = {"1": "real", "0": "fake"}
LAYOUT = (
    "Celeb-real/id0_0000.mp4, YouTube-real/00000.mp4, Celeb-synthesis/id0_id1_0000.mp4, "
    f"{TEST_LIST}"
)
LAYOUT_PP = LAYOUT.replace("synthesis/", "synthesis/{FaceSwap,FaceReenact,TalkingFace}/<method>/")
_BIBTEX = (
    "@inproceedings{li2020celebdf, title={{Celeb-DF}: A Large-scale Challenging Dataset for "
    "DeepFake Forensics}, author={Li, Yuezun and Yang, Xin and Sun, Pu and Qi, Honggang and Lyu, "
    "Siwei}, booktitle={CVPR}, year={2020}}"
)
_BIBTEX_PP = (
    "@article{li2025celebpp, title={{Celeb-DF++}: A Large-scale Challenging Video DeepFake "
    "Benchmark for Generalizable Forensics}, author={Li, Yuezun and Zhu, Delong and Cui, Xinjie "
    "and Lyu, Siwei}, journal={arXiv}, year={2025}}"
)
_QUIRKS = (
    "In List_of_testing_videos.txt 1 is a genuine video and 0 a fake: the opposite of most sets. "
    "A line that contradicts its folder is an error, so an inverted list is not read.",
    "`train` is what the list does not name; some benchmarks leave the test videos in it. There is "
    "no val.",
    "id0_id1_0000 is the footage id0_0000 with id1's face: `identity` is id0, `donor` id1, "
    "`source` id0_0000. Many fakes are made from one footage.",
    "Nobody is named in YouTube-real: those videos have no identity.",
    "The same celebrities may be in train and test: `assay data verify` counts them.",
)


def _about(
    version: str, title: str, published: tuple[PublishedCount, ...], more: tuple[str, ...] = ()
) -> About:
    later = version == "celeb_df++"
    return About(
        name=version,
        title=title,
        modalities=("video", "frames"),
        labels=("real", "fake"),
        splits=("train", "test"),
        licence="research only, on request (Terms to Use Celeb-DF); the videos belong to others",
        obtain="the form in https://github.com/"
        + ("OUC-VAS/Celeb-DF-PP" if later else "yuezunli/celeb-deepfakeforensics"),
        paper="Li et al., Celeb-DF++: A Large-scale Challenging Video DeepFake Benchmark for "
        "Generalizable Forensics, 2025"
        if later
        else "Li et al., Celeb-DF: A Large-scale Challenging Dataset for DeepFake Forensics, "
        "CVPR 2020, arXiv:1909.12962",
        layout=LAYOUT_PP if later else LAYOUT,
        bibtex=f"{_BIBTEX_PP}\n{_BIBTEX}" if later else _BIBTEX,
        published=published,
        quirks=(*_QUIRKS, *more),
    )


class CelebDfV1(Reader):
    """408 genuine videos and 795 swaps."""

    about = _about(
        "celeb_df_v1",
        "Celeb-DF v1 (Li et al., 2019)",
        (PublishedCount(408, {"label": "real"}), PublishedCount(795, {"label": "fake"})),
        ("v1 and v2 have one layout: it is v1 if the folder's name says v1, or if the test list is "
         "short and the name does not say v2.",),
    )  # fmt: skip

    def recognises(self, root: Path) -> bool:
        """The folders of Celeb-DF, and what tells v1."""
        return _is_celeb_df(root) and _is_v1(root)

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader."""
        yield from _read(root, self.about)


class CelebDfV2(Reader):
    """590 celebrities' and 300 other genuine videos, 5,639 swaps."""

    about = _about(
        "celeb_df_v2",
        "Celeb-DF v2 (Li et al., CVPR 2020)",
        (
            PublishedCount(890, {"label": "real"}),
            PublishedCount(590, {"label": "real", "subset": "Celeb-real"}),
            PublishedCount(300, {"label": "real", "subset": "YouTube-real"}),
            PublishedCount(5639, {"label": "fake"}),
            PublishedCount(518, {"split": "test"}),
            PublishedCount(178, {"split": "test", "label": "real"}),
        ),
    )

    def recognises(self, root: Path) -> bool:
        """The folders of Celeb-DF, and not what tells v1."""
        return _is_celeb_df(root) and not _is_v1(root)

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader."""
        yield from _read(root, self.about)


class CelebDfPlusPlus(Reader):
    """22 methods in three scenarios, on the genuine videos of v2."""

    about = _about(
        "celeb_df++",
        "Celeb-DF++ (Li et al., 2025)",
        (
            PublishedCount(890, {"label": "real"}, sure=False),
            PublishedCount(178, {"split": "test", "label": "real"}),
            PublishedCount(1600, {"split": "test", "label": "fake", "subset": "FaceSwap"}),
            PublishedCount(1400, {"split": "test", "label": "fake", "subset": "FaceReenact"}),
            PublishedCount(2100, {"split": "test", "label": "fake", "subset": "TalkingFace"}),
        ),
        ("`method` is the folder below the scenario; the swaps of v2 are the method Celeb-DF.",),
    )

    def recognises(self, root: Path) -> bool:
        """A scenario below Celeb-synthesis."""
        return any((root / FAKES / name).is_dir() for name in SCENARIOS)

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader."""
        yield from _read(root, self.about)


def _is_celeb_df(root: Path) -> bool:
    folders = (root / FAKES).is_dir() and any((root / name).is_dir() for name in REALS)
    return folders and not any((root / FAKES / name).is_dir() for name in SCENARIOS)


def _is_v1(root: Path) -> bool:
    name = root.resolve().name.lower()
    if "v1" in name or "v2" in name:
        return "v1" in name
    if not (root / TEST_LIST).is_file() or len(list((root / FAKES).glob("*.mp4"))) < _FEW:
        return False
    return (root / TEST_LIST).read_bytes().count(b"\n") < _FEW


def _read(root: Path, about: About) -> Iterator[Record | Notice]:
    tree = SetFolder(root)
    tested, notices = listed_for_test(root)
    there = dict(_found(tree))
    by_name = {_bare(path): path for path in there}
    listed = {by_name.get(_bare(path), path) for path in tested}
    split: Split = "train" if tested else NO_SPLIT
    rows = [
        _record(
            path, there.get(path, "video"), about.name, "test" if path in listed else split,
            path in listed,
        )
        for path in {*there, *listed}
    ]  # fmt: skip
    yield from in_order(rows, (*tree.notices(), *notices), about.layout)


def _found(tree: SetFolder) -> Iterator[tuple[str, Modality]]:
    folders = [*REALS, FAKES]
    for scenario in tree.folders(FAKES):
        if scenario in SCENARIOS:
            folders += [
                f"{FAKES}/{scenario}/{name}" for name in tree.folders(f"{FAKES}/{scenario}")
            ]
    for folder in folders:
        for path, modality in tree.videos(folder):
            yield path, "frames" if modality == "frames" else "video"


def _bare(path: str) -> str:
    """The path as the list gives it, without its suffix: frames/ and videos/ are no part of it."""
    parts = [part for part in path.split("/") if part not in ("frames", "images", "videos")]
    stem = "/".join(parts)
    return stem[:-4] if stem.lower().endswith(VIDEOS) and stem[-4] == "." else stem


def listed_for_test(root: Path) -> tuple[set[str], list[Notice]]:
    """The paths of the test videos. Raises ConfigError, naming the line, where the label of one is
    not that of its folder."""
    path = root / TEST_LIST
    if not path.is_file():
        return set(), [Notice("no_test_list", f"{TEST_LIST} is not there: no video has a split")]
    found: set[str] = set()
    twice = 0
    for number, line in lines_of(path):
        where = f"{path}, line {number}"
        word, _, name = line.partition(" ")
        if word not in _WORD or not name:
            raise ConfigError(f"{where}: {line[:80]!r} is not `1 YouTube-real/00000.mp4`.")
        video = inside(name, where)
        if _label(video, where) != _WORD[word]:
            raise ConfigError(
                f"{where}: {video} is labelled {word}, which is {_WORD[word]} in this set; its "
                "folder says otherwise."
            )
        twice += video in found
        found.add(video)
    return found, [Notice("listed_twice", f"lines of {TEST_LIST} repeat a video", twice)]


def _label(path: str, where: str) -> Label:
    top = path.split("/")[0]
    if top not in (*REALS, FAKES) or "/" not in path:
        raise ConfigError(f"{where}: {path!r} lies in no folder of the set.")
    return "real" if top in REALS else "fake"


def _record(path: str, modality: Modality, dataset: str, split: Split, listed: bool) -> Record:
    parts = _bare(path).split("/")
    label = _label(path, "Celeb-DF")
    name = _NAME.match(parts[-1])
    fake = label == "fake"
    target = name["target"] if name else ""
    return Record(
        dataset=dataset,
        path=path,
        modality=modality,
        label=label,
        method=(parts[2] if len(parts) > 3 else "Celeb-DF") if fake else "",
        identity=target,
        donor=(name["donor"] or "") if name and fake else "",
        source=f"{target}_{name['take']}" if name else "/".join(parts[-2:]),
        split=split,
        subset=parts[1] if len(parts) > 3 else parts[0],
        visual_fake=fake,
        listed=listed,
    )


READERS = (CelebDfV1, CelebDfV2, CelebDfPlusPlus)
