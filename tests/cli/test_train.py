from __future__ import annotations

import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Answer

Assay = Callable[..., Answer]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "run.toml"
    path.write_text("")
    return path


def test_a_missing_configuration_is_wrong_usage(assay: Assay, tmp_path: Path) -> None:
    answer = assay("train", str(tmp_path / "none.toml"))
    assert answer.code == 2
    assert "none.toml" in answer.err


def test_without_torch_it_says_what_to_install(
    assay: Assay, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    if "assay.training" in sys.modules:  # the import below binds another one to the package
        monkeypatch.setattr(sys.modules["assay"], "training", sys.modules["assay.training"])
    for name in [name for name in sys.modules if name.startswith("assay.training")]:
        monkeypatch.delitem(sys.modules, name)
    answer = assay("train", str(config))
    assert answer.code == 4
    assert "pip install 'assay[train]'" in answer.err
    assert "Traceback" not in answer.err


def test_the_configuration_is_handed_over(
    assay: Assay, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    handed = []
    module = types.ModuleType("assay.training.run")
    module.train = lambda path, resume: handed.append((path, resume))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "assay.training.run", module)
    assert assay("train", str(config)).code == 0
    assert assay("train", str(config), "--resume").code == 0
    assert handed == [(config, False), (config, True)]
