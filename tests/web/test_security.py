"""docs/security.md: its commands run, its files are there, its flags are flags."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from assay.cli import run
from assay.cli.serve import serve
from assay.web.actor import SCOPES
from assay.web.api import csrf, rates
from assay.web.store import sessions

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "security.md"
TOLD = DOCUMENT.read_text(encoding="utf-8")
BLOCKS = "".join(re.findall(r"```sh\n(.*?)```", TOLD, re.DOTALL))
COMMANDS = re.findall(r"^assay (.+)$", BLOCKS, re.MULTILINE)


def test_its_commands_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ASSAY_SERVE_DATA", str(tmp_path / "data"))
    assert len(COMMANDS) == 6
    for command in COMMANDS:
        arguments = shlex.split(command)
        if arguments[:2] == ["keys", "revoke"]:
            listed = capfd.readouterr().out
            arguments[2] = re.findall(r"\b[0-9a-f]{16}\b", listed)[0]
        assert run(arguments) == 0, command


def test_its_flags_are_flags() -> None:
    known = set(re.findall(r"--[a-z-]+", (ROOT / "src/assay/cli/serve.py").read_text()))
    known |= {f"--{name.replace('_', '-')}" for name in serve.__wrapped__.__annotations__}  # type: ignore[attr-defined]
    prose = re.sub(r"```.*?```", "", TOLD, flags=re.DOTALL)
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", prose)) - {"--known", "--owner"}
    assert named - known == set()
    assert "--auth" in named


def test_its_links_and_files_are_there() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", TOLD)
    tests = re.findall(r"`(tests/[\w/]+\.py)`", TOLD)
    missing = [one for one in links if not (DOCUMENT.parent / one).is_file()]
    missing += [one for one in tests if not (ROOT / one).is_file()]
    assert missing == []
    assert len(tests) >= 4


def test_its_numbers_and_names_are_those_of_the_program() -> None:
    assert f"lasts {sessions.LASTS_S / 3600:g} hours" in TOLD
    assert rates.GUESSES_A_MINUTE == 10
    assert "ten tries a minute" in TOLD
    assert rates.BURST_S == 10.0
    assert "holds ten seconds' worth" in " ".join(TOLD.split())
    assert all(f"| `{scope}` |" in TOLD for scope in SCOPES)
    assert csrf.HEADER in TOLD
