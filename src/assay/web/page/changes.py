"""What differs between an examination and the one that it repeats, as rows of words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Row

from assay.report import figures, wording
from assay.report.differences import differences
from assay.web.actor import Actor
from assay.web.page.texts import say
from assay.web.refusals import NotFoundError
from assay.web.service import Service
from assay.web.store import examinations

MAX_ROWS = 40
Change = tuple[str, str, str]


def since(
    service: Service, actor: Actor, row: Row[Any], result: Mapping[str, Any]
) -> dict[str, Any]:
    """The examination before (`previous`, None where there is none) and the rows of `changes`."""
    nothing: dict[str, Any] = {"previous": None, "changes": []}
    if row.previous_id is None:
        return nothing
    try:
        previous = examinations.get(service.store, actor, row.previous_id)
        held = examinations.result_of(service.store, actor, row.previous_id)
    except NotFoundError:
        return nothing  # it was deleted since
    found = list(as_rows(differences(held.result, result))) if held is not None else []
    return {"previous": previous, "changes": found[:MAX_ROWS]}


def as_rows(told: Mapping[str, Any]) -> Iterator[Change]:
    """(what, before, now) for each difference that a reader would ask for."""
    if told["verdict"]:
        before, after = _ends(told["verdict"])
        yield say("list.verdict"), say(f"label.{before}"), say(f"label.{after}")
    if told["p_fake"]:
        yield (say("list.p_fake"), *_scores(told["p_fake"]))
    for one in told["detectors"]:
        yield from _of_detector(one)
    for key in ("operating_point", "assay_version"):
        if told[key]:
            before, after = _ends(told[key])
            yield say(f"change.{key}"), str(before or "–"), str(after or "–")


def _ends(held: Mapping[str, Any]) -> tuple[Any, Any]:
    return held["earlier"], held["later"]


def _scores(held: Mapping[str, float | None]) -> tuple[str, str]:
    return figures.score(held["earlier"]), figures.score(held["later"])


def _of_detector(one: Mapping[str, Any]) -> Iterator[Change]:
    name = f"{wording.titled(one['detector'])}, {one['subject']}"
    if one["only_in"]:
        there, missing = say("change.there"), say("change.missing")
        yield (name, *((there, missing) if one["only_in"] == "earlier" else (missing, there)))
        return
    if one["p_fake"]:
        yield (name, *_scores(one["p_fake"]))
    if one["status"]:
        before, after = _ends(one["status"])
        yield name, wording.STATUSES.get(before, before), wording.STATUSES.get(after, after)
    if one["version"]:
        before, after = _ends(one["version"])
        yield say("change.version", name=name), str(before), str(after)
    if one["bundle_sha256"]:
        before, after = _ends(one["bundle_sha256"])
        yield say("change.network", name=name), (before or "–")[:12], (after or "–")[:12]
