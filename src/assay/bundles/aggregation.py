"""From the logits of frames (or windows) and people to one logit of the file."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from assay.errors import BundleMismatchError

if TYPE_CHECKING:
    from numpy.typing import NDArray

OverFrames = Literal["mean_logit", "mean_probability", "max"]
OverPeople = Literal["max", "mean", "first_above"]


@dataclass(frozen=True, slots=True)
class Aggregation:
    """How a network's answers are put together, as its paper does it.

    `over_frames` joins one person's frames, `over_people` those of a file: "first_above" takes the
    first person whose probability is over `above`, and the mean where none is. The mean and the
    cut of "first_above" are of probabilities.
    """

    over_frames: OverFrames = "mean_logit"
    over_people: OverPeople = "max"
    above: float = 0.55

    @classmethod
    def from_card(cls, stored: Mapping[str, Any]) -> Aggregation:
        """What a bundle's card states. Raises BundleMismatchError on what is unknown."""
        try:
            found = cls(**dict(stored))
        except TypeError as error:
            raise BundleMismatchError(f"The aggregation cannot be used: {error}.") from error
        if found.over_frames not in get_args(OverFrames):
            raise BundleMismatchError(f"Frames cannot be joined by {found.over_frames!r}.")
        if not 0 < found.above < 1:
            raise BundleMismatchError(f"The cut {found.above!r} is no probability.")
        if found.over_people not in get_args(OverPeople):
            raise BundleMismatchError(f"People cannot be joined by {found.over_people!r}.")
        return found

    def as_card(self) -> dict[str, Any]:
        """What a card states."""
        return asdict(self)

    def person(self, logits: NDArray[Any]) -> float:
        """One logit of one person's frames (n,). Raises ValueError where there is none."""
        if not len(logits):
            raise ValueError("No frame, no score.")
        if self.over_frames == "max":
            return float(logits.max())
        if self.over_frames == "mean_logit":
            return float(logits.mean())
        return _logit_of_mean([float(one) for one in logits])

    def file(self, people: Mapping[int, NDArray[Any]]) -> float:
        """One logit of a file: `people` maps a track's number to its frames' logits (n,).

        Tracks count in the order of their numbers. Raises ValueError where there is none.
        """
        found = [self.person(people[track]) for track in sorted(people)]
        if not found:
            raise ValueError("Nobody, no score.")
        if self.over_people == "max":
            return max(found)
        if self.over_people == "first_above" and len(found) > 1:
            for logit in found:
                if logit > math.log(self.above / (1 - self.above)):
                    return logit
        return _logit_of_mean(found)


def _logit_of_mean(logits: Sequence[float]) -> float:
    """The logit of the mean probability, in sums of logarithms: sure answers keep their order."""
    return _log_sum(logits) - _log_sum([-one for one in logits])


def _log_sum(logits: Sequence[float]) -> float:
    """The logarithm of the summed probabilities."""
    logs = [min(0.0, one) - math.log1p(math.exp(-abs(one))) for one in logits]
    top = max(logs)
    return top + math.log(sum(math.exp(one - top) for one in logs))
