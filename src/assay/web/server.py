"""One running service: the listener, its workers, and how both end."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import uvicorn

from assay.errors import ConfigError
from assay.web.app import build_app
from assay.web.jobs.supervisor import Workers
from assay.web.service import open_service
from assay.web.settings import LOOPBACK, Settings
from assay.web.slow_clients import protocol_class

# Long enough for an answer under way, short enough for a service manager; streams of events never
# end by themselves and are cut then. What was accepted is in the store and loses nothing.
LEAVE_S = 10
KEEP_ALIVE_S = 15
BACKLOG = 2048
PRIVATE = 0o077  # the umask: media and results are their owner's alone


def run(settings: Settings, ready: Callable[[str], None] = lambda address: None) -> None:
    """Serve until SIGTERM or SIGINT; `ready` is told the address once it answers there.

    Raises ConfigError where the address cannot be used or would let strangers in,
    InstallationError where the store belongs to another version.
    """
    require_safe(settings)
    os.umask(PRIVATE)
    with _listening(settings) as listener:
        settings = replace(settings, port=listener.getsockname()[1])
        service = open_service(settings)
        workers = Workers(settings)
        try:
            workers.start()
            server = _Server(_config(settings, build_app(service)), ready, address(settings))
            server.run(sockets=[listener])
        finally:
            workers.stop()
            service.store.close()


def address(settings: Settings) -> str:
    """Where people find the service, and with a proxy before it also where it listens itself."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    own = f"http://{host}:{settings.port}/"
    return f"{settings.public_url.rstrip('/')}/ from {own}" if settings.public_url else own


def require_safe(settings: Settings) -> None:
    """Raise ConfigError where the service could be reached by others and asks nobody who they are.

    A proxy before a listener on loopback is reached by others too: `public_url` tells of it.
    """
    if settings.auth or settings.open_to_all:
        return
    if settings.on_loopback and urlsplit(settings.public_url).hostname in (None, *LOOPBACK):
        return
    place = settings.public_url or f"{settings.host}, port {settings.port},"
    raise ConfigError(
        f"At {place} others could reach the service, and it would ask nobody for a key.",
        remedy="Add --auth and make a key with `assay keys create`, or listen on 127.0.0.1. "
        "Where everyone who can reach it may use it and see everything: --open-to-all.",
    )


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    """The socket, bound before anything else starts: a port in use ends the call at once."""
    try:
        found = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, kind, protocol, _name, place = found[0]
        listener = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"The host {settings.host!r} cannot be used: {error}.") from error
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(place)
        except OSError as error:
            told = f"{settings.host}, port {settings.port}: {error.strerror}."
            raise ConfigError(told, remedy="Choose another with --port.") from error
        yield listener


def _config(settings: Settings, app: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=protocol_class(),
        ws="none",
        lifespan="on",
        log_config=LOG,
        access_log=False,  # who did what stands in the audit log; a proxy can write the rest
        server_header=False,
        proxy_headers=bool(settings.forwarded_from),
        forwarded_allow_ips=list(settings.forwarded_from),
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=LEAVE_S,
    )


LOG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "plain"},
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {"assay": {"level": "INFO"}, "uvicorn.error": {"level": "WARNING"}},
}


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it is ready and ends with an ordinary return."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[str], None], place: str) -> None:
        super().__init__(config)
        self._ready, self._place = ready, place

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready(self._place)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:  # type: ignore[override]
        """Without raising the signal again at the end: the workers are still to be stopped."""

        def ask(number: int, frame: FrameType | None) -> None:
            self.force_exit = self.should_exit and number == signal.SIGINT
            self.should_exit = True

        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.signal(number, ask) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
