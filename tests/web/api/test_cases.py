"""The API of cases: begun, read, changed, filled, exported, deleted."""

from __future__ import annotations

import io
import zipfile

import pytest
from fastapi.testclient import TestClient

from assay.web.service import Service
from tests.web.examined import examined

MISSING = "0" * 32


def begun(client: TestClient, **fields: object) -> str:
    answer = client.post("/v1/cases", json={"title": "The election", **fields})
    assert answer.status_code == 201
    id_: str = answer.json()["id"]
    assert answer.headers["Location"] == f"/v1/cases/{id_}"
    return id_


def test_a_case_from_beginning_to_end(client: TestClient, service: Service) -> None:
    id_ = begun(client, notes="n", tags=["a", "b"])
    examination = examined(service, "one.jpg")
    item = f"/v1/cases/{id_}/examinations/{examination}"
    assert client.put(item, json={"note": "first"}).status_code == 200
    assert client.put(item, json={}).json()["examinations"][0]["note"] == "first"
    held = client.put(item, json={"note": "second"}).json()
    assert [(one["examination"]["id"], one["note"]) for one in held["examinations"]] == [
        (examination, "second")
    ]
    changed = client.patch(f"/v1/cases/{id_}", json={"title": "Renamed"}).json()
    assert (changed["title"], changed["notes"], changed["tags"]) == ("Renamed", "n", ["a", "b"])
    assert client.get("/v1/cases").json()["cases"][0]["n_examinations"] == 1
    assert client.get(f"/v1/cases/{id_}").json() == changed
    assert client.delete(item).status_code == 204
    assert client.get(f"/v1/cases/{id_}").json()["n_examinations"] == 0
    assert client.delete(f"/v1/cases/{id_}").status_code == 204
    assert client.get(f"/v1/cases/{id_}").status_code == 404


def test_the_zip_is_an_attachment(client: TestClient, service: Service) -> None:
    id_ = begun(client)
    client.put(f"/v1/cases/{id_}/examinations/{examined(service, 'one.jpg')}", json={})
    for media, n_files in (("false", 6), ("true", 7)):
        answer = client.get(f"/v1/cases/{id_}/export", params={"media": media})
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/zip"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        name = f"case-The-election-{id_[:8]}.zip"
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
        assert len(zipfile.ZipFile(io.BytesIO(answer.content)).namelist()) == n_files


def test_search_and_pages(client: TestClient) -> None:
    for n in range(3):
        begun(client, title=f"Case {n}", tags=[f"tag{n}"])
    found = client.get("/v1/cases", params={"text": "tag1"}).json()
    assert [case["title"] for case in found["cases"]] == ["Case 1"]
    first = client.get("/v1/cases", params={"limit": 2}).json()
    rest = client.get("/v1/cases", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    told = [case["title"] for case in first["cases"] + rest["cases"]]
    assert told == ["Case 2", "Case 1", "Case 0"]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/cases", {}, 422),
        ("POST", "/v1/cases", {"title": "  "}, 422),
        ("POST", "/v1/cases", {"title": "x", "owner": "someone"}, 422),
        ("POST", "/v1/cases", {"title": "x", "tags": ["t"] * 21}, 422),
        ("GET", f"/v1/cases/{MISSING}", None, 404),
        ("GET", f"/v1/cases/{MISSING}/export", None, 404),
        ("PATCH", f"/v1/cases/{MISSING}", {"title": "x"}, 404),
        ("DELETE", f"/v1/cases/{MISSING}", None, 404),
        ("PUT", f"/v1/cases/{MISSING}/examinations/{MISSING}", {}, 404),
        ("GET", "/v1/cases?cursor=zzz", None, 422),
        ("GET", "/v1/cases?limit=0", None, 422),
    ],
)
def test_what_is_refused_is_a_problem(
    client: TestClient, method: str, path: str, body: object, status: int
) -> None:
    answer = client.request(method, path, json=body)
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["status"] == status
