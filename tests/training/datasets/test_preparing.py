from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.errors import MissingFileError  # noqa: E402
from assay.training.cache import INDEX  # noqa: E402
from assay.training.datasets.preparing import (  # noqa: E402
    Job,
    ViewFile,
    Wanted,
    prepare,
    sweep,
)
from tests.training.datasets.media_sets import EXAMPLES  # noqa: E402


def test_what_is_wanted_is_part_of_the_key() -> None:
    keys = {Wanted("faces", n, m).key for n in (4, 8) for m in (1, 2)} | {Wanted("voices").key}
    assert len(keys) == 5


def test_kinds_that_do_not_fit_are_told_apart() -> None:
    assert Wanted("faces", 4, 1).unfit("audio").startswith("wrong_kind: ")
    assert not Wanted("faces", 4, 1).unfit("frames")
    assert Wanted("voices").unfit("image").startswith("wrong_kind: ")
    assert not Wanted("voices").unfit("video")


def test_one_item_fills_one_place(tmp_path: Path) -> None:
    job = Job(
        EXAMPLES / "astronaut.jpg", "image", None, tmp_path / "a" / "b", Wanted("faces", 1, 1)
    )
    prepare(job)
    assert (job.place / INDEX).is_file()
    assert ViewFile(job.place).view(0).score > 0.5


def test_what_may_be_there_another_time_is_not_stored(tmp_path: Path) -> None:
    job = Job(tmp_path / "gone.png", "image", None, tmp_path / "a" / "b", Wanted("faces", 1, 1))
    with pytest.raises(MissingFileError):
        prepare(job)
    assert list(tmp_path.rglob("*.json")) == []


def test_only_old_remains_are_swept(tmp_path: Path) -> None:
    old, new = tmp_path / "faces" / "ab" / ".x-1", tmp_path / "faces" / "ab" / ".x-2"
    for folder in (old, new):
        folder.mkdir(parents=True)
    day_ago = time.time() - 2 * 86400
    os.utime(old, (day_ago, day_ago))
    sweep(tmp_path)
    assert (old.exists(), new.exists()) == (False, True)
