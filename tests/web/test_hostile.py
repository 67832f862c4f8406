"""Hostile clients and files against a real server: refused or examined cleanly, and it goes on."""

from __future__ import annotations

import asyncio
import io
import json
import socket
import threading
import time
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.web.running import Running, started

MIB = 2**20
MAX_UPLOAD = 4 * MIB
SCRIPT = "<script>alert(1)</script>"
OVER = ("finished", "set_aside", "cancelled")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile")


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Running]:
    bounds = {"max_upload_bytes": MAX_UPLOAD, "max_queue": 300, "time_limit_s": 60.0}
    with started(folder, n_workers=1, allow_urls=True, **bounds) as held:
        yield held


@pytest.fixture
def client(running: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=running.url, trust_env=False, timeout=60) as held:
        yield held


@pytest.fixture(autouse=True)
def alive(running: Running, client: httpx.Client, folder: Path) -> Iterator[None]:
    """After each attack: the same process, quick, with nothing half-written left."""
    yield
    began = time.monotonic()
    assert client.get("/health").json()["checks"]["database"]["status"] == "ok"
    assert client.get("/v1/examinations?limit=1").status_code == 200
    assert time.monotonic() - began < 5
    assert running.process.poll() is None
    until = time.monotonic() + 10
    while list((folder / "data" / "incoming").glob("*.part")) and time.monotonic() < until:
        time.sleep(0.1)
    assert list((folder / "data" / "incoming").glob("*.part")) == []
    assert rss_bytes(running) < 700 * MIB


def rss_bytes(running: Running) -> int:
    status = Path(f"/proc/{running.process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) * 1024


def connect(running: Running) -> socket.socket:
    host, port = running.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=20)


def heard(connection: socket.socket) -> bytes:
    pieces = []
    try:
        while piece := connection.recv(65_536):
            pieces.append(piece)
    except (ConnectionResetError, TimeoutError):
        pass
    return b"".join(pieces)


def code_of(answer: bytes) -> tuple[int, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)["code"]


def send(client: httpx.Client, data: bytes, name: str = "a.jpg") -> httpx.Response:
    return client.post("/v1/examinations", files={"file": (name, data)})


def examined(client: httpx.Client, id_: str, limit_s: float = 90) -> dict[str, object]:
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        held = client.get(f"/v1/examinations/{id_}").json()
        if held["status"] in OVER:
            return dict(held)
        time.sleep(0.2)
    raise AssertionError(f"still {held['status']}: {held}")


# Bodies


ROUTES = [
    ("POST", "/v1/examinations", "multipart/form-data; boundary=b"),
    ("POST", "/v1/examinations", "application/json"),
    ("POST", "/v1/webhooks", "application/json"),
    ("POST", "/nothing", "application/json"),
    ("DELETE", "/v1/examinations/" + "0" * 32, "application/json"),
    ("GET", "/", "application/json"),
]


@pytest.mark.parametrize(("method", "path", "form"), ROUTES[::3])
def test_ten_gigabytes_announced(running: Running, method: str, path: str, form: str) -> None:
    began = time.monotonic()
    with connect(running) as connection:
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {form}\r\n"
        connection.sendall(f"{head}Content-Length: {10 * 2**30}\r\n\r\n".encode())
        assert code_of(heard(connection)) == (413, "body_too_large")
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(("method", "path", "form"), ROUTES)
def test_ten_gigabytes_in_chunks(running: Running, method: str, path: str, form: str) -> None:
    before = rss_bytes(running)
    with connect(running) as connection:
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {form}\r\n"
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        answers: list[bytes] = []
        listener = threading.Thread(target=lambda: answers.append(heard(connection)))
        listener.start()
        first = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        n_sent = endless(connection, first if "multipart" in form else b"")
        listener.join(20)
    assert n_sent < 200 * MIB
    status = int(answers[0].split()[1])
    assert status in (404, 413) or (method, path, status) == ("GET", "/", 200)
    assert rss_bytes(running) - before < 64 * MIB


def endless(connection: socket.socket, first: bytes) -> int:
    """Send until the other side has enough; how many bytes that were."""
    n_sent, piece = 0, bytes(MIB)
    try:
        if first:
            connection.sendall(b"%x\r\n%s\r\n" % (len(first), first))
        while n_sent < 10 * 2**30:
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            n_sent += len(piece)
    except OSError:
        pass
    return n_sent


def test_a_client_that_leaves_in_the_middle_leaves_nothing(running: Running) -> None:
    for _ in range(5):
        with connect(running) as connection:
            connection.sendall(
                b"POST /v1/examinations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3000000\r\n"
                b"Content-Type: multipart/form-data; boundary=b\r\n\r\n--b\r\n"
                b'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\n' + bytes(MIB)
            )


def form(*parts: bytes) -> bytes:
    return b"".join(b"--b\r\n" + part + b"\r\n" for part in parts) + b"--b--\r\n"


FIELD = b'Content-Disposition: form-data; name="%s"\r\n\r\n%s'
BODIES = {
    "nested json": ("application/json", b"[" * 900_000),
    "nested objects": ("application/json", b'{"a":' * 150_000),
    "a long number": ("application/json", b'{"url":' + b"9" * 900_000 + b"}"),
    "no utf-8": ("application/json", b'{"url":"\xff\xfe"}'),
    "lone surrogates": ("application/json", b'{"url":"\\ud800"}'),
    "a NUL": ("application/json", b'{"url":"http://a.example/\\u0000"}'),
    "many fields": (
        "multipart/form-data; boundary=b", form(*(FIELD % (b"%d" % n, b"") for n in range(50_000)))
    ),
    "one long field": ("multipart/form-data; boundary=b", form(FIELD % (b"name", bytes(3 * MIB)))),
    "many headers": ("multipart/form-data; boundary=b", form(b"A: b\r\n" * 100_000 + b"\r\n")),
    "a long header": ("multipart/form-data; boundary=b", form(b"A: " + b"b" * MIB + b"\r\n\r\n")),
    "no end": ("multipart/form-data; boundary=b", b"--b\r\n" + FIELD % (b"file", b"x")),
    "no boundary": ("multipart/form-data", b"x" * 1000),
    "a long boundary": ("multipart/form-data; boundary=" + "b" * 5000, b"x" * 1000),
    "only dashes": ("multipart/form-data; boundary=b", b"-" * MIB),
    "many options": ("multipart/form-data" + "; a=b" * 5000, b"x"),
    "a packed body": ("application/json", zlib.compress(bytes(MIB))),
}  # fmt: skip


@pytest.mark.parametrize("path", ["/v1/examinations", "/v1/batches", "/v1/webhooks", "/v1/cases"])
@pytest.mark.parametrize("name", BODIES)
def test_bodies_that_are_none(client: httpx.Client, path: str, name: str) -> None:
    kind, body = BODIES[name]
    began = time.monotonic()
    answer = client.post(path, content=body, headers={"Content-Type": kind})
    assert answer.status_code in (400, 413, 415, 422), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Range", "bytes=" + ",".join(["0-"] * 2000)), ("Range", "bytes=99999999999999999999-"),
        ("Accept", ",".join(["text/html;q=0.1"] * 2000)), ("Cookie", "a=b;" * 5000),
        ("Idempotency-Key", "x" * 20_000), ("Last-Event-ID", "x" * 20_000),
        ("Authorization", "Bearer " + "x" * 20_000), ("If-None-Match", '"a",' * 5000),
        ("X-Forwarded-For", "1.1.1.1," * 3000), ("X-Forwarded-Host", "evil.example"),
        ("Forwarded", "host=evil.example"), ("X-HTTP-Method-Override", "DELETE"),
    ],
)  # fmt: skip
def test_headers_that_are_none(client: httpx.Client, name: str, value: str) -> None:
    for path in ("/", "/v1/examinations", "/static/page.css"):
        answer = client.get(path, headers={name: value})
        assert answer.status_code < 500, (path, answer.text)
        assert "evil.example" not in answer.text + str(answer.headers)


# Many and slow


def test_slow_loris(running: Running, client: httpx.Client) -> None:
    held = [connect(running) for _ in range(400)]
    for one in held:
        one.sendall(b"POST /v1/examinations HTTP/1.1\r\nHost: localhost\r\nX-A: ")
    began, slowest = time.monotonic(), 0.0
    while time.monotonic() - began < 8:
        asked = time.monotonic()
        assert client.get("/health/live").status_code == 200
        slowest = max(slowest, time.monotonic() - asked)
        for one in held:
            one.sendall(b"b")
        time.sleep(0.5)
    assert slowest < 3
    time.sleep(max(0.0, began + 14 - time.monotonic()))
    n_open = sum(heard_nothing(one) for one in held)
    assert n_open == 0
    for one in held:
        one.close()


def heard_nothing(connection: socket.socket) -> bool:
    """Whether the connection is still open, without a word."""
    connection.settimeout(0.01)
    try:
        return connection.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


async def sent_at_once(place: tuple[str, str], n: int) -> tuple[int, str]:
    """The status and the code of one upload of many."""
    body = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="%d.bin"\r\n\r\n'
        b"thousand %d\r\n--b--\r\n" % (n, n)
    )
    head = (
        b"POST /v1/examinations HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(*place)
    writer.write(head % len(body) + body)
    told = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    head, _, body = told.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    return status, "" if status == 202 else str(json.loads(body)["code"])


def test_a_thousand_at_once(tmp_path: Path) -> None:
    async def everyone(place: tuple[str, str]) -> list[tuple[int, str] | BaseException]:
        many = (sent_at_once(place, n) for n in range(1000))
        return await asyncio.gather(*many, return_exceptions=True)

    with started(tmp_path, max_queue=150) as running:
        host, _, port = running.url.removeprefix("http://").partition(":")
        answers = Counter(map(str, asyncio.run(everyone((host, port)))))
        assert set(answers) <= {"(202, '')", "(503, 'busy')", "(503, 'queue_full')"}, answers
        assert 0 < answers["(202, '')"] <= 150
        assert answers.total() == 1000
        began = time.monotonic()
        told = httpx.get(running.url + "/metrics", trust_env=False).text
        assert time.monotonic() - began < 3
        n_kept = answers["(202, '')"]
        assert f'assay_examinations{{status="queued"}} {n_kept}.0' in told
        assert "assay_http_requests_at_work 1.0" in told
        assert rss_bytes(running) < 400 * MIB


# Names


@pytest.mark.parametrize(
    "name",
    [
        "../../../../etc/passwd", "..\\..\\windows\\system32\\a.dll", "/etc/cron.d/x", "....//a",
        f"{SCRIPT}.jpg", '"><img src=x onerror=alert(1)>.jpg', "a\r\nSet-Cookie: x=y.jpg",
        "a\u202egpj.exe", "x" * 1000 + ".jpg", "a%0d%0aX: y.jpg", "%00.jpg", "..", ".", "con",
        "{{7*7}}.jpg", "';DROP TABLE examinations;--.jpg", "\ud800.jpg",
    ],
)  # fmt: skip
def test_hostile_names(client: httpx.Client, folder: Path, name: str) -> None:
    before = {path for path in folder.iterdir() if path.name != "data"}
    sent = name.encode("utf-8", "surrogatepass").replace(b'"', b"%22")
    sent = sent.replace(b"\r", b"%0D").replace(b"\n", b"%0A")
    body = (
        b'--b\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n%s\r\n--b--\r\n'
    )
    answer = client.post(
        "/v1/examinations",
        content=body % (sent, b"no picture: " + sent),
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )
    assert answer.status_code == 202, answer.text
    id_ = answer.json()["id"]
    told = answer.json()["name"]
    assert "/" not in told
    assert "\\.." not in told
    assert "\n" not in told
    page = client.get(f"/examinations/{id_}", headers={"Accept": "text/html"})
    assert page.status_code == 200
    for what in (SCRIPT, "<img src=x", "\u202e", "49.jpg"):
        assert what not in page.text
    media = client.get(f"/v1/examinations/{id_}/media")
    assert "set-cookie" not in media.headers
    assert "x" not in media.headers
    assert {path for path in folder.iterdir() if path.name != "data"} == before
    assert client.delete(f"/v1/examinations/{id_}").status_code == 204


@pytest.mark.parametrize(
    "path",
    [
        "/static/../../../../etc/passwd", "/static/..%2f..%2f..%2fetc%2fpasswd",
        "/static/%2e%2e/%2e%2e/app.py", "/v1/examinations/../../etc/passwd/media",
        "/v1/examinations/..%2f..%2fassay.sqlite/media", "/static/....//app.py",
        "/static//etc/passwd", "/examinations/%2e%2e%2f%2e%2e/report",
    ],
)  # fmt: skip
def test_paths_lead_nowhere(running: Running, path: str) -> None:
    with connect(running) as connection:
        request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        answer = heard(connection)
    assert int(answer.split()[1]) in (400, 404, 422)
    assert b"root:" not in answer
    assert b"SQLite format" not in answer


# Addresses


def test_addresses_of_the_inside(client: httpx.Client) -> None:
    with socket.create_server(("127.0.0.1", 0)) as neighbour:
        neighbour.settimeout(0.2)
        port = neighbour.getsockname()[1]
        hosts = (
            "127.0.0.1", "127.1", "2130706433", "0x7f.1", "0177.0.0.1", "localhost", "[::1]",
            "[::ffff:127.0.0.1]", "0.0.0.0", "[::]",
        )  # fmt: skip
        urls = [f"http://{host}:{port}/a.jpg" for host in hosts]
        urls += [
            "http://169.254.169.254/latest/meta-data/",
            "http://[fe80::1]/",
            "http://10.0.0.1/",
        ]
        urls += ["file:///etc/passwd", "gopher://127.0.0.1/", "ftp://127.0.0.1/", "//x", "http://"]
        for url in urls:
            answer = client.post("/v1/examinations", json={"url": url})
            assert answer.status_code in (400, 422), (url, answer.text)
            assert answer.headers["content-type"] == "application/problem+json"
        with pytest.raises(TimeoutError):
            neighbour.accept()


# Files


def png_bomb(side_px: int = 50_000) -> bytes:
    """A few kilobytes that become 7.5 GB of pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4)

    size = side_px.to_bytes(4, "big")
    packed = zlib.compressobj(9)
    data = b"".join(packed.compress(bytes(MIB)) for _ in range(64)) + packed.flush()
    head = chunk(b"IHDR", size + size + b"\x08\x02\x00\x00\x00")
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def zip_bomb() -> bytes:
    """A small archive of a small archive of 256 MB of nothing."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as file, file.open("a", "w") as member:
        for _ in range(256):
            member.write(bytes(MIB))
    outer = io.BytesIO()
    with zipfile.ZipFile(outer, "w", zipfile.ZIP_DEFLATED) as file:
        for n in range(8):
            file.writestr(f"{n}.zip", inner.getvalue())
    return outer.getvalue()


def gif_and_script() -> bytes:
    """The head of a GIF that is a program as well: `GIF89a/*…*/=1;alert(1)`."""
    return b"GIF89a/*" + b"/*\x00\x00\x00".ljust(24, b"\x00") + b"*/=1;alert(1)//;" + bytes(64)


def jpeg_and_html() -> bytes:
    """A true picture with a page in its comment and another behind its end."""
    from PIL import Image

    held = io.BytesIO()
    Image.effect_noise((160, 120), 60).convert("RGB").save(held, "JPEG")
    page = f"<!doctype html><html>{SCRIPT}</html>".encode()
    data = held.getvalue()
    comment = b"\xff\xfe" + (len(page) + 2).to_bytes(2, "big") + page
    return data[:2] + comment + data[2:] + page


FILES = {
    "bomb.png": png_bomb, "bomb.zip": zip_bomb, "program.gif": gif_and_script,
    "page.html": jpeg_and_html,
}  # fmt: skip


def test_hostile_files(client: httpx.Client) -> None:
    sent = {name: send(client, make(), name) for name, make in FILES.items()}
    for name, answer in sent.items():
        assert answer.status_code == 202, (name, answer.text)
    for name, answer in sent.items():
        id_ = answer.json()["id"]
        held = examined(client, id_)
        result = client.get(f"/v1/examinations/{id_}/result").json()
        assert held["status"] in ("finished", "set_aside"), (name, held)
        assert result["schema_version"]
        if name != "page.html":
            assert result["p_fake"] is None
            assert result["reasons"], name
        media = client.get(f"/v1/examinations/{id_}/media")
        kind = media.headers.get("content-type", "")
        assert not kind.startswith(
            ("text/html", "text/javascript", "image/svg", "application/x")
        ), kind
        assert media.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in media.headers["content-security-policy"]
        report = client.get(f"/v1/examinations/{id_}/report")
        assert SCRIPT not in report.text
        assert "default-src 'none'" in report.headers["content-security-policy"]
