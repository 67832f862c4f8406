from __future__ import annotations

import os
from pathlib import Path

import pytest

from assay.cli.outputs import require_writable, write_whole
from assay.errors import UsageError


@pytest.fixture
def there(tmp_path: Path) -> str:
    path = tmp_path / "there.png"
    path.write_bytes(b"old")
    return str(path)


def test_a_new_file_may_be_written(tmp_path: Path) -> None:
    path = str(tmp_path / "new.png")
    require_writable(path, False, [str(tmp_path / "other.png")])
    write_whole(path, b"data", False)
    assert Path(path).read_bytes() == b"data"
    assert os.listdir(tmp_path) == ["new.png"]


def test_what_is_there_is_replaced_only_by_force(there: str) -> None:
    with pytest.raises(UsageError, match="there already"):
        require_writable(there, False, [])
    with pytest.raises(UsageError, match="there already"):
        write_whole(there, b"new", False)
    assert Path(there).read_bytes() == b"old"
    require_writable(there, True, [])
    write_whole(there, b"new", True)
    assert Path(there).read_bytes() == b"new"
    assert os.listdir(os.path.dirname(there)) == ["there.png"]


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_what_is_read_is_never_written_under_any_name(
    link: object, there: str, tmp_path: Path
) -> None:
    other = str(tmp_path / "link.png")
    link(there, other)  # type: ignore[operator]
    for path in (there, other, str(tmp_path / "." / "there.png")):
        with pytest.raises(UsageError, match="another file"):
            require_writable(path, True, [there])


def test_two_new_files_of_one_name_are_refused(tmp_path: Path) -> None:
    path = str(tmp_path / "new.png")
    with pytest.raises(UsageError, match="another file"):
        require_writable(path, True, [str(tmp_path / "x" / ".." / "new.png")])


def test_a_link_is_replaced_and_never_written_through(there: str, tmp_path: Path) -> None:
    link = str(tmp_path / "link.png")
    os.symlink(there, link)
    with pytest.raises(UsageError, match="there already"):
        write_whole(link, b"new", False)
    write_whole(link, b"new", True)
    assert Path(there).read_bytes() == b"old"
    assert Path(link).read_bytes() == b"new"
    assert not os.path.islink(link)


def test_devices_pipes_and_folders_are_refused_even_by_force(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    for path in ("/dev/null", str(tmp_path / "pipe.png"), str(tmp_path)):
        with pytest.raises(UsageError, match="no regular file"):
            require_writable(path, True, [])


@pytest.mark.parametrize("name", ["no/folder.png", "a\0b.png", "x" * 300 + ".png"])
def test_impossible_names_are_refused(name: str, tmp_path: Path) -> None:
    path = str(tmp_path / name)
    with pytest.raises(UsageError):
        require_writable(path, False, ["other.png"])
    with pytest.raises(UsageError, match="cannot be written"):
        write_whole(path, b"data", False)
    assert os.listdir(tmp_path) == []


def test_a_written_file_has_ordinary_permissions(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        write_whole(str(tmp_path / "new.png"), b"data", False)
    finally:
        os.umask(before)
    assert os.stat(tmp_path / "new.png").st_mode & 0o777 == 0o644
