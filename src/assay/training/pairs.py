"""Draw training pairs: a genuine face and its forgery, degraded alike, cut by the recipe."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.inputs.face import FaceInput, crop_face
from assay.media.resample import resized
from assay.training.balance import Balanced
from assay.training.cache import CachedView
from assay.training.degrade import draw_degradation
from assay.training.forgeries.face_reconstruction import blend_reconstruction
from assay.training.forgeries.forgery import Forgery
from assay.training.forgeries.mouth_rendering import rerender_mouth
from assay.training.forgeries.self_blend import face_side, self_blend
from assay.training.forgeries.two_faces import closest_donor, swap_faces
from assay.types import Array, FloatArray

MASK_STRIDE = 8
N_DONORS = 24
METHODS = ("self_blend", "two_faces", "mouth_rendering", "face_reconstruction", "swapped_twin")


@dataclass(frozen=True, slots=True)
class Pair:
    """A genuine and a forged picture, or window of speech, that were degraded alike.

    `genuine` and `fake` are (s, s, 3) uint8, of speech (n,) float32; `mask` is (s / 8, s / 8)
    float32 in [0, 1], None for networks that draw none. `aligned` says that both show, or say, the
    same. `method` names the forgery, `source` where the genuine one is from.
    """

    genuine: NDArray[Any]
    fake: NDArray[Any]
    method: str
    source: str
    mask: FloatArray | None = None
    aligned: bool = True


@dataclass(frozen=True, slots=True)
class Mixture:
    """How often each kind of forgery is drawn; the rest are self-blends."""

    swapped_twins: float = 0.25
    two_faces: float = 0.15
    mouths: float = 0.0
    reconstructions: float = 0.0

    def method(self, share: float) -> str:
        """The method at that place of the unit interval."""
        for name, odds in (
            ("swapped_twin", self.swapped_twins),
            ("two_faces", self.two_faces),
            ("mouth_rendering", self.mouths),
            ("face_reconstruction", self.reconstructions),
        ):
            if share < odds:
                return name
            share -= odds
        return "self_blend"


class PairSource:
    """All pairs of one training or validation set; `draw(seed)` always gives the same one."""

    def __init__(self, views: Sequence[CachedView], recipe: FaceInput, mixture: Mixture) -> None:
        self.views = [view for view in views if view.twin is None]
        self.twins = [view for view in views if view.twin is not None]
        self.recipe = recipe
        self.mixture = mixture if self.twins else replace(mixture, swapped_twins=0.0)
        self._reconstructed = [view for view in self.views if view.reconstructions]
        if not self._reconstructed:
            self.mixture = replace(self.mixture, reconstructions=0.0)
        self._genuine = Balanced(self.views, lambda view: view.method)
        self.tags = tuple(sorted({*METHODS, *(view.method for view in views)}))

    def draw(self, seed: int) -> Pair:
        """The pair of that seed."""
        rng = np.random.default_rng(seed)
        method = self.mixture.method(rng.random())
        return self.draw_as(method, rng)

    def draw_as(
        self, method: str, rng: np.random.Generator, view: CachedView | None = None
    ) -> Pair:
        """A pair of that method, of that view where one is given."""
        if method == "swapped_twin":
            view, forgery = self._twin(rng, view)
        else:
            if view is None and method == "face_reconstruction":
                view = self._reconstructed[int(rng.integers(len(self._reconstructed)))]
            view = view or self._genuine.draw(rng)
            forgery = self._forged(method, view, rng)
        return self._finish(forgery, view, rng)

    def _forged(self, method: str, view: CachedView, rng: np.random.Generator) -> Forgery:
        rgb = np.asarray(view.rgb)
        if method == "two_faces":
            donor = self._donor(view, rng)
            return swap_faces(
                rgb, view.landmarks_px, np.asarray(donor.rgb), donor.landmarks_px, rng
            )
        if method == "mouth_rendering":
            return rerender_mouth(rgb, view.landmarks_px, rng)
        if method == "face_reconstruction" and view.reconstructions:
            chosen = view.reconstructions[int(rng.integers(len(view.reconstructions)))]
            return blend_reconstruction(rgb, view.landmarks_px, np.asarray(chosen), rng)
        return self_blend(rgb, view.landmarks_px, rng)

    def _donor(self, view: CachedView, rng: np.random.Generator) -> CachedView:
        """Another person's face in about the same pose, chosen among a few drawn at random."""
        drawn = [self._genuine.draw(rng) for _ in range(N_DONORS)]
        others = [donor for donor in drawn if donor.group != view.group] or drawn
        landmarks = [donor.landmarks_px for donor in others]
        return others[closest_donor(view.landmarks_px, landmarks, rng)]

    def _twin(
        self, rng: np.random.Generator, view: CachedView | None
    ) -> tuple[CachedView, Forgery]:
        view = view or self.twins[int(rng.integers(len(self.twins)))]
        genuine, fake = np.asarray(view.rgb), np.asarray(view.twin)
        return view, Forgery(fake, genuine, changed_mask(genuine, fake), "swapped_twin")

    def _finish(self, forgery: Forgery, view: CachedView, rng: np.random.Generator) -> Pair:
        degrade = draw_degradation(rng, face_side(view.landmarks_px))
        source = view.method
        if rng.random() < 0.5:
            forgery, view = _mirrored(forgery, view)
        box = _jitter(view.box_px, rng)
        fake, genuine = degrade(forgery.fake), degrade(forgery.genuine)
        box_after = box * degrade.scale
        crops = [crop_face(picture, box_after, self.recipe) for picture in (genuine, fake)]
        mask = _crop_mask(forgery.mask, box, self.recipe)
        return Pair(crops[0], crops[1], forgery.name.split("/")[0], source, mask)


def _mirrored(forgery: Forgery, view: CachedView) -> tuple[Forgery, CachedView]:
    width = forgery.mask.shape[1]
    x0, y0, x1, y1 = view.box_px
    box = np.array([width - x1, y0, width - x0, y1], np.float32)
    mirrored = Forgery(
        fake=np.ascontiguousarray(forgery.fake[:, ::-1]),
        genuine=np.ascontiguousarray(forgery.genuine[:, ::-1]),
        mask=np.ascontiguousarray(forgery.mask[:, ::-1]),
        name=forgery.name,
    )
    return mirrored, replace(view, box_px=box)


def _jitter(box_px: FloatArray, rng: np.random.Generator) -> FloatArray:
    side = float(max(box_px[2:] - box_px[:2]))
    centre = (box_px[:2] + box_px[2:]) / 2 + rng.uniform(-0.06, 0.06, 2) * side
    half = (box_px[2:] - box_px[:2]) / 2 * rng.uniform(0.88, 1.12)
    return np.asarray(np.concatenate([centre - half, centre + half]), np.float32)


def _crop_mask(mask: FloatArray, box_px: FloatArray, recipe: FaceInput) -> FloatArray:
    cut = crop_face(np.asarray(mask * 255 + 0.5, np.uint8), box_px, recipe)
    side = recipe.size_px // MASK_STRIDE
    return np.asarray(resized(cut, (side, side)) / np.float32(255), np.float32)


def changed_mask(genuine: Array, fake: Array) -> FloatArray:
    """Where a swapped picture differs from its genuine twin, (h, w) float32 in [0, 1]."""
    import cv2

    difference = np.abs(genuine.astype(np.float32) - fake.astype(np.float32)).mean(axis=2)
    sigma = max(genuine.shape[:2]) / 40
    smooth = cv2.GaussianBlur(difference, (0, 0), sigma)
    return np.asarray(np.clip((smooth - 3.0) / 6.0, 0, 1), np.float32)
