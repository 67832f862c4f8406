from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stand-ins can be imported in the processes that workers make."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
