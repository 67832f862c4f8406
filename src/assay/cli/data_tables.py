"""What `assay data` shows people: tables of sets, counts, problems and shortcuts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import typer

from assay.cli.tables import print_table

if TYPE_CHECKING:
    from assay.training.datasets.manifest_file import Manifest
    from assay.training.datasets.scanning import Counted
    from assay.training.datasets.splitting import Divided
    from assay.training.datasets.verifying import Verified

MOST_SHOWN = 10
NO_SPLIT = "no split"


def print_sets(rows: Sequence[Mapping[str, Any]]) -> None:
    """One line a set."""
    from assay.training.datasets.scanning import published_text

    columns = ("name", "set", "kinds", "labels", "own splits", "stated items", "licence")
    print_table(
        columns,
        (
            (
                row["name"],
                row["title"],
                ", ".join(row["modalities"]),
                ", ".join(row["labels"]),
                ", ".join(row["splits"]) or "–",
                published_text(row["published"]) or "–",
                row["licence"],
            )
            for row in rows
        ),
    )
    typer.echo("`assay data list NAME` tells all of one; ≈: recalled, not checked at its source.")


def print_set(row: Mapping[str, Any]) -> None:
    """All that is known of one set."""
    from assay.training.datasets.scanning import published_text

    choices = (
        f"{name}={'|'.join(one['values'])} ({one['meaning']})"
        for name, one in row["choices"].items()
    )
    fields = [
        ("set", row["title"]),
        ("kinds", ", ".join(row["modalities"])),
        ("labels", ", ".join(row["labels"])),
        ("own splits", ", ".join(row["splits"])),
        ("stated items", published_text(row["published"])),
        ("layout", row["layout"]),
        ("choices", "\n".join(choices)),
        ("licence", row["licence"]),
        ("how to obtain it", row["obtain"]),
        ("paper", row["paper"]),
        *(("note", quirk) for quirk in row["quirks"]),
    ]
    print_table(("field", "value"), ((a, b or "–") for a, b in fields), title=row["name"])


def print_scan(manifest: Manifest, counts: Sequence[Counted]) -> None:
    """What was found: items by label and method, beside what is stated, and the notices."""
    kinds = Counter((r.modality, r.label, r.method, r.split) for r in manifest.records)
    rows = [
        (*map(str, kind[:3]), kind[3] or NO_SPLIT, f"{n:,}") for kind, n in sorted(kinds.items())
    ]
    print_table(("kind", "label", "method", "split", "items"), rows)
    print_counts(counts)
    if manifest.notices:
        notices = ((one.code, f"{one.n:,}", one.text) for one in manifest.notices)
        print_table(("notice", "times", "what"), notices)


def print_counts(counts: Sequence[Counted]) -> None:
    """Found beside stated."""
    if counts:
        rows = (
            (
                one.dataset,
                one.what,
                f"{one.found:,}",
                f"{'' if one.sure else '≈ '}{one.published:,}",
                "as stated" if one.as_published else f"{one.found - one.published:+,}",
            )
            for one in counts
        )
        print_table(("set", "items", "found", "stated", "difference"), rows)


def print_verified(verified: Verified, answer: Mapping[str, Any]) -> None:
    """How many problems of each kind, the first of each, and the counts."""
    from assay.training.datasets.verifying import KINDS

    print_counts(verified.counts)
    rows = []
    for kind, n in verified.by_kind.items():
        shown = kind + (" (ignored)" if kind in answer["ignored"] else "")
        rows.append((shown, f"{n:,}", next(text for k, text in KINDS.items() if k == kind)))
    if rows:
        print_table(("problem", "times", "what"), rows)
    for kind in verified.by_kind:
        texts = [problem.text for problem in verified.problems if problem.kind == kind]
        more = len(texts) - MOST_SHOWN
        tail = [f"and {more:,} more (--json tells all)"] if more > 0 else []
        print_table((kind.replace("_", " "),), ((text,) for text in [*texts[:MOST_SHOWN], *tail]))
    if verified.related:
        typer.echo(f"{verified.related:,} near pairs are known to be related, and are no problem.")
    for note in verified.notes:
        typer.echo(f"{note}.")
    n = len(verified.manifest.records)
    typer.echo(f"{n:,} items: {'clean' if answer['clean'] else 'there are problems'}.")


def print_split(divided: Divided) -> None:
    """Items by label, method and split."""
    from assay.training.datasets.splitting import table

    print_table(
        ("label", "method", "train", "val", "test", NO_SPLIT), table(divided.manifest.records)
    )
    typer.echo(
        f"{divided.n_groups:,} groups that must not be divided; the largest holds "
        f"{divided.largest_group:,} items."
    )


def print_stats(answer: Mapping[str, Any]) -> None:
    """The balance, and each fact with how well it alone tells the label."""
    columns = ("dataset", "modality", "label", "method", "split", "items", "people", "footages")
    print_table(columns, (_texts(row, columns) for row in answer["balance"]))
    facts = answer["facts"]
    if not facts:
        typer.echo("There are too few items of one label to look for shortcuts.")
        return
    print_table(
        ("kind", "fact", "AUC alone", "95 %", "groups", "fakes have", "fake", "real", ""),
        (_fact_texts(row) for row in facts),
    )
    named = [f"{row['kind']} {row['fact']} ({row['auc']:.2f})" for row in facts if row["shortcut"]]
    typer.echo(
        f"Shortcuts: {', '.join(named)}. A detector can learn these in place of the forgery."
        if named
        else "No fact alone surely tells the label."
    )


def _texts(row: Mapping[str, Any], columns: Iterable[str]) -> list[str]:
    return [
        f"{row[name]:,}" if isinstance(row[name], int) else row[name] or "–" for name in columns
    ]


def _fact_texts(row: Mapping[str, Any]) -> tuple[str, ...]:
    return (
        row["kind"],
        row["fact"],
        f"{row['auc']:.3f}",
        "–" if row["low"] is None else f"{row['low']:.2f}–{row['high']:.2f}",
        f"{row['n_groups']:,}",
        {"other": "other values"}.get(row["fakes_have"], row["fakes_have"]),
        row["fake"],
        row["real"],
        "shortcut" if row["shortcut"] else "",
    )


def print_prepared(rows: Sequence[Mapping[str, Any]]) -> None:
    """How many items have faces or speech, and why the others have none."""
    columns = ("what", "label", "state", "items", "views", "example")
    print_table(columns, (_texts(row, columns) for row in rows))
