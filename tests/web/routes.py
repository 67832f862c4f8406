"""Everything that the application serves, for tests that walk over all of it."""

from __future__ import annotations

from fastapi.routing import APIRoute

from assay.web.app import routed


def served() -> list[APIRoute]:
    """Every route of every room."""
    found = [route for router in routed() for route in router.routes]
    assert all(isinstance(route, APIRoute) for route in found), found
    return [route for route in found if isinstance(route, APIRoute)]
