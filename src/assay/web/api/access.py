"""Who asks, and whether they may: the dependency of every route.

Without `auth` everyone who reaches the service is LOCAL; pages of other origins do not
(`csrf.SameOrigin`). With it, a request carries a key (`Authorization: Bearer assay_…`) or the
cookie of a session that a key opened. What reads needs the scope `read`, what does anything needs
`examine`: checked here, so that no route can forget it.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from starlette.concurrency import run_in_threadpool

from assay.web.actor import EXAMINE, LOCAL, READ, Actor
from assay.web.api import csrf, rates
from assay.web.refusals import UnauthenticatedError
from assay.web.service import Service
from assay.web.store import keys, sessions


def service_of(request: Request) -> Service:
    """The running service."""
    found: Service = request.app.state.service
    return found


async def actor_of(request: Request) -> Actor:
    """Who asks. Raises UnauthenticatedError, ForbiddenError, TooManyRequestsError."""
    service = service_of(request)
    if not service.settings.auth:
        return LOCAL
    key, session = await run_in_threadpool(_credentials, request, service)
    rates.spend(request, key.id, key.requests_per_minute or service.settings.requests_per_minute)
    request.state.key = key
    actor = key.actor()
    actor.require(READ if request.method in csrf.SAFE else EXAMINE)
    if session is not None:
        await csrf.check(request, session.csrf)
    return actor


def upload_limit(request: Request) -> int:
    """The most bytes of one file that who asks may send; `actor_of` came before."""
    allowed = service_of(request).settings.max_upload_bytes
    key: keys.Key | None = getattr(request.state, "key", None)
    if key is None or key.max_upload_bytes is None:
        return allowed
    return min(allowed, key.max_upload_bytes)


def _credentials(request: Request, service: Service) -> tuple[keys.Key, sessions.Session | None]:
    """The valid key behind a request, and the session where a cookie brought it."""
    sent = request.headers.get("authorization")
    if sent is not None:
        scheme, _, text = sent.partition(" ")
        if scheme.lower() != "bearer":
            raise UnauthenticatedError(f"Keys come as Bearer, not as {scheme[:20]!r}.")
        return checked_key(request, service, text.strip()), None
    word = session_word(request)
    found = sessions.find(service.store, word) if word else None
    if found is None:
        raise UnauthenticatedError("Who asks is not known.")
    return found


def is_https(request: Request) -> bool:
    """Whether the browser speaks https, to the service or to the proxy before it."""
    public = service_of(request).settings.public_url
    return request.url.scheme == "https" or public.lower().startswith("https://")


def session_word(request: Request) -> str:
    """What the browser's cookie holds of its session; empty where there is none."""
    return sessions.cookie(request.cookies, secure=is_https(request))


def checked_key(request: Request, service: Service, text: str) -> keys.Key:
    """The valid key of this text. Raises UnauthenticatedError, TooManyRequestsError."""
    rates.before_guess(request, keys.id_of(text))
    key = keys.find(service.store, text)
    if key is None:
        rates.wrong_guess(request, keys.id_of(text))
        raise UnauthenticatedError("The key is not valid, or not any more.")
    return key


Serving = Annotated[Service, Depends(service_of)]
Asking = Annotated[Actor, Depends(actor_of)]
