"""The edge: hosts, headers, bodies and numbers, around any application."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, StreamingResponse
from fastapi.testclient import TestClient

from assay.web.api import edges, problems
from assay.web.app import build_app
from assay.web.page import report_policy
from assay.web.refusals import NotFoundError
from assay.web.service import Service
from assay.web.settings import Settings


@pytest.fixture
def app(service: Service) -> FastAPI:
    made = FastAPI()
    made.state.service = service
    problems.install(made)

    @made.get("/page")
    def page() -> HTMLResponse:
        return HTMLResponse("<p>page</p>")

    @made.get("/x/report")
    def report() -> HTMLResponse:
        return HTMLResponse("<p>report</p>")

    @made.get("/own")
    def own() -> PlainTextResponse:
        headers = {"Content-Security-Policy": "default-src 'self'", "Cache-Control": "max-age=5"}
        return PlainTextResponse("own", headers=headers)

    @made.get("/fault")
    def fault() -> None:
        raise RuntimeError("a secret of ours")

    @made.get("/broken")
    def broken() -> StreamingResponse:
        async def parts() -> AsyncIterator[bytes]:
            yield b"a part"
            raise RuntimeError("a secret of ours")

        return StreamingResponse(parts())

    @made.get("/refused")
    def refused() -> None:
        raise NotFoundError("not here")

    @made.post("/read")
    async def read(request: Request) -> dict[str, int]:
        return {"n": len(await request.body())}

    @made.post("/json")
    def takes_json(told: dict[str, Any]) -> dict[str, Any]:
        return told

    @made.post("/unread")
    async def unread() -> dict[str, bool]:
        return {"ok": True}

    edges.install_middleware(made)
    return made


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://127.0.0.1:8080", raise_server_exceptions=False) as held:
        yield held


def test_every_answer_carries_the_headers(client: TestClient) -> None:
    for path in ("/page", "/own", "/refused", "/fault", "/nothing", "/read"):
        answer = client.get(path)
        assert answer.headers["x-content-type-options"] == "nosniff", path
        assert answer.headers["referrer-policy"] == "same-origin", path
        assert answer.headers["cross-origin-opener-policy"] == "same-origin", path
        assert len(answer.headers.get_list("content-security-policy")) == 1, path
        assert len(answer.headers.get_list("cache-control")) == 1, path


def test_policies_by_what_is_answered(client: TestClient) -> None:
    def policy(path: str) -> str:
        return client.get(path).headers["content-security-policy"]

    assert policy("/page") == edges.PAGE_POLICY
    assert policy("/x/report") == report_policy.policy()
    assert policy("/own") == "default-src 'self'"
    assert policy("/refused") == policy("/nothing") == edges.FILE_POLICY
    assert client.get("/own").headers["cache-control"] == "max-age=5"
    assert client.get("/page").headers["cache-control"] == "no-store"


def test_pages_run_no_script_and_no_style_but_our_files() -> None:
    parts = dict(one.strip().split(" ", 1) for one in edges.PAGE_POLICY.split(";"))
    assert parts["default-src"] == "'none'"
    assert (parts["script-src"], parts["style-src"]) == ("'self'", "'self'")
    assert "unsafe" not in edges.PAGE_POLICY
    # A report was written by the process that read a hostile file: it runs our scripts alone.
    (scripts,) = [one for one in report_policy.policy().split("; ") if one.startswith("script-src")]
    assert "unsafe" not in scripts
    assert parts["frame-ancestors"] == "'none'"


def test_a_fault_tells_nothing_of_what_is_inside(client: TestClient) -> None:
    answer = client.get("/fault")
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal_error"
    assert "secret" not in answer.text


def test_https_is_remembered_where_the_service_has_it(make_service: Callable[..., Service]) -> None:
    made = build_app(make_service(public_url="https://assay.example"), chores=False)
    with TestClient(made, base_url="https://assay.example") as held:
        assert "strict-transport-security" in held.get("/health/live").headers
    with TestClient(made, base_url="https://other.example") as held:
        assert held.get("/health/live").status_code == 421


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8080", 200), ("127.0.0.1", 200), ("localhost:8080", 200), ("LOCALHOST", 200),
        ("[::1]:8080", 200), ("10.0.0.5", 200), ("localhost.", 200),
        ("evil.example", 421), ("evil.example:8080", 421), ("127.0.0.1.evil.example", 421),
        ("localhost.evil.example", 421), ("2130706433", 421), ("0x7f000001", 421), ("", 421),
        ("a@localhost", 422), ("localhost/x", 422), ("localhost:x", 422), ("[::1", 422),
    ],
)  # fmt: skip
def test_hosts(client: TestClient, host: str, status: int) -> None:
    answer = client.get("/page", headers={"Host": host})
    assert answer.status_code == status
    if status != 200:
        assert answer.headers["content-type"] == problems.MEDIA_TYPE


def test_the_names_we_go_by(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edges.socket, "gethostname", lambda: "Machine")
    local = edges.own_names(Settings(Path("x")))
    assert "machine" not in local
    held = edges.own_names(Settings(Path("x"), host="0.0.0.0", public_url="https://A.example/b"))
    assert held >= {"machine", "a.example", "localhost"}


def test_two_hosts_are_none(app: FastAPI) -> None:
    status, _, told = asked(app, headers=[(b"host", b"localhost"), (b"host", b"localhost")])
    assert (status, told["code"]) == (422, "wrong_request")
    status, _, told = asked(app, headers=[])
    assert (status, told["code"]) == (422, "wrong_request")


def test_a_nul_in_the_address_is_refused(client: TestClient) -> None:
    assert client.get("/page%00").status_code == 422
    assert client.get("/page?a=%00").status_code == 422


# Bodies, piece by piece, as a server hands them over.


def asked(
    app: Any, path: str = "/page", method: str = "GET", pieces: Any = (), **more: Any
) -> tuple[int, dict[str, str], Any]:
    """Ask without a client: `pieces` are bytes, or seconds to wait."""
    headers = more.get("headers", [(b"host", b"localhost"), (b"transfer-encoding", b"chunked")])
    scope = {
        "type": "http", "method": method, "path": path, "raw_path": path.encode(),
        "query_string": b"", "headers": headers, "http_version": "1.1", "scheme": "http",
        "server": ("127.0.0.1", 80), "client": ("127.0.0.1", 9), "root_path": "",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
    }  # fmt: skip
    sent: list[Any] = []
    left = iter([*pieces, None])

    async def receive() -> dict[str, Any]:
        piece = next(left, "over")
        if piece == "over":
            await asyncio.sleep(5)
            return {"type": "http.disconnect"}
        if isinstance(piece, float):
            await asyncio.sleep(piece)
            piece = b""
        body = b"" if piece is None else piece
        return {"type": "http.request", "body": body, "more_body": piece is not None}

    async def send(message: Any) -> None:
        sent.append(message)

    async def go() -> None:
        await asyncio.wait_for(app(scope, receive, send), 10)

    asyncio.run(go())
    starts = [one for one in sent if one["type"] == "http.response.start"]
    bodies = [one for one in sent if one["type"] == "http.response.body"]
    assert len(starts) == 1
    assert sent[0] is starts[0]
    assert [bool(one.get("more_body")) for one in bodies[-1:]] == [False]
    text = b"".join(one.get("body", b"") for one in bodies)
    told = {name.decode(): value.decode() for name, value in starts[0]["headers"]}
    return starts[0]["status"], told, json.loads(text)


def test_a_body_in_bounds_is_read(app: FastAPI) -> None:
    status, headers, told = asked(app, "/read", "POST", [b"x" * 1000] * 10)
    assert (status, told) == (200, {"n": 10_000})
    assert "connection" not in headers


@pytest.mark.parametrize("path", ["/read", "/json"])
def test_an_endless_body_is_cut(app: FastAPI, path: str) -> None:
    status, headers, told = asked(app, path, "POST", [b"x" * 2**18] * 500)
    assert (status, told["code"]) == (413, "body_too_large")
    assert headers["connection"] == "close"
    assert headers["x-content-type-options"] == "nosniff"


def test_an_announced_one_is_not_read_at_all(app: FastAPI) -> None:
    headers = [(b"host", b"localhost"), (b"content-length", b"10737418240")]
    status, answered, told = asked(app, "/read", "POST", [], headers=headers)
    assert (status, told["code"]) == (413, "body_too_large")
    assert answered["connection"] == "close"


def test_silence_ends_a_body(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edges, "SILENT_S", 0.2)
    status, headers, told = asked(app, "/read", "POST", [b"x", 1.0, b"y"])
    assert (status, told["code"]) == (408, "request_too_slow")
    assert headers["connection"] == "close"


def test_drops_end_a_body(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edges, "GRACE_S", 0.2)
    status, _, told = asked(app, "/json", "POST", [0.02] * 200)
    assert (status, told["code"]) == (408, "request_too_slow")


def test_a_small_body_that_nobody_reads_keeps_the_connection(app: FastAPI) -> None:
    headers = [(b"host", b"localhost"), (b"content-length", b"300")]
    status, answered, _ = asked(app, "/unread", "POST", [b"x" * 100] * 3, headers=headers)
    assert status == 200
    assert "connection" not in answered


def test_a_large_body_that_nobody_reads_ends_it(
    app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edges, "LINGER_S", 0.2)
    for path in ("/unread", "/nothing"):
        _, answered, _ = asked(app, path, "POST", [0.01] * 500)
        assert answered["connection"] == "close"


def test_uploads_may_be_as_large_as_the_operator_allows() -> None:
    settings = Settings(Path("x"), max_upload_bytes=10 * 2**20, max_batch_files=3)
    assert edges.body_limit(settings, "POST", "/v1/feedback") == edges.FORM_BYTES
    assert edges.body_limit(settings, "DELETE", "/v1/examinations") == edges.FORM_BYTES
    one = edges.body_limit(settings, "POST", "/v1/examinations")
    several = edges.body_limit(settings, "POST", "/v1/batches")
    assert 20 * 2**20 < one < 22 * 2**20
    assert 30 * 2**20 < several < 32 * 2**20
    assert edges.body_limit(settings, "POST", "/examinations") == several


def test_requests_are_bounded_in_number(service: Service) -> None:
    n_most, n_in, n_seen = 3, 0, 0

    async def slow(_scope: Any, _receive: Any, send: Any) -> None:
        nonlocal n_in, n_seen
        n_in += 1
        n_seen = max(n_seen, n_in)
        await asyncio.sleep(1.0)
        n_in -= 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    app = edges.Edges(slow, service.settings, max_at_once=n_most)

    async def go() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as held:
            return await asyncio.gather(*(held.get("/x") for _ in range(10)))

    answers = asyncio.run(go())
    assert sorted(one.status_code for one in answers) == [200] * 3 + [503] * 7
    assert n_seen == n_most
    assert app.n_at_once == 0
    busy = next(one for one in answers if one.status_code == 503)
    assert busy.json()["code"] == "busy"
    assert busy.headers["retry-after"] == "1"


def test_uploads_leave_places_for_the_others(service: Service) -> None:
    async def slow(_scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"ok"})

    app = edges.Edges(slow, service.settings, max_at_once=5, max_uploads=2)

    async def dripping() -> AsyncIterator[bytes]:
        for _ in range(30):
            yield b"x"
            await asyncio.sleep(0.05)

    async def go() -> tuple[list[httpx.Response], list[httpx.Response]]:
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as held:
            uploads = [
                asyncio.create_task(held.post("/v1/examinations", content=dripping()))
                for _ in range(6)
            ]
            await asyncio.sleep(0.2)
            others = await asyncio.gather(*(held.get("/x") for _ in range(3)))
            return await asyncio.gather(*uploads), others

    uploads, others = asyncio.run(go())
    assert sorted(one.status_code for one in uploads) == [200] * 2 + [503] * 4
    assert [one.status_code for one in others] == [200] * 3
    assert (app.n_at_once, app.n_uploads) == (0, 0)


def test_health_is_answered_however_much_is_at_work(service: Service) -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    held = edges.Edges(app, service.settings, max_at_once=0)
    assert asked(held, "/health/live")[0] == 200
    assert asked(held, "/health")[0] == 200
    assert asked(held, "/page")[0] == 503


def test_an_answer_that_breaks_off_is_not_made_whole(client: TestClient, app: FastAPI) -> None:
    with pytest.raises(RuntimeError):
        asked(app, "/broken")


def test_websockets_are_closed(app: FastAPI) -> None:
    sent = []

    async def go() -> None:
        async def send(message: Any) -> None:
            sent.append(message)

        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        await app({"type": "websocket", "path": "/page", "headers": []}, receive, send)

    asyncio.run(go())
    assert [one["type"] for one in sent] == ["websocket.close"]
