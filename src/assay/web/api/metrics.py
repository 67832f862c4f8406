"""What a Prometheus server reads: what waits, what was found, what was asked and how long it took.

Counted in this process are requests; all else is read from the store when it is asked for, so
that several servers on one database tell the same.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select

import assay
from assay.web.api.access import Asking, Serving
from assay.web.api.edges import App, Receive, Send
from assay.web.api.health import SEEN_WITHIN_S
from assay.web.service import Service
from assay.web.store import deliveries, media, presence
from assay.web.store.database import now
from assay.web.store.schema import examinations

router = APIRouter(tags=["service"])

SECONDS = (0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Measured:
    """The numbers of one application, apart from those of any other in this process."""

    def __init__(self, app: FastAPI) -> None:
        self.registry = CollectorRegistry()
        self.registry.register(_Stored(app.state.service))
        self.registry.register(_Refused(app))
        told = ("method", "route", "status")
        self.requests = Counter(
            "assay_http_requests", "Requests answered.", told, registry=self.registry
        )
        self.seconds = Histogram(
            "assay_http_request_seconds", "Time until the last byte was sent.", ("route",),
            registry=self.registry, buckets=SECONDS,
        )  # fmt: skip
        self.at_work = Gauge(
            "assay_http_requests_at_work", "Requests being answered.", registry=self.registry
        )


class _Stored(Collector):
    """What the store tells at the moment it is asked."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def describe(self) -> Iterable[Metric]:
        return []  # nothing is read before the first scrape

    def collect(self) -> Iterator[Metric]:
        store, settings = self._service.store, self._service.settings
        yield _gauge("assay_info", "The version.", ("version",), {(assay.__version__,): 1})
        yield from self._examinations()
        states = {(state,): n for state, n in deliveries.counts(store).items()}
        yield _gauge("assay_webhook_deliveries", "Things told to webhooks.", ("state",), states)
        n_seen = len(presence.seen(store, SEEN_WITHIN_S))
        yield _gauge("assay_workers_seen", "Workers that gave a sign lately.", (), {(): n_seen})
        yield _gauge("assay_workers_wanted", "Workers set up.", (), {(): settings.n_workers})
        free = shutil.disk_usage(store.folder).free
        yield _gauge("assay_disk_free_bytes", "Free where files are kept.", (), {(): free})

    def _examinations(self) -> Iterator[Metric]:
        c = examinations.c
        by_status = select(c.status, func.count()).group_by(c.status)
        by_label = select(c.label, func.count()).where(c.label.is_not(None)).group_by(c.label)
        oldest = select(func.min(c.created_at)).where(c.status == "queued")
        store = self._service.store
        with store.reading() as connection:
            statuses = {(row[0],): row[1] for row in connection.execute(by_status)}
            labels = {(row[0],): row[1] for row in connection.execute(by_label)}
            first = connection.execute(oldest).scalar_one()
        yield _gauge("assay_examinations", "Examinations kept.", ("status",), statuses)
        yield _gauge("assay_verdicts", "Results kept.", ("label",), labels)
        waits_s = 0.0 if first is None else max(0.0, now() - first)
        told = "How long the oldest file has waited."
        yield _gauge("assay_queue_oldest_seconds", told, (), {(): waits_s})
        yield _gauge("assay_media_bytes", "Media kept.", (), {(): media.n_bytes(store)})


class _Refused(Collector):
    """What the edge refused, before any route."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app

    def describe(self) -> Iterable[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        found = CounterMetricFamily("assay_http_refused", "Refused at the edge.", labels=["code"])
        for code, n in self._app.state.edges.refused.items():
            found.add_metric((code,), n)
        yield found


def _gauge(
    name: str, told: str, labels: tuple[str, ...], values: Mapping[Any, float]
) -> GaugeMetricFamily:
    found = GaugeMetricFamily(name, told, labels=labels)
    for label, value in values.items():
        found.add_metric(label, value)
    return found


def install_middleware(app: FastAPI) -> None:
    """Count every request, from the outside of what answers it."""
    measured = app.state.measured = Measured(app)
    app.add_middleware(_Counting, measured=measured)


class _Counting:
    def __init__(self, app: App, measured: Measured) -> None:
        self._app, self._measured = app, measured

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, began = 500, time.monotonic()

        async def look(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        with self._measured.at_work.track_inprogress():
            try:
                await self._app(scope, receive, look)
            finally:
                self._count(scope, status, time.monotonic() - began)

    def _count(self, scope: Any, status: int, seconds: float) -> None:
        # The route's pattern: an address from outside must not make a series of its own.
        route = getattr(scope.get("route"), "path", "none")
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._measured.requests.labels(method, route, str(status)).inc()
        if not route.endswith("/events"):  # open as long as someone listens
            self._measured.seconds.labels(route).observe(seconds)


@router.get(
    "/metrics", summary="Numbers for Prometheus", response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)  # fmt: skip
def metrics(request: Request, _service: Serving, actor: Asking) -> Response:
    """Tell the numbers of the service: with keys, to one of scope `admin` alone."""
    actor.require("admin")
    told = generate_latest(request.app.state.measured.registry)
    return Response(told, media_type=CONTENT_TYPE_PLAIN_0_0_4)
