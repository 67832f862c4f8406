"""The manifest of a data set as one Parquet file: records, and what is known of the whole."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import assay
from assay.errors import ConfigError
from assay.training.datasets.records import Bytes, FakeSpan, Notice, Record

FORMAT = "assay manifest 1"
_KEY = b"assay"


@dataclass(frozen=True, slots=True)
class Manifest:
    """Records of one or several sets. `root` is the folder that their paths start from.

    `choices` are those it was read with, `notices` what the reader said; `made_by` tells the
    command or the step that wrote it.
    """

    root: Path
    records: tuple[Record, ...]
    notices: tuple[Notice, ...] = ()
    choices: Mapping[str, str] = field(default_factory=dict)
    made_by: str = ""

    @property
    def datasets(self) -> tuple[str, ...]:
        """The names of the sets in it, sorted."""
        return tuple(sorted({record.dataset for record in self.records}))

    def path_of(self, record: Record) -> Path:
        """Where the record's file lies."""
        return self.root / record.path

    def with_records(self, records: Iterable[Record], made_by: str) -> Manifest:
        """The same manifest with other records."""
        return replace(self, records=tuple(records), made_by=made_by)


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write it as Parquet, in one step. Raises ConfigError without pyarrow."""
    pa, parquet = _arrow()
    rows = [_flat(record) for record in manifest.records]
    about = {
        "format": FORMAT,
        "root": str(manifest.root),
        "notices": [asdict(notice) for notice in manifest.notices],
        "choices": dict(manifest.choices),
        "made_by": manifest.made_by,
        "assay_version": assay.__version__,
    }
    table = pa.Table.from_pylist(rows, schema=_schema(pa))
    table = table.replace_schema_metadata({_KEY: json.dumps(about)})
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.unfinished")
    parquet.write_table(table, unfinished, compression="zstd")
    unfinished.replace(path)


def read_manifest_file(path: Path, root: Path | None = None) -> Manifest:
    """The manifest; `root` is where its files lie now, if they were moved.

    Raises ConfigError where it is no manifest of ours.
    """
    pa, parquet = _arrow()
    try:
        table = parquet.read_table(path)
        about = json.loads((table.schema.metadata or {})[_KEY])
        if about["format"] != FORMAT:
            raise ConfigError(f"{path} is written as {about['format']!r}; this is {FORMAT!r}.")
        records = tuple(_record(row) for row in table.to_pylist())
    except (OSError, pa.ArrowException, KeyError, ValueError, TypeError) as error:
        said = " ".join(str(error).split())[:200]
        raise ConfigError(
            f"{path} is no manifest: {type(error).__name__}: {said}",
            remedy="Write one with: assay data scan FOLDER --out manifest.parquet",
        ) from error
    return Manifest(
        root=root or Path(about["root"]),
        records=records,
        notices=tuple(Notice(**notice) for notice in about["notices"]),
        choices=about["choices"],
        made_by=about["made_by"],
    )


def _arrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ModuleNotFoundError as error:
        raise ConfigError(
            "Manifests are Parquet files, and pyarrow is not installed.",
            remedy="Install it with: pip install 'assay[train]'",
        ) from error
    return pyarrow, parquet


def _schema(pa: Any) -> Any:
    text, flag = pa.string(), pa.bool_()
    span = pa.struct([("start_s", pa.float64()), ("end_s", pa.float64()), ("what", text)])
    part = pa.struct([("offset", pa.int64()), ("length", pa.int64())])
    special = {
        "visual_fake": flag,
        "audio_fake": flag,
        "listed": flag,
        "spans": pa.list_(span),
        "part": part,
    }
    return pa.schema([(one.name, special.get(one.name, text)) for one in fields(Record)])


def _flat(record: Record) -> dict[str, Any]:
    return asdict(record)


def _record(row: Mapping[str, Any]) -> Record:
    values = dict(row)
    spans, part = values.pop("spans"), values.pop("part")
    return Record(
        **values,
        spans=None if spans is None else tuple(FakeSpan(**span) for span in spans),
        part=None if part is None else Bytes(**part),
    )
