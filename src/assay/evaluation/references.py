"""BibTeX of what an evaluation used: the sets and the networks, as they ask to be cited."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from assay.evaluation.models import PROGRAM, About

_ENTRY = re.compile(r"@\w+\s*\{\s*([^\s,{}]+)\s*,")
MAX_CHARS = 20_000


def references(datasets: Iterable[str], models: Iterable[About]) -> dict[str, str]:
    """BibTeX entries by key, sorted: of the sets whose reader has one, then of the networks."""
    texts = [*_of_sets(datasets), *(_of_model(about) for about in models)]
    found: dict[str, str] = {}
    for text in texts:
        for key, entry in entries_of(text):
            found.setdefault(key, entry)
    return dict(sorted(found.items()))


def write_references(entries: dict[str, str], path: Path) -> Path:
    """Write them as one file."""
    text = "\n\n".join(entries.values())
    path.write_text(text + "\n" if text else "", encoding="utf-8", errors="replace")
    return path


def entries_of(text: str) -> list[tuple[str, str]]:
    """(key, entry) of each whole entry of a text; what is not closed by its brace is left out."""
    found = []
    for start in _ENTRY.finditer(text[:MAX_CHARS]):
        depth = 0
        for at in range(start.start(), min(len(text), MAX_CHARS)):
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            if text[at] == "}" and depth == 0:
                found.append((start[1], text[start.start() : at + 1].strip()))
                break
    return found


def _of_sets(datasets: Iterable[str]) -> list[str]:
    from assay.training.datasets.readers import discover

    known = discover()
    return [known[name].about.bibtex for name in datasets if name in known]


def _of_model(about: About) -> str:
    if about.bibtex or not about.net or about.net == PROGRAM:
        return about.bibtex
    try:
        from assay.training.nets import discover
    except ModuleNotFoundError:  # scores of others need no torch
        return ""
    known = discover()
    return known[about.net].bibtex if about.net in known else ""
