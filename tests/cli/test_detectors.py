from __future__ import annotations

import json
from collections.abc import Callable

from assay.detectors import discover

from .conftest import Answer


def test_every_discovered_detector_is_listed(assay: Callable[..., Answer]) -> None:
    rows = [json.loads(line) for line in assay("detectors", "--json").out.splitlines()]
    assert [row["name"] for row in rows] == list(discover())
    assert rows, "there is at least one detector"
    for row in rows:
        assert row["looks_at"]
        assert row["fails_on"]
        assert row["licence"]
    table = assay("detectors").out
    assert all(row["name"] in table for row in rows)
