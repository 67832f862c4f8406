"""The same service on PostgreSQL: a real server process, a real worker, a real examination."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import httpx
import pytest

import assay
from assay.report import schema
from tests.web.running import server

jsonschema = pytest.importorskip("jsonschema", reason="needs the dev extra")

EXAMPLES = Path(__file__).parents[2] / "examples"
PATIENCE_S = 120.0


def over(client: httpx.Client, id_: str) -> dict[str, Any]:
    """The examination once it is over."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        told: dict[str, Any] = client.get(f"/v1/examinations/{id_}").json()
        if told["status"] not in ("queued", "running"):
            return told
        time.sleep(0.1)
    raise AssertionError(f"not over after {PATIENCE_S} s: {told}")


def test_an_upload_becomes_the_result_that_the_program_gives(
    tmp_path: Path, postgres_url: str
) -> None:
    name = "astronaut_self_blended.jpg"
    with (
        server(tmp_path, n_workers=1, database=postgres_url) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=30) as client,
    ):
        data = (EXAMPLES / name).read_bytes()
        sent = client.post("/v1/examinations", files={"file": (name, data)})
        assert sent.status_code == 202, sent.text
        told = over(client, sent.json()["id"])
        assert (told["status"], told["n_attempts"], told["faults"]) == ("finished", 1, [])
        result = client.get(told["links"]["result"]).json()
        report = client.get(told["links"]["report"])
        again = client.post("/v1/examinations", files={"file": ("other.jpg", data)})
        health = client.get("/health").json()

    jsonschema.validate(result, schema())
    expected = assay.detect(EXAMPLES / name)
    assert (result["verdict"], result["p_fake"]) == (expected.label, expected.p_fake)
    assert result["input"]["name"] == name
    assert report.headers["content-type"].startswith("text/html")
    assert name in report.text
    assert (again.status_code, again.json()["id"]) == (200, told["id"])
    assert health["checks"]["database"]["text"].startswith("postgresql")
    assert not (tmp_path / "data" / "assay.sqlite").exists()


def test_two_servers_share_one_database_and_one_folder(tmp_path: Path, postgres_url: str) -> None:
    """One takes the files and the other one's workers examine them."""
    with (
        server(tmp_path, n_workers=0, database=postgres_url) as takes,
        server(tmp_path, n_workers=1, database=postgres_url),
        httpx.Client(base_url=takes, trust_env=False, timeout=30) as client,
    ):
        files = [{"file": (f"{i}.txt", f"no media {i}".encode())} for i in range(5)]
        sent = [client.post("/v1/examinations", files=one).json()["id"] for one in files]
        told = [over(client, one) for one in sent]
        given = [client.get(one["links"]["result"]).json() for one in told]
    assert [one["status"] for one in told] == ["finished"] * 5
    assert {one["reasons"][0]["code"] for one in given} == {"media_unsupported"}
