"""What a localising network should draw, and how far it is from that (Cai et al., DICTA 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from assay.training.datasets.records import FakeSpan
from assay.types import FloatArray

FRAME_WEIGHT, MAP_WEIGHT, CONTRAST_WEIGHT, MARGIN = 2.0, 1.0, 0.1, 0.99


class TimeTargets(NamedTuple):
    """What a batch should give: maps (n, d, t) in [0, 1], frames (n, t) 0 or 1, `n_valid` (n,)
    moments of each clip that are its own, `genuine` (n,) bool."""

    fused_map: Tensor
    video_map: Tensor
    audio_map: Tensor
    video_frames: Tensor
    audio_frames: Tensor
    n_valid: Tensor
    genuine: Tensor


class ClipTargets(NamedTuple):
    """The same of one clip, as arrays."""

    fused_map: FloatArray
    video_map: FloatArray
    audio_map: FloatArray
    video_frames: FloatArray
    audio_frames: FloatArray
    n_valid: int
    genuine: bool


def clip_targets(
    spans: Sequence[FakeSpan], n_valid: int, n_moments: int, max_duration: int, rate_hz: float
) -> ClipTargets:
    """Targets of one clip of `n_valid` moments, `rate_hz` of them a second."""
    sides: dict[str, list[FakeSpan]] = {
        side: [span for span in spans if span.what in (side, "both")]
        for side in ("visual", "audio")
    }
    maps = {
        side: span_map(chosen, n_valid, n_moments, max_duration, rate_hz)
        for side, chosen in {**sides, "all": list(spans)}.items()
    }
    frames = {side: span_frames(chosen, n_moments, rate_hz) for side, chosen in sides.items()}
    return ClipTargets(
        maps["all"],
        maps["visual"],
        maps["audio"],
        frames["visual"],
        frames["audio"],
        n_valid,
        not spans,
    )


def span_map(
    spans: Sequence[FakeSpan], n_valid: int, n_moments: int, max_duration: int, rate_hz: float
) -> FloatArray:
    """(max_duration, n_moments): how much the proposal of d + 1 moments from t on overlaps the
    nearest span (intersection over union); 0 where it begins behind the clip or ends more than
    one moment behind it."""
    begins = np.arange(n_moments)[None, :, None]
    ends = begins + np.arange(max_duration)[:, None, None] + 1
    found = np.zeros((max_duration, n_moments), np.float32)
    last = n_valid / rate_hz
    for span in spans:
        start, end = (min(time_s, last) * rate_hz for time_s in (span.start_s, span.end_s))
        shared = np.clip(np.minimum(ends, end) - np.maximum(begins, start), 0, None)
        union = (ends - begins) + (end - start) - shared
        found = np.maximum(found, (shared / np.maximum(union, 1e-9))[..., 0])
    outside = (begins[..., 0] >= n_valid) | (ends[..., 0] - 1 > n_valid)
    return np.where(outside, 0.0, found).astype(np.float32)


def span_frames(spans: Sequence[FakeSpan], n_moments: int, rate_hz: float) -> FloatArray:
    """(n_moments,): 1 in a span, from the moment it begins in to before the one it ends in."""
    found = np.zeros(n_moments, np.float32)
    for span in spans:
        found[int(span.start_s * rate_hz + 1e-6) : int(span.end_s * rate_hz + 1e-6)] = 1
    return found


def stacked(clips: Sequence[ClipTargets]) -> TimeTargets:
    """The targets of a batch."""
    return TimeTargets(*(_tensor(values) for values in zip(*clips, strict=True)))


def _tensor(values: tuple[Any, ...]) -> Tensor:
    return torch.from_numpy(np.stack([np.asarray(value) for value in values]))


def localisation_loss(outputs: Any, wanted: TimeTargets) -> Tensor:
    """MSE of the fused map + the mean of both modalities' + 2 * the mean frame cross-entropy
    + 0.1 / (features * frames) * contrastive; each clip counts alike, its padding does not."""
    return sum(loss_parts(outputs, wanted).values(), torch.zeros(()))


def loss_parts(outputs: Any, wanted: TimeTargets) -> dict[str, Tensor]:
    """The weighed parts by name."""
    n = wanted.n_valid
    sides = [
        map_loss(found, target, n)
        for found, target in (
            (outputs.video_map, wanted.video_map),
            (outputs.audio_map, wanted.audio_map),
        )
    ]
    frames = [
        frame_loss(found, target, n)
        for found, target in (
            (outputs.video_frames, wanted.video_frames),
            (outputs.audio_frames, wanted.audio_frames),
        )
    ]
    size = outputs.video.shape[1] * outputs.video.shape[2]
    apart = contrast_loss(outputs.video, outputs.audio, wanted.genuine, n) / size
    return {
        "fused": map_loss(outputs.fused_map, wanted.fused_map, n),
        "maps": MAP_WEIGHT * (sides[0] + sides[1]) / 2,
        "frames": FRAME_WEIGHT * (frames[0] + frames[1]) / 2,
        # The sum over a clip's features is divided by their number twice, as published.
        "contrast": CONTRAST_WEIGHT / size * apart.clamp(max=1.0),
    }


def _within(n_valid: Tensor, length: int) -> Tensor:
    """(n, length) float: 1 up to each clip's end."""
    return (torch.arange(length, device=n_valid.device)[None] < n_valid[:, None]).float()


def map_loss(found: Tensor, wanted: Tensor, n_valid: Tensor) -> Tensor:
    """Mean square difference of maps (n, d, t)."""
    own = _within(n_valid, found.shape[2])[:, None]
    squared = ((found - wanted) ** 2 * own).sum(dim=(1, 2))
    return (squared / (n_valid * found.shape[1])).mean()


def frame_loss(found: Tensor, wanted: Tensor, n_valid: Tensor) -> Tensor:
    """Mean cross-entropy of frame logits (n, t)."""
    own = _within(n_valid, found.shape[1])
    each = functional.binary_cross_entropy_with_logits(found, wanted, reduction="none")
    return ((each * own).sum(dim=1) / n_valid).mean()


def contrast_loss(video: Tensor, audio: Tensor, genuine: Tensor, n_valid: Tensor) -> Tensor:
    """Features (n, c, t) of both modalities are near in genuine clips, else `MARGIN` apart."""
    own = _within(n_valid, video.shape[2])[:, None]
    apart = (((video - audio) * own) ** 2).sum(dim=(1, 2)).clamp(min=1e-12).sqrt()
    pushed = (MARGIN - apart).clamp(min=0.0) ** 2
    return torch.where(genuine, apart**2, pushed).mean()


def valid_moments(n_valid_frames: int, stride: int) -> int:
    """Moments of a clip of so many frames."""
    return max(1, -(-n_valid_frames // stride))


def loss_parts_plus(outputs: Any, wanted: TimeTargets) -> dict[str, Tensor]:
    """As `loss_parts` where every modality has three maps `maps` (n, 3, d, t): their losses add
    up (Cai et al., CVIU 2023)."""
    parts = loss_parts(outputs, wanted)
    targets = (wanted.fused_map, wanted.video_map, wanted.audio_map)
    sums = [
        sum((map_loss(three[:, k], target, wanted.n_valid) for k in range(3)), torch.zeros(()))
        for three, target in zip(outputs.maps, targets, strict=True)
    ]
    parts["fused"] = sums[0]
    parts["maps"] = MAP_WEIGHT * (sums[1] + sums[2]) / 2
    return parts


def frame_targets_edges(frames: Tensor) -> Tensor:
    """(n, 2, t): 1 within one moment of where frames (n, t) begin to be 1, and where they end."""
    held = functional.pad(frames, (1, 1))
    steps = held[:, 1:] - held[:, :-1]
    edges = torch.stack([(steps[:, :-1] > 0).float(), (steps[:, 1:] < 0).float()], dim=1)
    return functional.max_pool1d(edges, 3, 1, 1)
