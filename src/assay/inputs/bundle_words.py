"""What is told of a trained network that was given, in words and in values.

Its card is somebody else's text: it is shortened and stripped of what cannot be printed, and
whoever shows it escapes it as any text of a file.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from assay.bundles import Card, reading_of
from assay.errors import BundleMismatchError
from assay.findings import Finding, Region
from assay.types import FloatArray, OperatingPoint

MAX_SETS = 12
NO_CUT = (
    "The network proposes seconds in every clip, genuine ones too, each with a raw score between "
    "0 and 1; no cut was measured for them, so they say where it would look first, not that "
    "anything is forged there. They never enter the verdict."
)
CAUSES = (
    "Media unlike those that the network was trained on",
    "Compression, size or light that its training did not hold",
)


def shown(value: object, n_most: int = 160) -> str:
    """A text of a card as it may be shown: one line, printable, of bounded length."""
    words = " ".join(str(value).split()) if isinstance(value, str | int | float) else ""
    text = "".join(letter for letter in words if letter.isprintable())
    return text if len(text) <= n_most else f"{text[: n_most - 1]}…"


def title_of(card: Card) -> str:
    """What the network is called in a sentence: its name and, of which design, its net."""
    name, net = shown(card.name, 60), shown(card.raw.get("net", ""), 60)
    return f"{name} ({net})" if net and net != name else name


def trained_on(card: Card) -> list[dict[str, str]]:
    """The sets that the card names, as they may be shown; at most twelve."""
    stated = card.raw.get("trained_on")
    rows = stated[:MAX_SETS] if isinstance(stated, list) else []
    return [
        {shown(key, 40): shown(value, 80) for key, value in list(row.items())[:8]}
        for row in rows
        if isinstance(row, Mapping)
    ]


def point_for(card: Card, wanted: str) -> OperatingPoint | None:
    """The operating point asked for, else the card's strictest; None where it has none."""
    try:
        return card.operating_point(wanted)
    except BundleMismatchError:
        pass
    ordered = sorted(card.operating_points, key=lambda point: point.false_alarm_rate)
    return ordered[0] if ordered else None


def told(
    card: Card, subject: str, logit: float, wanted: str, why_not: str, more: Mapping[str, Any]
) -> Finding:
    """What the network says of one subject, and how much of that is known to be worth.

    `why_not` finishes "It does not enter the verdict", "" where it does.
    """
    fit = card.calibration
    values: dict[str, Any] = {**_facts(card), "raw_logit": round(logit, 4), **more}
    if fit is None:
        return Finding(
            code="named_network_logit",
            title=f"{title_of(card)} gives {subject} the raw logit {logit:.2f}",
            meaning=(
                "Higher means more likely fake. This network was not calibrated on people that its "
                "training never saw, so this is no probability and has no cut; it does not enter "
                "the verdict."
            ),
            values=values,
            innocent_causes=CAUSES,
        )
    p_fake, point = fit.p_fake(logit), point_for(card, wanted)
    values |= {"p_fake": round(p_fake, 4), "fitted_on": shown(fit.fitted_on, 300)}
    values |= {"false_alarm_rate": round(fit.false_alarm_rate(logit), 4)}
    if point is not None:
        values["operating_point"] = shown(point.name, 20)
        values["threshold"] = round(fit.p_fake(point.threshold), 4)
    enters = (
        f"It does not enter the verdict ({why_not})." if why_not else "It counts in the verdict."
    )
    return Finding(
        code="named_network_score",
        title=f"{title_of(card)} gives {subject} {p_fake:.3f}{_beside_cut(logit, point, fit)}",
        meaning=(
            f"By its own card, which states how it was calibrated ({values['fitted_on']}); nobody "
            f"else measured that. {enters}"
        ),
        values=values,
        innocent_causes=CAUSES,
    )


def told_seconds(card: Card, proposals: FloatArray) -> Finding:
    """The seconds that a network proposes: rows (m, 3) of score, start, end, the best first."""
    score, start_s, end_s = (float(value) for value in proposals[0])
    rows = [
        {"start_s": round(a, 3), "end_s": round(b, 3), "raw_score": round(x, 4)}
        for x, a, b in proposals.tolist()
    ]
    return Finding(
        code="proposed_seconds",
        title=(
            f"{title_of(card)} proposes {start_s:.2f} to {end_s:.2f} s first, with the raw score "
            f"{score:.2f}"
        ),
        meaning=NO_CUT,
        values={"network": shown(card.name, 60), "proposals": rows},
        innocent_causes=CAUSES,
        region=Region(start_s=start_s, end_s=end_s),
    )


def _beside_cut(logit: float, point: OperatingPoint | None, fit: Any) -> str:
    if point is None:
        return "; its card states no cut, for too few genuine items were measured"
    side = "above" if logit >= point.threshold else "below"
    cut, name = fit.p_fake(point.threshold), shown(point.name, 20)
    return f", {side} its cut of {cut:.3f} ({name})"


def _facts(card: Card) -> dict[str, Any]:
    raw = card.raw
    known = {
        "network": shown(card.name, 60),
        "net": shown(raw.get("net", ""), 60),
        "version": shown(card.version, 40),
        "bundle_sha256": card.network_sha256,
        "paper": shown(raw.get("paper", ""), 300),
        "trained_on": trained_on(card),
        "checkpoint": shown(raw.get("checkpoint", ""), 200),
    }
    return {name: value for name, value in known.items() if value}


def file_logit(card: Card, people: Mapping[int, FloatArray]) -> dict[str, float]:
    """The logit of the file, where there are several people: as the card's aggregation joins
    them."""
    if len(people) < 2:
        return {}
    found = reading_of(card).aggregation.file(people)
    return {"file_logit": round(found, 4)} if math.isfinite(found) else {}
