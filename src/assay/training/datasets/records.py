"""One row of a data set: what every reader yields, whatever the set's own files look like."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from assay.errors import ConfigError

Modality = Literal["image", "video", "audio", "frames"]
Label = Literal["real", "fake"]
Split = Literal["train", "val", "test", ""]
What = Literal["both", "visual", "audio"]
NO_SPLIT: Split = ""


@dataclass(frozen=True, slots=True)
class FakeSpan:
    """Where a recording was changed, in seconds from its start, and in what: the picture
    ("visual"), the sound ("audio") or both."""

    start_s: float
    end_s: float
    what: What = "both"

    def __post_init__(self) -> None:
        if not 0 <= self.start_s <= self.end_s:
            raise ConfigError(f"A span from {self.start_s} s to {self.end_s} s is none.")


@dataclass(frozen=True, slots=True)
class Bytes:
    """The part of a packed file that holds one item: `offset` and `length` in bytes."""

    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Record:
    """One item of a data set.

    `path` is relative to the set's folder, with `/`; a directory of numbered pictures where
    `modality` is "frames". `label` has our polarity: "fake" is what a detector should find.
    `method` names the generator of a fake, "" for a genuine item. `identity` is the person seen or
    heard, `donor` the second person of a swap, `source` the footage (or sentence) that the item
    was made from: items of one `source` show the same recording. `split` is the set's own, ""
    where it has none. `subset` is what else the set divides by (compression, quality, language).
    `visual_fake` and `audio_fake` say which side was changed, None where the set does not tell.
    `spans` are the changed parts of an item that is fake only here and there; None: all of it, or
    not told. `mask` is the path of the picture of changed pixels. `eye` is the state of an eye
    picture. `part` points into a packed file. `listed` tells a row of the set's label file from a
    file that was merely found.
    """

    dataset: str
    path: str
    modality: Modality
    label: Label
    method: str = ""
    identity: str = ""
    donor: str = ""
    source: str = ""
    split: Split = NO_SPLIT
    subset: str = ""
    visual_fake: bool | None = None
    audio_fake: bool | None = None
    spans: tuple[FakeSpan, ...] | None = None
    mask: str = ""
    eye: Literal["open", "closed", ""] = ""
    part: Bytes | None = None
    listed: bool = False
    licence: str = ""
    note: str = ""
    sha256: str = ""

    def __post_init__(self) -> None:
        if self.label not in get_args(Label):
            raise ConfigError(f"{self.path}: the label {self.label!r} is neither real nor fake.")
        if self.modality not in get_args(Modality):
            raise ConfigError(f"{self.path}: {self.modality!r} is no modality.")
        if self.split not in get_args(Split):
            raise ConfigError(f"{self.path}: {self.split!r} is no split.")
        if not self.path or self.path.startswith("/") or ".." in self.path.split("/"):
            raise ConfigError(f"The path {self.path!r} does not lie inside the set's folder.")

    @property
    def key(self) -> tuple[str, int]:
        """What tells one item from another: its file and its place in it."""
        return (self.path, self.part.offset if self.part else 0)


@dataclass(frozen=True, slots=True)
class Notice:
    """Something a reader saw that a user should know: a `code`, a sentence, how often."""

    code: str
    text: str
    n: int = 1


@dataclass(frozen=True, slots=True)
class PublishedCount:
    """How many items the set's authors state: those whose fields equal all of `where`.

    `sure` is False where the number is recalled and was not checked at its source.
    """

    n: int
    where: Mapping[str, str] = field(default_factory=dict)
    sure: bool = True

    def of(self, records: Iterable[Record]) -> int:
        """How many of these records it counts."""
        return sum(
            all(str(getattr(record, name)) == value for name, value in self.where.items())
            for record in records
        )


def groups_of(records: Iterable[Record], *, with_donor: bool = True) -> list[str]:
    """For each record the name of what must not be divided between splits.

    Records that share a person (with `with_donor` the donor counts too) or a footage are one
    group, and so are those joined by a third. An item without any of them is a group of its own.
    """
    rows = list(records)
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    firsts = []
    for row in rows:
        names = _ties(row, with_donor) or [f"item {row.dataset} {row.path} {row.key[1]}"]
        firsts.append(names[0])
        for other in names[1:]:
            low, high = sorted((root(names[0]), root(other)))
            parent[high] = low
    return [root(first) for first in firsts]


def _ties(row: Record, with_donor: bool) -> list[str]:
    people = [row.identity, row.donor] if with_donor else [row.identity]
    found = [f"person {row.dataset} {name}" for name in people if name]
    return found + ([f"footage {row.dataset} {row.source}"] if row.source else [])
