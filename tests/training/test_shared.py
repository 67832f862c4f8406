from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import ConfigError
from assay.training.shared import shared_folder
from tests.training.makers import write_manifest


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "project").mkdir()
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.delenv("ASSAY_SHARED", raising=False)
    return tmp_path


def test_the_variable_comes_first(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_manifest(elsewhere / "shared" / "data", [])
    write_manifest(elsewhere / "media" / "data", [])
    monkeypatch.setenv("ASSAY_SHARED", str(elsewhere / "media"))
    assert shared_folder() == elsewhere / "media"


@pytest.mark.parametrize("place", ["shared", "project/shared"])
def test_a_folder_inside_or_beside_the_working_directory_is_found(
    elsewhere: Path, place: str
) -> None:
    write_manifest(elsewhere / place / "data", [])
    assert shared_folder().resolve() == (elsewhere / place).resolve()


@pytest.mark.parametrize("named", [None, "nowhere"])
def test_without_media_the_error_says_what_to_set(
    elsewhere: Path, monkeypatch: pytest.MonkeyPatch, named: str | None
) -> None:
    if named:
        # A wrong path is an error, not a reason to take other media in silence.
        write_manifest(elsewhere / "shared" / "data", [])
        monkeypatch.setenv("ASSAY_SHARED", str(elsewhere / named))
    with pytest.raises(ConfigError) as caught:
        shared_folder()
    assert "ASSAY_SHARED" in caught.value.as_text()
