"""What every request and every chore shares: the operator's settings, the store, the engine."""

from __future__ import annotations

from dataclasses import dataclass

from assay.web.engine import engine_id
from assay.web.settings import Settings
from assay.web.store.database import Store, open_store


@dataclass(frozen=True, slots=True)
class Service:
    """One running service; `engine` is the fingerprint of what examines (`engine_id`)."""

    settings: Settings
    store: Store
    engine: str


def open_service(settings: Settings) -> Service:
    """Open the store of a service. Raises ConfigError, InstallationError."""
    return Service(settings, open_store(settings), engine_id())
