"""No other page acts in someone's name: where a request comes from, and the token of a session.

A browser sends cookies, and reaches 127.0.0.1, for any page that is open in it. So a request that
says it comes from another origin is refused, with and without `auth` (Fetch Metadata, or the
Origin header of older browsers); a request of a session that does something carries the session's
token as well, in the header X-Assay-CSRF or in the form field `csrf`.
"""

from __future__ import annotations

import hmac
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from assay.web.api.problems import problem
from assay.web.refusals import ForbiddenError

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
HEADER, FIELD = "X-Assay-CSRF", "csrf"
# Their forms carry the token before the first file; `settle` is called while they are read.
FILE_ROUTES = frozenset({"/examinations", "/v1/examinations", "/v1/batches"})


def token(request: Request) -> str:
    """What the forms of a page carry as `csrf`; empty where nobody has to sign in."""
    return str(getattr(request.state, "csrf", ""))


async def check(request: Request, expected: str) -> None:
    """Raise ForbiddenError unless a request of a session carries its token, or will (`settle`)."""
    request.state.csrf = expected
    if request.method in SAFE:
        return
    sent = request.headers.get(HEADER)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if sent is None and kind == "multipart/form-data" and request.url.path in FILE_ROUTES:
        request.state.csrf_pending = True
        return
    if sent is None and kind == "application/x-www-form-urlencoded":
        field = (await request.form()).get(FIELD)
        sent = field if isinstance(field, str) else None
    _require(sent, expected)


def settle(request: Request, value: str | None) -> None:
    """Check the form field `csrf` of a form with files, before the first file is taken.

    `value` is None where there was none. Does nothing where the token came otherwise or none is
    needed. Raises ForbiddenError.
    """
    if getattr(request.state, "csrf_pending", False):
        _require(value, token(request))
        request.state.csrf_pending = False


def _require(sent: str | None, expected: str) -> None:
    given = (sent or "").encode("utf-8", "replace")
    if not expected or not hmac.compare_digest(given, expected.encode()):
        raise ForbiddenError(
            "The request does not carry the token of this session.",
            remedy="Load the page again, then repeat it.",
        )


def is_foreign(method: str, headers: Headers, public_url: str) -> bool:
    """Whether another page made this request, and it is more than a link that was followed."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        if site in ("same-origin", "none"):
            return False
        follows_link = (
            headers.get("sec-fetch-mode") == "navigate"
            and headers.get("sec-fetch-dest") == "document"
        )
        return method not in SAFE or not follows_link
    origin = headers.get("origin")
    if origin is None:  # no browser, or one that reads for its own page
        return False
    return origin.lower() not in _own_origins(headers.get("host", ""), public_url)


def _own_origins(host: str, public_url: str) -> set[str]:
    """The origins of this service's own pages; the host was checked where bodies are bounded."""
    own = {f"{scheme}://{host.lower()}" for scheme in ("http", "https")}
    if public_url:
        parts = urlsplit(public_url.lower())
        own.add(f"{parts.scheme}://{parts.netloc}")
    return own


class SameOrigin:
    """Refuses what the pages of other origins send."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403, or hand on."""
        if scope["type"] == "http":
            public_url = scope["app"].state.service.settings.public_url
            if is_foreign(scope["method"], Headers(scope=scope), public_url):
                told = "The request was made by a page of another origin."
                await problem(403, "foreign_origin", told)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def install_middleware(app: FastAPI) -> None:
    """Refuse the requests of other pages, on every route."""
    app.add_middleware(SameOrigin)
