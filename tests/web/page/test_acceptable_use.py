from __future__ import annotations

import html
from collections.abc import Callable

from assay.web import acceptable_use
from assay.web.service import Service
from tests.web.api.guarded import PAGE, browsing


def test_the_page_shows_the_whole_text_to_everyone(make_service: Callable[..., Service]) -> None:
    with browsing(make_service) as guarded:
        shown = guarded.get("/acceptable-use", headers=PAGE)
    assert shown.status_code == 200
    text = html.unescape(shown.text)
    for section in acceptable_use.SECTIONS:
        assert section.heading in text
        for paragraph in section.paragraphs:
            assert paragraph in text
