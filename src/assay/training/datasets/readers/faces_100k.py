"""100K-Faces: StyleGAN portraits of generated.photos in one folder, all forged."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from assay.training.datasets.readers import About, Choice, Reader
from assay.training.datasets.readers.nesting import start_of as find_start
from assay.training.datasets.readers.nesting import started
from assay.training.datasets.readers.set_folder import PICTURES, SetFolder, in_order
from assay.training.datasets.records import Notice, PublishedCount, Record

# 100K-Faces, 100k_faces, 100K Generated Images, generated.photos, generated-photos …
_NAME = re.compile(r"(100k|100[._-]?000|1m|1k)?[ ._-]*(faces|generated[ ._-]*(photos|images))$")
METHODS = {"100k-faces": "stylegan", "generated-photos": "generated.photos"}


class Faces100k(Reader):
    """A folder of pictures, called after the set; all of them are forged."""

    about = About(
        name="faces_100k",
        title="100K-Faces (generated.photos)",
        modalities=("image",),
        labels=("fake",),
        splits=(),
        licence="terms of generated.photos (not verified for the release of 2019)",
        obtain="https://generated.photos/datasets (the 100K release of 2019 was a shared drive)",
        paper="Generated Media, Inc.: 100,000 Faces (2019); generator: Karras et al., CVPR 2019",
        bibtex="""@misc{generatedphotos2019faces,
  title={100,000 Faces},
  author={{Generated Media, Inc.}},
  year={2019},
  howpublished={https://generated.photos}
}""",
        layout="100K-Faces/*.jpg (one folder, or folders in it)",
        published=(PublishedCount(100_000),),
        choices={
            "release": Choice(
                tuple(METHODS),
                "the StyleGAN release of 2019, or later pictures of generated.photos, whose "
                "generator is not told",
            )
        },
        quirks=(
            "All forged: pair it with a set of genuine faces of like framing (FFHQ).",
            "The generator was trained on 29,000 studio photographs of 69 people, not on FFHQ: "
            "light and background are those of a studio and tell the set apart.",
            "No label file, no split, no person; names are counters.",
            "The folder is known by its name only (`100K-Faces`, `generated.photos`): one folder "
            "of pictures looks like another. Name the reader to have any folder read.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """A folder of pictures that is called so."""
        start = find_start(SetFolder(root), _is_start, deepest=1)
        return start is not None

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader; every picture below the folder, whatever the folder is called."""
        folder, start = started(root, _is_start_or_root, self.about.layout, deepest=1)
        rows = [
            Record(
                dataset="faces_100k",
                path=path,
                modality="image",
                label="fake",
                method=METHODS[choices["release"]],
            )
            for path in folder.files(start, PICTURES, deep=True)
        ]
        yield from in_order(rows, folder.notices(), self.about.layout)


def _is_start(folder: SetFolder, place: str) -> bool:
    name = place.rsplit("/", 1)[-1] or folder.root.name
    there = {below.lower() for below in folder.folders(place)}
    labelled = bool(there & {"real", "fake", "0_real", "1_fake", "train", "test"})
    return bool(_NAME.fullmatch(name.lower())) and not labelled


def _is_start_or_root(folder: SetFolder, place: str) -> bool:
    found = find_start(folder, _is_start, deepest=1)
    return place == (found or "")


READERS = (Faces100k,)
