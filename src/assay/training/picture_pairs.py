"""Draw training pairs of whole pictures: native patches of a genuine and a generated picture,
degraded alike. Half of the pairs are aligned: the generated one is made of the genuine one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from assay.inputs.patch import PatchInput, cut_patch
from assay.training.balance import Balanced, grouped
from assay.training.degrade import draw_picture_degradation
from assay.training.pairs import Pair
from assay.training.pictures import CachedPicture
from assay.types import Array

SPARE_PX = 8


class PicturePairSource:
    """All pairs of one training or validation set; `draw(seed)` always gives the same one.

    Aligned forgeries (those with a twin) are drawn as often as the others: each method as often
    as the next, and within a method the genuine sources by the fourth root of their size. Of the
    others a generator is drawn by the square root of its pictures: of some there are few.
    """

    def __init__(
        self, pictures: Sequence[CachedPicture], recipe: PatchInput, aligned: float = 0.5
    ) -> None:
        self.recipe = recipe
        genuine = [p for p in pictures if not p.fake]
        fakes = [p for p in pictures if p.fake]
        self._source_of = {p.source_path: p.method for p in genuine}
        self._genuine = Balanced(genuine, lambda p: p.method)
        aligned_fakes = grouped([p for p in fakes if p.twin is not None], lambda p: p.method)
        self._aligned = {m: Balanced(part, self._source) for m, part in aligned_fakes.items()}
        free = [p for p in fakes if p.twin is None]
        self._free = Balanced(free, lambda p: p.method)
        self.aligned = aligned if free and self._aligned else float(bool(self._aligned))
        self.tags = tuple(sorted({p.method for p in pictures} | set(self._source_of.values())))

    def _source(self, picture: CachedPicture) -> str:
        return self._source_of.get(picture.source_path, picture.method)

    def draw(self, seed: int) -> Pair:
        """The pair of that seed."""
        rng = np.random.default_rng(seed)
        if rng.random() < self.aligned:
            method = _any(list(self._aligned), rng)
            picture = self._aligned[method].draw(rng)
            twin = picture.rgb if picture.twin is None else picture.twin
            return self._finish(twin, picture.rgb, rng, method, self._source(picture), True)
        fake, genuine = self._free.draw(rng), self._genuine.draw(rng)
        return self._finish(genuine.rgb, fake.rgb, rng, fake.method, genuine.method, False)

    def _finish(
        self,
        genuine: Array,
        fake: Array,
        rng: np.random.Generator,
        method: str,
        source: str,
        aligned: bool,
    ) -> Pair:
        size = self.recipe.size_px
        room = min(*genuine.shape[:2], *fake.shape[:2])
        least = min(1.0, max(0.35, (size + SPARE_PX) / room))
        # Free pairs differ in what was done to them before; one more JPEG hides the most of it.
        degrade = draw_picture_degradation(rng, (least, 1.3), 0.65 if aligned else 0.85)
        side = min(room, int(np.ceil((size + SPARE_PX) / degrade.scale)))
        places = [_place(genuine, side, rng), _place(fake, side, rng)]
        if aligned:
            places[1] = places[0]
        parts = [
            degrade(_turned(np.asarray(p[t : t + side, s : s + side]), flip))
            for flip in [rng.random() < 0.5]
            for p, (s, t) in zip((genuine, fake), places, strict=True)
        ]
        spare = max(1, min(parts[0].shape[:2]) - size + 1)
        left, top = (int(v) for v in rng.integers(spare, size=2))
        cuts = [cut_patch(part, left, top, self.recipe) for part in parts]
        return Pair(cuts[0], cuts[1], method, source, None, aligned)


def _any(names: list[str], rng: np.random.Generator) -> str:
    return names[int(rng.integers(len(names)))]


def _place(rgb: Array, side: int, rng: np.random.Generator) -> tuple[int, int]:
    height, width = rgb.shape[:2]
    return int(rng.integers(width - side + 1)), int(rng.integers(height - side + 1))


def _turned(rgb: Array, flip: bool) -> Array:
    return np.ascontiguousarray(rgb[:, ::-1]) if flip else np.ascontiguousarray(rgb)
