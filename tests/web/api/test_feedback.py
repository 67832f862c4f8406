"""The API of feedback: said, read, taken back, exported for calibration."""

from __future__ import annotations

import json

import pytest
from fastapi.testclient import TestClient

from assay.web.service import Service
from tests.web.examined import examined, waiting


def test_said_read_and_taken_back(client: TestClient, service: Service) -> None:
    at = f"/v1/examinations/{examined(service)}/feedback"
    said = client.put(at, json={"kind": "false_alarm", "comment": "Mine."})
    assert said.status_code == 200
    told = said.json()
    assert (told["kind"], told["comment"], told["verdict"]) == (
        "false_alarm", "Mine.", "some_evidence",
    )  # fmt: skip
    assert told["scores"][0]["p_fake"] == 0.71
    assert client.get(at).json() == {"feedback": [told]}
    changed = client.put(at, json={"kind": "right"}).json()
    assert changed["id"] == told["id"]
    assert client.get(at).json() == {"feedback": [changed]}
    assert client.delete(at).status_code == 204
    assert client.get(at).json() == {"feedback": []}
    assert client.delete(at).status_code == 404


def test_the_export_has_scores_and_no_names(client: TestClient, service: Service) -> None:
    for n, kind in enumerate(("missed", "right", "missed")):
        id_ = examined(service, f"holiday{n}.jpg")
        client.put(f"/v1/examinations/{id_}/feedback", json={"kind": kind})
    answer = client.get("/v1/feedback")
    assert answer.headers["Content-Type"].startswith("application/jsonl")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["kind"] for line in lines] == ["missed", "right", "missed"]
    assert all(line["scores"][0]["bundle_sha256"] == "ab" * 32 for line in lines)
    assert "holiday" not in answer.text
    of_kind = client.get("/v1/feedback", params={"kind": "right"}).text
    assert of_kind.count("\n") == 1


def test_nothing_said_is_an_empty_export(client: TestClient) -> None:
    answer = client.get("/v1/feedback")
    assert (answer.status_code, answer.text) == (200, "")


@pytest.mark.parametrize("body", [{}, {"kind": "wrong"}, {"kind": "right", "score": 1}])
def test_what_is_no_feedback_is_refused(
    client: TestClient, service: Service, body: dict[str, object]
) -> None:
    answer = client.put(f"/v1/examinations/{examined(service)}/feedback", json=body)
    assert answer.status_code == 422
    assert answer.json()["code"] == "wrong_request"


def test_there_is_no_feedback_on_what_has_no_result(client: TestClient, service: Service) -> None:
    said = {"kind": "right"}
    answer = client.put(f"/v1/examinations/{waiting(service)}/feedback", json=said)
    assert (answer.status_code, answer.json()["code"]) == (409, "not_ready")
    assert client.put(f"/v1/examinations/{'0' * 32}/feedback", json=said).status_code == 404


@pytest.mark.parametrize("query", ["kind=wrong", "since=-1", "since=nan", "since=x"])
def test_a_filter_that_means_nothing_is_refused(client: TestClient, query: str) -> None:
    assert client.get(f"/v1/feedback?{query}").status_code == 422
