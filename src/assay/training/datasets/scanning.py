"""From a set's folder to a manifest: which reader knows it, what it read, and how that compares
with what the set's authors state."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assay.errors import ConfigError
from assay.training.datasets.manifest_file import Manifest
from assay.training.datasets.readers import About, Reader, discover, settled
from assay.training.datasets.records import Notice, PublishedCount, Record

PLAIN = ("csv_list", "folder")
"""The readers of any table and any folder with real/ and fake/, the better one first; what knows a
set by name goes before them."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How many items there are of a kind, and how many the set's authors state."""

    dataset: str
    what: str
    published: int
    found: int
    sure: bool

    @property
    def as_published(self) -> bool:
        """Whether they are as many as stated."""
        return self.published == self.found


def scan(
    folder: Path, set_name: str | None = None, choices: Mapping[str, str] | None = None
) -> tuple[Manifest, Reader]:
    """The manifest of the folder, by the reader of that name or the one that recognises it.

    Raises ConfigError where no reader or several take the folder for theirs, or the reader cannot
    read it.
    """
    if not folder.is_dir():
        raise ConfigError(f"There is no folder {folder}.")
    reader = named(set_name) if set_name else recognise(folder)
    chosen = settled(reader, choices or {})
    records: list[Record] = []
    notices: list[Notice] = []
    for one in reader.read(folder, chosen):
        (records if isinstance(one, Record) else notices).append(one)  # type: ignore[arg-type]
    if not records:
        raise ConfigError(f"{reader.about.name} found no item in {folder}.")
    made_by = f"assay data scan --set {reader.about.name}"
    return Manifest(folder.resolve(), tuple(records), tuple(notices), chosen, made_by), reader


def named(name: str) -> Reader:
    """The reader of that name. Raises ConfigError naming the nearest."""
    readers = discover()
    if name in readers:
        return readers[name]
    near = difflib.get_close_matches(name, readers, n=1, cutoff=0.4)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    raise ConfigError(f"No reader is called {name!r}.", remedy=f"{hint}See: assay data list")


def recognise(folder: Path) -> Reader:
    """The one reader that takes this folder for its set.

    Raises ConfigError where none does, or several do that know more than real/ and fake/.
    """
    found = {name: one for name, one in discover().items() if one.recognises(folder)}
    special = [one for name, one in found.items() if name not in PLAIN]
    if len(special) > 1:
        names = ", ".join(one.about.name for one in special)
        raise ConfigError(
            f"{folder} looks like several sets: {names}.", remedy="Name one with --set NAME."
        )
    if special:
        return special[0]
    if plain := [found[name] for name in PLAIN if name in found]:
        return plain[0]
    raise ConfigError(
        f"No reader knows {folder}: is it the folder that the set's own layout begins at?",
        remedy="Name the set with --set NAME; `assay data list` shows each layout.",
    )


def counted(manifest: Manifest) -> list[Counted]:
    """Found beside published, of each set in the manifest."""
    readers = discover()
    rows = []
    for dataset in manifest.datasets:
        own = [record for record in manifest.records if record.dataset == dataset]
        published = readers[dataset].about.published if dataset in readers else ()
        rows += [_counted(dataset, one, own) for one in published]
    return rows


def _counted(dataset: str, one: PublishedCount, records: Iterable[Record]) -> Counted:
    what = ", ".join(f"{name} {value}" for name, value in one.where.items()) or "all"
    return Counted(dataset, what, one.n, one.of(records), one.sure)


def sets() -> list[dict[str, Any]]:
    """What `assay data list --json` says: a row a reader, sorted by name."""
    return [_row(reader.about) for reader in discover().values()]


def _row(about: About) -> dict[str, Any]:
    return {
        "name": about.name,
        "title": about.title,
        "modalities": list(about.modalities),
        "labels": list(about.labels),
        "splits": list(about.splits),
        "published": [
            {"n": one.n, "where": dict(one.where), "sure": one.sure} for one in about.published
        ],
        "licence": about.licence,
        "obtain": about.obtain,
        "paper": about.paper,
        "layout": about.layout,
        "choices": {
            name: {"values": list(choice.values), "meaning": choice.meaning}
            for name, choice in about.choices.items()
        },
        "quirks": list(about.quirks),
        "bibtex": about.bibtex,
    }


def as_markdown(rows: Iterable[Mapping[str, Any]]) -> str:
    """The sets as a Markdown table, for the documentation."""
    lines = [
        "| name | set | kinds | labels | own splits | stated items | choices | licence |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = (
            f"`{row['name']}`",
            row["title"],
            ", ".join(row["modalities"]),
            ", ".join(row["labels"]),
            ", ".join(row["splits"]) or "none",
            published_text(row["published"]) or "–",
            "; ".join(f"{name}: {', '.join(c['values'])}" for name, c in row["choices"].items())
            or "–",
            row["licence"],
        )
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def published_text(published: Iterable[Mapping[str, Any]]) -> str:
    """Published counts in one line; "≈" marks those not checked at their source."""
    return ", ".join(
        f"{'' if one['sure'] else '≈ '}{one['n']:,} {' '.join(one['where'].values())}".strip()
        for one in published
    )
