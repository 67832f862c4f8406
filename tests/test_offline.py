"""`assay detect` opens no network connection, whatever a file asks for."""

from __future__ import annotations

import json
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from assay.cli import run

PROGRAM = [sys.executable, "-c", "from assay.cli import main; main()"]
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description '
    'xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="{url}"/></rdf:RDF></x:xmpmeta>'
)


def jpeg_that_points_to(url: str) -> bytes:
    """A JPEG whose C2PA manifest is said to lie at `url`."""
    import io

    from PIL import Image

    file = io.BytesIO()
    xmp = XMP.format(url=url).encode()
    Image.new("RGB", (64, 48), (90, 120, 30)).save(file, "JPEG", xmp=xmp)
    return file.getvalue()


def png_with_text(url: str) -> bytes:
    """A PNG with an address in a text chunk and in its XMP."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    rows = zlib.compress(b"".join(b"\0" + bytes(12 * 3) for _ in range(12)))
    xmp = b"XML:com.adobe.xmp\0\0\0\0\0" + XMP.format(url=url).encode()
    parts = (
        chunk(b"IHDR", struct.pack(">IIBBBBB", 12, 12, 8, 2, 0, 0, 0)),
        chunk(b"tEXt", b"Source\0" + url.encode()),
        chunk(b"iTXt", xmp),
        chunk(b"IDAT", rows),
        chunk(b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def playlist_of(url: str) -> bytes:
    """An HLS playlist: a demuxer that opens it would fetch its segments."""
    return f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{url}/a.ts\n#EXT-X-ENDLIST\n".encode()


def mov_that_refers_to(url: str) -> bytes:
    """A QuickTime data reference of type `url `, as bytes that a careless reader would follow."""
    body = b"url " + struct.pack(">I", 0) + url.encode() + b"\0"
    reference = struct.pack(">I", len(body) + 4) + body
    dref = struct.pack(">II", 0, 1) + reference
    return b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + struct.pack(">I", len(dref) + 8) + b"dref" + dref


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    url = "http://127.0.0.1:9/manifest.c2pa"
    (tmp_path / "remote.jpg").write_bytes(jpeg_that_points_to(url))
    (tmp_path / "text.png").write_bytes(png_with_text(url))
    (tmp_path / "list.m3u8").write_bytes(playlist_of(url))
    (tmp_path / "reference.mov").write_bytes(mov_that_refers_to(url))
    return tmp_path


@pytest.fixture
def listener() -> Iterator[tuple[str, list[Any]]]:
    """An address on this machine, and everyone who came to it."""
    visitors: list[Any] = []
    server = socket.create_server(("127.0.0.1", 0))

    def welcome() -> None:
        while True:
            try:
                connection, address = server.accept()
            except OSError:
                return
            visitors.append(address)
            connection.close()

    thread = threading.Thread(target=welcome, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.getsockname()[1]}/manifest.c2pa", visitors
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(5)


def test_no_socket_is_connected(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts: list[str] = []

    def refuse(name: str) -> Any:
        def call(*arguments: Any, **_named: Any) -> Any:
            attempts.append(f"{name}{arguments[-1:]}")
            raise OSError("the test forbids the network")

        return call

    for name in ("connect", "connect_ex", "sendto", "sendmsg"):
        monkeypatch.setattr(socket.socket, name, refuse(name))
    for name in ("getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, refuse(name))
    assert run(["detect", "--json", "--report", str(folder / "out"), str(folder)]) in (0, 1, 3)
    assert attempts == []


def test_an_address_inside_a_file_is_not_visited(
    tmp_path: Path, listener: tuple[str, list[Any]]
) -> None:
    """Native code would not pass the sockets of Python; a real listener sees it all the same."""
    url, visitors = listener
    (tmp_path / "remote.jpg").write_bytes(jpeg_that_points_to(url))
    (tmp_path / "text.png").write_bytes(png_with_text(url))
    (tmp_path / "list.m3u8").write_bytes(playlist_of(url))
    (tmp_path / "list.mp4").write_bytes(playlist_of(url))
    (tmp_path / "reference.mov").write_bytes(mov_that_refers_to(url))
    done = subprocess.run(
        [*PROGRAM, "detect", "--json", str(tmp_path)], capture_output=True, check=False
    )
    assert len(done.stdout.splitlines()) == 5
    assert visitors == []
    # The listener itself works: a visit would have been seen.
    with socket.create_connection(("127.0.0.1", int(url.split(":")[2].split("/")[0]))) as visit:
        visit.recv(1)
    assert len(visitors) == 1


def test_the_answer_is_the_same_without_a_network(folder: Path) -> None:
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    prefix = ["unshare", "--user", "--map-root-user", "--net"]
    if subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine allows no network namespaces")
    answers = [
        subprocess.run(
            [*before, *PROGRAM, "detect", "--json", str(folder)], capture_output=True, check=False
        )
        for before in ([], prefix)
    ]
    with_network, without = ([_lasting(line) for line in a.stdout.splitlines()] for a in answers)
    assert with_network == without
    assert len(without) == 4


def _lasting(line: bytes) -> dict[str, Any]:
    """An answer without what differs between two runs: the times."""
    answer: dict[str, Any] = json.loads(line)
    answer.pop("runtime")
    for detector in answer["detectors"]:
        detector.pop("ms")
    return answer


def test_the_kernel_sees_no_connection(folder: Path, tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not installed")
    log = tmp_path / "calls.strace"
    command = ["strace", "-f", "-qq", "-e", "trace=connect,sendto,bind", "-o", str(log)]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine allows no tracing")
    done = subprocess.run(
        [*command, *PROGRAM, "detect", "--json", str(folder / "remote.jpg")],
        capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert len(done.stdout.splitlines()) == 1
    calls = [line for line in log.read_text().splitlines() if "AF_INET" in line]
    assert calls == []
