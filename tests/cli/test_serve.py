from __future__ import annotations

import builtins
import subprocess
import sys
from collections.abc import Callable
from dataclasses import fields
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from assay.cli import serve
from assay.cli.serve import by_field

from .conftest import Answer

Assay = Callable[..., Answer]


def test_every_setting_has_a_flag() -> None:
    settings = pytest.importorskip("assay.web.settings", reason="needs the web extra").Settings
    flags = dict.fromkeys(signature(serve.serve).parameters)
    flags.pop("debug")
    assert set(by_field(flags)) == {field.name for field in fields(settings)}


def test_flags_become_settings(
    assay: Assay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = pytest.importorskip("assay.web.server", reason="needs the web extra")
    asked: list[Any] = []

    def run(settings: Any, ready: Callable[[str], None]) -> None:
        asked.append(settings)
        ready("http://127.0.0.1:1/")

    monkeypatch.setattr(server, "run", run)
    monkeypatch.chdir(tmp_path)
    line = "--port 1 --data here --keep 7d --auth --max-upload 1GiB --workers 3 --allow-urls"
    answer = assay("serve", *line.split(), "--bundle", "/a", "--bundle", "/b")
    assert (answer.code, answer.out, answer.err) == (0, "assay serves http://127.0.0.1:1/\n", "")
    (found,) = asked
    assert (found.port, found.data, found.keep_s) == (1, tmp_path / "here", 604800)
    assert (found.max_upload_bytes, found.n_workers, found.bundles) == (2**30, 3, ("/a", "/b"))
    assert found.auth
    assert found.allow_urls
    assert not found.privacy


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--host", "0.0.0.0"], "Add --auth"),
        (["--public-url", "https://assay.example.org"], "Add --auth"),
        (["--keep", "long"], "keep_s = 'long'"),
        (["--host", "no.such.host.invalid", "--auth"], "cannot be used"),
    ],
)
def test_what_cannot_be_served_ends_the_call(
    arguments: list[str], told: str, assay: Assay, tmp_path: Path
) -> None:
    pytest.importorskip("assay.web.server", reason="needs the web extra")
    answer = assay("serve", "--data", str(tmp_path / "data"), *arguments)
    assert answer.code == 2
    assert told in answer.err
    assert answer.out == ""
    assert not (tmp_path / "data").exists()


def test_without_the_extra_the_remedy_names_it(
    assay: Assay, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(name: str, *rest: Any, **named: Any) -> Any:
        if name.startswith("assay.web"):
            raise ModuleNotFoundError("No module named 'uvicorn'", name="uvicorn")
        return original(name, *rest, **named)

    original = builtins.__import__
    monkeypatch.setattr(builtins, "__import__", without)
    answer = assay("serve")
    assert answer.code == 4
    assert "pip install 'assay[web]'" in answer.err


def test_help_stays_light() -> None:
    asked = "import sys, assay.cli.serve; print({'uvicorn', 'fastapi', 'numpy'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert told.stdout == "set()\n"
