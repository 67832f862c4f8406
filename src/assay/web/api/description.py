"""The OpenAPI description (3.1): what FastAPI finds in the routes, and what it cannot know.

Forms that are read as they come, problems on every route, the schema of the result, and who may
ask. It is made for one service: what its operator keeps closed is not offered.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI

from assay.report.as_json import schema
from assay.web.api.models import Problem
from assay.web.api.problems import MEDIA_TYPE
from assay.web.option_fields import OptionField, open_fields
from assay.web.settings import Settings
from assay.web.store.deliveries import EVENTS

OPEN = ("/v1/", "/health", "/metrics")
METHODS = ("get", "put", "post", "delete", "patch")
WITH_FILES = ("/v1/examinations", "/v1/batches")
PROBLEMS = {
    400: "The request cannot be read",
    401: "No valid key or session",
    403: "Who asks may not do this, or the operator keeps it closed",
    404: "There is nothing of this id, or it belongs to someone else",
    408: "The body came too slowly",
    409: "It does not fit the state of what it is about",
    413: "The body is larger than the operator allows",
    416: "The range lies outside the file",
    421: "The request is for another host",
    422: "The request's form is wrong",
    429: "The key's rate is used up",
    500: "A fault of the service",
    503: "As much waits, or is at work, as the operator allows",
    507: "The disk is too full",
}
EVERYWHERE = (400, 401, 403, 421, 422, 429, 500, 503)
KEY, SESSION = "key", "session"
SCHEMES = {
    KEY: {
        "type": "http",
        "scheme": "bearer",
        "description": "An API key: `Authorization: Bearer assay_…`.",
    },
    SESSION: {
        "type": "apiKey",
        "in": "cookie",
        "name": "assay_session",
        "description": "The page's session; what changes anything carries X-Assay-CSRF as well.",
    },
}
SWITCH = {"type": "string", "enum": ["true", "false"]}


def install_middleware(app: FastAPI) -> None:
    """Describe the whole application, routes of other rooms included, when first asked."""
    found = app.openapi

    def described() -> dict[str, Any]:
        if app.openapi_schema is None:
            settings: Settings = app.state.service.settings
            app.openapi_schema = complete(found(), settings)
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]


def complete(told: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """The description with everything in it that the routes do not say themselves."""
    told = json.loads(json.dumps(told))
    told["paths"] = {path: one for path, one in told["paths"].items() if path.startswith(OPEN)}
    schemas = told.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):  # ours is Problem
        schemas.pop(name, None)
    schemas["Problem"] = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= schemas["Problem"].pop("$defs", {})
    schemas |= dict(result_schemas())
    told["components"]["securitySchemes"] = SCHEMES
    told["webhooks"] = {event: _told_to_webhooks(event) for event in EVENTS}
    told["security"] = [{KEY: []}, {SESSION: []}] if settings.auth else []
    for path, method, operation in _operations(told):
        operation["operationId"] = _name(path, method)
        _add_problems(operation, path, method)
        _add_body(operation, path, method, settings)
        _add_content(operation, path, method)
    return told


def result_schemas() -> Iterator[tuple[str, dict[str, Any]]]:
    """The published schema of a result as components: `Result` and what it refers to."""
    held = schema()
    parts = held.pop("$defs", {})
    for key in ("$schema", "$id"):
        held.pop(key, None)
    yield "Result", _referred(held)
    for name, part in parts.items():
        yield _component(name), _referred(part)


def _component(name: str) -> str:
    return f"Result_{name}"


def _referred(value: Any) -> Any:
    """The value with `#/$defs/x` as the component that x became."""
    if isinstance(value, Mapping):
        return {
            key: f"#/components/schemas/{_component(str(one).removeprefix('#/$defs/'))}"
            if key == "$ref"
            else _referred(one)
            for key, one in value.items()
        }
    return [_referred(one) for one in value] if isinstance(value, list) else value


def _told_to_webhooks(event: str) -> dict[str, Any]:
    """What a webhook is sent: a request that someone else answers."""
    body = {"schema": {"$ref": "#/components/schemas/Examination"}}
    names = ("Assay-Event", "Assay-Delivery", "Assay-Signature")
    return {
        "post": {
            "summary": f"An examination is {event.partition('.')[2].replace('_', ' ')}",
            "description": "Assay-Signature is `t=…,v1=…`: HMAC-SHA256 of `t.body`.",
            "operationId": f"webhook_{event.replace('.', '_')}",
            "parameters": [
                {"name": name, "in": "header", "required": True, "schema": {"type": "string"}}
                for name in names
            ],
            "requestBody": {"required": True, "content": {"application/json": body}},
            "responses": {"2XX": {"description": "It has it; anything else is tried again."}},
        }
    }


def _operations(told: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in told["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def _name(path: str, method: str) -> str:
    """A name for the operation in clients that are made from this: get_examinations_id_result."""
    return "_".join([method, *re.findall(r"[a-z]+", path.removeprefix("/v1/"))])


def _add_problems(operation: dict[str, Any], path: str, method: str) -> None:
    responses = operation.setdefault("responses", {})
    body = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for status in _problems(path, method):
        if not path.startswith("/v1/") and str(status) in responses:
            continue  # /health answers 503 in a form of its own
        given = responses.get(str(status), {}).get("description")
        if given in (None, "Validation Error"):
            given = PROBLEMS[status]
        responses[str(status)] = {"description": given, "content": body}


def _problems(path: str, method: str) -> list[int]:
    found = {*EVERYWHERE} if path.startswith("/v1/") else {421, 500, 503}
    if "{" in path:
        found.add(404)
    if path.startswith("/v1/examinations/{id}/"):
        found.add(409)
    if method != "get":
        found |= {404, 408, 409, 413}
    if path.endswith("/media"):
        found.add(416)
    if method == "post" and path in WITH_FILES:
        found.add(507)
    return sorted(found)


def _add_body(operation: dict[str, Any], path: str, method: str, settings: Settings) -> None:
    if method != "post" or path not in WITH_FILES:
        return
    content = {"multipart/form-data": {"schema": form_schema(settings, path)}}
    if path == "/v1/examinations" and settings.allow_urls:
        content["application/json"] = {"schema": _address_schema(settings)}
    operation["requestBody"] = {"required": True, "content": content}


def form_schema(settings: Settings, path: str) -> dict[str, Any]:
    """The fields of a form with files, as this service takes them."""
    file = {"type": "string", "contentMediaType": "application/octet-stream"}
    several = path == "/v1/batches"
    fields: dict[str, Any] = dict(_option_schemas(settings))
    fields |= {"priority": {"type": "string", "enum": ["live", "batch"]}, "again": SWITCH}
    if several:
        most = settings.max_batch_files
        fields["file"] = {"type": "array", "items": file, "minItems": 1, "maxItems": most}
        fields["name"] = {"type": "string", "maxLength": 200}
    else:
        fields["file"] = file
        fields["reference"] = {**file, "description": "Known footage of one person."}
        fields["purpose"] = {"type": "string", "description": "Why the reference is used; logged."}
        fields["batch"] = {"type": "string", "pattern": "^[0-9a-f]{32}$"}
    return {
        "type": "object",
        "properties": fields,
        "required": ["file"],
        "additionalProperties": False,
    }


def _option_schemas(settings: Settings) -> Iterator[tuple[str, dict[str, Any]]]:
    for one in open_fields(settings):
        yield one.name, _option_schema(one)


def _option_schema(one: OptionField) -> dict[str, Any]:
    if one.kind == "switch":
        return {**SWITCH, "default": str(one.default).lower()}
    if one.kind == "choice":
        return {"type": "string", "enum": list(one.choices), "default": one.default}
    if one.kind == "text":
        return {"type": "string", "description": _NOTATIONS[one.name]}
    told: dict[str, Any] = {"type": "integer" if one.kind == "whole" else "number"}
    if one.name == "motion_s":
        told["minimum"] = 0
    elif one.kind == "whole":
        told["minimum"] = 1
    else:
        told["exclusiveMinimum"] = 0
    if one.highest is not None:
        told["maximum"] = one.highest
    return {**told, "default": one.default}


_NOTATIONS = {
    "time_range_s": "From when to when: 12:30 (seconds) or 0:12-1:05.",
    "detectors": "Names separated by commas; all where none is given.",
    "bundles": "Names of trained networks that the operator opened, separated by commas.",
}


def _address_schema(settings: Settings) -> dict[str, Any]:
    held = form_schema(settings, "/v1/examinations")
    fields = {
        name: field
        for name, field in held["properties"].items()
        if name not in ("file", "reference", "purpose")
    }
    fields["url"] = {"type": "string", "format": "uri", "maxLength": 2000}
    return {**held, "properties": fields, "required": ["url"]}


def _add_content(operation: dict[str, Any], path: str, method: str) -> None:
    """What an answer holds where it is no model of ours."""
    if method != "get" or not path.startswith("/v1/examinations/{id}/"):
        return
    held = _CONTENTS.get(path.removeprefix("/v1/examinations/{id}"))
    if held is None:
        return
    operation["responses"]["200"] = {"description": "As it was asked for", "content": held}
    if path.endswith("/media"):
        told = {"description": "The range that was asked for", "content": held}
        operation["responses"]["206"] = told


_ANY = {"*/*": {"schema": {"type": "string", "contentMediaType": "application/octet-stream"}}}
_CONTENTS: dict[str, dict[str, Any]] = {
    "/result": {"application/json": {"schema": {"$ref": "#/components/schemas/Result"}}},
    "/report": {"text/html": {"schema": {"type": "string"}}},
    "/artifacts/{number}": _ANY,
    "/media": _ANY,
}
