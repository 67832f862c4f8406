"""The buttons of an examination's page, pressed without script."""

from __future__ import annotations

from fastapi.testclient import TestClient

from assay.web.actor import LOCAL
from assay.web.service import Service
from assay.web.store import examinations
from tests.report import conftest as verdicts
from tests.web.examined import waiting
from tests.web.page.pages import HTML, finished, page


def press(client: TestClient, path: str, status: int = 303) -> str:
    answer = client.post(path, headers=HTML, follow_redirects=False)
    assert answer.status_code == status, answer.text
    return answer.headers.get("Location", "")


def test_cancel(client: TestClient, service: Service) -> None:
    id_ = waiting(service)
    assert press(client, f"/examinations/{id_}/cancel") == f"/examinations/{id_}"
    assert examinations.get(service.store, LOCAL, id_).status == "cancelled"
    press(client, f"/examinations/{id_}/cancel", 409)


def test_again_makes_another_that_leads_back(client: TestClient, service: Service) -> None:
    id_ = finished(service, verdicts.clear_verdict())
    at = press(client, f"/examinations/{id_}/again")
    again = examinations.get(service.store, LOCAL, at.rpartition("/")[2])
    assert (again.previous_id, again.status) == (id_, "queued")
    assert "Waiting for its turn" in page(client, at)


def test_delete_takes_everything(client: TestClient, service: Service) -> None:
    id_ = finished(service, verdicts.clear_verdict())
    sha256 = examinations.get(service.store, LOCAL, id_).sha256
    assert 'action="/examinations/' in page(client, f"/examinations/{id_}")
    assert press(client, f"/examinations/{id_}/delete") == "/history"
    page(client, f"/examinations/{id_}", 404)
    assert not service.store.media_path(sha256).exists()
    assert not (service.store.folder / "results" / id_).exists()


def test_a_link_that_is_followed_does_nothing(client: TestClient, service: Service) -> None:
    id_ = finished(service, verdicts.clear_verdict())
    for what in ("cancel", "again", "delete"):
        assert client.get(f"/examinations/{id_}/{what}", headers=HTML).status_code == 405
    assert examinations.get(service.store, LOCAL, id_).status == "finished"


def test_another_page_cannot_press(client: TestClient, service: Service) -> None:
    id_ = finished(service, verdicts.clear_verdict())
    headers = {"Origin": "https://elsewhere.example", "Sec-Fetch-Site": "cross-site"}
    assert client.post(f"/examinations/{id_}/delete", headers=headers).status_code == 403
    assert examinations.get(service.store, LOCAL, id_).status == "finished"
