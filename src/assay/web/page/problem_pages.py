"""What goes wrong, as a page for whoever reads pages; programs get the API's problem instead."""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from assay.errors import AssayError
from assay.web.page.rendering import render

KINDS = (AssayError, HTTPException, RequestValidationError, Exception)
OF_PROGRAMS = ("/v1/", "/health", "/metrics", "/static/")
KEPT_HEADERS = ("retry-after", "www-authenticate", "allow", "connection")
Handler = Callable[[Request, Exception], Response | Awaitable[Response]]


def install_middleware(app: FastAPI) -> None:
    """Let each handler of problems answer as it does, and turn its answer into a page."""
    for kind in KINDS:
        handler: Any = app.exception_handlers.get(kind)
        if handler is not None:
            app.add_exception_handler(kind, _as_page(handler))


def wants_page(request: Request) -> bool:
    """Whether a browser asks for a page, rather than a program or the page's own script."""
    ours = not request.url.path.startswith(OF_PROGRAMS)
    return ours and "text/html" in request.headers.get("accept", "")


def _as_page(handler: Handler) -> Handler:
    async def answer(request: Request, error: Exception) -> Response:
        given = handler(request, error)
        problem: Response = await given if inspect.isawaitable(given) else given
        if not wants_page(request):
            return problem
        told = json.loads(bytes(problem.body))
        page = render(
            request,
            "problem.html",
            problem.status_code,
            http_status=problem.status_code,
            code=told["code"],
            detail=told["detail"],
            remedy=told.get("remedy", ""),
        )
        for name in KEPT_HEADERS:
            if name in problem.headers:
                page.headers[name] = problem.headers[name]
        return page

    return answer
