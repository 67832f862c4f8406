"""VGGFace2: 3.31 million pictures of 9,131 people, all genuine (Cao et al., FG 2018)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from assay.errors import ConfigError
from assay.training.datasets.readers import About, Reader
from assay.training.datasets.readers.label_files import inside, lines_of, rows_of
from assay.training.datasets.readers.nesting import join, start_of, started
from assay.training.datasets.readers.set_folder import PICTURES, SetFolder, in_order
from assay.training.datasets.records import Notice, PublishedCount, Record, Split

PARTS: tuple[Split, ...] = ("train", "test")
META = "identity_meta.csv"
_PERSON = re.compile(r"n\d{6,7}")
_PICTURE = re.compile(r"(\d+)_(\d+)$")


class VggFace2(Reader):
    """`{train,test}/n000001/0019_01.jpg`, lists and the table of people where they are."""

    about = About(
        name="vggface2",
        title="VGGFace2",
        modalities=("image",),
        labels=("real",),
        splits=("train", "test"),
        licence="research only; offered no more, and its pictures are from a web search",
        obtain="withdrawn by its authors (https://www.robots.ox.ac.uk/~vgg/data/vgg_face2/); "
        "copies circulate",
        paper="Cao, Shen, Xie, Parkhi, Zisserman: VGGFace2: A dataset for recognising faces "
        "across pose and age, FG 2018, arXiv:1710.08092",
        bibtex="""@inproceedings{cao2018vggface2,
  title={{VGGFace2}: A dataset for recognising faces across pose and age},
  author={Cao, Qiong and Shen, Li and Xie, Weidi and Parkhi, Omkar M. and Zisserman, Andrew},
  booktitle={FG},
  year={2018}
}""",
        layout="""{train,test}/n000001/0019_01.jpg         (also data/train, meta/…)
[meta/]identity_meta.csv  [meta/]{train,test}_list.txt   (where they are)""",
        published=(
            PublishedCount(3_311_286, sure=False),
            PublishedCount(3_141_890, {"split": "train"}, sure=False),
            PublishedCount(169_396, {"split": "test"}, sure=False),
        ),
        quirks=(
            "All genuine. 8,631 people for training, 500 for testing, no one in both.",
            "`0019_01` is the first face of picture 19: faces of one picture share a `source`.",
            "Crops are loose and of any size; boxes are in bb_landmark/loose_bb_*.csv, whose "
            "names have no suffix. They are not needed here, faces are found anew.",
            "identity_meta.csv parts its columns by comma and blank and puts names into quotes; "
            "people who have fewer pictures than it says are told in a notice.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """Folders of people called n and digits below train or test."""
        return start_of(SetFolder(root), _is_start) is not None

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader."""
        folder, start = started(root, _is_start, self.about.layout)
        people, names = _people(folder, start)
        rows: list[Record] = []
        notices: list[Notice] = []
        for part in PARTS:
            found = {
                path
                for person in folder.folders(join(start, part))
                if _PERSON.fullmatch(person)
                for path in folder.files(join(start, part, person), PICTURES)
            }
            listed = _list(folder, start, part)
            notices.append(
                Notice("unlisted", f"pictures are not in {part}_list.txt", len(found - listed))
                if listed
                else Notice("no_label_file", f"no {part}_list.txt is there", int(bool(found)))
            )
            rows += [_record(path, part, path in listed, names) for path in found | listed]
        yield from in_order(
            rows, [*folder.notices(), *notices, *_differing(rows, people)], self.about.layout
        )


def _is_start(folder: SetFolder, place: str) -> bool:
    return any(
        _PERSON.fullmatch(name) for part in PARTS for name in folder.folders(join(place, part))[:3]
    )


def _near(folder: SetFolder, start: str, name: str) -> Path | None:
    """A label file: beside the pictures' folders, in `meta/`, or one above."""
    up = start.rpartition("/")[0]
    places = [start, join(start, "meta"), up, join(up, "meta")]
    return next((folder.root / join(p, name) for p in places if folder.has(join(p, name))), None)


def _list(folder: SetFolder, start: str, part: str) -> set[str]:
    path = _near(folder, start, f"{part}_list.txt")
    if path is None:
        return set()
    found = set()
    for line, text in lines_of(path):
        where = f"{path}, line {line}"
        parts = inside(text, where).split("/")
        if len(parts) != 2 or not _PERSON.fullmatch(parts[0]):
            raise ConfigError(f"{where}: {text[:60]!r} is no person/picture.jpg.")
        found.add(join(start, part, *parts))
    return found


def _people(folder: SetFolder, start: str) -> tuple[dict[str, int], dict[str, str]]:
    """({person: pictures that the table tells}, {person: name}); none without the table."""
    path = _near(folder, start, META)
    counts: dict[str, int] = {}
    names: dict[str, str] = {}
    for line, row in rows_of(path, ("Class_ID", "Name", "Sample_Num")) if path else ():
        person, told = row["Class_ID"], row["Sample_Num"]
        if not (told.isascii() and told.isdigit()) or not _PERSON.fullmatch(person):
            raise ConfigError(f"{path}, line {line}: {person!r} with {told!r} pictures?")
        if counts.setdefault(person, int(told[:9])) != int(told[:9]):
            raise ConfigError(f"{path}, line {line}: {person} has two counts.")
        names[person] = row["Name"]
    return counts, names


def _differing(rows: list[Record], people: Mapping[str, int]) -> list[Notice]:
    found = Counter(row.identity for row in rows)
    there = [person for person in found if person in people]
    differing = sum(found[person] != people[person] for person in there)
    unknown = len(found) - len(there) if people else 0
    return [
        Notice("count_differs", f"people have not as many pictures as {META} says", differing),
        Notice("unknown_person", f"people are not in {META}", unknown),
    ]


def _record(path: str, part: Split, listed: bool, names: Mapping[str, str]) -> Record:
    person, _, name = path.rpartition("/")
    person = person.rpartition("/")[2]
    numbers = _PICTURE.match(name.rpartition(".")[0])
    return Record(
        dataset="vggface2",
        path=path,
        modality="image",
        label="real",
        identity=person,
        source=f"{person}/{numbers[1]}" if numbers else "",
        split=part,
        listed=listed,
        note=names.get(person, ""),
    )


READERS = (VggFace2,)
