"""Pages from templates: everything is escaped, what a reader would act on is spelled out."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from fastapi import Request
from fastapi.responses import HTMLResponse

import assay
from assay.report import figures, templating
from assay.report.sanitise import shortened, visible
from assay.web.api import csrf
from assay.web.page import assets, texts

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

MAX_NAME = 120


def render(request: Request, name: str, status: int = 200, **values: Any) -> HTMLResponse:
    """One page from `templates/<name>`; it is never kept by a cache, for it tells of files."""
    held = {"request": request, "csrf": csrf.token(request), "here": request.url.path, **values}
    page = _environment().get_template(name).render(held)
    return HTMLResponse(page, status, headers={"Cache-Control": "no-store"})


@lru_cache(maxsize=1)
def _environment() -> Environment:
    from markupsafe import escape

    environment = templating.environment("assay.web")
    environment.globals |= {
        "say": texts.say,
        "script_texts": escape(json.dumps(texts.for_script(), sort_keys=True)),
        "asset": assets.address,
        "version": assay.__version__,
    }
    environment.filters |= {
        "bytes": figures.n_bytes,
        "score": figures.score,
        "rate": figures.rate,
        "clock": figures.clock,
        "when": when,
        "named": lambda name: shortened(visible(name), MAX_NAME),
    }
    return environment


def when(time_s: float | None) -> Markup:
    """A moment (seconds since 1970) as a `time` element, in UTC: "23 Nov 2026, 23:05 UTC"."""
    from markupsafe import Markup

    if time_s is None:
        return Markup("–")
    at = datetime.fromtimestamp(time_s, UTC)
    told = f"{at.day} {at:%b %Y, %H:%M} UTC"
    return Markup('<time datetime="{}">{}</time>').format(at.isoformat(timespec="seconds"), told)
