from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from sqlalchemy import make_url

from assay.web.settings import Settings


@pytest.mark.parametrize(
    ("host", "here"),
    [("127.0.0.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False)],
)
def test_whether_others_can_reach_it(host: str, here: bool) -> None:
    assert Settings(Path("data"), host=host).on_loopback is here


def test_what_is_safe_is_what_holds_unless_said_otherwise() -> None:
    held = Settings(Path("data"))
    assert held.on_loopback
    assert not any(
        (held.allow_urls, held.allow_network, held.allow_private_addresses, held.open_to_all)
    )
    assert held.forwarded_from == ()


@pytest.mark.parametrize("folder", ["data", "with space", "with?mark", "with#hash", "per%20cent"])
def test_sqlite_lies_in_the_data_folder(tmp_path: Path, folder: str) -> None:
    url = make_url(Settings(tmp_path / folder).database_url)
    assert url.get_backend_name() == "sqlite"
    assert Path(str(url.database)).parent == tmp_path / folder


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_postgresql_is_reached_by_the_driver_that_is_installed(scheme: str) -> None:
    url = Settings(Path("data"), database=f"{scheme}://user@host:5433/name").database_url
    assert url == "postgresql+pg8000://user@host:5433/name"


def test_they_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings(Path("data")).auth = True  # type: ignore[misc]
