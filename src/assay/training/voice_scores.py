"""Whether weighed cues of a voice may give a score: they must find something, and false alarms must
not fall on one kind of genuine speech."""

from __future__ import annotations

from collections.abc import Mapping

from assay.training.cue_calibration import MIN_DETECTION_RATE

MAX_ALARM_RATE = 0.03
"""At the cut for 1 % false alarms no genuine set may raise more false alarms than this."""
LEAST_COPIES = 50
"""Of smaller sets a single alarm would already be too many."""


def why_no_score(
    found: Mapping[str, float | None], alarms: Mapping[str, Mapping[str, float]]
) -> str:
    """The sentence for a reader; empty where they may score.

    `found` holds the detection rate at 1 % false alarms: value, low and high; `alarms` the rates
    at the cuts, `far_1` among them, and `n` copies, for each "set NAME".
    """
    value, low, high = (found[key] or 0.0 for key in ("value", "low", "high"))
    if low < MIN_DETECTION_RATE:
        return (
            f"At one false alarm in a hundred they find {value:.1%} ({low:.1%} to {high:.1%}) of "
            "the speech of generators that they were not fitted on: too few for a score."
        )
    large = {
        name.removeprefix("set "): rates["far_1"]
        for name, rates in alarms.items()
        if name.startswith("set ") and rates["n"] >= LEAST_COPIES and "far_1" in rates
    }
    worst = max(large, key=lambda name: large[name], default=None)
    if worst is None or large[worst] <= MAX_ALARM_RATE:
        return ""
    return (
        f"At the cut that one genuine voice in a hundred reaches over all sets, {large[worst]:.1%} "
        f"of those of the set {worst} do: too uneven for a score."
    )
