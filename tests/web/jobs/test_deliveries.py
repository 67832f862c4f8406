"""Deliveries to a real receiver: signed, tried again, and never to a neighbour."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from assay.web.actor import LOCAL
from assay.web.api.models import as_examination
from assay.web.jobs import chores
from assay.web.jobs import deliveries as chore
from assay.web.service import Service
from assay.web.store import deliveries, examinations
from tests.web.store.test_deliveries import finished


class Receiver:
    def __init__(self) -> None:
        self.status, self.heard = 200, []  # type: tuple[int, list[tuple[dict[str, str], bytes]]]
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.heard.append((dict(self.headers), body))
                self.send_response(outer.status)
                self.send_header("Location", "http://169.254.169.254/")
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    held = Receiver()
    yield held
    held.server.shutdown()
    held.server.server_close()


@pytest.fixture
def own(make_service: Callable[..., Service]) -> Service:
    return make_service(allow_private_addresses=True)


def test_it_is_a_chore() -> None:
    assert chore.CHORE in chores.discover()


def test_what_is_told_is_signed(own: Service, receiver: Receiver) -> None:
    hook = deliveries.add_webhook(own.store, LOCAL, receiver.url, deliveries.EVENTS)
    id_ = finished(own.store)
    chore.run(own)
    ((headers, body),) = receiver.heard
    told, row = json.loads(body), examinations.get(own.store, LOCAL, id_)
    assert told == as_examination(row, row.engine).model_dump()
    assert headers["Assay-Event"] == "examination.finished"
    time_s, found = headers["Assay-Signature"].split(",")
    message = time_s.removeprefix("t=").encode() + b"." + body
    expected = hmac.new(hook.secret.encode(), message, hashlib.sha256).hexdigest()
    assert found == f"v1={expected}"
    chore.run(own)
    assert len(receiver.heard) == 1
    (row,) = deliveries.deliveries_of(own.store, LOCAL, hook.id, 10)
    assert (row.id, row.state) == (headers["Assay-Delivery"], "delivered")
    assert row.last_answer == "status 200"


def test_one_secret_does_not_sign_for_another() -> None:
    assert chore.signature("a", 1, b"x") != chore.signature("b", 1, b"x")
    assert chore.signature("a", 1, b"x") != chore.signature("a", 2, b"x")


@pytest.mark.parametrize("status", [302, 404, 500])
def test_any_answer_but_success_is_tried_again(
    own: Service, receiver: Receiver, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    receiver.status = status
    hook = deliveries.add_webhook(own.store, LOCAL, receiver.url, deliveries.EVENTS)
    finished(own.store)
    chore.run(own)
    (row,) = deliveries.deliveries_of(own.store, LOCAL, hook.id, 10)
    assert (row.state, row.last_answer, row.n_attempts) == ("waiting", f"status {status}", 1)
    receiver.status = 204
    later = deliveries.now() + 60
    monkeypatch.setattr(deliveries, "now", lambda: later)
    chore.run(own)
    (row,) = deliveries.deliveries_of(own.store, LOCAL, hook.id, 10)
    assert (row.state, row.n_attempts) == ("delivered", 2)
    assert len(receiver.heard) == 2
    ids = {headers["Assay-Delivery"] for headers, _ in receiver.heard}
    assert len(ids) == 1


def test_no_neighbour_is_told_unless_the_operator_allows_it(
    service: Service, receiver: Receiver
) -> None:
    hook = deliveries.add_webhook(service.store, LOCAL, receiver.url, deliveries.EVENTS)
    finished(service.store)
    chore.run(service)
    assert receiver.heard == []
    (row,) = deliveries.deliveries_of(service.store, LOCAL, hook.id, 10)
    assert row.last_answer == "the host is not on the public network"


def test_one_that_does_not_answer_holds_up_no_other(
    own: Service, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    monkeypatch.setattr(chore, "ANSWER_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        slow = deliveries.add_webhook(own.store, LOCAL, url, deliveries.EVENTS)
        quick = deliveries.add_webhook(own.store, LOCAL, receiver.url, deliveries.EVENTS)
        finished(own.store)
        chore.run(own)
    (row,) = deliveries.deliveries_of(own.store, LOCAL, slow.id, 10)
    assert (row.state, row.last_answer) == ("waiting", "the server took too long")
    (row,) = deliveries.deliveries_of(own.store, LOCAL, quick.id, 10)
    assert row.state == "delivered"
