"""Pictures made whole by a generator: the traces that it leaves in the finest detail."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.bundles import Card, Network, load_card, open_network
from assay.bundles.familiarity import familiarity
from assay.case import Case
from assay.errors import BundleMismatchError
from assay.inputs.patch import PatchInput, cut_patch, cut_patches, too_small
from assay.types import (
    Array,
    Evidence,
    Heatmap,
    MediaKind,
    Patch,
    PictureView,
    Span,
)

BATCH = 9
MAX_HEATMAPS = 2
MAP_CELLS = 24


@dataclass(frozen=True, slots=True)
class Windows:
    """What is read of a file: `pictures` (n, s, s, 3) uint8 and where each comes from."""

    pictures: Array
    places: tuple[Patch, ...]
    sizes_px: tuple[tuple[int, int], ...]


class SyntheticPicture:
    """One score for the whole picture: the mean logit over windows of its own resolution.

    Looks at: windows spread over the picture, never shrunk, for the regular traces that the
    up-sampling layers of GAN and diffusion models leave; it needs no face. Abstains when: the
    picture's shorter side is under half a window, it is flat everywhere, or its windows are
    unlike everything that the network was calibrated on. Fails on: small copies and strong
    compression, which remove the traces, and parts drawn into a photograph. Licences: the
    network is Apache-2.0 and was trained here; its card names the sets it was trained on.
    """

    name = "synthetic_picture"
    version = "1"
    family = "picture_traces"
    needs = "picture"
    kinds: tuple[MediaKind, ...] = ("image",)
    looks_at = "the fine traces that a generator leaves all over the pictures it makes"
    fails_on = (
        "families of generators that it was not trained on, copies that were shrunk or strongly "
        "compressed, drawings, and small generated parts of a photograph"
    )
    licence = "Apache-2.0"
    bundle: str | None = "synthetic_picture"
    input = PatchInput()

    def examine(self, case: Case) -> list[Evidence]:
        """One Evidence for the picture; raw logits, one span a frame, one patch a window."""
        started = time.monotonic()
        card = load_card(self.name)
        recipe = PatchInput.from_card(card.recipe)
        network = open_network(self.name, recipe.fingerprint)
        views = case.picture_views
        windows = cut_windows(views, recipe, case.media.kind == "video", case.deadline.check)
        if not len(windows.pictures):
            return [self._without_score(_why_none(views, recipe), card)]
        outputs = read_windows(windows.pictures, network, case.deadline.check)
        found = familiarity(outputs.get("features"), card)
        details = {} if found is None else found.as_details()
        if found is not None and found.abstains:
            return [replace(self._without_score(found.reason, card), details=details)]
        patches = tuple(
            replace(place, logit=float(logit))
            for place, logit in zip(windows.places, outputs["logit"], strict=True)
        )
        maps = case.options.heatmaps and card.heatmap_faithful
        return [
            replace(
                self._without_score("scored", card),
                status="scored",
                reason=None,
                logit=float(outputs["logit"].mean()),
                kind="generated",
                spans=_spans(patches),
                patches=patches,
                heatmaps=heatmaps(patches, windows.sizes_px, card) if maps else (),
                details={**details, "heatmap": dict(card.raw.get("heatmap") or {})},
                seconds_taken=time.monotonic() - started,
            )
        ]

    def _without_score(self, reason: str, card: Card) -> Evidence:
        return Evidence(
            detector=self.name,
            version=self.version,
            family=self.family,
            subject="picture",
            status="abstained",
            reason=reason,
            bundle_sha256=card.network_sha256,
            licence=card.licence,
        )


def cut_windows(
    views: Sequence[PictureView],
    recipe: PatchInput,
    is_video: bool,
    check: Callable[[], None] = lambda: None,
) -> Windows:
    """The windows of all views; a view that is a part gives the one around its focus."""
    n_each = recipe.video_patches if is_video else recipe.n_patches
    pictures, places, sizes = [], [], []
    for view in _evenly(views, recipe.video_frames) if is_video else views:
        check()
        cut, boxes = _cut_part(view, recipe) if view.focus_px else _cut_whole(view, recipe, n_each)
        pictures.append(cut)
        size = (view.rgb.shape[1], view.rgb.shape[0])
        for box in boxes:
            x0, y0, x1, y1 = (float(value) for value in box)
            # Of a shrunken copy the box is larger than the window; of a small picture, smaller.
            scale = min(1.0, recipe.size_px / max(x1 - x0, y1 - y0, 1.0))
            places.append(Patch(view.time_s, (x0, y0, x1, y1), 0.0, scale=scale))
            sizes.append(size)
    side = recipe.size_px
    empty = np.zeros((0, side, side, 3), np.uint8)
    return Windows(np.concatenate([empty, *pictures]), tuple(places), tuple(sizes))


def read_windows(
    pictures: Array, network: Network, check: Callable[[], None] = lambda: None
) -> dict[str, NDArray[Any]]:
    """All outputs for n windows, in batches; `check()` is called before each.

    Raises BundleMismatchError where the network gives no `logit` a window.
    """
    parts = []
    for start in range(0, len(pictures), BATCH):
        check()
        parts.append(network.run(pictures[start : start + BATCH]))
    outputs = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    if outputs.get("logit", np.zeros(0)).shape != (len(pictures),):
        raise BundleMismatchError("The network gives no output `logit` with a number a window.")
    return outputs


def heatmaps(
    patches: Sequence[Patch], sizes_px: Sequence[tuple[int, int]], card: Card
) -> tuple[Heatmap, ...]:
    """Coarse maps of the highest frames: the windows' mean p_fake, nothing where none was read."""
    frames = {patch.time_s: size for patch, size in zip(patches, sizes_px, strict=True)}
    logits = {span.start_s: span.logit for span in _spans(patches)}
    highest = sorted(sorted(frames, key=lambda time_s: -logits[time_s])[:MAX_HEATMAPS])
    return tuple(
        Heatmap(
            time_s=time_s,
            box_px=(0.0, 0.0, float(frames[time_s][0]), float(frames[time_s][1])),
            values=_drawn([p for p in patches if p.time_s == time_s], frames[time_s], card),
            faithful=card.heatmap_faithful,
        )
        for time_s in highest
    )


def _drawn(patches: Sequence[Patch], size_px: tuple[int, int], card: Card) -> NDArray[np.float32]:
    width, height = size_px
    cell = max(width, height) / MAP_CELLS
    rows, columns = max(1, round(height / cell)), max(1, round(width / cell))
    total, count = np.zeros((rows, columns), np.float32), np.zeros((rows, columns), np.float32)
    for patch in patches:
        x0, y0, x1, y1 = patch.box_px
        place = np.s_[
            int(y0 / height * rows) : max(1, round(y1 / height * rows)),
            int(x0 / width * columns) : max(1, round(x1 / width * columns)),
        ]
        fit = card.calibration
        total[place] += 0.0 if fit is None else fit.p_fake(patch.logit)
        count[place] += 1
    return np.asarray(total / np.maximum(count, 1), np.float32)


def _cut_whole(view: PictureView, recipe: PatchInput, n: int) -> tuple[Array, Sequence[Any]]:
    patches, boxes = cut_patches(view.rgb, recipe, n)
    return patches, list(boxes)


def _cut_part(view: PictureView, recipe: PatchInput) -> tuple[Array, Sequence[Any]]:
    """The window around the focus, moved inside the part where it has room for it."""
    height, width = view.rgb.shape[:2]
    if view.focus_px is None or too_small(view.rgb, recipe):
        return np.zeros((0, recipe.size_px, recipe.size_px, 3), np.uint8), []
    left = _moved_in(view.focus_px[0], width, recipe.size_px)
    top = _moved_in(view.focus_px[1], height, recipe.size_px)
    right, bottom = left + recipe.size_px, top + recipe.size_px
    box = (max(0, left), max(0, top), min(width, right), min(height, bottom))
    return cut_patch(view.rgb, left, top, recipe)[None], [box]


def _moved_in(middle: float, length: int, side: int) -> int:
    if length <= side:
        return -((side - length) // 2)
    return min(max(0, round(middle - side / 2)), length - side)


def _spans(patches: Sequence[Patch]) -> tuple[Span, ...]:
    logits: dict[float, list[float]] = {}
    for patch in patches:
        logits.setdefault(patch.time_s, []).append(patch.logit)
    return tuple(Span(time, time, sum(of) / len(of)) for time, of in sorted(logits.items()))


def _evenly(views: Sequence[PictureView], n: int) -> list[PictureView]:
    if len(views) <= n or any(view.focus_px for view in views):
        return list(views)
    return [views[(2 * i + 1) * len(views) // (2 * n)] for i in range(n)]


def _why_none(views: Sequence[PictureView], recipe: PatchInput) -> str:
    if not views:
        return "no_picture: No frame could be kept whole."
    height, width = views[0].rgb.shape[:2]
    if too_small(views[0].rgb, recipe):
        least = -(-recipe.size_px // 2)
        return f"too_small: The picture is {width} × {height} px; {least} px a side are needed."
    return "too_flat: The picture has no texture in which traces could be found."


DETECTOR = SyntheticPicture
