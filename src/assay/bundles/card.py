"""The card beside a network: recipe, calibration, measured error rates, licences, hashes."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from assay.errors import BundleMismatchError, BundleMissingError
from assay.types import OperatingPoint

BUNDLES_FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Calibration:
    """Platt scaling: p_fake = sigmoid(scale * logit + bias), at equal prior odds.

    `bona_fide_logits` holds the sorted per-face logits of the calibration set's bona fide faces,
    from which the false-alarm rate at any score follows. `interval_width_logit` is the half-width
    (in calibrated logits) of the 90 % interval.
    """

    scale: float
    bias: float
    bona_fide_logits: tuple[float, ...]
    interval_width_logit: float
    fitted_on: str

    def p_fake(self, logit: float) -> float:
        """The calibrated probability of manipulation, in [0, 1]."""
        z = max(-60.0, min(60.0, self.scale * logit + self.bias))
        return 1.0 / (1.0 + math.exp(-z))

    def false_alarm_rate(self, logit: float) -> float:
        """The share of bona fide faces that score at least `logit`, never below 1 / (n + 1)."""
        n = len(self.bona_fide_logits)
        above = sum(1 for other in self.bona_fide_logits if other >= logit)
        return (above + 1) / (n + 1)


@dataclass(frozen=True, slots=True)
class Card:
    """What is known of one bundle. `raw` is the whole card.json."""

    name: str
    version: str
    network_sha256: str
    recipe: Mapping[str, Any]
    recipe_fingerprint: str
    licence: str
    calibration: Calibration | None
    operating_points: tuple[OperatingPoint, ...]
    in_domain: Mapping[str, Any] = field(default_factory=dict)
    heatmap_faithful: bool = False
    raw: Mapping[str, Any] = field(default_factory=dict)

    def operating_point(self, name: str) -> OperatingPoint:
        """The cut of that name; its threshold is a raw logit. Raises BundleMismatchError."""
        for point in self.operating_points:
            if point.name == name:
                return point
        known = ", ".join(point.name for point in self.operating_points) or "none"
        raise BundleMismatchError(f"{self.name} has no operating point {name!r} (it has: {known}).")


def bundle_folder(name: str) -> Path:
    """The folder that holds network.onnx and card.json of that bundle."""
    return BUNDLES_FOLDER / name


def bundle_names() -> tuple[str, ...]:
    """The bundles that are installed, sorted."""
    return tuple(sorted(path.parent.name for path in BUNDLES_FOLDER.glob("*/card.json")))


def load_card(name: str, folder: Path | None = None) -> Card:
    """Read a bundle's card. Raises BundleMissingError, or BundleMismatchError on a bad card."""
    path = (folder or bundle_folder(name)) / "card.json"
    if not path.is_file():
        raise BundleMissingError(
            f"The bundle {name!r} is not installed.",
            remedy="Reinstall assay: `pip install --force-reinstall assay`.",
        )
    try:
        return _card_from(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BundleMismatchError(f"The card of {name!r} cannot be read: {error!r}.") from error


def _card_from(raw: dict[str, Any]) -> Card:
    calibration = raw.get("calibration")
    return Card(
        name=raw["name"],
        version=raw["version"],
        network_sha256=raw["network_sha256"],
        recipe=raw["recipe"],
        recipe_fingerprint=raw["recipe_fingerprint"],
        licence=raw["licence"],
        calibration=Calibration(
            scale=calibration["scale"],
            bias=calibration["bias"],
            bona_fide_logits=tuple(calibration["bona_fide_logits"]),
            interval_width_logit=calibration["interval_width_logit"],
            fitted_on=calibration["fitted_on"],
        )
        if calibration
        else None,
        operating_points=tuple(OperatingPoint(**point) for point in raw["operating_points"]),
        in_domain=raw.get("in_domain", {}),
        heatmap_faithful=bool(raw.get("heatmap", {}).get("faithful", False)),
        raw=raw,
    )
