"""In-the-Wild: deepfakes of known voices from the web (Müller et al., Interspeech 2022)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from assay.errors import ConfigError
from assay.training.datasets.readers import About, Reader
from assay.training.datasets.readers.label_files import inside, rows_of, text_of
from assay.training.datasets.readers.nesting import join, started
from assay.training.datasets.readers.nesting import start_of as find_start
from assay.training.datasets.readers.set_folder import SetFolder, in_order
from assay.training.datasets.records import Label, Notice, PublishedCount, Record

META = "meta.csv"
COLUMNS = ("file", "speaker", "label")
LABELS: dict[str, Label] = {"bona-fide": "real", "spoof": "fake"}


class InTheWild(Reader):
    """`release_in_the_wild/N.wav` and `meta.csv`."""

    about = About(
        name="in_the_wild",
        title="In-the-Wild audio deepfakes",
        modalities=("audio",),
        labels=("real", "fake"),
        splits=(),
        licence="see its page (not verified); recordings are of politicians and celebrities",
        obtain="https://deepfake-total.com/in_the_wild",
        paper="Müller, Czempin, Dieckmann, Froghyar, Böttinger: Does Audio Deepfake Detection "
        "Generalize?, Interspeech 2022, arXiv:2203.16263",
        bibtex="""@inproceedings{muller2022does,
  title={Does Audio Deepfake Detection Generalize?},
  author={M{\\"u}ller, Nicolas M. and Czempin, Pavel and Dieckmann, Franziska and Froghyar, Adam and
          B{\\"o}ttinger, Konstantin},
  booktitle={Interspeech},
  year={2022}
}""",
        layout="""release_in_the_wild/0.wav … 31778.wav
release_in_the_wild/meta.csv    (file,speaker,label; bona-fide or spoof)""",
        published=(
            PublishedCount(31_779),
            PublishedCount(19_963, {"label": "real"}),
            PublishedCount(11_816, {"label": "fake"}),
        ),
        quirks=(
            "For testing only: it has no split, and its speakers are in both classes; split by "
            "`identity` if you must train on it.",
            "How the forged ones were made is not told: their method is `unknown`.",
            "Clips of one speaker are cut from few recordings, which are not told either.",
            "The word is `bona-fide`, with a hyphen, unlike ASVspoof's.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """meta.csv with its three columns."""
        return find_start(SetFolder(root), _is_start) is not None

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader."""
        folder, start = started(root, _is_start, self.about.layout)
        meta = root / join(start, META)
        rows: dict[str, Record] = {}
        twice = 0
        for line, row in rows_of(meta, COLUMNS):
            where = f"{meta}, line {line}"
            record = _record(join(start, inside(row["file"], where)), row, where)
            before = rows.setdefault(record.path, record)
            if before != record:
                raise ConfigError(f"{where}: {row['file']!r} was told otherwise above.")
            twice += before is not record
        sounds = folder.files(start, (".wav",))
        left = sum(path not in rows for path in sounds)
        notices = [
            *folder.notices(),
            Notice("listed_twice", "rows say again what a row above said", twice),
            Notice("unlisted", f"recordings are not in {META} and are left out", left),
        ]
        yield from in_order(rows.values(), notices, self.about.layout)


def _is_start(folder: SetFolder, place: str) -> bool:
    path = folder.root / join(place, META)
    try:
        if not path.is_file() or path.stat().st_size > 1 << 26:
            return False
        first = text_of(path).split("\n", 1)[0]
    except (ConfigError, OSError):
        return False
    return [name.strip().strip('"') for name in first.split(",")][:3] == list(COLUMNS)


def _record(path: str, row: Mapping[str, str], where: str) -> Record:
    if row["label"] not in LABELS:
        raise ConfigError(f"{where}: {row['label'][:40]!r} is neither bona-fide nor spoof.")
    label = LABELS[row["label"]]
    return Record(
        dataset="in_the_wild",
        path=path,
        modality="audio",
        label=label,
        method="unknown" if label == "fake" else "",
        identity=row["speaker"],
        audio_fake=label == "fake",
        listed=True,
    )


READERS = (InTheWild,)
