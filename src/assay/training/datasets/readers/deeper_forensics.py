"""DeeperForensics-1.0: actors' faces put on the videos of FaceForensics++, with perturbations."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from assay.errors import ConfigError
from assay.training.datasets.readers import About, Choice, Reader
from assay.training.datasets.readers.label_files import inside, lines_of
from assay.training.datasets.readers.set_folder import VIDEOS, SetFolder, in_order
from assay.training.datasets.records import NO_SPLIT, Notice, PublishedCount, Record, Split

FAKES = "manipulated_videos"
SPLITS: tuple[Split, ...] = ("train", "val", "test")
TARGETS = ("target_videos", "original_sequences/youtube/c23")
VARIANTS = (
    "end_to_end",
    "reenact_postprocess",
    *(f"end_to_end_level_{level}" for level in range(1, 6)),
    "end_to_end_random_level",
    *(f"end_to_end_mix_{n}_distortions" for n in (2, 3, 4)),
)
_NAME = re.compile(r"(?P<target>\d{3})_(?P<source>[MW]\d{3})")
_ACTOR = re.compile(r"(?P<actor>[MW]\d{3})_")
LAYOUT = (
    "manipulated_videos/<variant>/TTT_M004.mp4, lists/splits/{train,val,test}.txt, "
    "target_videos/TTT.mp4 (yours, from FaceForensics++), source_videos/M004/…"
)


class DeeperForensics(Reader):
    """1,000 swaps in 11 variants; the genuine side comes from FaceForensics++."""

    about = About(
        name="deeper_forensics",
        title="DeeperForensics-1.0 (Jiang et al., CVPR 2020)",
        modalities=("video", "frames"),
        labels=("real", "fake"),
        splits=("train", "val", "test"),
        licence="non-commercial research, on request; see its terms of use",
        obtain="the form in https://github.com/EndlessSora/DeeperForensics-1.0/tree/master/dataset",
        paper="Jiang et al., DeeperForensics-1.0: A Large-Scale Dataset for Real-World Face "
        "Forgery Detection, CVPR 2020, arXiv:2001.03024",
        layout=LAYOUT,
        bibtex="@inproceedings{jiang2020deeperforensics1, title={{DeeperForensics-1.0}: A "
        "Large-Scale Dataset for Real-World Face Forgery Detection}, author={Jiang, Liming and "
        "Li, Ren and Wu, Wayne and Qian, Chen and Loy, Chen Change}, booktitle={CVPR}, "
        "year={2020}}",
        published=(
            *(PublishedCount(1000, {"subset": name}) for name in VARIANTS),
            PublishedCount(48475, {"subset": "source_videos"}),
        ),
        choices={
            "variant": Choice(
                (*VARIANTS, "all"),
                "which of the folders of swaps: as made, finished by hand, or perturbed",
            ),
            "source_videos": Choice(
                ("leave", "real"),
                "leave: the actors' recordings are no genuine side (so its authors say); real: "
                "take them as such",
            ),
        },
        quirks=(
            "The genuine side is not in the download: it is the 1,000 YouTube videos of "
            "FaceForensics++ at c23. Put them into target_videos/ (NNN.mp4). Without them all is "
            "fake, and that is said.",
            "The actors' 48,475 recordings are raw material, filmed in a studio: as a genuine side "
            "they make the studio the label.",
            "Each variant is the same 1,000 swaps: never divide variants between splits.",
            "`identity` is the target's number, `donor` the actor. The authors ask to group by "
            "actor.",
            "The genuine targets of perturbed swaps are not perturbed: compression and noise tell "
            "the label unless they are added.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """A variant below manipulated_videos."""
        return any((root / FAKES / name).is_dir() for name in VARIANTS)

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader."""
        tree = SetFolder(root)
        split, notices = _splits(tree)
        chosen = VARIANTS if choices["variant"] == "all" else (choices["variant"],)
        rows, strange = _fakes(tree, chosen, split)
        targets = list(_targets(tree, split))
        if not targets:
            text = "target_videos/ is not there: nothing is genuine"
            notices.append(Notice("no_reals", text))
        if choices["source_videos"] == "real":
            targets += _actors(tree)
        notices.append(Notice("unknown_name", "videos are not named TTT_M004", strange))
        yield from in_order(rows + targets if rows else [], (*tree.notices(), *notices), LAYOUT)


def _fakes(
    tree: SetFolder, variants: tuple[str, ...], split: Mapping[str, Split]
) -> tuple[list[Record], int]:
    found, strange = [], 0
    for variant in variants:
        for path, modality in tree.videos(f"{FAKES}/{variant}"):
            name = _NAME.match(path.rsplit("/", 1)[-1])
            if name is None:
                strange += 1
                continue
            found.append(
                Record(
                    dataset="deeper_forensics",
                    path=path,
                    modality="frames" if modality == "frames" else "video",
                    label="fake",
                    method="DF-VAE",
                    identity=name["target"],
                    donor=name["source"],
                    source=f"youtube {name['target']}",
                    split=split.get(name[0], NO_SPLIT),
                    subset=variant,
                    visual_fake=True,
                )
            )
    return found, strange


def _targets(tree: SetFolder, split: Mapping[str, Split]) -> Iterator[Record]:
    of_target = {name[:3]: part for name, part in split.items()}
    for folder in TARGETS:
        for path, modality in tree.videos(folder):
            number = path.rsplit("/", 1)[-1].split(".")[0]
            yield Record(
                dataset="deeper_forensics",
                path=path,
                modality="frames" if modality == "frames" else "video",
                label="real",
                identity=number,
                source=f"youtube {number}",
                split=of_target.get(number, NO_SPLIT),
                subset="target_videos",
                visual_fake=False,
            )


def _actors(tree: SetFolder) -> Iterator[Record]:
    for path in tree.files("source_videos", VIDEOS, deep=True):
        name = _ACTOR.match(path.rsplit("/", 1)[-1])
        yield Record(
            dataset="deeper_forensics",
            path=path,
            modality="video",
            label="real",
            identity=name["actor"] if name else path.split("/")[1],
            subset="source_videos",
            visual_fake=False,
        )


def _splits(tree: SetFolder) -> tuple[dict[str, Split], list[Notice]]:
    """The split of each name TTT_M004. Raises ConfigError where a line is no such name or one is
    in two splits."""
    found: dict[str, Split] = {}
    notices = []
    for split in SPLITS:
        path = tree.root / f"lists/splits/{split}.txt"
        if not path.is_file():
            notices.append(Notice("no_split_files", f"lists/splits/{split}.txt is not there"))
            continue
        for number, line in lines_of(path):
            where = f"{path}, line {number}"
            name = _NAME.match(inside(line, where).rsplit("/", 1)[-1])
            if name is None:
                raise ConfigError(f"{where}: {line[:60]!r} is no name like 000_M004.mp4.")
            if found.setdefault(name[0], split) != split:
                raise ConfigError(f"{where}: {name[0]} is in {found[name[0]]}, too.")
    return found, notices


READERS = (DeeperForensics,)
