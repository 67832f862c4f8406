"""DeepFakeDetection, the set of Google and Jigsaw, as it lies inside FaceForensics++."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from assay.training.datasets.readers import About, Reader
from assay.training.datasets.readers.faceforensics_folders import (
    COMPRESSION,
    DFD,
    Sequence,
    is_faceforensics,
    sequences,
    without_compression,
)
from assay.training.datasets.readers.set_folder import SetFolder, in_order
from assay.training.datasets.records import Notice, PublishedCount, Record

ACTORS = "original_sequences/actors"
FAKES = f"manipulated_sequences/{DFD}"
_NAME = re.compile(r"(?P<target>\d+)(?:_(?P<source>\d+))?__(?P<scene>.+?)(?:__(?P<take>[^_]{8}))?")
LAYOUT = (
    "original_sequences/actors/{raw|c0,c23,c40}/videos/<actor>__<scene>.mp4 and "
    "manipulated_sequences/DeepFakeDetection/{…}/videos/<target>_<source>__<scene>__<8 signs>.mp4; "
    "or, in copies, DFD_original_sequences/ and DFD_manipulated_sequences/"
)


class DeepFakeDetection(Reader):
    """Originals of paid actors and their swaps; no split."""

    about = About(
        name="dfd",
        title="DeepFakeDetection (Google and Jigsaw, 2019)",
        modalities=("video", "frames"),
        labels=("real", "fake"),
        splits=(),
        licence="the terms of FaceForensics++: research and education, on request",
        obtain="the request form of https://github.com/ondyari/FaceForensics; its script fetches "
        "it with -d DeepFakeDetection and -d DeepFakeDetection_original",
        paper="Dufour and Gully, Contributing Data to Deepfake Detection Research, Google AI Blog "
        "2019",
        layout=LAYOUT,
        bibtex="@misc{dufour2019dfd, title={Contributing Data to Deepfake Detection Research}, "
        "author={Dufour, Nicholas and Gully, Andrew}, howpublished={Google AI Blog}, year={2019}}",
        published=(
            PublishedCount(363, {"label": "real", "subset": "c23"}),
            PublishedCount(3068, {"label": "fake", "subset": "c23"}),
        ),
        choices={"compression": COMPRESSION},
        quirks=(
            "Where it lies inside FaceForensics++, name it (dfd), or read FaceForensics++ with the "
            "method all.",
            "It has no split; some benchmarks list every video in train, val and test. Divide it "
            "with `assay data split`.",
            "28 actors are swapped with one another: where the donor counts as well, all videos "
            "are one group. Split without the donor, and say so.",
            "A swap's `identity` is the actor whose footage it is, its `donor` the one whose face "
            "was put on; its `source` is the scene that the original shows.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """The folder of the actors or of the swaps, and not FaceForensics++ around them."""
        copies = ("DFD_original_sequences", "DFD_original sequences", "DFD_manipulated_sequences")
        there = any((root / name).is_dir() for name in (ACTORS, FAKES, *copies))
        return there and not is_faceforensics(root)

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader."""
        tree = SetFolder(root)
        rows, strange = actors(tree, choices["compression"], self.about.name)
        notices = (*tree.notices(), strange, without_compression(rows))
        yield from in_order(rows, notices, LAYOUT)


def actors(tree: SetFolder, compression: str, dataset: str) -> tuple[list[Record], Notice]:
    """The videos of the actors, and how many files have names of another form."""
    found: list[Record] = []
    strange = 0
    for folder, fake in ((ACTORS, False), (FAKES, True)):
        for video in sequences(tree, folder, compression):
            name = _NAME.fullmatch(video.name)
            if name is None or bool(name["source"]) != fake:
                strange += 1
                continue
            found.append(_record(video, name, dataset))
    return found, Notice(
        "unknown_name", "videos of actors are not named as they should be", strange
    )


def _record(video: Sequence, name: re.Match[str], dataset: str) -> Record:
    fake = bool(name["source"])
    return Record(
        dataset=dataset,
        path=video.path,
        modality=video.modality,
        label="fake" if fake else "real",
        method=DFD if fake else "",
        identity=f"actor {name['target']}",
        donor=f"actor {name['source']}" if fake else "",
        source=f"{name['target']}__{name['scene']}",
        subset=video.compression,
        visual_fake=fake,
        mask=video.mask,
    )


READERS = (DeepFakeDetection,)
