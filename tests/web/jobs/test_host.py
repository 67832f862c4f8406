"""What a process that examines may do, asked from within it."""

from __future__ import annotations

from typing import Any

import pytest

from assay.web.actor import LOCAL
from assay.web.jobs import file_access, limits, no_network
from assay.web.service import Service
from assay.web.store import examinations
from tests.web.jobs.running import add, examine_all


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the probe in an examining process says it could do."""
    from assay.web.settings import Settings
    from assay.web.store.database import open_store
    from tests.web.conftest import ENGINE

    with pytest.MonkeyPatch.context() as patch:
        from tests.web.jobs.running import ROOT

        patch.setenv("PYTHONPATH", str(ROOT))
        patch.setenv("ASSAY_SERVE_SECRET", "hidden")
        patch.setenv("PGPASSWORD", "hidden")
        settings = Settings(tmp_path_factory.mktemp("probe") / "data")
        store = open_store(settings)
        service = Service(settings, store, ENGINE)
        database = settings.data / "assay.sqlite"
        id_ = add(store, f"probe {database}".encode())
        examine_all(settings, service.store, [id_])
        row = examinations.result_of(store, LOCAL, id_)
        assert row is not None
        assert (
            store.media_path(examinations.get(store, LOCAL, id_).sha256)
            .read_bytes()
            .startswith(b"probe")
        )
        store.close()
    held: dict[str, Any] = row.result["quality"]
    return held


needs_filter = pytest.mark.skipif(not no_network.can_refuse(), reason="no seccomp filters here")
needs_landlock = pytest.mark.skipif(not file_access.version(), reason="no Landlock here")


@pytest.mark.parametrize("what", ["internet", "internet_6", "unix"])
def test_no_connection_of_any_family(found: dict[str, Any], what: str) -> None:
    assert found[what] == "PermissionError 1"


@needs_filter
def test_not_even_by_the_systems_own_call(found: dict[str, Any]) -> None:
    assert found["raw_socket_call"] == -1


@pytest.mark.parametrize("what", ["program", "fork", "kill_parent", "leave_group"])
@needs_filter
def test_no_other_process_is_made_or_touched(found: dict[str, Any], what: str) -> None:
    assert found[what] == "PermissionError 1"


@pytest.mark.parametrize(
    "what", ["database", "media_changed", "media_removed", "write_elsewhere", "parents_environment"]
)
@needs_landlock
def test_no_other_file_is_seen_or_changed(found: dict[str, Any], what: str) -> None:
    assert found[what] == "PermissionError 13"


def test_threads_and_its_own_folder_are_its_to_use(found: dict[str, Any]) -> None:
    assert found["thread"] == "done"
    assert found["temp_written"] == "done"
    assert found["temp_is_private"] is True
    assert found["own_session"] is True


def test_nothing_of_the_host_is_left_open(found: dict[str, Any]) -> None:
    assert found["open_files"] == "OSError 9"


def test_no_secret_is_in_its_environment(found: dict[str, Any]) -> None:
    assert set(found["environment"]) <= {*limits.PASSED_ON, "TMPDIR", "HOME"}


def test_one_after_the_other_in_processes_of_their_own(service: Service) -> None:
    ids = [add(service.store, f"ok {number}".encode()) for number in range(12)]
    examine_all(service.settings, service.store, ids)
    for id_ in ids:
        assert examinations.get(service.store, LOCAL, id_).status == "finished"
