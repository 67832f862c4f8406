"""What the network of a bundle's folder says of faces, windows of a picture or of speech.

Clips are read by `inputs.clip_scores`.

One hand for `assay detect --bundle` and for evaluation: the recipe, the number of frames and of
people are the card's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.bundles import Card, Network, reading_of
from assay.errors import BundleMismatchError, EmptyBoxError
from assay.inputs.clip import ClipInput
from assay.inputs.clip_scores import clip_recipe, require_clip_input
from assay.inputs.face import FaceInput, prepare
from assay.inputs.lip_clip import LipClipInput
from assay.inputs.patch import PatchInput, cut_patches
from assay.inputs.waveform import WaveformInput, cut_windows
from assay.types import Array, FaceView, FloatArray

Recipe = FaceInput | PatchInput | WaveformInput | ClipInput | LipClipInput
Outputs = dict[str, NDArray[Any]]
Check = Callable[[], None]
BATCH = 8
MAX_SIDE_PX = 4096
_TYPES = {"uint8": "tensor(uint8)", "float32": "tensor(float)"}


def recipe_of(card: Card) -> Recipe:
    """How the card says that its input is cut. Raises BundleMismatchError."""
    kind = reading_of(card).kind
    recipe: Recipe
    if kind == "clip":
        recipe = clip_recipe(card)
    elif kind == "voice":
        recipe = WaveformInput.from_card(card.recipe)
    elif kind == "picture":
        recipe = PatchInput.from_card(card.recipe)
    else:
        recipe = _face_recipe(card)
    if isinstance(recipe, FaceInput | PatchInput) and not 1 <= recipe.size_px <= MAX_SIDE_PX:
        raise BundleMismatchError(f"{card.name}: pictures of {recipe.size_px!r} px are not cut.")
    if recipe.fingerprint != card.recipe_fingerprint[: len(recipe.fingerprint)]:
        raise BundleMismatchError(
            f"{card.name}: this program cuts by recipe {recipe.fingerprint}, the network was "
            f"trained on {card.recipe_fingerprint} ({dict(card.recipe)})."
        )
    return recipe


def require_input(network: Network, recipe: Recipe) -> None:
    """Raise BundleMismatchError where the network takes something else than the recipe gives."""
    shape: tuple[int, ...]
    if isinstance(recipe, ClipInput | LipClipInput):
        require_clip_input(network, recipe)
        return
    if isinstance(recipe, WaveformInput):
        kind, shape = "float32", (recipe.n_samples,)
    else:
        kind, shape = "uint8", (recipe.size_px, recipe.size_px, 3)
    if len(network.inputs) != 1:
        names = ", ".join(network.input_names)[:200]
        raise BundleMismatchError(f"The network takes {len(network.inputs)} inputs ({names}).")
    _, found, sizes = network.inputs[0]
    fits = len(sizes) == 1 + len(shape) and all(
        one == other or not isinstance(one, int)
        for one, other in zip(sizes[1:], shape, strict=True)
    )
    if found != _TYPES[kind] or not fits or isinstance(sizes[0], int):
        raise BundleMismatchError(
            f"The network takes {found} {list(sizes)}, its recipe gives {kind} {['n', *shape]}."
        )


def score_faces(
    network: Network, card: Card, views: Iterable[FaceView], check: Check | None = None
) -> dict[int, FloatArray]:
    """The logits (n,) of each track's chosen views (`chosen_views`), by the track's number.

    `Aggregation.file` makes one of them. Raises BundleMismatchError on a network that takes
    something else, or that gives what is no number.
    """
    recipe = recipe_of(card)
    if not isinstance(recipe, FaceInput):
        raise BundleMismatchError(f"{card.name} does not look at faces.")
    return {
        track: read_crops(network, recipe, [crop for _, crop in kept], check)["logit"]
        for track, kept in chosen_views(card, recipe, views).items()
    }


def score_voice(
    network: Network, card: Card, samples: FloatArray, check: Check | None = None
) -> FloatArray:
    """The logits (k,) of the windows of one stretch of speech (m,) at the recipe's rate, k from 1
    to 8; none of nothing. Raises as `score_faces` does."""
    recipe = recipe_of(card)
    if not isinstance(recipe, WaveformInput):
        raise BundleMismatchError(f"{card.name} does not listen to voices.")
    return read_crops(network, recipe, list(cut_windows(samples, recipe)), check)["logit"]


def score_picture(
    network: Network, card: Card, rgb: Array, check: Check | None = None
) -> FloatArray:
    """The logits (k,) of the windows of one picture (h, w, 3) uint8; none of one that is too small
    or flat. Raises as `score_faces` does."""
    recipe = recipe_of(card)
    if not isinstance(recipe, PatchInput):
        raise BundleMismatchError(f"{card.name} does not look at whole pictures.")
    return read_crops(network, recipe, list(cut_patches(rgb, recipe)[0]), check)["logit"]


def chosen_views(
    card: Card, recipe: FaceInput, views: Iterable[FaceView]
) -> dict[int, list[tuple[FaceView, Array]]]:
    """By track, the views that the card's network is shown, each with its crop, in their order.

    The first `max_faces` tracks (they are numbered by prominence), `n_frames` of each, evenly
    spread. A face whose box has no area is left out.
    """
    reading = reading_of(card)
    by_track: dict[int, list[FaceView]] = {}
    for view in views:
        by_track.setdefault(view.track_id, []).append(view)
    found = {}
    for track in sorted(by_track)[: reading.max_faces]:
        kept = [pair for view in by_track[track] if (pair := _cut(view, recipe)) is not None]
        if kept:
            found[track] = evenly(kept, reading.n_frames)
    return found


def evenly(items: Sequence[Any], n: int) -> list[Any]:
    """At most `n` of them, evenly spread, in their order."""
    if len(items) <= n:
        return list(items)
    return [items[(2 * i + 1) * len(items) // (2 * n)] for i in range(n)]


def read_crops(
    network: Network, recipe: Recipe, crops: Sequence[NDArray[Any]], check: Check | None = None
) -> Outputs:
    """All outputs for crops (n, …), by name; `check()` is called before each batch.

    Raises BundleMismatchError where `logit` is not one number a crop.
    """
    require_input(network, recipe)
    if not len(crops):
        return {"logit": np.zeros(0, np.float32)}
    parts = []
    for start in range(0, len(crops), BATCH):
        if check is not None:
            check()
        parts.append(_run(network, np.stack(crops[start : start + BATCH])))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _run(network: Network, batch: NDArray[Any]) -> Outputs:
    try:
        found: Mapping[str, NDArray[Any]] = network.run(batch)
    except Exception as error:  # ONNX Runtime raises a dozen types, none of them public
        said = " ".join(str(error).split())[:300]
        raise BundleMismatchError(f"The network cannot be run: {said}") from error
    logit = found["logit"]
    if getattr(logit, "shape", None) != (len(batch),) or logit.dtype.kind != "f":
        raise BundleMismatchError("The network does not give one logit for each input.")
    if not np.isfinite(logit).all():
        raise BundleMismatchError(f"The network gave {logit[~np.isfinite(logit)][0]} as a logit.")
    return {name: value for name, value in found.items() if len(value) == len(batch)}


def _cut(view: FaceView, recipe: FaceInput) -> tuple[FaceView, Array] | None:
    try:
        return view, prepare(view, recipe)
    except EmptyBoxError:
        return None


def _face_recipe(card: Card) -> FaceInput:
    try:
        recipe = FaceInput(**dict(card.recipe))
        usable = 0.1 <= recipe.scale <= 16 and recipe.size_px == int(recipe.size_px)
    except (TypeError, ValueError) as error:
        raise BundleMismatchError(f"{card.name}: the recipe cannot be used: {error}.") from error
    if not usable or (recipe.edges, recipe.shrink, recipe.enlarge) != ("repeat", "area", "linear"):
        raise BundleMismatchError(f"{card.name}: the recipe cannot be used: {dict(card.recipe)}.")
    return recipe
