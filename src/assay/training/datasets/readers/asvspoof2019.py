"""ASVspoof 2019, logical access: text-to-speech and voice conversion (Wang et al., 2020)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from assay.errors import ConfigError
from assay.training.datasets.readers import About, Reader
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
from assay.training.datasets.records import Notice, PublishedCount, Record, Split

PROTOCOLS = "ASVspoof2019_LA_cm_protocols"
# partition: (its protocol, our split)
PARTS: dict[str, tuple[str, Split]] = {
    "train": ("ASVspoof2019.LA.cm.train.trn.txt", "train"),
    "dev": ("ASVspoof2019.LA.cm.dev.trl.txt", "val"),
    "eval": ("ASVspoof2019.LA.cm.eval.trl.txt", "test"),
}


class AsvSpoof2019(Reader):
    """`LA/ASVspoof2019_LA_{train,dev,eval}/flac/` and its countermeasure protocols."""

    about = About(
        name="asvspoof2019",
        title="ASVspoof 2019 LA",
        modalities=("audio",),
        labels=("real", "fake"),
        splits=("train", "val", "test"),
        licence="ODC-By 1.0; made from VCTK",
        obtain="https://datashare.ed.ac.uk/handle/10283/3336 (LA.zip)",
        paper="Wang et al.: ASVspoof 2019: A large-scale public database of synthesized, "
        "converted and replayed speech, Computer Speech & Language 2020, arXiv:1911.01601",
        bibtex="""@article{wang2020asvspoof,
  title={{ASVspoof} 2019: A large-scale public database of synthesized, converted and replayed
         speech},
  author={Wang, Xin and Yamagishi, Junichi and Todisco, Massimiliano and others},
  journal={Computer Speech \\& Language},
  volume={64},
  year={2020}
}""",
        layout="""LA/ASVspoof2019_LA_{train,dev,eval}/flac/LA_{T,D,E}_1234567.flac
LA/ASVspoof2019_LA_cm_protocols/ASVspoof2019.LA.cm.{train.trn,dev.trl,eval.trl}.txt
    SPEAKER UTTERANCE - ATTACK|- bonafide|spoof""",
        published=(
            PublishedCount(25_380, {"split": "train"}),
            PublishedCount(2_580, {"split": "train", "label": "real"}),
            PublishedCount(22_800, {"split": "train", "label": "fake"}),
            PublishedCount(24_844, {"split": "val"}),
            PublishedCount(2_548, {"split": "val", "label": "real"}),
            PublishedCount(71_237, {"split": "test"}),
            PublishedCount(7_355, {"split": "test", "label": "real"}, sure=False),
        ),
        quirks=(
            "Challenge scores are high for bona fide speech; here fake is the positive side.",
            "Attacks A01–A06 in train and dev, A07–A19 in eval; A16 is A04 and A19 is A06 again, "
            "so these two are not unknown ones.",
            "Speakers do not cross partitions; nine tenths are spoofed.",
            "Silence before and after speech differs by label and has been a shortcut: trim it.",
            "The folder ASVspoof2019_LA_asv_protocols is for speaker verification and not read.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """The folder of protocols, or one of the partitions."""
        return find_start(SetFolder(root), _is_start) is not None

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader. Raises ConfigError where a partition is there and its protocol is not."""
        folder, start = started(root, _is_start, self.about.layout)
        trials = Trials(utterance=1, attack=3, label=4, n_columns=5)
        rows: list[Record] = []
        notices: list[Notice] = []
        for part, (name, split) in PARTS.items():
            place = join(start, f"ASVspoof2019_LA_{part}", "flac")
            found = sounds(folder, [place])
            protocol = first_file(folder, (join(start, PROTOCOLS), start), name)
            if protocol is None and found:
                raise ConfigError(
                    f"{root / place} is there and {PROTOCOLS}/{name}, which tells its labels, is "
                    "not."
                )
            told = trials.of(protocol) if protocol else ()
            rows += [_record(place, trial, split) for trial in told]
            notices.append(unlisted(found, trials, name))
            lost = int(protocol is None)
            notices.append(Notice("no_partition", f"the partition {part} is not there", lost))
        notices = [*folder.notices(), *trials.notices(), *notices]
        yield from in_order(rows, notices, self.about.layout)


def _is_start(folder: SetFolder, place: str) -> bool:
    there = folder.folders(place)
    return PROTOCOLS in there or any(f"ASVspoof2019_LA_{part}" in there for part in PARTS)


def _record(place: str, trial: Trial, split: Split) -> Record:
    return Record(
        dataset="asvspoof2019",
        path=join(place, f"{trial.utterance}.flac"),
        modality="audio",
        label=trial.label,
        method=trial.attack,
        identity=trial.columns[0],
        split=split,
        audio_fake=trial.label == "fake",
        listed=True,
    )


READERS = (AsvSpoof2019,)
