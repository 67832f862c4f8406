"""What networks of clips are worth on people that training never saw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.bootstrap import MIN_GROUPS, intervals
from assay.evaluation.localisation import LocalisedClip, average_precision, lav_df
from assay.evaluation.ranking import Ranking, auc
from assay.training.datasets.records import FakeSpan, Record

DRAWS = 200


@dataclass(frozen=True, slots=True)
class Localisation:
    """What was found in one clip: a logit of the whole, and proposals (m, 3) by the fused map and
    by each modality's own."""

    record: Record
    group: str
    spans: tuple[FakeSpan, ...]
    logit: float
    fused: NDArray[np.float64]
    video: NDArray[np.float64]
    audio: NDArray[np.float64]

    def clip(self, side: str = "fused") -> LocalisedClip:
        """What the metrics take."""
        spans = np.array([(span.start_s, span.end_s) for span in self.spans], np.float32)
        return LocalisedClip(getattr(self, side), spans.reshape(-1, 2))

    def as_json(self) -> dict[str, Any]:
        """The ten best proposals, the truth, the logit."""
        return {
            "label": self.record.label,
            "method": self.record.method,
            "identity": self.record.identity,
            "logit": round(self.logit, 4),
            "spans": [[span.start_s, span.end_s, span.what] for span in self.spans],
            "proposals": [[round(float(v), 4) for v in row] for row in self.fused[:10]],
        }


def localisation_report(found: Sequence[Localisation], seed: int) -> dict[str, Any]:
    """AP and AR of the whole (with intervals over people) and of LAV-DF's subsets; the AUC of the
    clips' scores; and what scores that say nothing, or proposals made for another clip, get."""
    subsets: dict[str, Callable[[Localisation], bool]] = {
        "full": lambda one: True,
        "visual_only": lambda one: one.record.method != "sound_span",
        "audio_only": lambda one: one.record.method != "mouth_span",
    }
    held: dict[str, Any] = {}
    for name, belongs in subsets.items():
        chosen = [one for one in found if belongs(one)]
        held[name] = localisation_figures(chosen, seed, DRAWS if name == "full" else 0)
    logits = np.array([one.logit for one in found])
    fake = np.array([one.record.label == "fake" for one in found])
    groups = [one.group for one in found]
    return {
        "test_clips": len(found),
        "test_people": len(set(groups)),
        "localisation": held,
        "by_map": {
            side: {k: round(v, 4) for k, v in lav_df([one.clip(side) for one in found]).items()}
            for side in ("video", "audio")
        },
        "chance": chance_figures(found, seed),
        "another_clips": borrowed_figures(found),
        "clip_auc": auc_of(logits, fake, groups, seed),
        "clip_auc_by_method": auc_by_method(
            logits, fake, groups, [one.record.method for one in found], seed
        ),
    }


def localisation_figures(
    found: Sequence[Localisation], seed: int, n_draws: int = DRAWS
) -> dict[str, Any]:
    """{"ap@0.5": {"value", "low", "high"}, …}: 95 % intervals by drawing people anew."""
    clips = [one.clip() for one in found]
    whole = lav_df(clips) | {"ap@0.5 from zero": average_precision(clips, 0.5, from_zero=True)}
    people = sorted({one.group for one in found})
    members = {name: [k for k, one in enumerate(found) if one.group == name] for name in people}
    drawn: dict[str, list[float]] = {name: [] for name in whole}
    rng = np.random.default_rng(seed)
    for _ in range(n_draws if len(people) >= MIN_GROUPS else 0):
        names = rng.choice(people, len(people))
        part = [clips[k] for name in names.tolist() for k in members[name]]
        values = lav_df(part) | {"ap@0.5 from zero": average_precision(part, 0.5, from_zero=True)}
        for name, value in values.items():
            drawn[name].append(value)
    return {name: _with_interval(value, drawn[name]) for name, value in whole.items()}


def chance_figures(found: Sequence[Localisation], seed: int) -> dict[str, float]:
    """AP and AR of the same proposals with scores that say nothing: drawn at random, the mean of
    twenty draws."""
    rng = np.random.default_rng(seed)
    runs = []
    for _ in range(20):
        clips = []
        for one in found:
            shuffled = np.array(one.clip().proposals)
            shuffled[:, 0] = rng.random(len(shuffled))
            clips.append(LocalisedClip(shuffled, one.clip().spans))
        runs.append(lav_df(clips))
    return {name: round(float(np.mean([run[name] for run in runs])), 4) for name in runs[0]}


def borrowed_figures(found: Sequence[Localisation]) -> dict[str, float]:
    """AP and AR where each clip gets another's proposals, the mean of twenty turns: what knowing
    how long spans last and where they tend to lie is worth, without looking at the clip."""
    runs = []
    for turn in range(1, 1 + min(20, max(1, len(found) - 1))):
        step = max(1, turn * len(found) // 21)
        lent = [found[(k + step) % len(found)].clip().proposals for k in range(len(found))]
        runs.append(
            lav_df(
                [
                    LocalisedClip(proposals, one.clip().spans)
                    for proposals, one in zip(lent, found, strict=True)
                ]
            )
        )
    return {name: round(float(np.mean([run[name] for run in runs])), 4) for name in runs[0]}


def auc_of(
    scores: NDArray[Any], fake: NDArray[np.bool_], groups: Sequence[str], seed: int
) -> dict[str, Any]:
    """The AUC and its 95 % interval over people; None where a label is missing."""
    if fake.all() or not fake.any():
        return {"auc": None, "low": None, "high": None, "n_fake": int(fake.sum()), "n_real": 0}
    ranking = Ranking(np.asarray(scores, np.float64), fake)
    drawn = intervals(lambda weights: {"auc": auc(ranking.curve(weights))}, groups, 1000, seed)
    one = drawn["auc"]
    shown = {k: None if one[k] is None else round(float(one[k]), 3) for k in one}
    return {
        "auc": shown["value"],
        "low": shown["low"],
        "high": shown["high"],
        "n_fake": int(fake.sum()),
        "n_real": int((~fake).sum()),
        "n_people": len(set(groups)),
    }


def auc_by_method(
    scores: NDArray[Any],
    fake: NDArray[np.bool_],
    groups: Sequence[str],
    methods: Sequence[str],
    seed: int,
) -> dict[str, Any]:
    """The same of each method's fakes against all genuine clips."""
    names = np.array(methods)
    found = {}
    for name in sorted(set(names[fake].tolist())):
        rows = ~fake | (names == name)
        own = [group for group, kept in zip(groups, rows.tolist(), strict=True) if kept]
        found[name] = auc_of(scores[rows], fake[rows], own, seed)
    return found


def _with_interval(value: float, drawn: Sequence[float]) -> dict[str, Any]:
    if not drawn:
        return {"value": round(value, 4), "low": None, "high": None}
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return {"value": round(value, 4), "low": round(float(low), 4), "high": round(float(high), 4)}
