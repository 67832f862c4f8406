from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from assay.web.jobs import file_access

needs_landlock = pytest.mark.skipif(not file_access.version(), reason="no Landlock here")
TRY = """
import os, sys
from pathlib import Path
from assay.web.jobs import file_access
place = Path(sys.argv[1])
print(file_access.confine([str(place / "read"), str(place / "missing")], [str(place / "write")]))
def said(what):
    try:
        what()
    except OSError as error:
        return error.errno
    return "done"
print(said(lambda: (place / "read").read_bytes()))
print(said(lambda: (place / "read").write_bytes(b"x")))
print(said(lambda: (place / "other").read_bytes()))
print(said(lambda: (place / "write" / "new").write_bytes(b"x")))
print(said(lambda: os.rename(place / "write" / "new", place / "write" / "newer")))
print(said(lambda: (place / "write" / "link").symlink_to("/etc/passwd")))
print(said(lambda: os.mkfifo(place / "write" / "pipe")))
print(said(lambda: os.listdir(place)))
print(said(lambda: open("/etc/passwd").close()))
import decimal, sqlite3  # libraries are still found
"""


@needs_landlock
def test_only_what_is_named_can_be_read_and_written(tmp_path: Path) -> None:
    for name in ("read", "other"):
        (tmp_path / name).write_bytes(b"a")
    (tmp_path / "write").mkdir()
    ran = subprocess.run(
        [sys.executable, "-c", TRY, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == [
        "True",
        "done",
        *["13", "13", "done", "done", "13", "13", "13", "13"],
    ]
    assert (tmp_path / "read").read_bytes() == b"a"


def test_without_landlock_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_access, "version", lambda: 0)
    assert not file_access.confine([], [])


def test_programs_are_readable() -> None:
    assert str(Path(file_access.__file__).resolve().parents[2]) in file_access.programs()
    assert "" not in file_access.programs()
