"""ASVspoof 2021, logical access and deepfake: evaluation sets through channels and codecs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from assay.errors import ConfigError
from assay.training.datasets.readers import About, Choice, Reader
from assay.training.datasets.readers.asvspoof_protocol import (
    Trial,
    Trials,
    first_file,
    sounds,
    unlisted,
)
from assay.training.datasets.readers.nesting import join, started
from assay.training.datasets.readers.nesting import start_of as find_start
from assay.training.datasets.readers.set_folder import SetFolder, in_order
from assay.training.datasets.records import Notice, PublishedCount, Record

KEYS = "trial_metadata.txt"
PHASES = ("progress", "eval", "hidden")
PHASE = 7
# The columns that go to the note, beside speaker, utterance, attack, label and phase.
NOTED = {
    "LA": {2: "codec", 3: "transmission", 6: "trim"},
    "DF": {2: "codec", 3: "from", 6: "trim", 8: "vocoder", 9: "task", 10: "team"},
}
_PAPER = (
    "Liu et al.: ASVspoof 2021: Towards Spoofed and Deepfake Speech Detection in the Wild, "
    "IEEE/ACM TASLP 2023, arXiv:2210.02437"
)
_BIBTEX = """@article{liu2023asvspoof,
  title={{ASVspoof} 2021: Towards Spoofed and Deepfake Speech Detection in the Wild},
  author={Liu, Xuechen and Wang, Xin and Sahidullah, Md and Patino, Jose and Delgado, H{\\'e}ctor
          and Kinnunen, Tomi and Todisco, Massimiliano and Yamagishi, Junichi and Evans, Nicholas
          and Nautsch, Andreas and Lee, Kong Aik},
  journal={IEEE/ACM Transactions on Audio, Speech, and Language Processing},
  year={2023}
}"""
_CHOICES = {
    "phase": Choice(
        ("eval", "progress", "hidden", "all"),
        "the part of the keys: papers report `eval`; `hidden` has its silence trimmed",
    )
}
_QUIRKS = (
    "Sound and keys come apart: without the keys (trial_metadata.txt) there is no label, and that "
    "is an error, not a guess.",
    "In the keys column 6 is the label and column 8 the phase, which is `subset` here; every phase "
    "is for testing, training is done on ASVspoof 2019 LA.",
    "Keys of the first release tell fewer phases; take the ones called `full`.",
    "Challenge scores are high for bona fide speech; here fake is the positive side.",
)


class _Track(Reader):
    """What both tracks share."""

    about: ClassVar[About]
    track: ClassVar[str]
    n_columns: ClassVar[int]

    def recognises(self, root: Path) -> bool:
        """The track's folder of recordings."""
        return find_start(SetFolder(root), self._is_start) is not None

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader. Raises ConfigError where the keys are missing."""
        folder, start = started(root, self._is_start, self.about.layout)
        places = self._places(folder, start)
        keys = first_file(folder, self._key_places(folder, start), KEYS)
        if keys is None:
            raise ConfigError(
                f"{root}: the keys of ASVspoof 2021 {self.track} are not there, so there are no "
                "labels.",
                remedy=f"Get {self.track}-keys-full.tar.gz from https://www.asvspoof.org and "
                f"unpack it here: keys/{self.track}/CM/{KEYS}",
            )
        trials = Trials(utterance=1, attack=4, label=5, n_columns=self.n_columns)
        found = sounds(folder, places)
        rows = [
            self._record(found.get(t.utterance) or join(places[0], f"{t.utterance}.flac"), t, keys)
            for t in trials.of(keys)
        ]
        wanted = choices["phase"]
        kept = [row for row in rows if wanted in ("all", row.subset)]
        other = Notice(
            "other_phase", f"recordings are of another phase than {wanted}", len(rows) - len(kept)
        )
        notices = [*folder.notices(), *trials.notices(), unlisted(found, trials, KEYS), other]
        yield from in_order(kept, notices, self.about.layout)

    def _is_start(self, folder: SetFolder, place: str) -> bool:
        there = folder.folders(place)
        name = f"ASVspoof2021_{self.track}_eval"
        return any(below == name or below.startswith(f"{name}_part") for below in there)

    def _places(self, folder: SetFolder, start: str) -> list[str]:
        """Folders of recordings: one, or one in each of the parts that DF comes in."""
        name = f"ASVspoof2021_{self.track}_eval"
        tops = [below for below in folder.folders(start) if below.startswith(name)]
        inner = [join(top, name) if name in folder.folders(join(start, top)) else top
                 for top in tops]  # fmt: skip
        return [join(start, top, "flac") for top in inner]

    def _key_places(self, folder: SetFolder, start: str) -> list[str]:
        track, name = self.track, f"ASVspoof2021_{self.track}_eval"
        tops = ["", name, f"{track}-keys-full", f"{track}-keys-stage-1"]
        tails = [f"keys/{track}/CM", "keys/CM", f"{track}/CM", "CM"]
        # A bare file is taken only from beside the recordings of one track.
        bare = (
            [join(start, name)] if len(_tracks(folder, start)) > 1 else [start, join(start, name)]
        )
        return [join(start, top, tail) for top in tops for tail in tails] + bare

    def _record(self, path: str, trial: Trial, keys: Path) -> Record:
        phase = trial.columns[PHASE]
        if phase not in PHASES:
            raise ConfigError(f"{keys}: {trial.utterance} is of the unknown phase {phase[:40]!r}.")
        if not trial.utterance.startswith(f"{self.track}_E_"):
            raise ConfigError(f"{keys}: {trial.utterance} is not of the track {self.track}.")
        told = NOTED[self.track].items()
        note = [f"{name}={trial.columns[k]}" for k, name in told if k < len(trial.columns)]
        return Record(
            dataset=self.about.name,
            path=path,
            modality="audio",
            label=trial.label,
            method=trial.attack,
            identity=trial.columns[0],
            split="test",
            subset=phase,
            audio_fake=trial.label == "fake",
            listed=True,
            note=" ".join(part for part in note if not part.endswith("=-")),
        )


def _tracks(folder: SetFolder, start: str) -> set[str]:
    return {
        track
        for track in NOTED
        for below in folder.folders(start)
        if below.startswith(f"ASVspoof2021_{track}_eval")
    }


class AsvSpoof2021La(_Track):
    """`ASVspoof2021_LA_eval/flac/` and `keys/LA/CM/trial_metadata.txt`."""

    track, n_columns = "LA", 8
    about = About(
        name="asvspoof2021_la",
        title="ASVspoof 2021 LA",
        modalities=("audio",),
        labels=("real", "fake"),
        splits=("test",),
        licence="ODC-By 1.0",
        obtain="https://zenodo.org/records/4837263 and LA-keys-full.tar.gz of "
        "https://www.asvspoof.org",
        paper=_PAPER,
        bibtex=_BIBTEX,
        layout="""ASVspoof2021_LA_eval/flac/LA_E_1234567.flac
keys/LA/CM/trial_metadata.txt
    LA_0009 LA_E_9332881 alaw ita_tx A07 spoof notrim eval""",
        published=(
            PublishedCount(148_176, {"subset": "eval"}),
            PublishedCount(14_816, {"subset": "eval", "label": "real"}, sure=False),
        ),
        choices=_CHOICES,
        quirks=(*_QUIRKS, "Each recording went through a telephone line or network; see `note`."),
    )


class AsvSpoof2021Df(_Track):
    """`ASVspoof2021_DF_eval/flac/`, whole or in four parts, and `keys/DF/CM/trial_metadata.txt`."""

    # Speaker to phase; the vocoder and what follows are not in all releases of the keys.
    track, n_columns = "DF", 8
    about = About(
        name="asvspoof2021_df",
        title="ASVspoof 2021 DF",
        modalities=("audio",),
        labels=("real", "fake"),
        splits=("test",),
        licence="ODC-By 1.0; parts from VCC 2018 and 2020",
        obtain="https://zenodo.org/records/4835108 (four parts) and DF-keys-full.tar.gz of "
        "https://www.asvspoof.org",
        paper=_PAPER,
        bibtex=_BIBTEX,
        layout="""ASVspoof2021_DF_eval/flac/DF_E_1234567.flac
    or ASVspoof2021_DF_eval_part0{0,1,2,3}/ASVspoof2021_DF_eval/flac/
keys/DF/CM/trial_metadata.txt
    LA_0023 DF_E_2000011 nocodec asvspoof A14 spoof notrim progress traditional_vocoder - - - -""",
        published=(
            PublishedCount(533_928, {"subset": "eval"}),
            PublishedCount(14_869, {"subset": "eval", "label": "real"}, sure=False),
        ),
        choices=_CHOICES,
        quirks=(
            *_QUIRKS,
            "Recordings went through lossy codecs (mp3, m4a, ogg, twice for some); see `note`.",
            "Attacks of the Voice Conversion Challenges are called Task1-team20 and so on.",
        ),
    )


READERS = (AsvSpoof2021La, AsvSpoof2021Df)
