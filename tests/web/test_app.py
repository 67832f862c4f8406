from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from assay.web import app as module
from assay.web.app import ROOMS, build_app
from assay.web.service import Service
from tests.web.routes import served


def modules() -> list[str]:
    return [
        f"{room}.{found.name}"
        for room in ROOMS
        for found in pkgutil.iter_modules(importlib.import_module(room).__path__)
    ]


def test_every_router_and_middleware_of_the_rooms_is_found() -> None:
    held = [importlib.import_module(name) for name in modules()]
    assert len(list(module.routed())) == sum(hasattr(one, "router") for one in held) > 8
    installs = [one for one in held if hasattr(one, "install_middleware")]
    assert len(list(module.middlewares())) == len(installs) > 2


def test_no_address_is_served_twice() -> None:
    seen = [(method, route.path) for route in served() for method in route.methods]
    assert sorted(set(seen)) == sorted(seen)


def test_the_api_is_below_v1_and_pages_are_not_described(client: TestClient) -> None:
    described = client.get("/v1/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    other = {path for path in described["paths"] if not path.startswith("/v1/")}
    assert other <= {"/health", "/health/live", "/health/ready", "/metrics"}
    assert {path for path in described["paths"] if path.startswith("/v1/")} == {
        route.path for route in served() if route.path.startswith("/v1/")
    }


def test_no_page_that_fetches_scripts_from_elsewhere(client: TestClient) -> None:
    for path in ("/docs", "/redoc"):
        assert client.get(path).status_code == 404


def test_chores_run_while_it_serves(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []

    class Chores:
        def __init__(self, held: Service) -> None:
            assert held is service

        def start(self) -> None:
            said.append("start")

        def stop(self) -> None:
            said.append("stop")

    monkeypatch.setattr(module, "Chores", Chores)
    with TestClient(build_app(service), base_url="http://127.0.0.1:8080"):
        assert said == ["start"]
    assert said == ["start", "stop"]


def test_two_applications_share_nothing(make_service: Callable[..., Service]) -> None:
    one, two = build_app(make_service(), chores=False), build_app(make_service(), chores=False)
    assert one.state.service is not two.state.service


def test_nothing_heavy_is_imported_to_answer_requests() -> None:
    told = "import sys, assay.web.app, importlib\n"
    told += "".join(f"importlib.import_module({name!r})\n" for name in modules())
    told += "print([one for one in ('torch', 'cv2', 'scipy', 'sklearn', 'pyarrow', 'onnx')"
    told += " if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
