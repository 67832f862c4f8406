from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from types import SimpleNamespace  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch.nn import functional  # noqa: E402

from assay.training.datasets.records import FakeSpan  # noqa: E402
from assay.training.localisation_losses import (  # noqa: E402
    clip_targets,
    contrast_loss,
    frame_loss,
    frame_targets_edges,
    localisation_loss,
    loss_parts_plus,
    map_loss,
    span_frames,
    span_map,
    stacked,
    valid_moments,
)


def by_loops(spans: list[FakeSpan], frames: int, n: int, most: int) -> np.ndarray:
    """The map as the paper defines it, one proposal at a time, 25 moments a second."""
    found = np.zeros((most, n), np.float32)
    for begin in range(frames):
        for duration in range(most):
            if begin + duration > frames:
                break
            for span in spans:
                a, b = (min(1.0, t / (frames / 25)) for t in (span.start_s, span.end_s))
                low, high = begin / frames, (begin + duration + 1) / frames
                shared = max(0.0, min(high, b) - max(low, a))
                found[duration, begin] = max(
                    found[duration, begin], shared / (high - low - shared + b - a)
                )
    return found


@pytest.mark.parametrize("frames", [20, 13])
def test_the_map_is_the_papers(frames: int) -> None:
    spans = [FakeSpan(0.1, 0.3), FakeSpan(0.41, 0.66)]
    found = span_map(spans, frames, 20, 8, 25.0)
    assert np.allclose(found, by_loops(spans, frames, 20, 8), atol=1e-6)
    assert found.max() > 0.85


def test_both_sides_have_their_own_targets() -> None:
    spans = [FakeSpan(0.0, 0.2, "audio"), FakeSpan(0.4, 0.6, "visual")]
    found = clip_targets(spans, 20, 20, 8, 25.0)
    assert found.audio_frames[:5].all()
    assert not found.audio_frames[5:].any()
    assert found.video_frames[10:15].all()
    assert found.video_frames.sum() == 5
    assert np.allclose(found.fused_map, np.maximum(found.audio_map, found.video_map))
    assert not found.genuine
    assert clip_targets([], 20, 20, 8, 25.0).genuine
    assert not clip_targets([], 20, 20, 8, 25.0).fused_map.any()


def test_frames_of_a_span_that_begins_between_frames() -> None:
    assert np.flatnonzero(span_frames([FakeSpan(0.1, 0.3)], 20, 25.0)).tolist() == [2, 3, 4, 5, 6]


def outputs(n: int, d: int, t: int, c: int = 4) -> SimpleNamespace:
    torch.manual_seed(0)
    return SimpleNamespace(
        fused_map=torch.rand(n, d, t),
        video_map=torch.rand(n, d, t),
        audio_map=torch.rand(n, d, t),
        video_frames=torch.randn(n, t),
        audio_frames=torch.randn(n, t),
        video=torch.randn(n, c, t),
        audio=torch.randn(n, c, t),
        maps=tuple(torch.rand(n, 3, d, t) for _ in range(3)),
    )


def test_the_loss_is_the_papers_written_out() -> None:
    found = outputs(2, 6, 12)
    wanted = stacked(
        [
            clip_targets([FakeSpan(0.1, 0.3, "audio")], 12, 12, 6, 25.0),
            clip_targets([], 7, 12, 6, 25.0),
        ]
    )
    total = 0.0
    for k, n in enumerate((12, 7)):
        maps = [
            functional.mse_loss(getattr(found, name)[k, :, :n], getattr(wanted, name)[k, :, :n])
            for name in ("fused_map", "video_map", "audio_map")
        ]
        frames = [
            functional.binary_cross_entropy_with_logits(
                getattr(found, name)[k, :n], getattr(wanted, name)[k, :n]
            )
            for name in ("video_frames", "audio_frames")
        ]
        apart = torch.dist(found.video[k, :, :n], found.audio[k, :, :n])
        pair = apart**2 if k == 1 else torch.clip(0.99 - apart, min=0) ** 2
        total += float(
            maps[0] + (maps[1] + maps[2]) / 2 + (frames[0] + frames[1]) + 0.1 * pair / 48 / 48
        )
    assert float(localisation_loss(found, wanted)) == pytest.approx(total / 2, rel=1e-5)


def test_what_lies_behind_the_clip_does_not_count() -> None:
    n = torch.tensor([5])
    maps, other = torch.rand(1, 4, 9), torch.rand(1, 4, 9)
    other[:, :, :5] = maps[:, :, :5]
    assert float(map_loss(maps, other, n)) == 0
    logits, wanted = torch.zeros(1, 9), torch.ones(1, 9)
    logits[:, :5] = 50
    assert float(frame_loss(logits, wanted, n)) < 1e-6


def test_features_are_pulled_together_in_genuine_clips_and_apart_in_forged_ones() -> None:
    n, one = torch.tensor([4]), torch.zeros(1, 2, 4)
    near, far = one + 0.1, one + 5
    genuine, forged = torch.tensor([True]), torch.tensor([False])
    assert float(contrast_loss(one, near, genuine, n)) < float(contrast_loss(one, far, genuine, n))
    assert float(contrast_loss(one, near, forged, n)) > 0
    assert float(contrast_loss(one, far, forged, n)) == 0


def test_three_maps_add_up() -> None:
    found = outputs(1, 6, 12)
    wanted = stacked([clip_targets([FakeSpan(0.1, 0.3)], 12, 12, 6, 25.0)])
    parts = loss_parts_plus(found, wanted)
    by_hand = sum(functional.mse_loss(found.maps[0][:, k], wanted.fused_map) for k in range(3))
    assert float(parts["fused"]) == pytest.approx(float(by_hand), rel=1e-5)


def test_edges_are_where_frames_begin_and_end_to_be_forged() -> None:
    frames = torch.tensor([[0.0, 0, 0, 1, 1, 1, 0, 0, 1]])
    found = frame_targets_edges(frames)
    assert found[0, 0].tolist() == [0, 0, 1, 1, 1, 0, 0, 1, 1]
    assert found[0, 1].tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1]


def test_a_part_of_a_stride_is_a_moment() -> None:
    assert [valid_moments(n, 2) for n in (0, 1, 2, 3, 55)] == [1, 1, 1, 2, 28]
