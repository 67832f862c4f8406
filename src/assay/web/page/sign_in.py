"""Signing in with a key, and out again.

The key goes into a form once; after that the browser holds a random word in a cookie that no
script can read and that no other site can make it send.
"""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, FastAPI, Form, Request, Response
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from assay.errors import AssayError
from assay.web.api import csrf
from assay.web.api.access import Serving, checked_key, is_https, session_word
from assay.web.page.problem_pages import wants_page
from assay.web.page.rendering import render
from assay.web.refusals import Refusal, TooManyRequestsError, UnauthenticatedError
from assay.web.service import Service
from assay.web.store import sessions

PATH = "/sign-in"
MAX_NEXT = 500  # characters
router = APIRouter(include_in_schema=False)


@router.get(PATH)
def ask(request: Request, serving: Serving, next: str = "/", again: bool = False) -> Response:
    """The form, or on to where one wanted to go.

    A browser that follows another site's link sends no cookie: such a request is made once more
    from this page itself, and the form is for those who still are not known then.
    """
    if not serving.settings.auth or _is_known(request, serving):
        return _to(local(next))
    foreign = request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
    once_more = f"{PATH}?again=1&next={quote(local(next), safe='')}"
    return _form(request, next, once_more=once_more if foreign and not again else "")


@router.post(PATH)
def enter(
    request: Request,
    serving: Serving,
    key: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    """Open a session for the holder of a valid key."""
    if not serving.settings.auth:
        return _to("/")
    try:
        held = checked_key(request, serving, key.strip())
    except (UnauthenticatedError, TooManyRequestsError) as error:
        return _form(request, next, error)
    before = session_word(request)
    if before:
        sessions.end(serving.store, before)
    word, _session = sessions.start(serving.store, held)
    answer = _to(local(next))
    secure = is_https(request)
    answer.set_cookie(_cookie_name(secure), word, **_cookie(secure), max_age=int(sessions.LASTS_S))
    return answer


@router.post("/sign-out")
async def leave(request: Request, serving: Serving) -> Response:
    """End the session; the cookie is worth nothing from then on."""
    word = session_word(request)
    found = await run_in_threadpool(sessions.find, serving.store, word) if word else None
    if found is not None:
        await csrf.check(request, found[1].csrf)
        await run_in_threadpool(sessions.end, serving.store, word)
    answer = _to(PATH if serving.settings.auth else "/")
    for secure in (True, False):
        answer.delete_cookie(_cookie_name(secure), **_cookie(secure))
    return answer


def local(address: str) -> str:
    """The address where it is one of this service; its front page for every other.

    `//host`, `/\\host` and `/<tab>/host` lead elsewhere in browsers.
    """
    good = address.startswith("/") and not address.startswith(("//", "/\\", PATH))
    plain = all("!" <= one <= "~" for one in address) and len(address) <= MAX_NEXT
    return address if good and plain else "/"


def _form(
    request: Request, next_: str, error: Refusal | None = None, once_more: str = ""
) -> Response:
    status = 200 if error is None else error.http_status
    values: dict[str, Any] = {"next": local(next_), "once_more": once_more, "after_s": None}
    values["wrong"] = error is not None
    if error is not None:
        values["after_s"] = error.retry_after_s
    answer = render(request, "sign_in.html", status, **values)
    if error is not None and error.retry_after_s is not None:
        answer.headers["Retry-After"] = str(error.retry_after_s)
    return answer


def _to(place: str) -> RedirectResponse:
    return RedirectResponse(place, 303, headers={"Cache-Control": "no-store"})


def _is_known(request: Request, service: Service) -> bool:
    word = session_word(request)
    return bool(word) and sessions.find(service.store, word) is not None


def _cookie_name(secure: bool) -> str:
    return sessions.SECURE_COOKIE if secure else sessions.PLAIN_COOKIE


def _cookie(secure: bool) -> dict[str, Any]:
    return {"path": "/", "secure": secure, "httponly": True, "samesite": "strict"}


def install_middleware(app: FastAPI) -> None:
    """Send a browser that is not signed in to the form; programs get the problem."""
    app.add_exception_handler(UnauthenticatedError, _unknown)


async def _unknown(request: Request, error: Exception) -> Response:
    if wants_page(request) and request.url.path != PATH:
        place = request.url.path
        if request.url.query:
            place += f"?{request.url.query}"
        if request.method not in csrf.SAFE:
            place = "/"
        return _to(f"{PATH}?next={quote(local(place), safe='')}")
    handler: Any = request.app.exception_handlers[AssayError]
    answer: Response = await handler(request, error)
    return answer
