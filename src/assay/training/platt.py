"""Calibrate a network on validation items of people that training never saw."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.bundles.aggregation import Aggregation
from assay.errors import ConfigError
from assay.training.calibration import RATES

Numbers = NDArray[np.float64]
People = Mapping[int, Any] | Sequence[float] | float

LEAST_ITEMS = 10
LEAST_GROUPS = 3
BOOTSTRAPS = 100
STEPS = 60


def calibrated(
    people_logits_by_item: Sequence[People],
    labels: Sequence[str | int],
    groups: Sequence[str],
    *,
    training_groups: Collection[str] = (),
    aggregation: Aggregation | None = None,
    fitted_on: str = "validation items",
    seed: int = 7,
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The card's `calibration` and `operating_points` from validation items.

    Each item holds its people: a mapping of tracks to their frames' logits (n,), joined by the
    `aggregation`, or the people's logits, or one. `labels` are "real" and "fake" (or 0 and 1),
    `groups` name whose recordings may not be divided. Everybody in a genuine item is a genuine
    example; of a fake one, where nobody says who was changed, the highest counts. Items without
    anybody are left out. Platt scaling (1999) with his smoothed targets, both labels weighed
    alike; an operating point is given where the number of genuine items can measure its rate.

    Raises ConfigError where a group was trained on, where there are fewer than ten items of a
    label or three groups of one, or where fakes do not score higher than genuine items.
    """
    _require_unseen(groups, training_groups)
    found = _Items.of(people_logits_by_item, labels, groups, aggregation or Aggregation())
    found.require_enough()
    scale, bias = fit_platt(found.logits, found.fake)
    if not scale > 0:
        raise ConfigError("The network scores fakes below genuine items: nothing to calibrate.")
    genuine, fakes = np.sort(found.logits[~found.fake]), found.logits[found.fake]
    n_real = found.n_items(fake=False)
    unseen = ", of groups kept out of training" if training_groups else ""
    on = (
        f"{fitted_on}: {len(genuine)} people of {n_real} genuine items in "
        f"{found.n_groups(fake=False)} groups, and {len(fakes)} fake items{unseen}"
    )
    calibration = {
        "scale": scale,
        "bias": bias,
        "bona_fide_logits": [round(float(v), 4) for v in genuine],
        "interval_width_logit": found.interval_width(seed),
        "fitted_on": on,
    }
    points = [
        _point(name, rate, genuine, fakes, on)
        for name, rate in RATES.items()
        if rate * n_real >= 1  # a smaller rate cannot be measured
    ]
    return calibration, points


def _require_unseen(groups: Sequence[str], training_groups: Collection[str]) -> None:
    both = set(groups) & set(training_groups)
    if both:
        shown = ", ".join(sorted(map(str, both))[:5])
        raise ConfigError(f"{len(both)} groups of validation were trained on: {shown}.")


class _Items:
    """Logits (n,) of genuine people and of fake items, with label, item and group of each."""

    def __init__(self, rows: Sequence[tuple[float, bool, int, str]]) -> None:
        self.logits: Numbers = np.array([row[0] for row in rows], np.float64)
        self.fake: NDArray[np.bool_] = np.array([row[1] for row in rows], bool)
        self.item: NDArray[np.int64] = np.array([row[2] for row in rows], np.int64)
        self.group: NDArray[np.str_] = np.array([row[3] for row in rows], np.str_)

    @classmethod
    def of(
        cls,
        items: Sequence[People],
        labels: Sequence[str | int],
        groups: Sequence[str],
        aggregation: Aggregation,
    ) -> _Items:
        rows: list[tuple[float, bool, int, str]] = []
        for number, (item, label, group) in enumerate(zip(items, labels, groups, strict=True)):
            people, fake = _people(item, aggregation), _is_fake(label)
            if fake:
                people = [max(people)] if people else []
            rows += [(logit, fake, number, str(group)) for logit in people]
        found = cls(rows)
        if not np.isfinite(found.logits).all():
            raise ConfigError("The network gave what is no number for a validation item.")
        return found

    def n_items(self, *, fake: bool) -> int:
        return len(np.unique(self.item[self.fake == fake]))

    def n_groups(self, *, fake: bool) -> int:
        return len(np.unique(self.group[self.fake == fake]))

    def require_enough(self) -> None:
        for fake in (False, True):
            n, groups = self.n_items(fake=fake), self.n_groups(fake=fake)
            if n < LEAST_ITEMS or groups < LEAST_GROUPS:
                what = "fake" if fake else "genuine"
                raise ConfigError(
                    f"{n} {what} validation items of {groups} groups cannot calibrate a network; "
                    f"{LEAST_ITEMS} of {LEAST_GROUPS} are needed."
                )

    def interval_width(self, seed: int) -> float:
        """Half the 90 % interval of a calibrated logit near the cut, by bootstrap over groups."""
        rng = np.random.default_rng(seed)
        at = float(np.quantile(self.logits[~self.fake], 0.99))
        names = np.unique(self.group)
        rows = {name: np.flatnonzero(self.group == name) for name in names}
        values = []
        for _ in range(BOOTSTRAPS):
            drawn = np.concatenate([rows[n] for n in rng.choice(names, len(names))])
            if len(np.unique(self.fake[drawn])) == 2:
                scale, bias = fit_platt(self.logits[drawn], self.fake[drawn])
                values.append(scale * at + bias)
        low, high = np.quantile(values, [0.05, 0.95]) if values else (0.0, 0.0)
        return float(high - low) / 2


def fit_platt(logits: Numbers, fake: NDArray[np.bool_]) -> tuple[float, float]:
    """Scale and bias of p_fake = sigmoid(scale * logit + bias), at equal prior odds.

    Targets are (n + 1) / (n + 2) and 1 / (n + 2) as in Platt (1999), so that labels which a cut
    divides cleanly do not become certainties. Newton's method with halved steps.
    """
    centre, spread = float(logits.mean()), float(logits.std()) or 1.0
    x = np.stack([(logits - centre) / spread, np.ones_like(logits)], axis=1)
    n_fake, n_real = int(fake.sum()), int((~fake).sum())
    target = np.where(fake, (n_fake + 1) / (n_fake + 2), 1 / (n_real + 2))
    weight = np.where(fake, 0.5 / n_fake, 0.5 / n_real)

    def loss(of: Numbers) -> float:
        z = x @ of
        return float(np.sum(weight * (np.logaddexp(0, z) - target * z)))

    at = np.zeros(2)
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-np.clip(x @ at, -60, 60)))
        slope = x.T @ (weight * (p - target))
        curve = (x * (weight * p * (1 - p))[:, None]).T @ x + 1e-12 * np.eye(2)
        step, share = np.linalg.solve(curve, slope), 1.0
        while share > 1e-6 and loss(at - share * step) > loss(at):
            share /= 2
        at = at - share * step
        if np.abs(step).max() < 1e-10:
            break
    return float(at[0] / spread), float(at[1] - at[0] * centre / spread)


def _people(item: People, aggregation: Aggregation) -> list[float]:
    if isinstance(item, Mapping):
        return [aggregation.person(np.atleast_1d(v)) for _, v in sorted(item.items()) if np.size(v)]
    return [float(value) for value in np.atleast_1d(np.asarray(item, np.float64))]


def _is_fake(label: str | int) -> bool:
    if label in ("fake", 1) or label in ("real", 0):
        return label in ("fake", 1)
    raise ConfigError(f"The label {label!r} is neither real nor fake.")


def _point(name: str, rate: float, genuine: Numbers, fakes: Numbers, on: str) -> dict[str, Any]:
    """The cut above which at most that share of the genuine people lies."""
    n_above = int(np.floor(rate * len(genuine)))
    threshold = float(np.nextafter(genuine[::-1][min(n_above, len(genuine) - 1)], np.inf))
    return {
        "name": name,
        "threshold": threshold,
        "false_alarm_rate": rate,
        "detection_rate": float((fakes >= threshold).mean()),
        "measured_on": on,
    }
