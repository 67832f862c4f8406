"""What the protocols of all ASVspoof challenges have in common: lines of columns, one a trial."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assay.errors import ConfigError
from assay.training.datasets.readers.label_files import inside, lines_of
from assay.training.datasets.readers.nesting import join
from assay.training.datasets.readers.set_folder import SetFolder
from assay.training.datasets.records import Label, Notice

LABELS: dict[str, Label] = {"bonafide": "real", "spoof": "fake"}
NO_ATTACK = ("-", "bonafide")


@dataclass(frozen=True, slots=True)
class Trial:
    """One line: its columns, the utterance's name and its label."""

    utterance: str
    label: Label
    attack: str
    columns: tuple[str, ...]


@dataclass(slots=True)
class Trials:
    """Reads protocols whose utterance, attack and label stand at these columns (from 0) of at
    least `n_columns`; counts lines that say again what another said."""

    utterance: int
    attack: int
    label: int
    n_columns: int
    said_again: int = 0
    seen: dict[str, tuple[Label, str]] = field(default_factory=dict)

    def of(self, path: Path) -> Iterator[Trial]:
        """The trials. Raises ConfigError, naming the line, for too few columns, another word than
        bonafide and spoof, an attack that does not go with it, or an utterance said to be two
        things."""
        for line, text in lines_of(path):
            where = f"{path}, line {line}"
            columns = tuple(text.split())
            if len(columns) < self.n_columns:
                raise ConfigError(
                    f"{where}: {len(columns)} columns where {self.n_columns} are expected."
                )
            trial = self._trial(columns, where)
            before = self.seen.setdefault(trial.utterance, (trial.label, where))
            if before[0] != trial.label:
                raise ConfigError(
                    f"{where}: {trial.utterance} is {trial.label} here and {before[0]} in "
                    f"{before[1]}."
                )
            if before[1] != where:
                self.said_again += 1
                continue
            yield trial

    def _trial(self, columns: tuple[str, ...], where: str) -> Trial:
        word, attack = columns[self.label], columns[self.attack]
        if word not in LABELS:
            raise ConfigError(f"{where}: {word[:40]!r} is neither bonafide nor spoof.")
        if (attack in NO_ATTACK) != (word == "bonafide"):
            raise ConfigError(f"{where}: the attack {attack[:40]!r} does not go with {word!r}.")
        utterance = inside(columns[self.utterance], where)
        if "/" in utterance:
            raise ConfigError(f"{where}: {utterance!r} is no name of an utterance.")
        return Trial(utterance, LABELS[word], attack if word == "spoof" else "", columns)

    def notices(self) -> Iterator[Notice]:
        """What was odd in all files read so far."""
        yield Notice("listed_twice", "lines say again what a line above said", self.said_again)


def sounds(folder: SetFolder, places: Sequence[str]) -> dict[str, str]:
    """{utterance: path} of the .flac files of these folders."""
    return {
        path.rsplit("/", 1)[-1].rpartition(".")[0]: path
        for place in places
        for path in folder.files(place, (".flac",))
    }


def unlisted(found: dict[str, str], trials: Trials, what: str) -> Notice:
    """A notice of recordings that no protocol names."""
    return Notice(
        "unlisted", f"recordings are in no {what} and are left out", len(found.keys() - trials.seen)
    )


def first_file(folder: SetFolder, places: Sequence[str], name: str) -> Path | None:
    """The label file in the first of these folders that has it."""
    there = (join(place, name) for place in places)
    return next((folder.root / path for path in there if folder.has(path)), None)
