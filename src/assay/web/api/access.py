"""Who asks, and whether they may: the dependency of every route."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from assay.web.actor import LOCAL, Actor
from assay.web.service import Service


def service_of(request: Request) -> Service:
    """The running service."""
    found: Service = request.app.state.service
    return found


def actor_of(request: Request) -> Actor:
    """Who asks. Raises UnauthenticatedError, TooManyRequestsError."""
    return LOCAL


Serving = Annotated[Service, Depends(service_of)]
Asking = Annotated[Actor, Depends(actor_of)]
