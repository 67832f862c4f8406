"""Eye-Blinking Videos of "In Ictu Oculi" (Li, Chang, Lyu, WIFS 2018): the published samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from assay.errors import ConfigError
from assay.training.datasets.readers import About, Reader
from assay.training.datasets.readers.label_files import inside, rows_of
from assay.training.datasets.readers.nesting import join, started
from assay.training.datasets.readers.nesting import start_of as find_start
from assay.training.datasets.readers.set_folder import PICTURES, VIDEOS, SetFolder, in_order
from assay.training.datasets.records import Modality, Notice, PublishedCount, Record

EYES, SEQUENCES = "sample_eye_data", "sample_sq_data"
STATES = "eye_states.csv"


class EyeBlinking(Reader):
    """`sample_eye_data/*.png`, `sample_sq_data/tube_00000/*.png`, states from a table of yours."""

    about = About(
        name="eye_blinking",
        title="Eye-Blinking Videos (EBV, In Ictu Oculi)",
        modalities=("image", "video", "frames"),
        labels=("real",),
        splits=(),
        licence="none stated; videos from the web, not published for their copyright",
        obtain="https://github.com/danmohaha/WIFS2018_In_Ictu_Oculi (samples only); the authors "
        "give the 50 videos on request",
        paper="Li, Chang, Lyu: In Ictu Oculi: Exposing AI Created Fake Videos by Detecting Eye "
        "Blinking, WIFS 2018, arXiv:1806.02877",
        bibtex="""@inproceedings{li2018ictu,
  title={In Ictu Oculi: Exposing {AI} Generated Fake Face Videos by Detecting Eye Blinking},
  author={Li, Yuezun and Chang, Ming-Ching and Lyu, Siwei},
  booktitle={IEEE International Workshop on Information Forensics and Security (WIFS)},
  year={2018}
}""",
        layout="""sample_eye_data/*.png                 (one eye a picture; states in train.p)
sample_sq_data/tube_00000/*.png       (one eye in a sequence; states in train.p)
*.mp4 *.avi                           (videos, where the authors gave them)
eye_states.csv                        (yours: path,eye with open or closed)""",
        published=(PublishedCount(50, {"modality": "video"}, sure=False),),
        quirks=(
            "All genuine. The videos were collected from the web and never published; only "
            "samples are, and the layout of the whole could not be verified: what the samples' "
            "repository has is read.",
            "States of eyes are in `train.p`, a pickle, which can run any code when it is "
            "opened: it is not. Which of its numbers means closed is not documented either.",
            "Put a table `eye_states.csv` with the columns path and eye (open or closed) beside "
            "the folders to give the states; pictures that it leaves out have none.",
            "Without states this set is of genuine eyes only; CEW and MRL have states.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """One of the two folders of samples."""
        return find_start(SetFolder(root), _is_start) is not None

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader."""
        folder, start = started(root, _is_start, self.about.layout)
        states = _states(folder, start)
        tubes = [join(start, SEQUENCES, name) for name in folder.folders(join(start, SEQUENCES))]
        eyes = folder.files(join(start, EYES), PICTURES)
        found: dict[str, Modality] = dict.fromkeys(eyes, "image")
        found |= dict.fromkeys((path for path in tubes if folder.files(path, PICTURES)), "frames")
        found |= dict.fromkeys(folder.files(start, VIDEOS, deep=True), "video")
        rows = [_record(path, found.get(path, "image"), states) for path in found | states]
        bare = sum(row.modality == "image" and not row.eye for row in rows)
        pickles = sum(folder.has(join(start, name, "train.p")) for name in (EYES, SEQUENCES))
        notices = [
            *folder.notices(),
            Notice("no_state", f"pictures of an eye have no state in {STATES}", bare),
            Notice("pickle_not_opened", "label files are pickles and were not opened", pickles),
        ]
        yield from in_order(rows, notices, self.about.layout)


def _is_start(folder: SetFolder, place: str) -> bool:
    return bool({EYES, SEQUENCES} & set(folder.folders(place)))


def _states(folder: SetFolder, start: str) -> dict[str, str]:
    """{path from the root: open or closed} of the user's table."""
    if not folder.has(join(start, STATES)):
        return {}
    table = folder.root / join(start, STATES)
    states: dict[str, str] = {}
    for line, row in rows_of(table, ("path", "eye")):
        where = f"{table}, line {line}"
        if row["eye"] not in ("open", "closed"):
            raise ConfigError(f"{where}: {row['eye']!r} is neither open nor closed.")
        path = join(start, inside(row["path"], where))
        if states.setdefault(path, row["eye"]) != row["eye"]:
            raise ConfigError(f"{where}: {row['path']!r} is open and closed at once.")
    return states


def _record(path: str, modality: Modality, states: Mapping[str, str]) -> Record:
    state = states.get(path, "")
    return Record(
        dataset="eye_blinking",
        path=path,
        modality=modality,
        label="real",
        eye="open" if state == "open" else "closed" if state == "closed" else "",
        listed=path in states,
    )


READERS = (EyeBlinking,)
