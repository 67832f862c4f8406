from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import ConfigError
from assay.web import service as module
from assay.web.service import open_service
from assay.web.settings import Settings


def test_a_service_holds_its_settings_its_store_and_its_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "engine_id", lambda: "e" * 16)
    settings = Settings(tmp_path / "data")
    held = open_service(settings)
    assert held.settings is settings
    assert held.engine == "e" * 16
    assert (tmp_path / "data" / "assay.sqlite").is_file()
    held.store.close()


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    with pytest.raises(ConfigError, match="data"):
        open_service(Settings(tmp_path / "data"))
