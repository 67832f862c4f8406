from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from assay.web.api import health
from assay.web.app import build_app
from assay.web.service import Service
from assay.web.store import presence


def test_it_lives(client: TestClient) -> None:
    answer = client.get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_without_workers_it_is_degraded_and_with_them_well(
    client: TestClient, service: Service
) -> None:
    answer = client.get("/health")
    assert answer.status_code == 200
    assert answer.json()["status"] == "degraded"
    assert answer.json()["checks"]["workers"]["status"] == "degraded"
    presence.sign(service.store, "one", {"isolation": ""})
    told = client.get("/health").json()
    assert told["status"] == "ok"
    assert {one["status"] for one in told["checks"].values()} == {"ok"}


def test_too_few_workers_and_what_they_lack_are_told(make_service: Callable[..., Service]) -> None:
    service = make_service(n_workers=2)
    presence.sign(service.store, "one", {"isolation": "No seccomp here."})
    with TestClient(build_app(service, chores=False), base_url="http://127.0.0.1") as client:
        checks = client.get("/health").json()["checks"]
    assert checks["workers"] == {"status": "degraded", "text": "1 of 2 workers are there."}
    assert checks["isolation"] == {"status": "degraded", "text": "No seccomp here."}


def test_a_full_disk_is_degraded(make_service: Callable[..., Service]) -> None:
    service = make_service(min_free_bytes=2**62)
    assert health.check_disk(service).status == "degraded"


def test_a_folder_that_is_gone_is_failing(client: TestClient, service: Service) -> None:
    service.store.incoming.rename(service.store.incoming.with_name("gone"))
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json()["checks"]["disk"]["status"] == "failing"


def test_a_database_that_fails_or_hangs_is_failing(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_service: Service) -> health.Check:
        raise RuntimeError("password=secret")

    def hang(_service: Service) -> health.Check:
        time.sleep(2.0)
        return health.Check(status="ok", text="too late")

    monkeypatch.setattr(health, "PATIENCE_S", 0.2)
    for check in (fail, hang):
        monkeypatch.setitem(health.CHECKS, "database", check)
        began = time.monotonic()
        answer = client.get("/health")
        assert time.monotonic() - began < 1.8
        assert answer.status_code == 503
        assert answer.json()["status"] == "failing"
        assert "secret" not in answer.text


def test_a_lost_table_is_failing(client: TestClient, service: Service) -> None:
    with service.store.writing() as connection:
        connection.execute(text("DROP TABLE meta"))
    assert client.get("/health").json()["checks"]["workers"]["status"] == "failing"


def test_it_tells_no_path_and_no_number_of_the_machine(client: TestClient, tmp_path: Path) -> None:
    told = client.get("/health").text
    assert str(tmp_path) not in told
    assert not any(len(word) > 6 and word.isdigit() for word in told.split())
