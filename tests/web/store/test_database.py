from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest
from sqlalchemy import update

from assay.errors import ConfigError, InstallationError
from assay.web.settings import Settings
from assay.web.store import examinations, schema
from assay.web.store.database import ID_FILE, Store, is_id, new_id, now, open_store, storable
from tests.web.conftest import ENGINE, kept
from tests.web.store.test_queue import LOCAL


def test_what_was_kept_is_there_after_the_store_was_closed(
    tmp_path: Path, database: str | None
) -> None:
    settings = Settings(tmp_path / "data", database=database)
    first = open_store(settings)
    id_ = examinations.add(first, LOCAL, kept(first), ENGINE, 10).id
    first.close()
    second = open_store(settings)
    assert examinations.get(second, LOCAL, id_).name == "a.jpg"
    second.close()


def test_all_of_a_transaction_is_kept_or_nothing(store_of_each: Store) -> None:
    store = store_of_each
    row = {"id": "a", "owner": "me", "name": "", "created_at": 0.0}
    with pytest.raises(ZeroDivisionError), store.writing() as connection:  # noqa: PT012
        connection.execute(schema.batches.insert().values(**row))
        raise ZeroDivisionError
    with store.reading() as connection:
        assert connection.execute(schema.batches.select()).all() == []


def test_only_its_user_reads_what_a_store_holds(tmp_path: Path) -> None:
    settings = Settings(tmp_path / "new" / "data")
    store = open_store(settings)
    examinations.add(store, LOCAL, kept(store), ENGINE, 10)
    for path in (settings.data, *settings.data.iterdir()):
        open_to = stat.S_IMODE(path.stat().st_mode) & 0o077
        if path.name != ID_FILE:
            assert not open_to, f"{path} can be read by others"
    store.close()


def test_a_folder_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="data folder"):
        open_store(Settings(tmp_path / "file"))
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "assay.sqlite").write_text("this is no database" * 100)
    with pytest.raises(ConfigError, match="database cannot be used"):
        open_store(Settings(tmp_path / "d"))


def test_a_server_that_is_not_there_is_told_and_its_password_is_not(tmp_path: Path) -> None:
    url = "postgresql://me:secret-word@127.0.0.1:1/x"
    with pytest.raises(ConfigError, match="database cannot be used") as refused:
        open_store(Settings(tmp_path, database=url))
    assert "secret-word" not in refused.value.as_text()


def test_a_folder_name_with_signs_of_its_own(tmp_path: Path) -> None:
    folder = tmp_path / "100% mine?#é"
    open_store(Settings(folder)).close()
    assert (folder / "assay.sqlite").stat().st_size > 0
    assert [path.name for path in tmp_path.iterdir()] == [folder.name]


def test_a_layout_of_another_version_is_left_alone(tmp_path: Path, database: str | None) -> None:
    settings = Settings(tmp_path / "data", database=database)
    store = open_store(settings)
    with store.writing() as connection:
        newer = update(schema.meta).where(schema.meta.c.key == "schema").values(value="99")
        connection.execute(newer)
    store.close()
    with pytest.raises(InstallationError, match="99"):
        open_store(settings)


def test_a_folder_and_a_database_that_do_not_belong_together_are_refused(
    tmp_path: Path, postgres_url: str
) -> None:
    """Else the sweep of one would delete the media of the other."""
    local = open_store(Settings(tmp_path / "one"))
    examinations.add(local, LOCAL, kept(local), ENGINE, 10)
    local.close()
    with pytest.raises(ConfigError, match="do not belong together"):
        open_store(Settings(tmp_path / "one", database=postgres_url))
    served = open_store(Settings(tmp_path / "two", database=postgres_url))
    served.close()
    with pytest.raises(ConfigError, match="do not belong together"):
        open_store(Settings(tmp_path / "three", database=postgres_url))
    open_store(Settings(tmp_path / "two", database=postgres_url)).close()


def test_a_folder_whose_database_was_never_made_is_taken(tmp_path: Path, postgres_url: str) -> None:
    """A process that is killed while it opens leaves the folder's name, and no row of it."""
    open_store(Settings(tmp_path / "data")).close()
    open_store(Settings(tmp_path / "data", database=postgres_url)).close()


def test_ids_cannot_be_guessed_and_are_told_from_other_text() -> None:
    ids = {new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(is_id(one) for one in ids)
    for text in ("", "g" * 32, "A" * 32, "a" * 31, "a" * 33, "٣" * 32, "a" * 31 + "\0"):
        assert not is_id(text)
    assert abs(now() - time.time()) < 5


def test_every_text_can_be_stored() -> None:
    assert storable("naïve 日本.jpg") == "naïve 日本.jpg"
    assert storable("a\0b\ud800\udcff") == "a\\x00b\\ud800\\xff"
