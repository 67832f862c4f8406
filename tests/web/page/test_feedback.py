"""The buttons of a verdict, without any script."""

from __future__ import annotations

from fastapi.testclient import TestClient

from assay.web.actor import LOCAL
from assay.web.service import Service
from assay.web.store import feedback
from tests.web.examined import examined


def test_pressed_kept_and_taken_back(client: TestClient, service: Service) -> None:
    id_ = examined(service)
    at = f"/examinations/{id_}/feedback"
    said = {"kind": "missed", "comment": "a\r\nb"}
    answer = client.post(at, data=said, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/examinations/{id_}#feedback"
    held = feedback.mine(service.store, LOCAL, id_)
    assert held is not None
    assert (held.kind, held.comment) == ("missed", "a\nb")
    client.post(at, data={"kind": "withdrawn"}, follow_redirects=False)
    assert feedback.mine(service.store, LOCAL, id_) is None


def test_what_is_no_answer_is_refused(client: TestClient, service: Service) -> None:
    at = f"/examinations/{examined(service)}/feedback"
    assert client.post(at, data={"kind": "x"}).status_code == 422
    assert client.post(at, data={}).status_code == 422
    assert client.post(f"/examinations/{'0' * 32}/feedback", data={"kind": "right"}).is_error
