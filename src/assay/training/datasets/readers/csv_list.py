"""Any table of files and labels: yours, Speech DF Arena's protocols, assay's own manifest.csv."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from assay.errors import ConfigError
from assay.training.datasets.readers import About, Choice, Reader
from assay.training.datasets.readers.label_files import inside, rows_of
from assay.training.datasets.readers.listed_paths import ListedPaths
from assay.training.datasets.readers.real_fake_folder import SPLITS as FOLDER_SPLITS
from assay.training.datasets.readers.set_folder import SetFolder, in_order
from assay.training.datasets.records import Label, Modality, Notice, Record, Split

REAL = (
    "real", "genuine", "bonafide", "bona-fide", "bona_fide", "bona fide", "authentic", "original",
    "pristine", "human", "natural",
)  # fmt: skip
FAKE = (
    "fake", "spoof", "spoofed", "forged", "deepfake", "synthetic", "generated", "ai",
    "ai-generated", "manipulated", "tampered",
)  # fmt: skip
WORDS: dict[str, Label] = {**dict.fromkeys(REAL, "real"), **dict.fromkeys(FAKE, "fake")}
EYES = ("open", "closed")
# In assay's own manifest: a clip of two halves, and files without a label.
NO_LABEL = {
    "paired": "clips are genuine in their left half and forged in their right one; a manifest has "
    "one label an item, so they are left out",
    "forensic": "files are for forensics of the container, have no label and are left out",
}
NAMES = {
    "path": ("path", "file", "file_name", "filename", "filepath", "file_path", "image", "video"),
    "label": ("label", "labels", "class", "target"),
    "method": ("method", "generator", "attack", "manipulation", "system"),
    "identity": ("identity", "speaker", "person"),
    "donor": ("donor",),
    "source": ("source", "original", "footage"),
    "split": ("split",),
    "subset": ("subset",),
    "modality": ("modality",),
    "mask": ("mask",),
    "licence": ("licence", "license"),
    "note": ("note",),
    "sha256": ("sha256",),
}
SPLITS: dict[str, Split] = {**FOLDER_SPLITS, "eval": "test", "": ""}
OURS = {"path", "modality", "label", "method", "identity", "split", "box", "source", "sha256"}
# Tables of known sets that have readers of their own.
OTHERS = ({"file", "speaker", "label"}, {"label_str", "original_path"})
MANIFEST = "manifest.csv"
_NOTHING = ("", "-", "none", "real", "n/a", "bonafide")


class CsvList(Reader):
    """All tables `*.csv` of the folder that have a column of paths and one of labels."""

    about = About(
        name="csv_list",
        title="A table of files and labels (CSV)",
        modalities=("image", "video", "audio", "frames"),
        labels=("real", "fake"),
        splits=("train", "val", "test"),
        licence="whatever the files' own terms are",
        obtain="any table of yours; Speech DF Arena's protocols: "
        "https://github.com/Speech-Arena/speech_df_arena; assay's own manifest.csv",
        paper="",
        layout="""*.csv with a header: path,label[,method,identity,donor,source,split,subset,
    modality,mask,licence,note,sha256]; further columns are not looked at""",
        choices={
            "one_means": Choice(
                ("words", "fake", "real"),
                "labels are words; or what 1 means where they are 0 and 1",
            )
        },
        quirks=(
            "Labels are words (real, genuine, bonafide … fake, spoof, generated …). 0 and 1 are "
            "refused unless one_means says which is which: sets disagree on it.",
            "Paths start from the folder of the table. Absolute ones of another machine are taken "
            "from where they lead to a file in this folder; a notice tells what was cut off.",
            "A table called train.csv, val.csv or test.csv gives its rows that split where it has "
            "no column split. All tables of the folder are read, except beside a manifest.csv.",
            "Names without a suffix (Speech DF Arena) get that of the file that is there.",
            "In assay's own manifest.csv open and closed are genuine eyes, `method` of a genuine "
            "file is where it came from (`subset` here), `copy of PATH` gives both one `source`; "
            "paired clips and forensic files have no single label and are left out, counted.",
        ),
    )

    def recognises(self, root: Path) -> bool:
        """A table with paths and labels in words, which no other reader is for."""
        folder = SetFolder(root)
        return any(_is_ours(folder.root / name) for name in folder.files("", (".csv",))[:50])

    def read(self, root: Path, choices: Mapping[str, str]) -> Iterator[Record | Notice]:
        """See Reader."""
        folder = SetFolder(root)
        if root.is_file():
            raise ConfigError(f"{root} is a file.", remedy="Give the folder that it lies in.")
        tables = folder.files("", (".csv",))
        lists = [name for name in tables if _columns(root / name)[1]]
        lists = [MANIFEST] if MANIFEST in lists else lists
        paths, left_out = ListedPaths(root), Counter[str]()
        rows: dict[str, tuple[Record, str]] = {}
        for name in lists:
            for where, record in _records(root / name, paths, choices["one_means"], left_out):
                before = rows.setdefault(record.path, (record, where))
                if before[0] != record:
                    raise ConfigError(f"{where}: {record.path!r} is told otherwise in {before[1]}.")
                left_out["listed_twice"] += before[1] != where
        if not lists:
            _refuse(root, tables)
        found = _copies([record for record, _ in rows.values()])
        notices = [
            *folder.notices(),
            *(Notice(code, text, left_out[code]) for code, text in NO_LABEL.items()),
            Notice(
                "listed_twice", "rows say again what a row above said", left_out["listed_twice"]
            ),
            Notice("not_read", "other tables are in the folder", len(tables) - len(lists)),
            *paths.notices(),
        ]
        yield from in_order(found, notices, self.about.layout)


def _columns(table: Path) -> tuple[dict[str, str], bool]:
    """({our name: the column's}, whether there are both paths and labels)."""
    try:
        _, first = next(rows_of(table, ()), (0, {}))
    except ConfigError:
        return {}, _has_header(table)
    there = {name.lower(): name for name in first}
    found = {
        ours: next(there[name] for name in names if name in there)
        for ours, names in NAMES.items()
        if any(name in there for name in names)
    }
    return found, {"path", "label"} <= found.keys()


def _has_header(table: Path) -> bool:
    """Whether a table that cannot be read begins as a list does: reading it then says why."""
    with table.open("rb") as file:
        head = file.readline(4096).decode("utf-8", "replace").lower()
    names = {name.strip(' "\r\n\ufeff') for name in head.split(",")}
    return all(names & set(NAMES[needed]) for needed in ("path", "label"))


def _is_ours(table: Path) -> bool:
    columns, is_list = _columns(table)
    if not is_list or not columns:
        return False
    try:
        _, row = next(rows_of(table, ()), (0, {}))
    except ConfigError:
        return False
    names = {name.lower() for name in row}
    known = (*WORDS, *EYES, *NO_LABEL)
    others = any(other <= names for other in OTHERS) and not names >= OURS
    return row[columns["label"]].lower() in known and not others


def _refuse(root: Path, tables: list[str]) -> None:
    shown = ", ".join(tables[:5]) or "none"
    raise ConfigError(
        f"No table in {root} has a column path and a column label (tables there: {shown}).",
        remedy="Write one with the header: path,label",
    )


def _records(
    table: Path, paths: ListedPaths, one_means: str, left_out: Counter[str]
) -> Iterator[tuple[str, Record]]:
    columns, _ = _columns(table)
    by_name = SPLITS.get(table.stem.lower(), "")
    for line, raw in rows_of(table, ()):
        where = f"{table}, line {line}"
        row = {ours: raw[name] for ours, name in columns.items()}
        is_ours = raw.keys() >= OURS
        word = row["label"].lower()
        if is_ours and word in NO_LABEL:
            left_out[word] += 1
            continue
        given = row.get("modality", "").lower()
        path, modality = paths.of(row["path"], "" if given == "eye" else given, where)
        yield where, _record(row, path, modality, _label(word, one_means, where), by_name,
                             is_ours, where)  # fmt: skip


def _label(word: str, one_means: str, where: str) -> Label:
    if word in EYES:
        return "real"
    if word in WORDS:
        return WORDS[word]
    if not re.fullmatch(r"[01](\.0*)?", word):
        raise ConfigError(f"{where}: the label {word[:40]!r} is no word for real or fake.")
    if one_means == "words":
        raise ConfigError(
            f"{where}: the label is {word}, and nothing says whether 1 is real or fake.",
            remedy="Choose one_means=fake or one_means=real.",
        )
    ones: Label = "fake" if one_means == "fake" else "real"
    zeros: Label = "real" if one_means == "fake" else "fake"
    return ones if word[0] == "1" else zeros


def _record(
    row: Mapping[str, str], path: str, modality: Modality, label: Label, by_name: Split,
    is_ours: bool, where: str,
) -> Record:  # fmt: skip
    split = row.get("split", "").lower() or by_name
    if split not in SPLITS:
        raise ConfigError(f"{where}: {split[:40]!r} is no split (train, val or test).")
    method, identity, source = (row.get(name, "") for name in ("method", "identity", "source"))
    word = row["label"].lower()
    if is_ours:
        identity = identity or _speaker(method, path)
        # There it is the address that the file came from, not the footage.
        source = row.get("note", "").removeprefix("copy of ").split(";")[0].strip()
        source = source if row.get("note", "").startswith("copy of ") else ""
    from_where = "" if label == "fake" or method.lower() in _NOTHING else method
    digest = row.get("sha256", "").lower()
    return Record(
        dataset="csv_list",
        path=path,
        modality=modality,
        label=label,
        method=(method or "unnamed") if label == "fake" else "",
        identity=identity,
        donor=row.get("donor", ""),
        source=source,
        split=SPLITS[split],
        subset=row.get("subset", "") or from_where,
        mask=inside(row["mask"], where) if row.get("mask") else "",
        eye="open" if word == "open" else "closed" if word == "closed" else "",
        listed=True,
        licence=row.get("licence", ""),
        note=row.get("note", ""),
        # Our own manifests give its first sixteen digits.
        sha256=digest if re.fullmatch(r"[0-9a-f]{16,64}", digest) else "",
    )


def _speaker(method: str, path: str) -> str:
    """The speaker in `mead-hdtf_<number>_<speaker>_…`, of whom there are many clips."""
    stem = path.rsplit("/", 1)[-1].rpartition(".")[0].split("-", 1)[-1]
    parts = stem.split("_")
    is_one = method == "mead-hdtf" and stem.startswith("mead-hdtf_") and len(parts) > 2
    return f"mead-{parts[2]}" if is_one else ""


def _copies(rows: list[Record]) -> list[Record]:
    """The originals of copies get their own path as the source that their copies name."""
    named = {row.source for row in rows if row.note.startswith("copy of ")}
    return [replace(row, source=row.path) if row.path in named and not row.source else row
            for row in rows]  # fmt: skip


READERS = (CsvList,)
