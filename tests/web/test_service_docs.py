"""docs/service.md and docs/deploy.md: their commands are run, their tables held to the code."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from assay.web import refusals
from assay.web.api.edges import BusyError
from assay.web.settings import Settings
from tests.web.running import server

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
DEPLOY = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
HERE = "http://127.0.0.1:8080"
PROGRAMS = ("bash", "curl", "jq")


def blocks(language: str) -> list[str]:
    found: list[str] = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.M | re.S)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, example in (
        ("photo.jpg", "astronaut.jpg"),
        ("presenter.jpg", "grace_hopper.jpg"),
        ("voice.flac", "kennedy.flac"),
    ):
        shutil.copy(ROOT / "examples" / example, tmp_path / name)
    return tmp_path


@pytest.mark.slow
@pytest.mark.skipif(not all(map(shutil.which, PROGRAMS)), reason="needs bash, curl and jq")
def test_every_command_of_the_page_works_in_its_order(folder: Path) -> None:
    first, *commands = blocks("sh")
    assert first.splitlines()[-1] == "assay serve"
    assert HERE in commands[0]
    with server(folder, n_workers=1, auth=True) as url:
        script = "set -euo pipefail\n" + "\necho '# next' >&2\n".join(commands)
        answer = subprocess.run(
            ["bash", "-c", script.replace(HERE, url)],
            cwd=folder,
            env=environment(folder),
            capture_output=True,
            text=True,
            timeout=280,
        )
    assert answer.returncode == 0, (answer.stdout[-2000:], answer.stderr[-2000:])
    assert answer.stderr.count("# next") == len(commands) - 1
    report = (folder / "report.html").read_text(encoding="utf-8")
    assert "photo.jpg" in report
    told = answer.stdout
    assert '"operating_point": "far_0.1"' in told
    assert "event: finished" in told
    assert '{"name":"voice.flac","verdict":"' in told
    assert "is this our presenter?" in told
    assert (folder / "secret.txt").read_text().strip()


def environment(folder: Path) -> dict[str, str]:
    """Where `assay` is the one under test, and keys go into the running service's store."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("ASSAY_")}
    path = f"{Path(sys.executable).parent}:{kept['PATH']}"
    return {**kept, "PATH": path, "NO_PROXY": "*", "ASSAY_SERVE_DATA": str(folder / "data")}


def test_the_check_of_a_signature_takes_what_is_signed_and_nothing_else() -> None:
    names: dict[str, Any] = {}
    (source,) = blocks("python")
    exec(source, names)
    moment, body = int(time.time()), b'{"id": "1"}'
    signed = hmac.new(b"secret", f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    is_from_assay = names["is_from_assay"]
    assert is_from_assay(f"t={moment},v1={signed}", body, "secret")
    assert not is_from_assay(f"t={moment},v1={signed}", body + b" ", "secret")
    assert not is_from_assay(f"t={moment + 1},v1={signed}", body, "secret")
    assert not is_from_assay(f"t={moment},v1={signed}", body, "other")
    old = moment - 4000
    signed = hmac.new(b"secret", f"{old}.".encode() + body, hashlib.sha256).hexdigest()
    assert not is_from_assay(f"t={old},v1={signed}", body, "secret")


def test_the_refusals_named_are_those_that_there_are() -> None:
    known = {
        one.code: one.http_status
        for one in vars(refusals).values()
        if isinstance(one, type) and issubclass(one, refusals.Refusal)
    }
    known |= {BusyError.code: BusyError.http_status}
    del known["refused"]
    told = {}
    for codes, numbers in re.findall(r"^\| ((?:`\w+`(?:, )?)+) \| ([\d, ]+) \|", PAGE, re.M):
        names, statuses = re.findall(r"\w+", codes), re.findall(r"\d+", numbers)
        told |= dict(zip(names, map(int, statuses * len(names)), strict=False))
    assert told == known


def test_the_problem_shown_is_the_one_that_is_told() -> None:
    from assay.web.api.problems import of_refusal

    shown = json.loads(blocks("json")[0])
    error = refusals.QueueFullError("1000 files wait already.", remedy="Try again later.")
    assert json.loads(bytes(of_refusal(error).body)) == shown


def test_every_setting_stands_in_the_table_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `--[^|]+\| ([^|]+) \| ([^|]+) \|", DEPLOY, re.M))
    names = [name for cell in rows for name in re.findall(r"`(\w+)`", cell)]
    assert sorted(names) == sorted(field.name.upper() for field in fields(Settings))
    defaults = Settings(Path("/"))
    assert rows["`MAX_QUEUE`"] == str(defaults.max_queue)
    assert rows["`MAX_BATCH_FILES`"] == str(defaults.max_batch_files)
    assert rows["`REQUESTS_PER_MINUTE`"] == str(defaults.requests_per_minute)
    assert rows["`MAX_ATTEMPTS`"] == str(defaults.max_attempts)
    assert rows["`LOST_AFTER_S`"] == f"{defaults.lost_after_s:g}s"
    assert rows["`TIME_LIMIT_S`"] == f"{defaults.time_limit_s / 60:g}min"
    assert rows["`MEMORY_LIMIT_BYTES`"] == f"{defaults.memory_limit_bytes >> 30}GiB"
    assert rows["`MAX_UPLOAD_BYTES`"] == f"{defaults.max_upload_bytes >> 30}GiB"
