"""Read a made set in a test."""

from __future__ import annotations

from pathlib import Path

from assay.training.datasets.readers import discover, settled
from assay.training.datasets.records import Notice, Record

READERS = discover()


def read(name: str, root: Path, **choices: str) -> tuple[dict[str, Record], dict[str, Notice]]:
    """The records by path and the notices by code. Fails where a code comes twice."""
    reader = READERS[name]
    found = list(reader.read(root, settled(reader, choices)))
    notices = [one for one in found if isinstance(one, Notice)]
    assert len({notice.code for notice in notices}) == len(notices), notices
    return (
        {one.path: one for one in found if isinstance(one, Record)},
        {notice.code: notice for notice in notices},
    )
