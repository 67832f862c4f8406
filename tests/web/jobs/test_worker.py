from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from assay.web.actor import LOCAL
from assay.web.jobs import examination, file_access, no_network, worker
from assay.web.jobs.worker import Worker, as_line, settings_of
from assay.web.service import Service
from assay.web.settings import Settings
from assay.web.store import examinations, presence, queue
from assay.web.store.database import Store
from tests.web.conftest import kept
from tests.web.jobs.quick import EXAMINE
from tests.web.jobs.running import add, are_over, descendants, until, working


def test_settings_go_through_a_line(tmp_path: Path) -> None:
    settings = Settings(tmp_path, database="postgresql://u:p@h/d", bundles=("a", "b"), keep_s=2.0)
    line = as_line(settings, EXAMINE)
    assert line.count(b"\n") == 1
    told = json.loads(line)
    assert told["examine"] == EXAMINE
    assert settings_of(told) == settings


def test_it_signs_and_leaves(service: Service) -> None:
    with working(service.settings):
        until(lambda: presence.seen(service.store, 60))
        facts = presence.seen(service.store, 60)[0]
    assert facts["engine"] == "quick"
    whole = no_network.can_refuse() and file_access.version() > 0
    assert (facts["isolation"] == "") == whole
    assert presence.seen(service.store, 60) == []


def test_what_the_system_lacks_is_told(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "LACKS", dict.fromkeys(worker.LACKS, lambda: False))
    with working(service.settings):
        until(lambda: presence.seen(service.store, 60))
        told = presence.seen(service.store, 60)[0]["isolation"]
    assert "seccomp" in told
    assert "Landlock" in told


def start(settings: Settings) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "assay.web.jobs.worker"],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin is not None
    process.stdin.write(as_line(settings, EXAMINE))
    process.stdin.flush()
    return process


@pytest.mark.parametrize("how", ["SIGTERM", "SIGINT", "closed"])
def test_the_program_ends_when_asked(service: Service, how: str) -> None:
    process = start(service.settings)
    id_ = add(service.store, b"ok")
    until(lambda: are_over(service.store, [id_]))
    below = descendants(process.pid)
    assert below
    if how == "closed":
        assert process.stdin is not None
        process.stdin.close()
    else:
        process.send_signal(getattr(signal, how))
    assert process.wait(20) == 0
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in below), 10)
    if how != "closed":
        process.communicate()


def test_without_settings_it_ends_at_once() -> None:
    command = [sys.executable, "-P", "-m", "assay.web.jobs.worker"]
    assert subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode == 0


def test_live_before_batch(service: Service) -> None:
    store = service.store
    ids = [add(store, f"ok {n}".encode(), priority=priority) for n, priority in enumerate((1, 0))]
    with working(service.settings):
        until(lambda: are_over(store, ids))
    batch, live = (examinations.get(store, LOCAL, id_).started_at for id_ in ids)
    assert live < batch


def test_it_waits_out_a_fault_of_the_database(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "FAULT_WAIT_S", 0.05)
    n_faults, whole = 0, queue.claim

    def claim(store: Store, name: str) -> Any:
        nonlocal n_faults
        n_faults += 1
        if n_faults < 4:
            raise OperationalError("claim", {}, Exception("gone"))
        return whole(store, name)

    monkeypatch.setattr(queue, "claim", claim)
    id_ = add(service.store, b"ok")
    with working(service.settings):
        until(lambda: are_over(service.store, [id_]))
    assert n_faults >= 4


def test_a_result_waits_for_the_database(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it was kept and only the answer got lost: it is not thrown away."""
    n_faults, whole = 0, queue.finish_within

    def finish(*given: Any) -> bool:
        nonlocal n_faults
        n_faults += 1
        if n_faults < 3:
            raise OperationalError("finish", {}, Exception("gone"))
        return whole(*given)

    monkeypatch.setattr(queue, "finish_within", finish)
    id_ = add(service.store, b"ok")
    with working(service.settings):
        until(lambda: are_over(service.store, [id_]))
    assert n_faults == 3


def test_a_result_whose_keeping_was_not_answered_stays(service: Service) -> None:
    store = service.store
    wanted = kept(store, b"ok")
    id_ = examinations.add(store, LOCAL, wanted, "e", 10).id
    one = Worker(service.settings, store, EXAMINE, threading.Event())
    try:
        held = queue.claim(store, one.name)
        assert held is not None
        with one.scratch.fresh() as temp:
            found = examination.examined(one, held, temp)
        assert examination.settled(store, held, found)
        assert examination.settled(store, held, found)  # the same once more
    finally:
        one.close()
    assert examinations.get(store, LOCAL, id_).status == "finished"
