"""The OpenAPI description: whole, of this service, and with the published schema of results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR

from assay.examine import detect
from assay.report.as_json import as_dict
from assay.web.api.description import form_schema, result_schemas
from assay.web.app import build_app
from assay.web.service import Service
from assay.web.settings import Settings
from assay.web.store.deliveries import EVENTS

PLAIN = Settings(Path("data"))


@pytest.fixture
def told(client: TestClient) -> dict[str, Any]:
    answer = client.get("/v1/openapi.json")
    found: dict[str, Any] = answer.json()
    return found


def operations(told: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in told["paths"].items():
        for method, operation in item.items():
            yield f"{method} {path}", operation


def referred(value: Any) -> Iterator[str]:
    """Every reference in it."""
    if isinstance(value, dict):
        for key, one in value.items():
            if key == "$ref":
                yield one
            yield from referred(one)
    elif isinstance(value, list):
        for one in value:
            yield from referred(one)


def test_every_reference_leads_somewhere(told: dict[str, Any]) -> None:
    found = set(referred(told))
    assert len(found) > 10
    for one in found:
        place = told
        for name in one.removeprefix("#/").split("/"):
            place = place[name]


def test_it_is_of_version_3_1_and_tells_of_the_api_alone(told: dict[str, Any]) -> None:
    assert told["openapi"].startswith("3.1")
    assert all(path.startswith(("/v1/", "/health", "/metrics")) for path in told["paths"])
    assert "HTTPValidationError" not in told["components"]["schemas"]


def test_every_operation_says_what_it_is_and_what_can_go_wrong(told: dict[str, Any]) -> None:
    problem = {"$ref": "#/components/schemas/Problem"}
    for name, operation in operations(told):
        assert operation.get("description") or operation.get("summary"), name
        for status, answer in operation["responses"].items():
            assert answer["description"], name
            if status[0] in "45" and "/health" not in name:
                assert answer["content"]["application/problem+json"]["schema"] == problem, name
        if "/v1/" in name:
            assert {"401", "403", "422", "429", "503"} <= set(operation["responses"]), name


def test_what_webhooks_are_told_is_described(told: dict[str, Any]) -> None:
    assert set(told["webhooks"]) == set(EVENTS)


def test_operations_have_names_of_their_own(told: dict[str, Any]) -> None:
    names = [operation["operationId"] for _name, operation in operations(told)]
    assert len(names) == len(set(names))
    assert {"post_examinations", "get_examinations_id_result", "post_batches"} <= set(names)


def test_it_is_valid_by_the_schema_of_openapi(
    told: dict[str, Any], make_service: Callable[..., Service]
) -> None:
    app = build_app(make_service(auth=True, allow_urls=True), chores=False)
    for one in (told, app.openapi()):
        assert [str(error) for error in OPENAPI_31_VALIDATOR.iter_errors(one)] == []


def test_who_may_ask_is_told_where_it_matters(
    told: dict[str, Any], make_service: Callable[..., Service]
) -> None:
    assert told["security"] == []
    app = build_app(make_service(auth=True), chores=False)
    assert app.openapi()["security"] == [{"key": []}, {"session": []}]
    assert app.openapi()["components"]["securitySchemes"]["key"]["scheme"] == "bearer"


def test_a_real_result_satisfies_the_schema_in_it(told: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    made = as_dict(detect(tmp_path / "a.jpg"))
    checked = {"components": told["components"], "$ref": "#/components/schemas/Result"}
    validator = Draft202012Validator(checked)
    validator.validate(made)
    with pytest.raises(ValidationError):
        validator.validate({**made, "verdict": "fake"})
    with pytest.raises(ValidationError):
        validator.validate({**made, "reasons": [{"code": "x"}]})


def test_components_of_the_result_refer_to_each_other() -> None:
    names = {name for name, _schema in result_schemas()}
    assert "Result" in names
    found = {one for _name, schema in result_schemas() for one in referred(schema)}
    assert {one.rpartition("/")[2] for one in found} <= names


def test_forms_offer_what_the_operator_opened() -> None:
    closed = form_schema(PLAIN, "/v1/examinations")["properties"]
    assert {"file", "reference", "purpose", "frames", "again"} <= set(closed)
    assert "allow_network" not in closed
    opened = Settings(Path("d"), allow_network=True, bundles=("/srv/meso4",), max_batch_files=7)
    assert {"allow_network", "bundles"} <= set(form_schema(opened, "/v1/batches")["properties"])
    assert form_schema(opened, "/v1/batches")["properties"]["file"]["maxItems"] == 7


def test_addresses_are_offered_where_they_are_fetched(
    told: dict[str, Any], make_service: Callable[..., Service]
) -> None:
    def content(found: dict[str, Any]) -> set[str]:
        return set(found["paths"]["/v1/examinations"]["post"]["requestBody"]["content"])

    assert content(told) == {"multipart/form-data"}
    app = build_app(make_service(allow_urls=True), chores=False)
    assert content(app.openapi()) == {"multipart/form-data", "application/json"}
