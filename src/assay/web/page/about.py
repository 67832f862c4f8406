"""What the verdicts mean, what happens to files, which keys there are, what examines."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from assay.report import wording
from assay.web.api.access import Asking, Serving
from assay.web.engine import installed_bundles
from assay.web.page.home import kept_for
from assay.web.page.rendering import render
from assay.web.page.texts import say

router = APIRouter(include_in_schema=False)
SHORTCUTS = (
    (("Tab",), "about.key_tab"),
    (("Ctrl", "V"), "about.key_paste"),
    (("←", "→"), "about.key_play"),
    (("←", "→"), "about.key_map"),
)


@router.get("/about")
def about(request: Request, service: Serving, actor: Asking) -> Response:
    """The page."""
    network = "about.network" if service.settings.allow_network else "about.no_network"
    keys = ("about.local", network, "about.audit", "about.faces")
    return render(
        request,
        "about.html",
        labels=tuple(wording.LABELS),
        p_fake_means=wording.P_FAKE_MEANS,
        keeping=[kept_for(service.settings), *map(say, keys)],
        shortcuts=SHORTCUTS,
        engine=service.engine,
        bundles=list(installed_bundles().items()),
    )
