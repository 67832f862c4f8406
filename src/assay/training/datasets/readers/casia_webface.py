"""CASIA-WebFace: 10,575 people, all genuine (Yi et al., 2014), in folders or in a .rec file."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from assay.errors import ConfigError
from assay.training.datasets.readers import About, Choice, Reader
from assay.training.datasets.readers.label_files import lines_of
from assay.training.datasets.readers.nesting import join, start_of
from assay.training.datasets.readers.recordio import Packed, RecordFile, read_index
from assay.training.datasets.readers.set_folder import PICTURES, SetFolder, in_order
from assay.training.datasets.records import Notice, PublishedCount, Record

N_PEOPLE = 10_572
_PERSON = re.compile(r"\d{7}")
_FAULTS = {
    "beyond_end": "records of the index lie beyond the end of train.rec: is it cut short?",
    "wrong_magic": "offsets of the index lead to something that is no record",
    "split_record": "records are divided into pieces, which is not read",
    "absurd_header": "records have a header that cannot be",
    "no_picture": "records hold neither a JPEG nor a PNG",
    "no_identity": "records have a label that is no number of a person",
}


class CasiaWebFace(Reader):
    """`faces_webface_112x112/train.rec` with its index, or `CASIA-WebFace/0000045/001.jpg`."""

    about = About(
        name="casia_webface",
        title="CASIA-WebFace",
        modalities=("image",),
        labels=("real",),
        splits=(),
        licence="research only, no redistribution; pictures of actors from the web",
        obtain="by application to CASIA, or faces_webface_112x112 of "
        "https://github.com/deepinsight/insightface/tree/master/recognition/_datasets_",
        paper="Yi, Lei, Liao, Li: Learning Face Representation from Scratch, 2014, arXiv:1411.7923",
        bibtex="""@article{yi2014learning,
  title={Learning Face Representation from Scratch},
  author={Yi, Dong and Lei, Zhen and Liao, Shengcai and Li, Stan Z.},
  journal={arXiv:1411.7923},
  year={2014}
}""",
        layout="""faces_webface_112x112/{train.rec,train.idx,property} (InsightFace, 112 px)
CASIA-WebFace/0000045/001.jpg                        (the original, 250 px)""",
        published=(
            PublishedCount(490_623, {"subset": "rec"}),
            PublishedCount(494_414, {"subset": "folders"}),
        ),
        choices={
            "form": Choice(
                ("found", "rec", "folders"),
                "the packed file or the folders of pictures; `found`: the packed file where it is",
            )
        },
        quirks=(
            "All genuine, one person a folder or label: pair it with forged faces.",
            "In train.rec the record 0 is no picture: its two labels say that pictures are 1 to "
            "the first less one and that from the first to the second follow ranges of people.",
            "A record with a flag has its person in the first label behind the header, not in "
            "the header's own.",
            "Each picture is given as a part of train.rec (offset and length of its JPEG); "
            "nothing is unpacked.",
            "Other sets of InsightFace look the same; the file `property` tells 10572 people "
            "here, and a notice is given for another number.",
            "10,575 people and 494,414 pictures in the original, 10,572 and 490,623 in "
            "InsightFace's; labels of people and CASIA's folder names are not related.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """train.rec with train.idx, or folders called by seven digits."""
        folder = SetFolder(root)
        return start_of(folder, _is_packed) is not None or start_of(folder, _is_open) is not None

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader. Raises ConfigError, too, where no record of train.rec can be read."""
        folder = SetFolder(root)
        packed = start_of(SetFolder(root), _is_packed) if choices["form"] != "folders" else None
        opened = start_of(SetFolder(root), _is_open) if choices["form"] != "rec" else None
        if packed is not None:
            rows, notices = _of_rec(root, packed)
            if opened is not None:
                notices.append(Notice("two_layouts", "folders of pictures are there, too"))
        elif opened is not None:
            rows = list(_of_folders(folder, opened))
            notices = list(folder.notices())
        else:
            rows, notices = [], []
        yield from in_order(rows, notices, self.about.layout)


def _is_packed(folder: SetFolder, place: str) -> bool:
    return folder.has(join(place, "train.rec"))


def _is_open(folder: SetFolder, place: str) -> bool:
    names = folder.folders(place)
    are_people = bool(names) and all(_PERSON.fullmatch(name) for name in names)
    # Other sets name folders so, too, and keep videos in them.
    return are_people and any(folder.files(join(place, name), PICTURES) for name in names[:3])


def _of_folders(folder: SetFolder, start: str) -> Iterator[Record]:
    for person in folder.folders(start):
        for path in folder.files(join(start, person), PICTURES):
            yield Record(
                dataset="casia_webface",
                path=path,
                modality="image",
                label="real",
                identity=person,
                subset="folders",
            )


def _of_rec(root: Path, start: str) -> tuple[list[Record], list[Notice]]:
    rec, idx = (root / join(start, name) for name in ("train.rec", "train.idx"))
    if not idx.is_file():
        raise ConfigError(
            f"{idx} is not there; without it train.rec cannot be read.",
            remedy="Both files come in one archive; unpack it again.",
        )
    offsets = read_index(idx)
    file = RecordFile(rec)
    pictures = _pictures(file, offsets)
    rows = []
    for packed in file.records(pictures, pictures=True):
        person = packed.labels[0]
        if not (math.isfinite(person) and person >= 0 and person == int(person)):
            file.faults["no_identity"] += 1
            continue
        rows.append(_record(join(start, "train.rec"), packed))
    notices = [Notice(code, _FAULTS[code], n) for code, n in sorted(file.faults.items())]
    if not rows:
        said = "; ".join(f"{notice.n} {notice.text}" for notice in notices)
        raise ConfigError(f"{rec} holds no picture that can be read: {said or 'it lists none'}.")
    return rows, notices + _of_property(root / join(start, "property"))


def _pictures(file: RecordFile, offsets: dict[int, int]) -> dict[int, int]:
    """The index without the record 0 and without the ranges of people that it tells of."""
    if 0 not in offsets:
        return offsets
    first = next(file.records({0: offsets[0]}, pictures=False), None)
    if first is None:
        code = next(iter(file.faults))
        raise ConfigError(f"{file.path}: the first record cannot be read ({code}).")
    if len(first.labels) != 2:
        # Packed without ranges of people: every record is a picture.
        return offsets
    end = first.labels[0]
    if not (math.isfinite(end) and 1 <= end <= max(offsets) + 1):
        raise ConfigError(
            f"{file.path}: the first record says that pictures end before record {end}; the "
            f"index goes to {max(offsets)}."
        )
    return {key: offset for key, offset in offsets.items() if 0 < key < int(end)}


def _record(path: str, packed: Packed) -> Record:
    return Record(
        dataset="casia_webface",
        path=path,
        modality="image",
        label="real",
        identity=str(int(packed.labels[0])),
        subset="rec",
        part=packed.part,
        listed=True,
    )


def _of_property(path: Path) -> list[Notice]:
    if not path.is_file():
        return [Notice("no_property", "the file `property`, which tells the set, is not there")]
    fields = next((text for _, text in lines_of(path)), "").split(",")
    if fields[0] == str(N_PEOPLE):
        return []
    return [
        Notice(
            "other_set",
            f"`property` tells {fields[0][:20]!r} people where CASIA-WebFace has {N_PEOPLE}: this "
            "may be another set of InsightFace",
        )
    ]


READERS = (CasiaWebFace,)
