"""A service that asks for keys, and clients that hold them, for the tests of who may do what."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from fastapi.testclient import TestClient

from assay.web.actor import LOCAL
from assay.web.app import build_app
from assay.web.service import Service
from assay.web.store import keys
from assay.web.store.keys import Terms

HOME = "http://127.0.0.1:8080"
PAGE = {"Accept": "text/html,*/*;q=0.8"}


@contextmanager
def browsing(make_service: Callable[..., Service], **settings: Any) -> Iterator[TestClient]:
    """A client without any key, which follows no redirect."""
    service = make_service(**{"auth": True, **settings})
    app = build_app(service, chores=False)
    with TestClient(
        app, base_url=HOME, raise_server_exceptions=False, follow_redirects=False
    ) as held:
        yield held


def key_for(client: TestClient, *scopes: str, **terms: Any) -> str:
    """The text of a new key of the client's service."""
    service = client.app.state.service  # type: ignore[attr-defined]
    scopes = scopes or ("examine", "read")
    return keys.create(service.store, LOCAL, Terms("Desk", "news", scopes, **terms))[1]


def bearer(text: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {text}"}


def sign_in(client: TestClient, *scopes: str, **terms: Any) -> str:
    """Open a session of the page in this client; gives its CSRF token."""
    text = key_for(client, *scopes, **terms)
    answer = client.post("/sign-in", data={"key": text})
    assert answer.status_code == 303, answer.text
    from assay.web.store import sessions

    store = client.app.state.service.store  # type: ignore[attr-defined]
    found = sessions.find(store, sessions.cookie(dict(client.cookies), secure=False))
    assert found is not None
    return found[1].csrf
