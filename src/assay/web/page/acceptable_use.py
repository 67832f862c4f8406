"""The acceptable-use text as a page; nobody has to sign in to read it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from assay.web import acceptable_use
from assay.web.page.rendering import render

router = APIRouter(include_in_schema=False)


@router.get("/acceptable-use")
def show(request: Request) -> Response:
    """What the service is for, and what not."""
    return render(
        request,
        "acceptable_use.html",
        title=acceptable_use.TITLE,
        sections=acceptable_use.SECTIONS,
    )
