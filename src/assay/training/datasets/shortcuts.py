"""What else than a forgery tells the labels of a set: codec, size, sharpness, loudness, silence.

A detector learns the easiest difference there is. Each fact of the files is therefore asked alone
how well it tells fake from real (AUC); one that does is a shortcut, to be taken away before
training (the same encoding, size and trimming for both labels) or to be told beside the result.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.evaluation.bootstrap import MIN_GROUPS, intervals
from assay.evaluation.ranking import Ranking, auc
from assay.training.datasets.looking import Seen
from assay.training.datasets.records import Record, groups_of

Numbers = NDArray[np.float64]
FACTS = {
    "container": "container",
    "codec": "codec",
    "audio_codec": "sound codec",
    "width_px": "width",
    "height_px": "height",
    "fps": "frames a second",
    "duration_s": "duration",
    "sample_rate_hz": "sample rate",
    "n_channels": "channels",
    "bits_per_pixel": "bits a pixel",
    "jpeg_quality": "JPEG quality",
    "sharpness": "sharpness",
    "brightness": "brightness",
    "colour": "colourfulness",
    "loudness_db": "loudness",
    "leading_silence_s": "leading silence",
    "bandwidth_hz": "bandwidth of the sound",
}
NAMES = frozenset(("container", "codec", "audio_codec"))
FOLDS, BINS, MOST_VALUES = 5, 10, 20
LEAST_ITEMS = 8
"""Of each label; with fewer nothing is said of a fact."""
SHORTCUT_AUC = 0.6
"""A fact is called a shortcut where its 95 % interval lies wholly above this."""
N_DRAWS = 200


@dataclass(frozen=True, slots=True)
class Shortcut:
    """How well one fact alone tells the label among items of one kind.

    `auc` is that of the fact itself, in the direction `fakes_have` ("more", "less", or "other"
    values); `low` and `high` are its 95 % interval over people and footage, None where there are
    fewer than five groups or every draw gave the same. `fake` and `real` say in words what the
    labels have.
    """

    kind: str
    fact: str
    auc: float
    low: float | None
    high: float | None
    n_fake: int
    n_real: int
    n_groups: int
    fakes_have: str
    fake: str
    real: str

    @property
    def is_one(self) -> bool:
        """Whether it tells the label by more than a little, and not by chance."""
        low = self.auc if self.low is None and self.n_groups >= MIN_GROUPS else self.low
        return low is not None and low > SHORTCUT_AUC


def kind_of(record: Record) -> str:
    """What it is compared with: items of its modality; pictures of eyes are a kind of their own."""
    return "eye" if record.eye else record.modality


def is_sought(record: Record) -> bool:
    """Whether a detector should find it: forgeries, and of eyes the closed ones."""
    return record.eye == "closed" if record.eye else record.label == "fake"


def names_of(kind: str) -> tuple[str, str]:
    """What is sought among items of a kind, and what is not."""
    return ("closed", "open") if kind == "eye" else ("fake", "real")


def shortcuts(
    records: Sequence[Record], seen: Sequence[Seen], n_draws: int = N_DRAWS
) -> list[Shortcut]:
    """Each fact of each kind of item, the one that tells most first.

    Two AUCs are made of a fact: by its size (more or less of it), and by its value (the share of
    fakes among other people's items with that value, or of that tenth; it is learned on other
    groups than it is tried on). The better one is given.
    """
    found = []
    groups = np.array(groups_of(records))
    fake = np.array([is_sought(record) for record in records], bool)
    kinds = np.array([kind_of(record) for record in records])
    for kind in sorted(set(kinds.tolist())):
        for fact in FACTS:
            values = [getattr(one, fact) for one in seen]
            there = np.array([value is not None for value in values]) & (kinds == kind)
            if min((fake & there).sum(), (~fake & there).sum()) < LEAST_ITEMS:
                continue
            own = [values[i] for i in np.flatnonzero(there)]
            found.append(_shortcut((kind, fact), own, fake[there], groups[there], n_draws))
    return sorted(found, key=lambda one: (-one.auc, one.kind, one.fact))


def _shortcut(
    asked: tuple[str, str],
    values: list[Any],
    fake: NDArray[np.bool_],
    groups: NDArray[Any],
    n_draws: int,
) -> Shortcut:
    kind, fact = asked
    codes = _classes(values, fact)
    ranked = {"other": _learned(codes, fake, groups)}
    if fact not in NAMES:
        numbers = np.array(values, np.float64)
        ranked |= {"more": numbers, "less": -numbers}
    best = max(ranked, key=lambda way: _auc(ranked[way], fake))
    ranking = Ranking(ranked[best], fake)
    told = intervals(lambda w: {"auc": auc(ranking.curve(w))}, groups.tolist(), n_draws)["auc"]
    fakes, reals = ([v for v, f in zip(values, fake, strict=True) if f == s] for s in (True, False))
    return Shortcut(
        kind=kind,
        fact=fact,
        auc=told["value"],
        low=told["low"],
        high=told["high"],
        n_fake=len(fakes),
        n_real=len(reals),
        n_groups=len(set(groups.tolist())),
        fakes_have=best,
        fake=_in_words(fakes),
        real=_in_words(reals),
    )


def _auc(scores: Numbers, fake: NDArray[np.bool_]) -> float:
    return float(auc(Ranking(scores, fake).curve(np.ones((1, len(scores)))))[0])


def _classes(values: list[Any], fact: str) -> NDArray[np.int64]:
    """(n,) which value each has; of many numbers, which tenth."""
    kinds, codes = np.unique(np.array(values), return_inverse=True)
    if fact in NAMES or len(kinds) <= MOST_VALUES:
        return np.asarray(codes, np.int64)
    numbers = np.array(values, np.float64)
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, BINS + 1)[1:-1]))
    return np.asarray(np.searchsorted(edges, numbers, side="right"), np.int64)


def _learned(codes: NDArray[np.int64], fake: NDArray[np.bool_], groups: NDArray[Any]) -> Numbers:
    """(n,) the share of fakes among items of the same class in the other folds of groups."""
    folds = np.array([_fold(str(group)) for group in groups])
    out = np.zeros(len(codes))
    for fold in range(FOLDS):
        rest, here = folds != fold, folds == fold
        n = np.bincount(codes[rest], minlength=codes.max() + 1)
        hits = np.bincount(codes[rest], weights=fake[rest], minlength=codes.max() + 1)
        share = fake[rest].mean() if rest.any() else 0.5
        # A value that the other folds do not have says nothing: the share of all.
        out[here] = ((hits + share) / (n + 1))[codes[here]] - share
    return np.round(out, 9)  # what differs by rounding alone is equal


def _fold(group: str) -> int:
    return hashlib.sha256(group.encode("utf-8", "surrogateescape")).digest()[0] % FOLDS


def _in_words(values: Sequence[Any]) -> str:
    """The median and the middle half of numbers, or the commonest names."""
    if isinstance(values[0], str):
        common = Counter(values).most_common(3)
        return ", ".join(f"{name} {n / len(values):.0%}" for name, n in common)
    low, middle, high = np.quantile(np.array(values, np.float64), [0.25, 0.5, 0.75])
    return f"{_digits(middle)} ({_digits(low)}–{_digits(high)})"


def _digits(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def balance(records: Sequence[Record]) -> list[dict[str, Any]]:
    """How many items, people and footages of each kind, label, method and split."""
    cells: dict[tuple[str, ...], list[Record]] = {}
    for one in records:
        key = (one.dataset, one.modality, one.label, one.method or one.eye, one.split)
        cells.setdefault(key, []).append(one)
    names = ("dataset", "modality", "label", "method", "split")
    return [
        {
            **dict(zip(names, key, strict=True)),
            "items": len(own),
            "people": len({one.identity for one in own} - {""}),
            "footages": len({one.source for one in own} - {""}),
        }
        for key, own in sorted(cells.items())
    ]


def as_json(found: Sequence[Shortcut]) -> list[dict[str, Any]]:
    """Rows for `assay data stats --json`."""
    return [
        {
            **asdict(one),
            "shortcut": one.is_one,
        }
        for one in found
    ]
