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


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, bool]]:
    """What would be trained."""
    pytest.importorskip("lightning", reason="the train extra is not installed")
    from assay.training import classify

    seen: list[tuple[object, bool]] = []
    monkeypatch.setattr(classify, "train_net", lambda run, resume: seen.append((run, resume)))
    return seen


def test_a_network_and_a_folder_are_a_run(assay: Assay, handed: list, tmp_path: Path) -> None:
    flags = ["--epochs", "3", "--frames", "5", "--batch", "4", "--learning-rate", "0.01"]
    flags += ["--seed", "9", "--device", "cpu", "--workers", "0", "--out", "x", "--cache", "y"]
    answer = assay("train", "simple_cnn", "--data", str(tmp_path), *flags, "--resume")
    assert answer.code == 0
    ((run, resume),) = handed
    assert resume
    assert (run.spec.name, run.data, str(run.out), str(run.cache)) == (
        "simple_cnn", tmp_path, "x", "y",
    )  # fmt: skip
    fit = run.fit
    assert (fit.epochs, fit.n_frames, fit.batch, fit.learning_rate, fit.seed) == (3, 5, 4, 0.01, 9)
    assert (run.device, run.workers) == ("cpu", 0)


def test_a_slip_in_the_name_is_answered_with_the_nearest(assay: Assay, handed: list) -> None:
    answer = assay("train", "simple_cmn", "--data", "x")
    assert answer.code == 2
    assert "Did you mean 'simple_cnn'?" in answer.err
    assert handed == []


def test_a_network_without_data_is_wrong_usage(assay: Assay, handed: list) -> None:
    answer = assay("train", "simple_cnn")
    assert answer.code == 2
    assert "--data FOLDER" in answer.err


def test_a_bad_value_is_wrong_usage(assay: Assay, handed: list) -> None:
    answer = assay("train", "simple_cnn", "--data", "x", "--epochs", "0")
    assert answer.code == 2
    assert "epochs = 0" in answer.err


def test_a_file_says_all_of_a_run(assay: Assay, config: Path) -> None:
    answer = assay("train", str(config), "--epochs", "3", "--data", "x")
    assert answer.code == 2
    assert "data, epochs cannot be given beside it" in answer.err
