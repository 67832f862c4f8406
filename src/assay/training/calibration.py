"""Measure a face network on people that training never saw: calibration, cuts, map faithfulness."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.bundles.network import Network
from assay.inputs.face import FaceInput, crop_face
from assay.training.cache import CachedView
from assay.training.degrade import draw_degradation
from assay.training.forgeries.self_blend import face_side
from assay.training.pairs import Mixture, Pair, PairSource

Numbers = NDArray[np.float64]

COPIES = 2
N_FORGED = 900
BOOTSTRAPS = 200
RATES = {"far_0.1": 0.001, "far_1": 0.01, "far_5": 0.05}


@dataclass(frozen=True, slots=True)
class Measured:
    """Logits of bona fide and forged faces of the calibration people, and what follows."""

    bona_fide: Numbers
    forged: Numbers
    scale: float
    bias: float
    interval_width: float
    faithfulness: dict[str, Any]
    n_people: int

    def as_card(self) -> dict[str, Any]:
        """The card's calibration, operating points and heat map entries."""
        on = (
            f"{len(self.bona_fide)} crops of {self.n_people} groups of people kept out of "
            "training, each once as found and once degraded (resize, blur, noise, JPEG, H.264)"
        )
        return {
            "calibration": {
                "scale": self.scale,
                "bias": self.bias,
                "bona_fide_logits": [round(float(v), 4) for v in np.sort(self.bona_fide)],
                "interval_width_logit": self.interval_width,
                "fitted_on": on + f"; {len(self.forged)} forgeries of the same people",
            },
            "operating_points": [
                self._point(name, rate, on)
                for name, rate in RATES.items()
                if rate * len(self.bona_fide) >= 1  # a smaller rate cannot be measured
            ],
            "heatmap": self.faithfulness,
        }

    def _point(self, name: str, rate: float, on: str) -> dict[str, Any]:
        n = len(self.bona_fide)
        n_above = int(np.floor(rate * n))
        ordered = np.sort(self.bona_fide)[::-1]
        threshold = float(np.nextafter(ordered[min(n_above, n - 1)], np.inf))
        return {
            "name": name,
            "threshold": threshold,
            "false_alarm_rate": rate,
            "detection_rate": float((self.forged >= threshold).mean()),
            "measured_on": on,
        }


def measure(
    network: Network, views: Sequence[CachedView], recipe: FaceInput, seed: int
) -> Measured:
    """Score the calibration people's faces and forgeries of them, and fit what the card holds."""
    from sklearn.linear_model import LogisticRegression

    bona_fide = score(network, [c for v in views for c in genuine_crops(v, recipe, seed)])
    source = PairSource(views, recipe, Mixture())
    pairs = [source.draw(20_000_000 + i) for i in range(N_FORGED)]
    forged = score(network, [pair.fake for pair in pairs])
    x = np.r_[bona_fide, forged][:, None]
    y = np.r_[np.zeros(len(bona_fide)), np.ones(len(forged))]
    fit = LogisticRegression(class_weight="balanced", C=1e6).fit(x, y)
    scale, bias = float(fit.coef_[0, 0]), float(fit.intercept_[0])
    if scale <= 0:
        raise RuntimeError("The network scores forgeries below bona fide faces.")
    return Measured(
        bona_fide=bona_fide,
        forged=forged,
        scale=scale,
        bias=bias,
        interval_width=_interval_width(x, y, seed),
        faithfulness=faithfulness(network, pairs),
        n_people=len({view.group for view in views}),
    )


def genuine_crops(view: CachedView, recipe: FaceInput, seed: int) -> list[NDArray[np.uint8]]:
    """The face as found, and degraded as training degrades it."""
    rgb = np.asarray(view.rgb)
    degrade = draw_degradation(
        np.random.default_rng([seed, int(view.box_px.sum() * 100)]), face_side(view.landmarks_px)
    )
    return [
        crop_face(rgb, view.box_px, recipe),
        crop_face(degrade(rgb), view.box_px * degrade.scale, recipe),
    ]


def score(network: Network, crops: Sequence[NDArray[np.uint8]], batch: int = 16) -> Numbers:
    """Logits (n,) of n crops."""
    parts = [
        network.run(np.stack(crops[i : i + batch]))["logit"] for i in range(0, len(crops), batch)
    ]
    return np.concatenate(parts).astype(np.float64)


def _interval_width(x: Numbers, y: Numbers, seed: int) -> float:
    """Half the 90 % interval of a calibrated logit near the cut, by bootstrap over faces."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(seed)
    at = np.quantile(x[y == 0], 0.99)
    values = []
    for _ in range(BOOTSTRAPS):
        chosen = rng.integers(len(y), size=len(y))
        fit = LogisticRegression(class_weight="balanced", C=1e6).fit(x[chosen], y[chosen])
        values.append(float(fit.decision_function([[at]])[0]))
    low, high = np.quantile(values, [0.05, 0.95])
    return float(high - low) / 2


def faithfulness(network: Network, pairs: Sequence[Pair]) -> dict[str, Any]:
    """Deletion test: put the genuine pixels back where the map points, and see the score fall.

    Compared with putting back as many pixels elsewhere (the map's region moved at random, the
    usual control), over the forgeries that score above the median. After Petsiuk et al., "RISE",
    2018 (deletion), with genuine pixels instead of grey. A map that is the same for every face
    passes that, so its overlap with the true mask is compared with that of another forgery's map.
    Faithful: the score falls more in at least two thirds of them and by at least half as much
    again in the mean, and the overlap exceeds another map's beyond chance (paired, 99 %). Stated
    beside it: the deletion against another's map, the hardest control, for all lie on the face.
    """
    chosen = [pair for pair in pairs if pair.mask.max() > 0.2][:300]
    fakes = np.stack([pair.fake for pair in chosen])
    outputs = [network.run(fakes[i : i + 16]) for i in range(0, len(fakes), 16)]
    logits = np.concatenate([o["logit"] for o in outputs])
    maps = np.concatenate([o["mask"] for o in outputs])
    found = np.flatnonzero(logits > np.median(logits))
    rng = np.random.default_rng(0)
    falls = np.zeros((3, len(found)))
    for n, i in enumerate(found):
        side = maps.shape[1]
        moved = np.roll(maps[i], tuple(rng.integers(side // 4, 3 * side // 4, 2)), (0, 1))
        for row, heat in enumerate((maps[i], moved, maps[found[n - 1]])):
            falls[row, n] = logits[i] - _after(network, chosen[i], heat)
    own, elsewhere, other = falls
    better = float((own > elsewhere).mean())
    wanted = np.stack([pair.mask for pair in chosen])[found] > 0.1
    drawn = maps[found] > 0.3
    overlaps, others = _overlaps(wanted, drawn), _overlaps(wanted, np.roll(drawn, 1, axis=0))
    gain = overlaps - others
    knows_its_own = gain.mean() > 2.58 * gain.std() / np.sqrt(len(gain))
    lowers = better >= 2 / 3 and own.mean() >= 1.5 * max(elsewhere.mean(), 0.0)
    return {
        "faithful": bool(lowers and knows_its_own),
        "test": "genuine pixels put back in the top fifth of the map, against as many elsewhere",
        "score_falls_more_by_map": better,
        "score_falls_more_than_by_another_map": float((own > other).mean()),
        "mean_fall_by_map": float(own.mean()),
        "mean_fall_elsewhere": float(elsewhere.mean()),
        "mean_fall_by_another_map": float(other.mean()),
        "mean_overlap_with_true_mask": float(overlaps.mean()),
        "mean_overlap_of_another_map": float(others.mean()),
        "n": len(found),
    }


def _overlaps(wanted: NDArray[np.bool_], drawn: NDArray[np.bool_]) -> Numbers:
    """Intersection over union (n,) of (n, h, w) regions."""
    union = (wanted | drawn).sum(axis=(1, 2))
    return np.asarray((wanted & drawn).sum(axis=(1, 2)) / np.maximum(union, 1), np.float64)


def _after(network: Network, pair: Pair, heat: NDArray[np.float32]) -> float:
    """The logit of the forgery with genuine pixels in the top fifth of this map."""
    import cv2

    side = pair.fake.shape[0]
    chosen = (heat > np.quantile(heat, 0.8)).astype(np.float32)
    region = cv2.resize(chosen, (side, side)) > 0.5
    mixed = np.where(region[..., None], pair.genuine, pair.fake).astype(np.uint8)
    return float(network.run(mixed[None])["logit"][0])
