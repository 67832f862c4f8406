from __future__ import annotations

import io
import sys

import pytest

from assay.cli.progress import bars


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def draw() -> None:
    with bars(2) as shown:
        report = shown.start_file("holiday/[bold]evil\x1b[2J.jpg", 0)
        report("faces", 1, 4)
        report("decide", 0, 0)
        with shown.paused():
            pass


def test_nothing_is_drawn_into_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    pipe = io.StringIO()
    monkeypatch.setattr(sys, "stderr", pipe)
    draw()
    assert pipe.getvalue() == ""


def test_a_terminal_sees_the_file_and_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "160")
    draw()
    seen = terminal.getvalue()
    assert "[bold]evil\\x1b[2J.jpg: decide" in seen
    assert "evil\x1b" not in seen
