"""Measure a network on people and sources that training never saw: calibration, cuts, domain, and
whether its maps are true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from assay.bundles.network import Network
from assay.inputs.face import FaceInput, crop_face
from assay.inputs.patch import PatchInput, cut_patches
from assay.training.cache import CachedView
from assay.training.degrade import draw_degradation, draw_picture_degradation
from assay.training.faithfulness import faithfulness
from assay.training.forgeries.self_blend import face_side
from assay.training.pairs import PairSource
from assay.training.pictures import CachedPicture

if TYPE_CHECKING:
    from assay.training.config import TrainingConfig

Numbers = NDArray[np.float64]

N_FORGED = 900
BOOTSTRAPS = 200
DOMAIN_QUANTILE = 0.995
RATES = {"far_0.1": 0.001, "far_1": 0.01, "far_5": 0.05}


@dataclass(frozen=True, slots=True)
class Scored:
    """Logits (n,) of n subjects, and the distance (n,) of each one's features: the median over its
    crops of the root mean square."""

    logits: Numbers
    distances: Numbers


@dataclass(frozen=True, slots=True)
class Measured:
    """What was found on the calibration set, and what follows from it."""

    bona_fide: Numbers
    forged: Numbers
    scale: float
    bias: float
    interval_width: float
    max_distance: float
    on: str
    forgeries: str
    heatmap: dict[str, Any] | None = None

    def as_card(self) -> dict[str, Any]:
        """The card's calibration, operating points, domain and heat map entries."""
        entries: dict[str, Any] = {
            "calibration": {
                "scale": self.scale,
                "bias": self.bias,
                "bona_fide_logits": [round(float(v), 4) for v in np.sort(self.bona_fide)],
                "interval_width_logit": self.interval_width,
                "fitted_on": f"{self.on}; {self.forgeries}",
            },
            "operating_points": [
                self._point(name, rate)
                for name, rate in RATES.items()
                if rate * len(self.bona_fide) >= 1  # a smaller rate cannot be measured
            ],
            "in_domain": {
                "features": {
                    "max_distance": self.max_distance,
                    "quantile": DOMAIN_QUANTILE,
                    "measured_on": f"{self.on}; {self.forgeries}",
                }
            },
        }
        if self.heatmap is not None:
            entries["heatmap"] = self.heatmap
        return entries

    def _point(self, name: str, rate: float) -> dict[str, Any]:
        n = len(self.bona_fide)
        n_above = int(np.floor(rate * n))
        ordered = np.sort(self.bona_fide)[::-1]
        threshold = float(np.nextafter(ordered[min(n_above, n - 1)], np.inf))
        return {
            "name": name,
            "threshold": threshold,
            "false_alarm_rate": rate,
            "detection_rate": float((self.forged >= threshold).mean()),
            "measured_on": self.on,
        }


def measure_faces(
    network: Network, views: Sequence[CachedView], config: TrainingConfig
) -> Measured:
    """Score the calibration people's faces and forgeries of them, and fit what the card holds."""
    assert isinstance(config.recipe, FaceInput)
    recipe, seed = config.recipe, config.schedule.seed
    crops = [c for v in views for c in genuine_crops(v, recipe, seed)]
    bona_fide = score(network, [crop[None] for crop in crops])
    source = PairSource(views, recipe, config.mixture)
    pairs = [source.draw(20_000_000 + i) for i in range(N_FORGED)]
    forged = score(network, [pair.fake[None] for pair in pairs])
    people = len({view.group for view in views})
    on = (
        f"{len(crops)} crops of {people} groups of people kept out of training, each once as found "
        "and once degraded (resize, blur, noise, JPEG, H.264)"
    )
    forgeries = f"{len(pairs)} forgeries of the same people"
    return fitted(bona_fide, forged, (on, forgeries), seed, faithfulness(network, pairs))


def measure_pictures(
    network: Network, pictures: Sequence[CachedPicture], config: TrainingConfig
) -> Measured:
    """The same for whole pictures: each as found and degraded, the mean over its patches."""
    assert isinstance(config.recipe, PatchInput)
    recipe, seed = config.recipe, config.schedule.seed
    subjects = [
        (picture, patches)
        for picture in pictures
        for patches in picture_patches(picture, recipe, seed)
        if len(patches)
    ]
    scored = score(network, [patches for _, patches in subjects])
    fake = np.array([picture.fake for picture, _ in subjects])
    genuine = [picture for picture, _ in subjects if not picture.fake]
    on = (
        f"{len(genuine)} readings of {len({p.source_path for p in genuine})} genuine files "
        f"({len({p.group for p in genuine})} groups of {len({p.method for p in genuine})} sources, "
        f"{len(config.data.calibration_sources)} of these wholly kept out of training), each once "
        "as found and once degraded"
    )
    methods = sorted({picture.method for picture, _ in subjects if picture.fake})
    forgeries = f"{int(fake.sum())} generated ones ({', '.join(methods)})"
    parts = [Scored(scored.logits[chosen], scored.distances[chosen]) for chosen in (~fake, fake)]
    return fitted(parts[0], parts[1], (on, forgeries), seed, None)


def fitted(
    bona_fide: Scored,
    forged: Scored,
    words: tuple[str, str],
    seed: int,
    heatmap: dict[str, Any] | None,
) -> Measured:
    """Platt scaling of both, and the distance that holds nearly all of them."""
    from sklearn.linear_model import LogisticRegression

    x = np.r_[bona_fide.logits, forged.logits][:, None]
    y = np.r_[np.zeros(len(bona_fide.logits)), np.ones(len(forged.logits))]
    fit = LogisticRegression(class_weight="balanced", C=1e6).fit(x, y)
    scale, bias = float(fit.coef_[0, 0]), float(fit.intercept_[0])
    if scale <= 0:
        raise RuntimeError("The network scores forgeries below bona fide ones.")
    distances = np.r_[bona_fide.distances, forged.distances]
    return Measured(
        bona_fide=bona_fide.logits,
        forged=forged.logits,
        scale=scale,
        bias=bias,
        interval_width=_interval_width(x, y, seed),
        max_distance=float(np.quantile(distances, DOMAIN_QUANTILE)),
        on=words[0],
        forgeries=words[1],
        heatmap=heatmap,
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


def picture_patches(
    picture: CachedPicture, recipe: PatchInput, seed: int
) -> list[NDArray[np.uint8]]:
    """The patches (n, s, s, 3) of the picture as found, and of it degraded as in training."""
    rgb = np.asarray(picture.rgb)
    rng = np.random.default_rng([seed, rgb.shape[0], int(rgb[::5, ::5].sum())])
    least = min(1.0, max(0.35, recipe.size_px / min(rgb.shape[:2])))
    degrade = draw_picture_degradation(rng, (least, 1.3), jpeg_share=0.65)
    return [cut_patches(version, recipe)[0] for version in (rgb, degrade(rgb))]


def score(network: Network, subjects: Sequence[NDArray[Any]], batch: int = 16) -> Scored:
    """Mean logit and median distance of each subject's crops (n, s, s, 3)."""
    crops = np.concatenate(subjects)
    logits, distances = [], []
    for start in range(0, len(crops), batch):
        outputs = network.run(crops[start : start + batch])
        logits.append(outputs["logit"])
        distances.append(np.sqrt(np.mean(np.square(outputs["features"]), axis=1)))
    ends = np.cumsum([len(subject) for subject in subjects])[:-1]
    return Scored(
        np.array([part.mean() for part in np.split(np.concatenate(logits), ends)], np.float64),
        np.array([np.median(part) for part in np.split(np.concatenate(distances), ends)]),
    )


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
