from __future__ import annotations

from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from assay.web.actor import LOCAL
from assay.web.service import Service
from assay.web.store import deliveries, examinations, presence
from tests.web.conftest import ENGINE, kept
from tests.web.store.test_deliveries import URL, finished

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def scraped(client: TestClient) -> Samples:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_what_the_store_holds_is_told(client: TestClient, service: Service) -> None:
    deliveries.add_webhook(service.store, LOCAL, URL, deliveries.EVENTS)
    finished(service.store, b"1")
    examinations.add(service.store, LOCAL, kept(service.store, b"two"), ENGINE, 10)
    presence.sign(service.store, "one", {})
    held = scraped(client)
    assert held["assay_examinations", (("status", "finished"),)] == 1
    assert held["assay_examinations", (("status", "queued"),)] == 1
    assert held["assay_verdicts", (("label", "no_evidence_found"),)] == 1
    assert held["assay_webhook_deliveries", (("state", "waiting"),)] == 1
    assert held["assay_workers_seen", ()] == 1
    assert held["assay_disk_free_bytes", ()] > 0
    assert 0 <= held["assay_queue_oldest_seconds", ()] < 60


def test_requests_are_counted_by_route_and_never_by_address(client: TestClient) -> None:
    for n in range(30):
        client.get(f"/nothing/{n}")
        client.get(f"/v1/webhooks/{n:032x}")
    held = scraped(client)
    webhook = (("method", "GET"), ("route", "/v1/webhooks/{webhook_id}"), ("status", "404"))
    nothing = (("method", "GET"), ("route", "none"), ("status", "404"))
    assert held["assay_http_requests_total", webhook] == 30
    assert held["assay_http_requests_total", nothing] == 30
    assert held["assay_http_request_seconds_count", (("route", "none"),)] == 30
    assert len([name for name, _ in held if name == "assay_http_requests_total"]) < 5


def test_what_the_edge_refuses_is_counted(client: TestClient) -> None:
    for _ in range(3):
        client.get("/v1/webhooks", headers={"Host": "evil.example"})
    assert scraped(client)["assay_http_refused_total", (("code", "wrong_host"),)] == 3


def test_strange_methods_make_no_series(client: TestClient) -> None:
    for n in range(5):
        client.request(f"M{n}", "/v1/webhooks")
    held = scraped(client)
    methods = {dict(labels)["method"] for name, labels in held if name.endswith("requests_total")}
    assert methods <= {"other", "GET"}
