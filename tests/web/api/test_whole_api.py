"""Every route under /v1 against its own description, with made requests (schemathesis)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from hypothesis import strategies as st
from schemathesis import GenerationMode

from assay.examine import detect
from assay.report.as_json import as_dict
from assay.web.actor import LOCAL
from assay.web.app import build_app
from assay.web.service import Service
from assay.web.settings import Settings
from assay.web.store import examinations, queue
from assay.web.store.database import open_store
from tests.web.conftest import kept

N_REQUESTS = 6  # to each route, as many right as wrong ones
CONFIG: dict[str, Any] = {
    "checks": {
        # A value can have the right form and still be refused: a time that is none, a batch that
        # is not there, an idempotency key that was used.
        "positive_data_acceptance": {"enabled": False},
        # Of a form every value is a text, and a text that is a number in other words is taken.
        "negative_data_rejection": {"enabled": False},
        "not_a_server_error": {"expected-statuses": ["2xx", "4xx", "503"]},
    },
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("whole") / "data"
    settings = Settings(folder, min_free_bytes=0, public_url="http://testserver")
    held = Service(settings, open_store(settings), "0" * 16)
    yield held
    held.store.close()


def _finished(service: Service, **wish: Any) -> str:
    """An examination with a whole result, as the examiner makes it of a file that is none."""
    wanted = kept(service.store, b"no picture", again=True, **wish)
    id_ = examinations.add(service.store, LOCAL, wanted, service.engine, 999).id
    held = queue.claim(service.store, "test")
    assert held is not None
    assert held.id == id_
    folder = service.store.result_folder(id_, held.claim)
    folder.mkdir(parents=True)
    for name in ("report.html", "map.png"):
        (folder / name).write_bytes(b"made")
    outcome = queue.Outcome(
        as_dict(detect(service.store.media_path(held.sha256))),
        "report.html",
        [{"kind": "map", "path": "map.png", "caption": "A map."}],
        service.engine,
    )
    assert queue.finish(service.store, held, outcome)
    return id_


def _waiting(service: Service, data: bytes = b"waits") -> str:
    wanted = kept(service.store, data)
    return examinations.add(service.store, LOCAL, wanted, service.engine, 999).id


def _id(service: Service, path: str, finished: str) -> str:
    """The id of something that is there; what waits is there to be deleted or cancelled."""
    if path.startswith("/v1/batches/"):
        batch_id = examinations.add_batch(service.store, LOCAL, "batch")
        wanted = kept(service.store, b"of a batch", batch_id=batch_id)
        examinations.add(service.store, LOCAL, wanted, service.engine, 999)
        return batch_id
    ends = ("{id}", "cancellation", "re-examination")
    return _waiting(service) if path.endswith(ends) else finished


def test_every_answer_is_as_described(service: Service) -> None:
    """Right and wrong requests to every route; the events alone are an answer without an end."""
    finished = _finished(service, previous_id=_finished(service))
    app = build_app(service, chores=False)
    config = schemathesis.config.SchemathesisConfig.from_dict(CONFIG)
    made = schemathesis.openapi.from_asgi("/v1/openapi.json", app, config=config)
    wrong: dict[str, str] = {}
    seen: dict[str, set[int]] = {}
    for found in made.get_all_operations():
        operation = found.ok()
        if not operation.path.startswith("/v1/") or operation.path.endswith("/events"):
            continue
        seen[operation.label] = set()
        id_ = _id(service, operation.path, finished) if "{id}" in operation.path else None
        for mode in GenerationMode:
            try:
                _try(operation, mode, id_, seen[operation.label])
            except hypothesis.errors.Unsatisfiable:
                continue  # nothing can be wrong about a request without parameters
            except BaseExceptionGroup as error:
                wrong[f"{operation.label} {mode.value}"] = str(error)
    assert wrong == {}
    ours = {name for name in seen if re.search(r"/(batches|examinations)(/\{id\}|$)", name)}
    assert len(ours) >= 15
    assert {name for name in ours if not any(status < 300 for status in seen[name])} == set()


def _try(operation: Any, mode: GenerationMode, id_: str | None, seen: set[int]) -> None:
    @hypothesis.settings(
        max_examples=N_REQUESTS,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    @hypothesis.given(case=operation.as_strategy(generation_mode=mode), there=st.booleans())
    def try_one(case: Any, there: bool) -> None:
        if id_ is not None and there:
            case.path_parameters["id"] = id_
            if "number" in case.path_parameters:
                case.path_parameters["number"] = 1
        seen.add(case.call_and_validate().status_code)

    try_one()
