from __future__ import annotations

from pathlib import Path

import pytest

from .made_sets import Maker
from .made_video_sets import put, uadfv, uadfv_bare
from .reading import READERS, read


@pytest.mark.parametrize("make", [uadfv, uadfv_bare])
def test_a_fake_is_tied_to_its_original(tmp_path: Path, make: Maker) -> None:
    rows, notices = read("uadfv", make(tmp_path))
    assert not notices
    assert [(row.label, row.source) for row in rows.values()] == [
        ("fake", "0000"), ("fake", "0001"), ("real", "0000"), ("real", "0001"),
    ]  # fmt: skip
    assert {row.split for row in rows.values()} == {""}


def test_any_folder_with_real_and_fake_is_not_it(tmp_path: Path) -> None:
    put(tmp_path, "real/0000.mp4", "fake/0000.mp4")
    assert not READERS["uadfv"].recognises(tmp_path)
