from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import UsageError
from assay.inputs import camera_folder
from assay.options import Options
from assay.verdict.known_pictures import read_known_pictures


def test_nothing_known_reads_nothing() -> None:
    steps: list[str] = []
    read_known_pictures(Options(), lambda step, _done, _total: steps.append(step))
    assert steps == []


@pytest.mark.parametrize("field", ["reference", "camera"])
def test_what_cannot_be_used_is_wrong_usage(tmp_path: Path, field: str) -> None:
    steps: list[str] = []
    with pytest.raises(UsageError):
        read_known_pictures(
            Options(**{field: str(tmp_path)}),  # type: ignore[arg-type]
            lambda step, _done, _total: steps.append(step),
        )
    assert steps == [field]


def test_any_surprise_is_wrong_usage_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def torn(_path: str, _limit_s: float) -> None:
        raise RuntimeError("torn\nfile")

    monkeypatch.setattr(camera_folder, "read_camera", torn)
    with pytest.raises(UsageError, match="The camera 'x' cannot be read: torn file"):
        read_known_pictures(Options(camera="x"))
