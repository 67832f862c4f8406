from __future__ import annotations

import sys

import pytest

from assay.training import progress
from assay.training.progress import told


def test_in_a_log_file_there_is_a_last_line_and_no_more(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert list(told(iter("abc"), 3, "letters")) == ["a", "b", "c"]
    assert capsys.readouterr().err == "letters: 3 of 3\n"


def test_in_a_log_file_there_is_one_line_a_minute(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(range(0, 10_000, 7))  # each look at the clock is seven seconds later
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    list(told(range(30), 30, "things"))
    lines = capsys.readouterr().err.splitlines()
    assert 2 <= len(lines) <= 4
    assert lines[0] == "things: 9 of 30"
    assert lines[-1] == "things: 30 of 30"


def test_on_a_terminal_there_is_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("tqdm", reason="the train extra is not installed")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert list(told(iter("abc"), 3, "letters")) == ["a", "b", "c"]
    assert "\r" in capsys.readouterr().err


def test_what_breaks_off_breaks_off() -> None:
    def broken() -> object:
        yield 1
        raise KeyError("gone")

    with pytest.raises(KeyError):
        list(told(broken(), 2, "things"))  # type: ignore[arg-type]
