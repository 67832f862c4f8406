"""The application: every router of the API and of the page, found by walking their rooms."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

import assay
from assay.web.api import problems
from assay.web.jobs.chores import Chores
from assay.web.service import Service

ROOMS = ("assay.web.api", "assay.web.page")


def build_app(service: Service, *, chores: bool = True) -> FastAPI:
    """The ASGI application of a service; `chores` run while it does. Workers are apart from it."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        held = Chores(service) if chores else None
        if held is not None:
            held.start()
        yield
        if held is not None:
            held.stop()

    app = FastAPI(
        title="assay",
        version=assay.__version__,
        summary="Tests whether a picture, a video or a recording of a person is genuine.",
        lifespan=lifespan,
        docs_url=None,  # its page fetches scripts from elsewhere
        redoc_url=None,
        openapi_url="/v1/openapi.json",
    )
    app.state.service = service
    problems.install(app)
    for module in routed():
        app.include_router(module)
    for install in middlewares():
        install(app)
    return app


def routed() -> Iterator[APIRouter]:
    """Every `router` of the rooms, in the order of their modules' names."""
    for module in _modules():
        held = getattr(module, "router", None)
        if isinstance(held, APIRouter):
            yield held


def middlewares() -> Iterator[Callable[[FastAPI], None]]:
    """Every `install_middleware(app)` of the rooms; the last one is the outermost."""
    for module in _modules():
        held = getattr(module, "install_middleware", None)
        if held is not None:
            yield held


def _modules() -> Iterator[object]:
    for room in ROOMS:
        package = importlib.import_module(room)
        for found in sorted(pkgutil.iter_modules(package.__path__), key=lambda one: one.name):
            yield importlib.import_module(f"{room}.{found.name}")
