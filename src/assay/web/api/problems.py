"""One shape for every error: application/problem+json (RFC 9457), with a stable `code`."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from assay.errors import AssayError
from assay.report.sanitise import encodable
from assay.web.store.connecting import is_unavailable

MEDIA_TYPE = "application/problem+json"
BUSY_RETRY_S = 5
log = logging.getLogger(__name__)


def problem(
    status: int, code: str, detail: str, *, remedy: str = "", headers: dict[str, str] | None = None,
    errors: list[dict[str, str]] | None = None,
) -> JSONResponse:  # fmt: skip
    """The answer for what went wrong: `type`, `title`, `status`, `code`, `detail`, `remedy`."""
    told: dict[str, Any] = {
        "type": f"urn:assay:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": encodable(detail),
    }
    if remedy:
        told["remedy"] = encodable(remedy)
    if errors:
        told["errors"] = errors
    return JSONResponse(told, status, headers=headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Answer everything that is raised in this one shape."""
    app.add_exception_handler(AssayError, _of_assay)
    app.add_exception_handler(RequestValidationError, _of_form)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(SQLAlchemyError, _of_database)
    app.add_exception_handler(Exception, _of_fault)


async def _of_assay(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, AssayError)
    return of_refusal(error)


def of_refusal(error: AssayError) -> JSONResponse:
    """The answer for what assay refuses to do."""
    after = getattr(error, "retry_after_s", None)
    headers = {"Retry-After": str(after)} if after is not None else {}
    if error.http_status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return problem(
        error.http_status, error.code, str(error), remedy=error.remedy, headers=headers or None
    )


async def _of_form(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    errors = [
        {"at": encodable("/".join(map(str, one["loc"]))), "text": encodable(str(one["msg"]))}
        for one in error.errors()[:20]
    ]
    told = "; ".join(f"{one['at']}: {one['text']}" for one in errors)
    return problem(422, "wrong_request", told or "The request's form is wrong.", errors=errors)


async def _of_http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code = {404: "not_found", 405: "method_not_allowed"}.get(error.status_code, "refused")
    headers = dict(error.headers) if error.headers else None
    return problem(error.status_code, code, str(error.detail), headers=headers)


async def _of_database(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, SQLAlchemyError)
    if not is_unavailable(error):
        return await _of_fault(request, error)
    log.error("the database could not be asked: %s", error)
    told = "The database of the service is not available at the moment."
    after = {"Retry-After": str(BUSY_RETRY_S)}
    return problem(503, "database_unavailable", told, remedy="Try again.", headers=after)


async def _of_fault(_request: Request, error: Exception) -> JSONResponse:
    log.error("a request failed", exc_info=error)
    return of_fault()


def of_fault() -> JSONResponse:
    """The answer for a fault of our own: it says nothing of what is inside."""
    told = "A fault of the service. It is in its log."
    return problem(500, "internal_error", told, remedy="Please report it.")
