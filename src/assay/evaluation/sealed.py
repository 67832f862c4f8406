"""The sealed test: a test split is measured with `--final` only, and every time is written down.

Validation data choose between models; the test says once how good the choice is. Each use is one
line of `sealed_log.jsonl` beside the manifest, written before anything is scored.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from assay.errors import ConfigError
from assay.training.datasets.records import Notice

LOG = "sealed_log.jsonl"
SEALED = "test"


def log_of(manifest: Path) -> Path:
    """Where the uses of this manifest's test split are written down."""
    return manifest.parent / LOG


def require_unsealed(splits: Iterable[str], final: bool) -> None:
    """Raise ConfigError where test items would be measured without `--final`."""
    n = sum(split == SEALED for split in splits)
    if n and not final:
        raise ConfigError(
            f"{n} of the items are of the test split, which is sealed.",
            remedy="Choose models on --split val; measure the chosen one once with --final.",
        )


def log_use(manifest: Path, models: Sequence[tuple[str, str]], facts: Mapping[str, Any]) -> Notice:
    """Write this use down and say how many there were before on the same data.

    `models` are names and hashes; `facts` hold data_hash, protocol and command. Raises ConfigError
    where it cannot be written: an unlogged look at the test is none that counts.
    """
    path = log_of(manifest)
    before = uses(path)
    entry = {
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "manifest": manifest.name,
        "models": [{"name": name, "sha256": digest} for name, digest in models],
        **dict(facts),
    }
    try:
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(entry) + "\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ConfigError(
            f"The use of the test split cannot be written down in {path}: {error}.",
            remedy="Copy the manifest into a folder that can be written to.",
        ) from error
    return _told(before, {digest for _, digest in models}, str(facts.get("data_hash")))


def uses(path: Path) -> list[dict[str, Any]]:
    """The entries of a log. Raises ConfigError on a line that is none."""
    if not path.is_file():
        return []
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            entry = json.loads(line)
            found.append({**entry, "models": [dict(model) for model in entry["models"]]})
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{path}, line {number} is no entry of the log.") from error
    return found


def _told(before: Sequence[Mapping[str, Any]], hashes: set[str], data_hash: str) -> Notice:
    same = [entry for entry in before if entry.get("data_hash") == data_hash]
    if not same:
        return Notice("sealed_first", "this is the first logged use of the test split", 1)
    others = {model.get("sha256") for entry in same for model in entry["models"]} - hashes
    again = {model.get("sha256") for entry in same for model in entry["models"]} & hashes
    text = f"the test split was used {len(same)} times before"
    if others:
        text += f", with {len(others)} other models: choosing by it would make it a validation set"
    if again:
        text += f"; {len(again)} of these models were measured on it before"
    return Notice("sealed_again", text, len(same))
