from __future__ import annotations

from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from assay.web.actor import LOCAL
from assay.web.app import build_app
from assay.web.service import Service
from assay.web.store import audit
from tests.web.store.test_deliveries import finished

URL = "https://receiver.example/hook"


def test_a_webhook_from_its_making_to_its_end(client: TestClient, service: Service) -> None:
    made = client.post("/v1/webhooks", json={"url": URL})
    assert made.status_code == 201
    hook = made.json()
    assert made.headers["location"] == f"/v1/webhooks/{hook['id']}"
    assert hook["secret"].startswith("whsec_")
    assert len(hook["secret"]) > 40
    shown = {name: value for name, value in hook.items() if name != "secret"}
    assert client.get("/v1/webhooks").json() == {"webhooks": [shown]}
    assert client.get(made.headers["location"]).json() == shown
    id_ = finished(service.store)
    (told,) = client.get(f"{made.headers['location']}/deliveries").json()["deliveries"]
    assert (told["examination_id"], told["state"], told["n_attempts"]) == (id_, "waiting", 0)
    assert client.delete(made.headers["location"]).status_code == 204
    assert client.delete(made.headers["location"]).status_code == 404
    assert client.get(f"{made.headers['location']}/deliveries").status_code == 404
    assert client.get("/v1/webhooks").json() == {"webhooks": []}
    assert audit.check(service.store) is None


@pytest.mark.parametrize(
    "url",
    [
        "", "ftp://a.example/", "file:///etc/passwd", "http://", "http://a:b@c.example/",
        "http://127.0.0.1/", "http://127.1:8000/", "http://2130706433/", "http://[::1]/",
        "http://[::ffff:10.0.0.1]/", "http://10.0.0.1/", "http://169.254.169.254/latest",
        "http://localhost:8000/", "http://a.example:25/", "http://a.example/\n", "http://ä.example/",
        "https://a.example/" + "x" * 2000,
    ],
)  # fmt: skip
def test_what_is_never_told_is_refused_at_once(client: TestClient, url: str) -> None:
    answer = client.post("/v1/webhooks", json={"url": url})
    assert answer.status_code == 422
    assert answer.json()["code"] == "wrong_request"


@pytest.mark.parametrize(
    "body",
    [
        {}, {"url": URL, "events": []}, {"url": URL, "events": ["everything"]}, {"url": 1},
        {"url": URL, "secret": "mine"}, [], "x",
    ],
)  # fmt: skip
def test_the_form_is_checked(client: TestClient, body: object) -> None:
    assert client.post("/v1/webhooks", json=body).status_code == 422


def test_the_operator_may_open_the_own_network(make_service: Callable[..., Service]) -> None:
    app = build_app(make_service(allow_private_addresses=True), chores=False)
    with TestClient(app, base_url="http://127.0.0.1:8080") as held:
        for host in ("127.0.0.1:9000", "10.0.0.1", "localhost"):
            assert held.post("/v1/webhooks", json={"url": f"http://{host}/"}).status_code == 201
        answer = held.post("/v1/webhooks", json={"url": "http://169.254.169.254/"})
        assert answer.status_code == 422


def test_events_are_chosen(client: TestClient, service: Service) -> None:
    made = client.post("/v1/webhooks", json={"url": URL, "events": ["examination.cancelled"]})
    assert made.json()["events"] == ["examination.cancelled"]
    finished(service.store, actor=LOCAL)
    told = client.get(f"/v1/webhooks/{made.json()['id']}/deliveries").json()
    assert told == {"deliveries": []}
