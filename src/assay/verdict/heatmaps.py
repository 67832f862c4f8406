"""What was measured of each detector's heat maps, and so whether one may be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assay.types import Evidence

# Keys of a card's `heatmap` entry, in the order in which a reader is told of them.
MEASURES = {
    "score_falls_more_by_map": "taking away what it marks lowers the score more than taking away "
    "as much elsewhere in {share} of {n}",
    "score_falls_more_than_by_another_map": "more than what another forgery's map marks in {share}",
    "score_rises_more_by_map": "putting what it marks into the genuine picture raises the score "
    "more than putting in as much elsewhere in {share}",
    "pointing": "its peak lies on the forged part in {share}",
    "forged_share_of_crop": "which is {share} of the crop",
    "mean_overlap_with_true_mask": "it overlaps the true mask by {number}",
    "mean_overlap_of_another_map": "another forgery's map overlaps that mask by {number}",
}


def heatmap_sentences(evidence: Sequence[Evidence]) -> list[str]:
    """One sentence for each detector that scored: its maps' measured faithfulness, or why none."""
    cards: dict[str, Mapping[str, Any]] = {}
    for one in evidence:
        stated = one.details.get("heatmap")
        if one.status == "scored" and isinstance(stated, Mapping):
            cards.setdefault(one.detector, stated)
    return [heatmap_sentence(name, stated) for name, stated in cards.items()]


def heatmap_sentence(detector: str, stated: Mapping[str, Any]) -> str:
    """What the card of a detector states of its heat maps, in words."""
    measured = _measured(stated)
    if stated.get("faithful") is True:
        held = f": {measured}" if measured else ", by a test that its card names"
        return f"The heat maps of {detector} were tested against known forgeries{held}."
    if measured:
        return f"No heat map of {detector} is shown, because its maps failed the test: {measured}."
    return (
        f"No heat map of {detector} is shown: whether its maps mark what the score comes from has "
        "not been measured."
    )


def _measured(stated: Mapping[str, Any]) -> str:
    n = stated.get("n")
    parts = []
    for key, text in MEASURES.items():
        value = stated.get(key)
        if isinstance(value, int | float) and not isinstance(value, bool):
            of = f"{n} forgeries" if isinstance(n, int) else "the tested forgeries"
            parts.append(text.format(share=f"{100 * value:.0f} %", number=f"{value:.2f}", n=of))
    return "; ".join(parts)
