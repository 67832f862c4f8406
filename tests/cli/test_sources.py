from __future__ import annotations

import io
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from assay.cli import sources as sources_module
from assay.cli.sources import STDIN_NAME, sources
from assay.errors import UsageError


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as held:
        yield held


def paths(arguments: list[str], stack: ExitStack) -> list[str]:
    return [source.path for source in sources(arguments, stack)]


def tree(top: Path, *names: str) -> None:
    for name in names:
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_bytes(b"x")


def test_names_stay_in_order_and_missing_ones_stay_in(tmp_path: Path, stack: ExitStack) -> None:
    tree(tmp_path, "a", "b")
    asked = [str(tmp_path / name) for name in ("b", "missing", "a", "b")]
    assert paths(asked, stack) == asked


def test_a_folder_gives_what_is_below_it_without_hidden_files(
    tmp_path: Path, stack: ExitStack
) -> None:
    tree(tmp_path, "b.jpg", "a/deep/c.mp4", "a/notes.txt", ".hidden.jpg", ".git/d.jpg")
    found = [os.path.relpath(path, tmp_path) for path in paths([str(tmp_path)], stack)]
    assert found == ["a/deep/c.mp4", "a/notes.txt", "b.jpg"]


def test_a_pattern_that_the_shell_left_alone_is_expanded(tmp_path: Path, stack: ExitStack) -> None:
    tree(tmp_path, "b.jpg", "a.jpg", "c.png", "d/e.jpg", "f.jpg/inside")
    found = paths([str(tmp_path / "*.jpg")], stack)
    assert found == [str(tmp_path / "a.jpg"), str(tmp_path / "b.jpg")]
    deep = paths([str(tmp_path / "**" / "e.jpg")], stack)
    assert deep == [str(tmp_path / "d/e.jpg")]


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(
    tmp_path: Path, stack: ExitStack
) -> None:
    tree(tmp_path, "[a].jpg", "a.jpg")
    assert paths([str(tmp_path / "[a].jpg")], stack) == [str(tmp_path / "[a].jpg")]


def test_a_pattern_without_a_match_stays_in(tmp_path: Path, stack: ExitStack) -> None:
    assert paths([str(tmp_path / "*.jpg")], stack) == [str(tmp_path / "*.jpg")]


def test_links_in_a_circle_end(tmp_path: Path, stack: ExitStack) -> None:
    tree(tmp_path, "a/one.jpg")
    (tmp_path / "a" / "back").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to(tmp_path / "a" / "self")
    (tmp_path / "z").symlink_to(tmp_path / "a")
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    found = [os.path.relpath(path, tmp_path) for path in paths([str(tmp_path)], stack)]
    assert found == ["a/one.jpg", "a/self", "dangling"]


def test_a_linked_folder_is_entered(tmp_path: Path, stack: ExitStack) -> None:
    tree(tmp_path, "elsewhere/one.jpg")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "link").symlink_to(tmp_path / "elsewhere")
    assert paths([str(tmp_path / "set")], stack) == [str(tmp_path / "set/link/one.jpg")]


def test_sockets_and_pipes_get_their_answer_too(tmp_path: Path, stack: ExitStack) -> None:
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "sock"))
        found = [os.path.basename(path) for path in paths([str(tmp_path)], stack)]
    assert found == ["fifo", "sock"]


def test_an_empty_folder_gets_its_answer(tmp_path: Path, stack: ExitStack) -> None:
    (tmp_path / ".hidden").touch()
    (source,) = sources([str(tmp_path)], stack)
    assert source.problem is not None
    assert source.problem.code == "folder_empty"
    assert source.problem.exit_code == 3


def test_a_folder_that_cannot_be_listed_gets_its_answer(
    tmp_path: Path, stack: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree(tmp_path, "a.jpg", "closed/b.jpg")
    real = os.scandir

    def scandir(path: str) -> object:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    first, second = sources([str(tmp_path)], stack)
    assert first.path == str(tmp_path / "a.jpg")
    assert second.problem is not None
    assert second.problem.code == "file_unreadable"


class Piped:
    def __init__(self, content: bytes) -> None:
        self.buffer = io.BytesIO(content)

    def isatty(self) -> bool:
        return False


def test_standard_input_is_kept_while_it_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Piped(b"abc" * 10**6))
    with ExitStack() as stack:
        (source,) = sources(["-", "-"], stack)
        path = Path(source.path)
        assert source.name == STDIN_NAME
        assert path.read_bytes() == b"abc" * 10**6
        assert path.stat().st_mode & 0o077 == 0
    assert not path.parent.exists()


def test_standard_input_has_a_bound(monkeypatch: pytest.MonkeyPatch, stack: ExitStack) -> None:
    monkeypatch.setattr(sources_module, "STDIN_MAX_BYTES", 3)
    monkeypatch.setattr(sys, "stdin", Piped(b"abcd"))
    (source,) = sources(["-"], stack)
    assert source.problem is not None
    assert source.problem.code == "media_too_large"
    assert Path(source.path).stat().st_size == 0


def test_a_terminal_as_standard_input_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, stack: ExitStack
) -> None:
    terminal = Piped(b"")
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(sys, "stdin", terminal)
    with pytest.raises(UsageError, match="terminal"):
        sources(["-"], stack)
