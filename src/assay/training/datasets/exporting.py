"""Write a manifest in the forms that other programs read, and assay's own folder form."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from assay.errors import ConfigError, InputError
from assay.training.datasets.manifest_file import Manifest
from assay.training.datasets.opening import read_part, sha256_of_item
from assay.training.datasets.prepared import reason_of
from assay.training.datasets.records import Record, groups_of
from assay.training.progress import told

FOLDER_COLUMNS = (
    "path", "modality", "label", "method", "identity", "split", "box", "source", "licence", "note",
    "sha256",
)  # fmt: skip
ARENA_LABELS = {"fake": "spoof", "real": "bonafide"}


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the file, how many items, and what could not be, by reason."""

    path: Path
    n: int
    left_out: Mapping[str, int]


def export(manifest: Manifest, form: str, out: Path) -> Exported:
    """Write the manifest as one of FORMS to `out`.

    Raises ConfigError for an unknown form, an `out` that is there already, or where no item can be
    written in that form.
    """
    if form not in FORMS:
        raise ConfigError(f"--format {form!r} is none of {', '.join(FORMS)}.")
    target = out / "manifest.csv" if form == "assay" else out
    if target.exists():
        raise ConfigError(f"{target} is there already.", remedy="Choose another --out.")
    target.parent.mkdir(parents=True, exist_ok=True)
    left_out: dict[str, int] = {}
    unfinished = target.with_name(f".{target.name}.unfinished")
    with unfinished.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        n = FORMS[form](manifest, file, target.parent, left_out)
    if not n:
        unfinished.unlink()
        raise ConfigError(f"No item can be written as {form}: {left_out or 'there is none'}.")
    os.replace(unfinished, target)
    return Exported(target, n, left_out)


def _csv(manifest: Manifest, file: Any, folder: Path, left_out: dict[str, int]) -> int:
    """All fields; spans as JSON, of a packed item `offset` and `length`."""
    names = [one.name for one in fields(Record) if one.name != "part"]
    return _write(file, [*names, "offset", "length"], (_flat(one) for one in manifest.records))


def _flat(record: Record) -> dict[str, Any]:
    row = asdict(record)
    part = row.pop("part") or {"offset": "", "length": ""}
    row["spans"] = "" if row["spans"] is None else json.dumps(row["spans"])
    empty = {name: "" for name, value in row.items() if value is None}
    return {**row, **empty, **part}


def _jsonl(manifest: Manifest, file: Any, folder: Path, left_out: dict[str, int]) -> int:
    """One JSON object an item, with all fields; what is not known is null."""
    for record in manifest.records:
        file.write(json.dumps(asdict(record)) + "\n")
    return len(manifest.records)


def _arena(manifest: Manifest, file: Any, folder: Path, left_out: dict[str, int]) -> int:
    """`file_name,label` with absolute paths and spoof or bonafide, of sound."""
    rows = []
    for record in _plain(manifest.records, ("audio",), left_out):
        path = str(manifest.path_of(record).absolute())
        rows.append({"file_name": path, "label": ARENA_LABELS[record.label]})
    return _write(file, ("file_name", "label"), rows)


def _assay(manifest: Manifest, file: Any, folder: Path, left_out: dict[str, int]) -> int:
    """The folder form: manifest.csv, and packed items as files of their own beside it.

    `identity` is the group that must not be divided (people, donors and footage joined), since
    that is what the form's readers keep together. The paths are absolute, but for those of packed
    items. A file that cannot be read is left out: every item of the form has a hash.
    """
    groups = groups_of(manifest.records)
    by_key = {record.key: group for record, group in zip(manifest.records, groups, strict=True)}
    rows = []
    usable = list(_plain(manifest.records, ("image", "video", "audio"), left_out, packed=True))
    for record in told(usable, len(usable), "files"):
        try:
            rows.append(_folder_row(manifest, record, by_key[record.key], folder))
        except InputError as error:
            code = reason_of(error).split(":")[0]
            left_out[code] = left_out.get(code, 0) + 1
    return _write(file, FOLDER_COLUMNS, rows)


def _folder_row(manifest: Manifest, record: Record, group: str, folder: Path) -> dict[str, str]:
    path = manifest.path_of(record)
    sha256 = sha256_of_item(path, record.modality, record.part)
    shown = str(path.absolute())
    if record.part is not None:
        shown = f"packed/{sha256[:2]}/{sha256}"
        target = folder / shown
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(b"".join(read_part(path, record.part)))
    return {
        "path": shown,
        "modality": record.modality,
        "label": record.label,
        "method": record.method or record.dataset,
        "identity": group,
        "split": record.split,
        "box": "",
        "source": f"{record.dataset}:{record.path}",
        "licence": record.licence,
        "note": "",
        "sha256": sha256,
    }


def _plain(
    records: Iterable[Record],
    modalities: Sequence[str],
    left_out: dict[str, int],
    packed: bool = False,
) -> Iterator[Record]:
    for record in records:
        if record.modality not in modalities:
            why = f"{record.modality} has no place in this form"
        elif record.part is not None and not packed:
            why = "packed items have no file of their own"
        else:
            yield record
            continue
        left_out[why] = left_out.get(why, 0) + 1


def _write(file: Any, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> int:
    writer = csv.DictWriter(file, columns, lineterminator="\n")
    writer.writeheader()
    n = 0
    for row in rows:
        writer.writerow(row)
        n += 1
    return n


FORMS: dict[str, Callable[[Manifest, Any, Path, dict[str, int]], int]] = {
    "csv": _csv,
    "jsonl": _jsonl,
    "speech-df-arena": _arena,
    "assay": _assay,
}
