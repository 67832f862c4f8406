from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import func, insert, select, update

from assay.web.actor import LOCAL
from assay.web.jobs import retention
from assay.web.service import Service
from assay.web.settings import Settings
from assay.web.store import audit, examinations, idempotency, queue, schema
from assay.web.store.database import Store, now, open_store
from tests.web.conftest import ENGINE, kept
from tests.web.store.test_media import files
from tests.web.store.test_queue import outcome

DAY_S = 86_400.0


def finished(store: Store, data: bytes, age_s: float = 0.0, **fields: Any) -> str:
    id_ = examinations.add(store, LOCAL, kept(store, data, **fields), ENGINE, 1000).id
    held = queue.claim(store, "w")
    assert held is not None
    folder = store.result_folder(id_, held.claim)
    folder.mkdir(parents=True)
    (folder / "report.html").write_text("told")
    assert queue.finish(store, held, outcome())
    c = schema.examinations.c
    with store.writing() as connection:
        aged = {"finished_at": now() - age_s, "created_at": now() - age_s}
        connection.execute(update(schema.examinations).where(c.id == id_).values(**aged))
    return id_


def actions(store: Store, subject: str) -> list[str]:
    c = schema.audit.c
    with store.reading() as connection:
        asked = select(c.action).where(c.subject == subject).order_by(c.number)
        return list(connection.execute(asked).scalars())


def n_rows(store: Store, table: Any) -> int:
    with store.reading() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def test_what_is_older_than_it_is_kept_goes_and_its_lines_stay(
    tmp_path: Path, database: str | None
) -> None:
    settings = Settings(tmp_path / "data", database=database, keep_s=7 * DAY_S)
    service = Service(settings, open_store(settings), ENGINE)
    store = service.store
    batch = examinations.add_batch(store, LOCAL, "old")
    with store.writing() as connection:
        connection.execute(update(schema.batches).values(created_at=now() - 8 * DAY_S))
    old = finished(store, b"old", 8 * DAY_S, batch_id=batch)
    young = finished(store, b"young", 6 * DAY_S)
    waiting = examinations.add(store, LOCAL, kept(store, b"waiting"), ENGINE, 10).id
    assert retention.tidy(service) == 1
    assert retention.tidy(service) == 0
    assert {row.id for row in everything(store)} == {young, waiting}
    assert actions(store, old) == ["examine", "finish", "expired"]
    assert sorted(path.read_text() for path in files(store)) == ["told", "waiting", "young"]
    assert (n_rows(store, schema.results), n_rows(store, schema.media)) == (1, 2)
    assert (n_rows(store, schema.batches), n_rows(store, schema.batch_items)) == (0, 0)
    assert audit.check(store) is None
    store.close()


def everything(store: Store) -> Any:
    return examinations.page(store, LOCAL, examinations.Filters()).rows


def test_nothing_goes_where_nothing_is_said(service: Service) -> None:
    finished(service.store, b"old", 1000 * DAY_S)
    assert retention.tidy(service) == 0
    assert len(files(service.store)) == 2


def test_more_than_one_transactions_worth_goes_in_one_call(
    make_service: Callable[..., Service], monkeypatch: Any
) -> None:
    service = make_service(keep_s=DAY_S)
    monkeypatch.setattr(retention, "AT_ONCE", 3)
    for number in range(7):
        finished(service.store, b"%d" % number, 2 * DAY_S)
    assert retention.tidy(service) == 7
    assert files(service.store) == []


def test_in_privacy_mode_media_go_when_the_last_examination_of_them_is_over(
    tmp_path: Path, database: str | None
) -> None:
    settings = Settings(tmp_path / "data", database=database, privacy=True)
    service = Service(settings, open_store(settings), ENGINE)
    store = service.store
    first = finished(store, b"x")
    second = examinations.add(store, LOCAL, kept(store, b"x", again=True), ENGINE, 10).id
    assert retention.tidy(service) == 1
    assert examinations.get(store, LOCAL, first).media_deleted_at is not None
    path = store.media_path(examinations.get(store, LOCAL, first).sha256)
    assert path.exists(), "the second one is still to read it"
    held = queue.claim(store, "w")
    assert held is not None
    assert queue.finish(store, held, outcome())
    assert retention.tidy(service) == 1
    assert not path.exists()
    assert n_rows(store, schema.media) == 0
    assert n_rows(store, schema.results) == 2
    assert actions(store, second) == ["examine", "finish", "expired"]
    assert retention.tidy(service) == 0
    store.close()


def test_in_privacy_mode_the_reference_goes_too(make_service: Callable[..., Service]) -> None:
    service = make_service(privacy=True)
    reference = kept(service.store, b"reference").sha256
    id_ = finished(service.store, b"x", reference_sha256=reference, purpose="a stated purpose")
    assert retention.tidy(service) == 1
    assert [path.name for path in files(service.store)] == ["report.html"]
    assert examinations.get(service.store, LOCAL, id_).purpose == "a stated purpose"


def test_idempotency_keys_and_sessions_that_have_ended_go(service: Service) -> None:
    store = service.store
    for key in ("old", "young"):
        assert idempotency.begin(store, "me", key, "f") is None
    c = schema.idempotency.c
    key = {"id": "k", "name": "k", "owner": "me", "sha256": "0" * 64, "scopes": []}
    with store.writing() as connection:
        aged = update(schema.idempotency).where(c.key == "old")
        connection.execute(aged.values(created_at=now() - 2 * DAY_S))
        connection.execute(insert(schema.keys).values(**key, created_at=now()))
        for name, ends_at in (("ended", now() - 1), ("open", now() + 60)):
            row = {"sha256": name, "key_id": "k", "csrf": "c", "created_at": now()}
            connection.execute(insert(schema.sessions).values(**row, expires_at=ends_at))
    retention.tidy(service)
    with store.reading() as connection:
        assert connection.execute(select(c.key)).scalars().all() == ["young"]
        assert connection.execute(select(schema.sessions.c.sha256)).scalars().all() == ["open"]
