from __future__ import annotations

import os
import subprocess
import sys
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assay.cli import run
from assay.types import Coverage, Reason, Verdict


def make_verdict(path: str, label: str = "no_evidence_found", **changes: Any) -> Verdict:
    declined = label == "not_analysable"
    values: dict[str, Any] = {
        "name": os.path.basename(path),
        "path": path,
        "status": "declined" if declined else "completed",
        "label": label,
        "coverage": Coverage(1, 1, None, 1, ("faces",), ("sound",)),
        "p_fake": None if declined else 0.25,
        "interval": None if declined else (0.1, 0.4),
        "reasons": (Reason("no_face", "No face was found."),) if declined else (),
        "rerun": f"assay detect {path}",
    }
    return Verdict(**{**values, **changes})


@dataclass
class Answer:
    code: int
    out: str
    err: str


@pytest.fixture
def assay(capfd: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """Run a command line in this process."""

    def call(*arguments: str) -> Answer:
        capfd.readouterr()
        code = run(arguments)
        captured = capfd.readouterr()
        return Answer(code, captured.out, captured.err)

    return call


@pytest.fixture
def examine_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[..., Verdict]], list[str]]:
    """Put a double in place of the examination; gives the list of paths that it is asked for."""

    def install(double: Callable[..., Verdict]) -> list[str]:
        asked: list[str] = []

        def detect(path: Any, options: Any = None, progress: Any = None) -> Verdict:
            asked.append(str(path))
            return double(path, options, progress)

        module = types.ModuleType("assay.examine")
        module.detect = detect  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "assay.examine", module)
        return asked

    return install


@pytest.fixture
def start_with(tmp_path: Path) -> Callable[..., subprocess.Popen[bytes]]:
    """Start the console script's `main` in a process of its own, with a double as source text.

    The text defines `detect(path, options, progress)`.
    """
    program = tmp_path / "program.py"

    def start(double: str, arguments: Sequence[str], **settings: Any) -> subprocess.Popen[bytes]:
        # A test run started in the background ignores Ctrl-C, and its children inherit that.
        program.write_text(
            "import os, signal, sys, time, types\n"
            "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
            f"sys.path.insert(0, {str(Path(__file__).parents[2])!r})\n"
            "from tests.cli.conftest import make_verdict\n"
            f"{double}\n"
            "module = types.ModuleType('assay.examine')\n"
            "module.detect = detect\n"
            "sys.modules['assay.examine'] = module\n"
            "from assay.cli import main\n"
            f"sys.argv = ['assay', *{list(arguments)!r}]\n"
            "main()\n"
        )
        settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **settings}
        return subprocess.Popen([sys.executable, str(program)], **settings)

    return start
