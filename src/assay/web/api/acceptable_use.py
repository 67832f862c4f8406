"""GET /v1/acceptable-use: what the service is for, for programs that show it to their users."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from assay.web import acceptable_use

router = APIRouter(prefix="/v1", tags=["service"])


class Section(BaseModel):
    """A heading and its paragraphs."""

    heading: str
    paragraphs: list[str]


class AcceptableUse(BaseModel):
    """The text, in English."""

    title: str
    sections: list[Section]


@router.get(
    "/acceptable-use",
    summary="What the service is for, and what not",
    openapi_extra={"security": []},
)
def read() -> AcceptableUse:
    """The acceptable-use text; no key is needed to read it."""
    sections = [
        Section(heading=one.heading, paragraphs=list(one.paragraphs))
        for one in acceptable_use.SECTIONS
    ]
    return AcceptableUse(title=acceptable_use.TITLE, sections=sections)
