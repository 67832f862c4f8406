from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from assay.web.jobs.scratch import Scratch, with_ending


def test_each_has_an_empty_folder_that_goes_afterwards(tmp_path: Path) -> None:
    held = Scratch(tmp_path)
    with held.fresh() as first:
        (first / "a").mkdir()
        (first / "a" / "b").write_bytes(b"c")
        assert first.stat().st_mode & 0o777 == 0o700
    assert not first.exists()
    with pytest.raises(ValueError, match="x"), held.fresh() as second:
        raise ValueError("x")
    assert not second.exists()
    held.close()
    assert list((tmp_path / "work").iterdir()) == []


def test_what_a_killed_worker_left_goes_and_what_lives_stays(tmp_path: Path) -> None:
    script = (
        "import os, sys\nfrom pathlib import Path\nfrom assay.web.jobs.scratch import Scratch\n"
        "held = Scratch(Path(sys.argv[1]))\nwith held.fresh() as folder:\n"
        "    (folder / 'left').write_bytes(b'x')\n    os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    assert list(tmp_path.rglob("left"))
    living = Scratch(tmp_path)
    assert not list(tmp_path.rglob("left"))
    other = Scratch(tmp_path)
    assert living.folder.exists()
    living.close()
    other.close()


@pytest.mark.parametrize(
    ("name", "link"),
    [
        ("a.jpg", "file.jpg"),
        ("a.JPEG", "file.JPEG"),
        ("a", "file"),
        ("../../a.mp4", "file.mp4"),
        ("a.j/pg", "file"),
        ("a.\u0456pg", "file"),
        ("a.averylongending", "file"),
        ("a.j\n", "file"),
        ("a.", "file"),
        ("", "file"),
    ],
)
def test_the_ending_is_kept_where_it_is_plain(tmp_path: Path, name: str, link: str) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"x")
    (tmp_path / "new").mkdir()
    made = with_ending(tmp_path / "new", "file", name, target)
    assert made == tmp_path / "new" / link
    assert made.read_bytes() == b"x"
