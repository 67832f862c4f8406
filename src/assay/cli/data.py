"""`assay data list | scan | verify | split | stats | export | prepare`: labelled media in order."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from assay.cli import data_tables as tables
from assay.cli.exits import guarded, say
from assay.cli.extras import needing
from assay.errors import UsageError

PROBLEMS = 1

AsJson = Annotated[bool, typer.Option("--json", help="JSON on stdout instead of a table.")]
ManifestFile = Annotated[
    Path, typer.Argument(metavar="MANIFEST", help="What `assay data scan` wrote.")
]
Root = Annotated[
    Path | None, typer.Option(metavar="DIR", help="Where the files lie now, if they were moved.")
]
Workers = Annotated[
    int, typer.Option(metavar="N", min=0, help="Processes; 0 works in this one alone.")
]
Seed = Annotated[int, typer.Option(metavar="N", help="Another one divides in another way.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an internal error.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the application."""
    group = typer.Typer(
        help="From a data set's folder to a manifest that can be trusted (see docs/data.md).",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    group.command("list")(list_sets)
    for command in (scan, verify, split, stats, export, prepare):
        group.command(command.__name__)(command)
    app.add_typer(group, name="data")


@guarded
def list_sets(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="Tell all of one.")] = None,
    as_json: AsJson = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="A Markdown table on stdout.")
    ] = False,
    debug: Debug = False,
) -> None:
    """List the known data sets: what they hold, their terms, and how to obtain them."""
    from assay.training.datasets import scanning

    if name:
        scanning.named(name)
    rows = [row for row in scanning.sets() if name in (None, row["name"])]
    if as_json:
        for row in rows:
            typer.echo(json.dumps(row))
    elif markdown:
        typer.echo(scanning.as_markdown(rows), nl=False)
    elif name:
        tables.print_set(rows[0])
    else:
        tables.print_sets(rows)


@guarded
def scan(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The set's own folder.")],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The manifest (Parquet).")],
    set_name: Annotated[
        str | None, typer.Option("--set", metavar="NAME", help="Take it for this set.")
    ] = None,
    choose: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="A choice of the set (`assay data list NAME`)."),
    ] = None,
    debug: Debug = False,
) -> None:
    """Read a set's folder into a manifest; its labels are opened, its media are not."""
    _require_parts("pyarrow")
    from assay.training.datasets.manifest_file import write_manifest
    from assay.training.datasets.scanning import counted
    from assay.training.datasets.scanning import scan as scan_folder

    manifest, reader = scan_folder(folder, set_name, _choices(choose or []))
    how = "as you said" if set_name else "recognised by its layout"
    say(f"{folder} is read as {reader.about.name} ({reader.about.title}), {how}.")
    chosen = ", ".join(f"{key} {value}" for key, value in manifest.choices.items())
    if chosen:
        say(f"chosen: {chosen}")
    tables.print_scan(manifest, counted(manifest))
    write_manifest(manifest, out)
    say(f"{len(manifest.records)} items are in {out}")


@guarded
def verify(
    manifest_file: ManifestFile,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a manifest without what is unusable."),
    ] = None,
    hash_: Annotated[
        bool, typer.Option("--hash", help="Keep each item's sha256 (in --out, or in MANIFEST).")
    ] = False,
    ignore: Annotated[
        list[str] | None,
        typer.Option(metavar="KIND", help="A kind of problem that you know of; repeatable."),
    ] = None,
    root: Root = None,
    workers: Workers = 0,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Decode every item, and look for missing, broken, doubled and leaking ones.

    Exit code 0: clean; 1: there are problems. What was seen is kept beside the manifest: a run
    that was stopped goes on.
    """
    _require_parts("pyarrow", "imagehash")
    from assay.training.datasets import verifying
    from assay.training.datasets.manifest_file import write_manifest
    from assay.training.datasets.seen_items import look_at_all, memory_of

    unknown = sorted(set(ignore or []) - set(verifying.KINDS))
    if unknown:
        raise UsageError(f"--ignore {unknown[0]!r} is none of {', '.join(verifying.KINDS)}.")
    manifest = _manifest(manifest_file, root)
    seen = look_at_all(manifest, memory_of(manifest_file), workers)
    verified = verifying.verify(manifest, seen)
    if out is not None:
        clean = verifying.cleaned(verified, with_hashes=hash_)
        write_manifest(clean, out)
        say(f"{len(clean.records)} of {len(manifest.records)} items are in {out}")
    elif hash_:
        write_manifest(verifying.with_hashes(manifest, seen), manifest_file)
        say(f"the items of {manifest_file} carry their sha256")
    answer = verifying.as_json(verified, ignore or [])
    if as_json:
        typer.echo(json.dumps(answer, indent=1))
    else:
        tables.print_verified(verified, answer)
    if not answer["clean"]:
        raise typer.Exit(PROBLEMS)


@guarded
def split(
    manifest_file: ManifestFile,
    out: Annotated[Path, typer.Option(metavar="FILE", help="The manifest with splits.")],
    shares: Annotated[
        str, typer.Option(metavar="A,B,C", help="Of training, validation and test.")
    ] = ".7,.15,.15",
    by: Annotated[
        str, typer.Option(metavar="identity|source|both", help="What is never divided.")
    ] = "both",
    with_donor: Annotated[
        bool,
        typer.Option("--with-donor/--without-donor", help="A swap ties both of its people."),
    ] = True,
    seed: Seed = 0,
    debug: Debug = False,
) -> None:
    """Divide the items so that no person and no footage is in two splits."""
    _require_parts("pyarrow")
    from assay.training.datasets.manifest_file import write_manifest
    from assay.training.datasets.splitting import split as divide

    manifest = _manifest(manifest_file, None)
    kind: Any = by
    divided = divide(manifest, _numbers(shares), by=kind, with_donor=with_donor, seed=seed)
    tables.print_split(divided)
    for warning in divided.warnings:
        say(f"note: {warning}")
    write_manifest(divided.manifest, out)
    say(f"{len(manifest.records)} items are in {out}")


@guarded
def stats(
    manifest_file: ManifestFile,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where stats.json and the plots go.")
    ] = None,
    root: Root = None,
    workers: Workers = 0,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Show the balance of the labels, and what else than a forgery tells them apart."""
    _require_parts("pyarrow", "imagehash", "matplotlib")
    from assay.training.datasets import balance_plot, shortcuts
    from assay.training.datasets.seen_items import look_at_all, memory_of

    manifest = _manifest(manifest_file, root)
    seen = look_at_all(manifest, memory_of(manifest_file), workers)
    found = shortcuts.shortcuts(manifest.records, seen)
    unread = sum(1 for one in seen if one.problem)
    answer = {
        "n_items": len(seen),
        "n_unreadable": unread,
        "balance": shortcuts.balance(manifest.records),
        "facts": shortcuts.as_json(found),
    }
    if out is not None:
        balance_plot.draw_all(manifest.records, seen, found, out)
        (out / "stats.json").write_text(json.dumps(answer, indent=1) + "\n", encoding="utf-8")
    if as_json:
        typer.echo(json.dumps(answer, indent=1))
    else:
        tables.print_stats(answer)
    if unread:
        say(f"{unread} items cannot be read whole: see `assay data verify`")


@guarded
def export(
    manifest_file: ManifestFile,
    form: Annotated[
        str, typer.Option("--format", metavar="csv|jsonl|speech-df-arena|assay", help="The form.")
    ],
    out: Annotated[
        Path, typer.Option(metavar="FILE_OR_DIR", help="A folder for assay, else a file.")
    ],
    root: Root = None,
    debug: Debug = False,
) -> None:
    """Write a manifest for other programs; `assay` is the folder that `assay evaluate` takes."""
    _require_parts("pyarrow")
    from assay.training.datasets.exporting import export as write

    written = write(_manifest(manifest_file, root), form, out)
    for why, n in written.left_out.items():
        say(f"{n} items are left out: {why}")
    say(f"{written.n} items are in {written.path}")


@guarded
def prepare(
    manifest_file: ManifestFile,
    cache: Annotated[Path, typer.Option(metavar="DIR", help="Where faces and voices are kept.")],
    frames: Annotated[int, typer.Option(metavar="N", min=1, help="Of a video, at most.")] = 32,
    faces: Annotated[int, typer.Option(metavar="N", min=1, help="People of an item, at most.")] = 3,
    kind: Annotated[
        str, typer.Option(metavar="faces|voices|both|fitting", help="What is looked for.")
    ] = "fitting",
    root: Root = None,
    workers: Workers = 0,
    as_json: AsJson = False,
    debug: Debug = False,
) -> None:
    """Find faces and speech once, for every later training and evaluation.

    "fitting" looks for faces in pictures and videos and for speech in recordings. A run that was
    stopped goes on where it was.
    """
    _require_parts("pyarrow")
    from assay.training.datasets.prepared import prepare_all

    rows = prepare_all(
        _manifest(manifest_file, root),
        cache,
        kind,
        n_frames=frames,
        max_faces=faces,
        workers=workers,
    )
    if as_json:
        for row in rows:
            typer.echo(json.dumps(row))
    else:
        tables.print_prepared(rows)


def _manifest(path: Path, root: Path | None) -> Any:
    from assay.training.datasets.manifest_file import read_manifest_file

    if not path.is_file():
        raise UsageError(
            f"There is no manifest {path}.",
            remedy="Write one with: assay data scan FOLDER --out manifest.parquet",
        )
    return read_manifest_file(path, root)


def _choices(given: list[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in given]
    wrong = [one for one, (_, equals, _) in zip(given, pairs, strict=True) if not equals]
    if wrong:
        raise UsageError(f"--choose {wrong[0]!r} is not KEY=VALUE.")
    return {key.strip(): value.strip() for key, _, value in pairs}


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise UsageError(f"--shares {text!r} are no numbers with commas between.") from None


def _require_parts(*names: str) -> None:
    """Raise InstallationError naming the extra where one of these modules is missing."""
    import importlib

    with needing("This needs", "train"):
        for name in (*names, "tqdm"):
            importlib.import_module(name)
