"""What the network of a bundle's folder says of clips with their sound, and of which seconds.

One hand for `assay detect --bundle` and for evaluation. Whole frames are cut by `inputs.clip`,
mouths by `inputs.lip_clip` out of the people that the case follows frame by frame; the sound is
the case's. What is kept of a file is the recipe's small pictures, of at most 512 frames.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.bundles import Card, Network
from assay.case import Case
from assay.errors import BundleMismatchError, InputError, UsageError
from assay.inputs.clip import (
    ClipInput,
    clip_starts,
    frames_near,
    mel_of,
    prepare_clip,
    shrunk_frames,
)
from assay.inputs.lip_clip import LipClipInput, cut_mouths, lip_starts
from assay.inputs.proposals import MOST_PROPOSALS, Numbers, Suppression, raw_proposals, suppressed
from assay.media.audio import resampled
from assay.media.sampling import clip_range
from assay.types import Array, FloatArray

ClipRecipe = ClipInput | LipClipInput
MAP = "boundary_map"
MOST_FRAMES_READ = 512
MOST_WINDOWS, MOST_LIP_WINDOWS = 8, 3
LEAST_FRAMES = 8
MAX_BYTES = 400_000_000
SILENT = 1e-4
EDGE = 1e-6
SHARE_HEARD = 0.5
NO_SOUND = "no_sound: The file has no sound, which this network compares with the picture."


class ClipWindow(NamedTuple):
    """One cut window: `pictures` (t, s, s, 3) uint8, `mel` (bands, columns), from when to when
    (s), and how many of the pictures are the file's."""

    pictures: Array
    mel: FloatArray
    start_s: float
    end_s: float
    n_valid: int
    track_id: int | None = None


@dataclass(frozen=True, slots=True)
class ClipAnswer:
    """What was said of one window: a raw logit, and of a network with a boundary map all of its
    proposals (m, 3): score, start, end in seconds of the file, not yet suppressed."""

    start_s: float
    end_s: float
    logit: float
    proposals: Numbers | None = None
    track_id: int | None = None


def clip_recipe(card: Card) -> ClipRecipe:
    """How the card says that a clip is cut. Raises BundleMismatchError."""
    stored = card.recipe
    recipe: ClipRecipe = (
        LipClipInput.from_card(stored) if "scale" in stored else ClipInput.from_card(stored)
    )
    if not _fitting(recipe):
        raise BundleMismatchError(
            f"{card.name}: {recipe.n_frames} frames of {recipe.size_px} px take too much memory."
        )
    if recipe.n_samples < recipe.n_fft:
        raise BundleMismatchError(f"{card.name}: its clips are shorter than one column of sound.")
    return recipe


def require_clip_input(network: Network, recipe: ClipRecipe) -> None:
    """Raise BundleMismatchError where the network takes something else than pictures and sound as
    the recipe cuts them, in this order."""
    side = recipe.size_px
    wanted = (
        ("tensor(uint8)", (recipe.n_frames, side, side, 3)),
        ("tensor(float)", (recipe.n_mels, recipe.n_columns)),
    )
    if len(network.inputs) != len(wanted):
        names = ", ".join(network.input_names)[:200]
        raise BundleMismatchError(f"The network takes {len(network.inputs)} inputs ({names}).")
    for (_, found, sizes), (kind, shape) in zip(network.inputs, wanted, strict=True):
        fits = len(sizes) == 1 + len(shape) and all(
            one == other or not isinstance(one, int)
            for one, other in zip(sizes, (1, *shape), strict=True)
        )
        if found != kind or not fits:
            raise BundleMismatchError(
                f"The network takes {found} {list(sizes)}, its recipe gives {kind} {['n', *shape]}."
            )


def clip_windows(
    case: Case, recipe: ClipRecipe, max_faces: int = 1
) -> tuple[list[ClipWindow], str]:
    """The windows of a file; where there are none, why: `code: text`.

    Raises the errors of reading the pictures.
    """
    reason = _why_none(case)
    if reason:
        return [], reason
    if isinstance(recipe, LipClipInput):
        return _lips(case, recipe, max_faces)
    return _whole_frames(case, recipe)


def read_clips(
    network: Network, card: Card, recipe: ClipRecipe, windows: Iterable[ClipWindow], case: Case
) -> list[ClipAnswer]:
    """What the network says of each window, one at a time. Raises BundleMismatchError where it
    takes something else, or does not give one logit (and a map of proposals in [0, 1])."""
    require_clip_input(network, recipe)
    answers = []
    for window in windows:
        case.deadline.check()
        outputs = _run(network, window)
        logit, proposals = float(outputs["logit"][0]), None
        if MAP in outputs:
            proposals = _proposals(outputs[MAP], recipe, window)
            # Of what lies behind the clip's end nothing was seen: the best of the rest counts.
            if len(proposals):
                logit = logit_of(float(proposals[:, 0].max()))
        answers.append(ClipAnswer(window.start_s, window.end_s, logit, proposals, window.track_id))
    return answers


def best_proposals(card: Card, answers: Sequence[ClipAnswer]) -> Numbers:
    """The file's proposals (m, 3) after soft suppression, the best first; none of a network
    without a map. Raises BundleMismatchError on a card that states no usable suppression."""
    how = suppression_of(card)
    tables = [one.proposals for one in answers if one.proposals is not None]
    found = np.concatenate(tables) if tables else np.zeros((0, 3))
    if len(tables) > 1:
        found = _once(found)
    return suppressed(found, how) if len(found) else found


def _once(found: Numbers) -> Numbers:
    """Of the same seconds, which overlapping windows both score, the higher score."""
    placed = found[np.argsort(-found[:, 0], kind="stable")]
    placed[:, 1:] = np.round(placed[:, 1:], 4)
    _, first = np.unique(placed[:, 1:], axis=0, return_index=True)
    return np.asarray(placed[first], np.float64)


def suppression_of(card: Card) -> Suppression:
    """How the card says that proposals suppress one another; as published where it says nothing."""
    stored = card.raw.get("proposals") or {}
    try:
        found = Suppression(**dict(stored))
        numbers = (found.alpha, found.t1, found.t2)
        usable = all(math.isfinite(one) for one in numbers) and found.alpha > 0
        usable = usable and isinstance(found.most, int) and 1 <= found.most <= 10 * MOST_PROPOSALS
    except (TypeError, ValueError) as error:
        raise BundleMismatchError(f"The card's proposals cannot be used: {error}.") from error
    if not usable:
        raise BundleMismatchError(f"The card's proposals cannot be used: {dict(stored)}.")
    return found


def logit_of(score: float, edge: float = EDGE) -> float:
    """The logit of a score in [0, 1], which is held by `edge` from its ends."""
    held = min(1 - edge, max(edge, score))
    return math.log(held / (1 - held))


def _why_none(case: Case) -> str:
    media = case.media
    if media.kind != "video" or media.size_px is None:
        return "no_picture: The file has no moving picture, which this network compares with sound."
    if media.sample_rate_hz is None:
        return NO_SOUND
    if case.sound_fault is not None:
        return f"{case.sound_fault.code}: {case.sound_fault.text}"
    try:
        heard = case.waveform
    except (InputError, UsageError) as error:
        return f"{error.code}: {error.as_text()}"
    if heard is None or not len(heard.samples):
        return NO_SOUND
    if not float(np.abs(np.nan_to_num(heard.samples)).max()) > SILENT:
        return "silence: The sound is silent, so nothing can be compared with it."
    return ""


def _fitting(recipe: ClipRecipe) -> int:
    """How many windows fit into the memory that is allowed."""
    return MAX_BYTES // (recipe.n_frames * recipe.size_px**2 * 3)


def _whole_frames(case: Case, recipe: ClipInput) -> tuple[list[ClipWindow], str]:
    first_s, last_s = clip_range(case.media, case.options.time_range_s)
    end_s = last_s if last_s is not None else case.media.duration_s
    n_most = max(1, min(MOST_WINDOWS, MOST_FRAMES_READ // recipe.n_frames, _fitting(recipe)))
    known_s = max(0.0, (end_s or 0.0) - first_s)
    windows = []
    for start in clip_starts(known_s, recipe, n_most):
        start_s = first_s + start
        frames = shrunk_frames(case.media, recipe, case.deadline.check, start_s, end_s)
        if len(frames) < LEAST_FRAMES:
            continue
        samples = _heard(case, recipe, start_s)
        if len(samples) < SHARE_HEARD * len(frames) / recipe.fps * recipe.sample_rate_hz:
            continue
        cut = prepare_clip(frames, samples, recipe)
        windows.append(
            ClipWindow(
                cut.frames, cut.mel, start_s, start_s + len(frames) / recipe.fps, len(frames)
            )
        )
    least = LEAST_FRAMES / recipe.fps
    why = f"too_short: Less than {least:.2g} s of picture and sound can be read together."
    return windows, "" if windows else why


def _lips(case: Case, recipe: LipClipInput, max_faces: int) -> tuple[list[ClipWindow], str]:
    tracks = case.tracks[:max_faces]
    if not tracks:
        return [], "no_face: No face was found, and this network looks at the mouth."
    windows: list[ClipWindow] = []
    for track in tracks:
        room = MOST_LIP_WINDOWS
        for clip in case.motion.of(track.track_id):
            begin_s = float(clip.times_s[0])
            n = math.floor((float(clip.times_s[-1]) - begin_s) * recipe.fps + 1e-3) + 1
            wanted = [begin_s + k / recipe.fps for k in range(n)]
            at = frames_near(clip.times_s.tolist(), wanted, recipe.fps)
            mesh = clip.landmarks_px[at]
            for start in lip_starts(mesh, recipe, room) if room else ():
                part = slice(start, start + recipe.n_frames)
                mouths = cut_mouths(clip.rgb[at[part]], mesh[part], 0, recipe)
                start_s = wanted[start]
                samples = _heard(case, recipe, start_s)
                if len(samples) < SHARE_HEARD * recipe.n_samples:
                    continue
                room -= 1
                end_s, mel = start_s + recipe.length_s, mel_of(samples, recipe)
                windows.append(
                    ClipWindow(mouths, mel, start_s, end_s, recipe.n_frames, track.track_id)
                )
    why = (
        f"too_short: No face is followed with its sound for {recipe.length_s:.2g} s without a "
        "break, which this network needs."
    )
    return windows, "" if windows else why


def _heard(case: Case, recipe: ClipRecipe, start_s: float) -> FloatArray:
    """The case's sound (n,) from `start_s` on, at the recipe's rate and of its length at most."""
    wave = case.waveform
    assert wave is not None
    first = round((start_s - wave.start_s) * wave.sample_rate_hz)
    last = first + math.ceil(recipe.length_s * wave.sample_rate_hz)
    part = wave.samples[max(0, first) : max(0, last)]
    if first < 0:
        part = np.pad(part, (-first, 0))
    if not len(part):
        return np.zeros(0, np.float32)
    return resampled(part, wave.sample_rate_hz, recipe.sample_rate_hz)


def _run(network: Network, window: ClipWindow) -> Mapping[str, NDArray[Any]]:
    given = (window.pictures[None], window.mel[None])
    try:
        found = network.run_all(dict(zip(network.input_names, given, strict=True)))
    except Exception as error:  # ONNX Runtime raises a dozen types, none of them public
        said = " ".join(str(error).split())[:300]
        raise BundleMismatchError(f"The network cannot be run: {said}") from error
    logit = found["logit"]
    if getattr(logit, "shape", None) != (1,) or logit.dtype.kind != "f":
        raise BundleMismatchError("The network does not give one logit for each input.")
    if not np.isfinite(logit).all():
        raise BundleMismatchError(f"The network gave {logit[0]} as a logit.")
    return found


def _proposals(found: NDArray[Any], recipe: ClipRecipe, window: ClipWindow) -> Numbers:
    """All proposals of a window's map, in seconds of the file."""
    n_moments = found.shape[-1] if found.ndim == 3 else 0
    fits = found.ndim == 3 and found.shape[0] == 1 and 1 <= found.shape[1] <= recipe.n_frames
    if not fits or not n_moments or recipe.n_frames % n_moments:
        raise BundleMismatchError(
            f"The network's {MAP} {list(found.shape)} does not fit {recipe.n_frames} frames."
        )
    if not np.isfinite(found).all() or found.min() < 0 or found.max() > 1:
        raise BundleMismatchError(f"The network's {MAP} holds what is no score in [0, 1].")
    stride = recipe.n_frames // n_moments
    n_valid = max(1, -(-window.n_valid // stride))
    table = raw_proposals(found[0], n_valid, recipe.fps / stride)
    shifted = np.array(table, np.float64)
    shifted[:, 1:] += window.start_s
    shifted[:, 2] = np.minimum(shifted[:, 2], window.end_s)
    return shifted[shifted[:, 2] > shifted[:, 1]]
