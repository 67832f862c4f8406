"""ASVspoof 5, track 1: crowdsourced speech, adversarial attacks, codecs (Wang et al., 2024)."""

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

PROTOCOLS = "ASVspoof5_protocols"
# our split: (protocol, folders of recordings)
PARTS: dict[Split, tuple[str, tuple[str, ...]]] = {
    "train": ("ASVspoof5.train.tsv", ("flac_T",)),
    "val": ("ASVspoof5.dev.track_1.tsv", ("flac_D",)),
    "test": ("ASVspoof5.eval.track_1.tsv", ("flac_E_eval", "flac_E")),
}
CODEC, QUALITY, SEED, TAG = 3, 4, 5, 6


class AsvSpoof5(Reader):
    """`flac_{T,D,E_eval}/` and `ASVspoof5.{train,dev.track_1,eval.track_1}.tsv`."""

    about = About(
        name="asvspoof5",
        title="ASVspoof 5 (track 1)",
        modalities=("audio",),
        labels=("real", "fake"),
        splits=("train", "val", "test"),
        licence="ODC-By 1.0 (not verified); made from MLS English (CC BY 4.0)",
        obtain="https://zenodo.org/records/14498691",
        paper="Wang et al.: ASVspoof 5: Crowdsourced Speech Data, Deepfakes, and Adversarial "
        "Attacks at Scale, ASVspoof Workshop 2024, arXiv:2408.08739",
        bibtex="""@inproceedings{wang2024asvspoof5,
  title={{ASVspoof} 5: Crowdsourced Speech Data, Deepfakes, and Adversarial Attacks at Scale},
  author={Wang, Xin and Delgado, H{\\'e}ctor and Tak, Hemlata and others},
  booktitle={ASVspoof Workshop},
  year={2024}
}""",
        layout="""flac_T/T_0000000000.flac flac_D/ flac_E_eval/
[ASVspoof5_protocols/]ASVspoof5.{train,dev.track_1,eval.track_1}.tsv, ten columns:
    speaker utterance gender codec quality seed tag attack bonafide|spoof -""",
        published=(
            PublishedCount(182_357, {"split": "train"}),
            PublishedCount(140_950, {"split": "val"}),
            PublishedCount(680_774, {"split": "test"}),
            PublishedCount(18_797, {"split": "train", "label": "real"}, sure=False),
            PublishedCount(31_334, {"split": "val", "label": "real"}, sure=False),
            PublishedCount(138_688, {"split": "test", "label": "real"}, sure=False),
        ),
        quirks=(
            "The protocols are called .tsv and parted by blanks; they have ten columns and no "
            "header. For bona fide speech the attack is the word `bonafide`.",
            "Train and dev have no codec, three quarters of eval have one (C01–C11): `subset`.",
            "The column `seed` names the recording that a coded one was made from; both have the "
            "same `source`, so that one sentence is not counted as several.",
            "Column AC1, AC2, AC3 (tag) is a group of attacks; it is in `note`.",
            "Challenge scores are high for bona fide speech; here fake is the positive side.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """One of the protocols."""
        return find_start(SetFolder(root), _is_start) is not None

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader. Raises ConfigError where a part is there and its protocol is not."""
        folder, start = started(root, _is_start, self.about.layout)
        trials = Trials(utterance=1, attack=7, label=8, n_columns=9)
        rows: list[Record] = []
        notices: list[Notice] = []
        for split, (name, tops) in PARTS.items():
            there = [top for top in tops if top in folder.folders(start)]
            place = join(start, (there or [tops[0]])[0])
            found = sounds(folder, [place])
            protocol = first_file(folder, (start, join(start, PROTOCOLS)), name)
            if protocol is None and found:
                raise ConfigError(f"{root / place} is there and {name}, which tells its labels, "
                                  "is not.")  # fmt: skip
            rows += [_record(place, t, split) for t in (trials.of(protocol) if protocol else ())]
            notices.append(unlisted(found, trials, name))
            lost = int(protocol is None)
            notices.append(Notice("no_partition", f"the protocol {name} is not there", lost))
        notices = [*folder.notices(), *trials.notices(), *notices]
        yield from in_order(rows, notices, self.about.layout)


def _is_start(folder: SetFolder, place: str) -> bool:
    names = [name for name, _ in PARTS.values()]
    return any(folder.has(join(place, up, name)) for up in ("", PROTOCOLS) for name in names)


def _record(place: str, trial: Trial, split: Split) -> Record:
    codec, seed = trial.columns[CODEC], trial.columns[SEED]
    told = {"quality": trial.columns[QUALITY], "tag": trial.columns[TAG]}
    return Record(
        dataset="asvspoof5",
        path=join(place, f"{trial.utterance}.flac"),
        modality="audio",
        label=trial.label,
        method=trial.attack,
        identity=trial.columns[0],
        source=seed if seed not in ("-", "0") else trial.utterance,
        split=split,
        subset="" if codec == "-" else codec,
        audio_fake=trial.label == "fake",
        listed=True,
        note=" ".join(f"{name}={value}" for name, value in told.items() if value not in ("-", "0")),
    )


READERS = (AsvSpoof5,)
