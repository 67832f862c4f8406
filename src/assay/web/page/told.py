"""A stored result in the words of the report: page, terminal and report say the same sentence.

The words are made of verdicts; a stored result has the same fields under the same names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, cast

from assay.report import charts, wording
from assay.report.next_steps import next_step
from assay.types import OperatingPoint, Reason, Verdict

MEDIA_KINDS = ("image", "video", "audio")


@dataclass(frozen=True, slots=True)
class Told:
    """What the page says of one result; `not_meant` sentence by sentence."""

    label: str
    headline: str
    quote: str
    not_meant: tuple[str, ...]
    next_step: str
    reasons: tuple[Reason, ...]
    gauge: charts.Gauge | None
    p_fake: float | None
    threshold: float | None
    interval: str | None
    false_alarm_rate: float | None
    in_domain: bool | None
    outside: tuple[Reason, ...]


def told(result: Mapping[str, Any], name: str) -> Told:
    """The words for a result; `name` is what its file was called by who sent it."""
    held = _as_verdict(result, name)
    point = held.operating_point
    cut = wording.threshold(held)
    return Told(
        label=result["verdict"],
        headline=wording.headline(held),
        quote=wording.answer(held),
        not_meant=_sentences(wording.does_not_mean(held)),
        next_step=next_step(held),
        reasons=tuple(held.reasons),
        gauge=charts.gauge(held),
        p_fake=result["p_fake"],
        threshold=cut,
        interval=wording.interval(held.interval) if held.interval else None,
        false_alarm_rate=point.false_alarm_rate if point and cut is not None else None,
        in_domain=held.in_domain,
        outside=tuple(one for one in held.in_domain_reasons if one not in held.reasons),
    )


def _as_verdict(result: Mapping[str, Any], name: str) -> Verdict:
    """The fields of a verdict that words are made of; what an older result has not is absent."""
    kind = kind_of((result.get("input") or {}).get("media_type"))
    domain, point = result.get("in_domain") or {}, result.get("operating_point")
    interval = result.get("interval")
    held = SimpleNamespace(
        name=name,
        assay_version=(result.get("runtime") or {}).get("assay_version") or "",
        label=result["verdict"],
        status=result["status"],
        kind=tuple(result.get("kind") or ()),
        p_fake=result["p_fake"],
        interval=tuple(interval) if interval else None,
        reasons=_reasons(result.get("reasons")),
        in_domain=domain.get("ok"),
        in_domain_reasons=_reasons(domain.get("reasons")),
        operating_point=OperatingPoint(**point) if point else None,
        media=SimpleNamespace(kind=kind) if kind else None,
    )
    return cast(Verdict, held)


def _reasons(held: Sequence[Mapping[str, str]] | None) -> tuple[Reason, ...]:
    return tuple(Reason(one["code"], one["text"]) for one in held or ())


def kind_of(media_type: str | None) -> str | None:
    """image, video or audio; None for a file that could not be opened."""
    kind = (media_type or "").partition("/")[0]
    return kind if kind in MEDIA_KINDS else None


def _sentences(text: str) -> tuple[str, ...]:
    """One by one: where there is little room, the first stands alone."""
    parts = text.split(". ")
    return tuple(part if part.endswith(".") else f"{part}." for part in parts)
