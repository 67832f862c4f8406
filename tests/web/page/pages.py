"""Finished examinations with whole results, for the tests of their pages."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from assay.report.as_json import as_dict
from assay.report.layers import write_layers
from assay.types import Verdict
from assay.web.actor import LOCAL, Actor
from assay.web.service import Service
from assay.web.store import examinations, queue
from tests.web.conftest import kept

HTML = {"Accept": "text/html"}
HOSTILE = "</title><script>alert(1)</script>\"'>\u202egpj.exe\nb.jpg"
VOID = {"meta", "link", "input", "img", "br", "source", "track", "wbr", "hr"}


def finished(
    service: Service,
    verdict: Verdict,
    name: str = "press-photo.jpg",
    *,
    actor: Actor = LOCAL,
    report: str | None = "<!doctype html><title>report</title><p>All of it.</p>",
    engine: str | None = None,
    **fields: Any,
) -> str:
    """The id of an examination that gave this verdict, with its pictures in its folder."""
    wanted = kept(service.store, name.encode("utf-8", "surrogatepass"), name, **fields)
    id_ = examinations.add(service.store, actor, wanted, service.engine, 1000).id
    held = queue.claim(service.store, "test")
    assert held is not None
    assert held.id == id_
    folder = service.store.result_folder(id_, held.claim)
    folder.mkdir(parents=True)
    artifacts = write_layers(verdict, Path(folder))
    if report is not None:
        (folder / "report.html").write_text(report, encoding="utf-8")
    result = as_dict(replace(verdict, name=name), artifacts)
    used = service.engine if engine is None else engine
    outcome = queue.Outcome(result, "report.html" if report else None, artifacts, used)
    assert queue.finish(service.store, held, outcome)
    return id_


def page(client: TestClient, path: str, status: int = 200) -> str:
    """The page at this address, read as a browser would; its HTML closes what it opens."""
    answer = client.get(path, headers=HTML)
    assert answer.status_code == status, answer.text
    assert answer.headers["Content-Type"].startswith("text/html")
    Closed().check(answer.text)
    return answer.text


def visible(text: str) -> str:
    """What a reader sees of a page, on one line."""
    without = re.sub(r"<(script|style|title)\b.*?</\1>|<[^>]*>", " ", text, flags=re.S)
    return " ".join(without.split())


class Closed(HTMLParser):
    """Fails on an element that is not closed, or closed without being open."""

    def check(self, text: str) -> None:
        self.open: list[str] = []
        self.ids: list[str] = []
        self.feed(text)
        assert self.open == []
        assert sorted(set(self.ids)) == sorted(self.ids), "an id stands twice"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert "style" not in names, "the policy lets no style attribute through"
        assert not [name for name in names if name.startswith("on")]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag
