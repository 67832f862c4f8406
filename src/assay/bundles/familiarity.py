"""How far a file's features lie from those on which a bundle was calibrated.

A network answers with a number whatever it is shown. Its `features` output is whitened on the
calibration set, so the distance is the root mean square of the values (a Mahalanobis distance;
Lee et al., 2018, "A simple unified framework for detecting out-of-distribution samples").
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from assay.bundles.card import Card

if TYPE_CHECKING:
    from numpy.typing import NDArray

ABSTAIN_FACTOR = 1.5


@dataclass(frozen=True, slots=True)
class Familiarity:
    """`distance` of one subject (the median over its crops) and the card's `limit`."""

    distance: float
    limit: float

    @property
    def abstains(self) -> bool:
        """Whether it lies so far outside that a score would mean nothing."""
        return not self.distance <= ABSTAIN_FACTOR * self.limit

    @property
    def reason(self) -> str:
        """The reason of an abstention, `code: text`."""
        return (
            f"unfamiliar: It is unlike everything that the detector was calibrated on (distance "
            f"{self.distance:.2f}, limit {self.limit:.2f})."
        )

    def as_details(self) -> dict[str, float]:
        """What evidence carries of it."""
        return {"domain_distance": self.distance, "domain_limit": self.limit}


def familiarity(features: NDArray[Any] | None, card: Card) -> Familiarity | None:
    """The familiarity of one subject's crops; None where network or card hold no measure of it.

    `features` is (n, k). A value that is no number lies outside.
    """
    import numpy as np

    limit = feature_limit(card)
    if features is None or limit is None or not len(features):
        return None
    distances = np.sqrt(np.mean(np.square(features.astype(np.float64)), axis=1))
    distance = float(np.median(distances))
    return Familiarity(distance if math.isfinite(distance) else math.inf, limit)


def feature_limit(card: Card) -> float | None:
    """The distance up to which the card calls a file familiar, None where it states none."""
    stated = card.in_domain.get("features")
    value = stated.get("max_distance") if isinstance(stated, dict) else None
    usable = isinstance(value, int | float) and math.isfinite(value) and value > 0
    return float(value) if usable and value is not None else None
