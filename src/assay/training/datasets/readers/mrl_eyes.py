"""MRL Eye Dataset: 84,898 infrared eye pictures of 37 people (Fusek, ISVC 2018)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from assay.errors import ConfigError
from assay.training.datasets.readers import About, Reader
from assay.training.datasets.readers.nesting import join, started
from assay.training.datasets.readers.nesting import start_of as find_start
from assay.training.datasets.readers.set_folder import SetFolder, in_order
from assay.training.datasets.records import Notice, PublishedCount, Record

_PERSON = re.compile(r"s\d{4}")
_NAME = re.compile(
    r"(?P<person>s\d{4})_(?P<number>\d+)_(?P<gender>[01])_(?P<glasses>[01])_(?P<open>[01])_"
    r"(?P<reflections>[012])_(?P<light>[01])_(?P<sensor>0[123])"
)
SENSORS = {"01": "realsense", "02": "ids", "03": "aptina"}
REFLECTIONS = ("none", "small", "large")


class MrlEyes(Reader):
    """`mrlEyes_2018_01/s0001/s0001_00001_0_0_0_0_0_01.png`: the names are the labels."""

    about = About(
        name="mrl_eyes",
        title="MRL Eye Dataset",
        modalities=("image",),
        labels=("real",),
        splits=(),
        licence="none stated; ask the authors",
        obtain="http://mrl.cs.vsb.cz/eyedataset (mrlEyes_2018_01.zip)",
        paper="Fusek: Pupil Localization Using Geodesic Distance, ISVC 2018",
        bibtex="""@inproceedings{fusek2018pupil,
  title={Pupil Localization Using Geodesic Distance},
  author={Fusek, Radovan},
  booktitle={ISVC},
  year={2018}
}""",
        layout="""mrlEyes_2018_01/s0001/s0001_00001_0_0_0_0_0_01.png
    person_number_gender_glasses_EYE_reflections_light_sensor; EYE 0 closed, 1 open""",
        published=(PublishedCount(84_898),),
        quirks=(
            "All genuine, near infrared; the state is in `eye`, the sensor in `subset`, the rest "
            "of the name in `note`.",
            "Thousands of pictures a person, many alike: split by person (`identity`), never by "
            "picture. 33 men and 4 women.",
            "No split of its own; many papers split by picture, and their accuracy means little.",
            "The eye's state is the fifth field (index 4), counted from the person.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """Folders of people with such names in them."""
        return find_start(SetFolder(root), _is_start) is not None

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader. Raises ConfigError where a picture lies in another person's folder."""
        folder, start = started(root, _is_start, self.about.layout)
        rows, strange = [], 0
        for person in folder.folders(start):
            for path in folder.files(join(start, person), (".png",)):
                fields = _NAME.fullmatch(path.rsplit("/", 1)[-1].rpartition(".")[0])
                if fields is None:
                    strange += 1
                elif fields["person"] != person:
                    raise ConfigError(f"{path} is of {fields['person']} and lies with {person}.")
                else:
                    rows.append(_record(path, fields))
        odd = Notice("odd_name", "pictures have a name that tells no state of the eye", strange)
        yield from in_order(rows, [*folder.notices(), odd], self.about.layout)


def _is_start(folder: SetFolder, place: str) -> bool:
    people = [name for name in folder.folders(place) if _PERSON.fullmatch(name)]
    return any(
        _NAME.fullmatch(path.rsplit("/", 1)[-1].rpartition(".")[0])
        for person in people[:3]
        for path in folder.files(join(place, person), (".png",))[:20]
    )


def _record(path: str, fields: re.Match[str]) -> Record:
    told = (
        f"gender={'female' if fields['gender'] == '1' else 'male'}",
        f"glasses={'yes' if fields['glasses'] == '1' else 'no'}",
        f"reflections={REFLECTIONS[int(fields['reflections'])]}",
        f"light={'good' if fields['light'] == '1' else 'bad'}",
    )
    return Record(
        dataset="mrl_eyes",
        path=path,
        modality="image",
        label="real",
        identity=fields["person"],
        subset=SENSORS[fields["sensor"]],
        eye="open" if fields["open"] == "1" else "closed",
        note=" ".join(told),
    )


READERS = (MrlEyes,)
