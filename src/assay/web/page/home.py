"""The first page: files are given here, and the last examinations are listed."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from assay.options import OPERATING_POINTS, Options
from assay.web.api.access import Asking, Serving, upload_limit
from assay.web.option_fields import HIGHEST
from assay.web.page.rendering import render
from assay.web.page.texts import say
from assay.web.settings import Settings
from assay.web.store import examinations
from assay.web.store.examinations import Filters

router = APIRouter(include_in_schema=False)
N_RECENT = 8
# A box that is ticked sends this value in this field.
SWITCHES = (
    ("stability", "false", "home.stability"),
    ("embed_video", "false", "home.embed_video"),
    ("priority", "batch", "home.priority"),
    ("again", "true", "home.again"),
)


@router.get("/")
def home(request: Request, service: Serving, actor: Asking) -> Response:
    """The form and the last examinations."""
    default, settings = Options(), service.settings
    return render(
        request,
        "home.html",
        rows=examinations.page(service.store, actor, Filters(), N_RECENT).rows,
        engine=service.engine,
        max_bytes=upload_limit(request),
        max_files=settings.max_batch_files,
        kept_for=kept_for(settings),
        allow_urls=settings.allow_urls,
        points=OPERATING_POINTS,
        default_point=default.operating_point,
        default_frames=default.frames,
        most_frames=HIGHEST["frames"],
        switches=SWITCHES,
    )


def kept_for(settings: Settings) -> str:
    """How long files and results stay, in a sentence."""
    if settings.privacy:
        return say("kept.privacy")
    if settings.keep_s is None:
        return say("kept.until_deleted")
    for key, unit_s in (("kept.days", 86_400), ("kept.hours", 3600)):
        if settings.keep_s >= 2 * unit_s:
            return say("kept.for", time=say(key, n=round(settings.keep_s / unit_s)))
    return say("kept.for", time=say("kept.minutes", n=max(1, round(settings.keep_s / 60))))
