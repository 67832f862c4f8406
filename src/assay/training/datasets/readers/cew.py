"""Closed Eyes in the Wild: eye patches and faces, open and closed (Song et al., 2014)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

from assay.training.datasets.readers import About, Choice, Reader
from assay.training.datasets.readers.nesting import join, started
from assay.training.datasets.readers.nesting import start_of as find_start
from assay.training.datasets.readers.set_folder import PICTURES, SetFolder, in_order
from assay.training.datasets.records import Notice, PublishedCount, Record

State = Literal["open", "closed"]
# folder: (state, subset)
EYES: dict[str, tuple[State, str]] = {
    "closedLeftEyes": ("closed", "left"),
    "closedRightEyes": ("closed", "right"),
    "openLeftEyes": ("open", "left"),
    "openRightEyes": ("open", "right"),
}
FACES: dict[str, tuple[State, str]] = {
    "ClosedFace": ("closed", "face"),
    "OpenFace": ("open", "face"),
}
# closed_eye_0001.jpg_face_1_L.jpg, Aaron_Guiel_0001_L.jpg, Aaron_Guiel_0001.jpg
_SIDE = re.compile(r"[_-](L|R|left|right)$", re.IGNORECASE)
_LFW = re.compile(r"^(?P<person>[^\W\d_].*?)_\d{4}$")


class Cew(Reader):
    """`dataset_B_Eye_Images/{closed,open}{Left,Right}Eyes/` and `dataset_B_FacialImages/`."""

    about = About(
        name="cew",
        title="Closed Eyes in the Wild (CEW)",
        modalities=("image",),
        labels=("real",),
        splits=(),
        licence="none verified; research only by custom; faces with open eyes are from LFW",
        obtain="http://parnec.nuaa.edu.cn/xtan/data/ClosedEyeDatabases.html (may be offline)",
        paper="Song, Tan, Liu, Chen: Eyes closeness detection from still images with "
        "multi-scale histograms of principal oriented gradients, Pattern Recognition 2014",
        bibtex="""@article{song2014eyes,
  title={Eyes closeness detection from still images with multi-scale histograms of principal
         oriented gradients},
  author={Song, Fengyi and Tan, Xiaoyang and Liu, Xue and Chen, Songcan},
  journal={Pattern Recognition},
  year={2014}
}""",
        layout="""dataset_B_Eye_Images/{closedLeftEyes,closedRightEyes,openLeftEyes,openRightEyes}/*.jpg
dataset_B_FacialImages/{ClosedFace,OpenFace}/*.jpg""",
        published=(
            PublishedCount(1_231, {"eye": "open", "subset": "left"}),
            PublishedCount(1_231, {"eye": "open", "subset": "right"}),
            PublishedCount(1_192, {"eye": "closed", "subset": "left"}, sure=False),
            PublishedCount(1_192, {"eye": "closed", "subset": "right"}, sure=False),
        ),
        choices={
            "part": Choice(
                ("eyes", "faces", "all"), "patches of 24 pixels around an eye, or 100-pixel faces"
            )
        },
        quirks=(
            "All genuine; the state is in `eye`.",
            "The left and the right eye of one face, and the face itself, share a `source`: a "
            "split by picture would show the same face on both sides.",
            "Open eyes are from LFW, closed ones from the web: the person is known for open eyes "
            "only, and the two classes differ in where they come from.",
            "A face counts as closed when both eyes are.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """The folders of eyes, or of faces."""
        return find_start(SetFolder(root), _is_start) is not None

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader."""
        folder, start = started(root, _is_start, self.about.layout)
        wanted = {
            **(EYES if choices["part"] != "faces" else {}),
            **(FACES if choices["part"] != "eyes" else {}),
        }
        rows = [
            _record(path, *wanted[name])
            for place in ("", "dataset_B_Eye_Images", "dataset_B_FacialImages")
            for name in folder.folders(join(start, place))
            if name in wanted
            for path in folder.files(join(start, place, name), PICTURES, deep=True)
        ]
        yield from in_order(rows, folder.notices(), self.about.layout)


def _is_start(folder: SetFolder, place: str) -> bool:
    there = set(folder.folders(place))
    parts = {"dataset_B_Eye_Images", "dataset_B_FacialImages"}
    return bool(there & parts) or there >= set(FACES) or len(there & set(EYES)) > 1


def _record(path: str, eye: State, subset: str) -> Record:
    stem = _SIDE.sub("", path.rsplit("/", 1)[-1].rpartition(".")[0])
    person = _LFW.match(stem) if eye == "open" else None
    return Record(
        dataset="cew",
        path=path,
        modality="image",
        label="real",
        identity=person["person"] if person else "",
        source=stem,
        subset=subset,
        eye=eye,
    )


READERS = (Cew,)
