"""Does a heat map mark what the score comes from? Deletion, insertion and pointing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.bundles.network import Network
from assay.training.pairs import Pair

Numbers = NDArray[np.float64]

MOST_PAIRS = 300


def faithfulness(network: Network, pairs: Sequence[Pair]) -> dict[str, Any]:
    """Deletion test: put the genuine pixels back where the map points, and see the score fall.

    Compared with putting back as many pixels elsewhere (the map's region moved at random, the
    usual control), over the forgeries that score above the median. After Petsiuk et al., "RISE",
    2018 (deletion), with genuine pixels instead of grey. A map that is the same for every face
    passes that, so its overlap with the true mask is compared with that of another forgery's map.
    Faithful: the score falls more in at least two thirds of them and by at least half as much
    again in the mean, and the overlap exceeds another map's beyond chance (paired, 99 %). Stated
    beside it: the deletion against another's map, the hardest control, for all lie on the face;
    insertion (the forged pixels that the map marks, put into the genuine picture, raise the score
    more than as many elsewhere); and the pointing game (Zhang et al., 2016): how often the map's
    peak lies on the forged region, beside that region's share of the crop.
    """
    chosen = [p for p in pairs if p.mask is not None and p.mask.max() > 0.2][:MOST_PAIRS]
    fakes = np.stack([pair.fake for pair in chosen])
    outputs = [network.run(fakes[i : i + 16]) for i in range(0, len(fakes), 16)]
    logits = np.concatenate([o["logit"] for o in outputs])
    maps = np.concatenate([o["mask"] for o in outputs])
    found = np.flatnonzero(logits > np.median(logits))
    falls, rises = _changes(network, [chosen[i] for i in found], logits[found], maps[found])
    own, elsewhere, other = falls
    wanted = np.stack([p.mask for p in chosen if p.mask is not None])[found] > 0.1
    drawn = maps[found] > 0.3
    overlaps, others = _overlaps(wanted, drawn), _overlaps(wanted, np.roll(drawn, 1, axis=0))
    gain = overlaps - others
    knows_its_own = gain.mean() > 2.58 * gain.std() / np.sqrt(len(gain))
    better = float((own > elsewhere).mean())
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
        "score_rises_more_by_map": float((rises[0] > rises[1]).mean()),
        "mean_rise_by_map": float(rises[0].mean()),
        "mean_rise_elsewhere": float(rises[1].mean()),
        "pointing": _points_inside(maps[found], wanted),
        "forged_share_of_crop": float(wanted.mean()),
        "n": len(found),
    }


def _changes(
    network: Network, pairs: Sequence[Pair], logits: Numbers, maps: NDArray[np.float32]
) -> tuple[Numbers, Numbers]:
    """How far each score falls (3, n) when the genuine pixels come back by its own map, elsewhere
    and by another pair's map; how far the genuine one rises (2, n) by the first two."""
    rng = np.random.default_rng(0)
    falls, rises = np.zeros((3, len(pairs))), np.zeros((2, len(pairs)))
    for n, pair in enumerate(pairs):
        side = maps.shape[1]
        moved = np.roll(maps[n], tuple(rng.integers(side // 4, 3 * side // 4, 2)), (0, 1))
        for row, heat in enumerate((maps[n], moved, maps[n - 1])):
            falls[row, n] = logits[n] - _after(network, pair.fake, pair.genuine, heat)
        before = float(network.run(pair.genuine[None])["logit"][0])
        for row, heat in enumerate((maps[n], moved)):
            rises[row, n] = _after(network, pair.genuine, pair.fake, heat) - before
    return falls, rises


def _overlaps(wanted: NDArray[np.bool_], drawn: NDArray[np.bool_]) -> Numbers:
    """Intersection over union (n,) of (n, h, w) regions."""
    union = (wanted | drawn).sum(axis=(1, 2))
    return np.asarray((wanted & drawn).sum(axis=(1, 2)) / np.maximum(union, 1), np.float64)


def _after(
    network: Network,
    picture: NDArray[np.uint8],
    other: NDArray[np.uint8],
    heat: NDArray[np.float32],
) -> float:
    """The logit of the picture with the other's pixels in the top fifth of this map."""
    import cv2

    side = picture.shape[0]
    chosen = (heat > np.quantile(heat, 0.8)).astype(np.float32)
    region = cv2.resize(chosen, (side, side)) > 0.5
    mixed = np.where(region[..., None], other, picture).astype(np.uint8)
    return float(network.run(mixed[None])["logit"][0])


def _points_inside(maps: NDArray[np.float32], wanted: NDArray[np.bool_]) -> float:
    """How often the peak of a map (n, h, w) lies in its region (n, h, w)."""
    peaks = maps.reshape(len(maps), -1).argmax(axis=1)
    return float(wanted.reshape(len(wanted), -1)[np.arange(len(maps)), peaks].mean())
