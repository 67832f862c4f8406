from pathlib import Path

import numpy as np
import pytest

from assay.training.datasets.voice_clips import Clip, clips_of, evenly, usable, write_flac
from assay.training.datasets.voice_files import decode

RATE_HZ = 8000


def babble(length_s: float, seed: int = 0, quiet_from_s: float = np.inf) -> np.ndarray:
    """Noise in bursts of a third of a second, with a pause after each."""
    times = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    noise = np.random.default_rng(seed).normal(0, 0.1, len(times))
    on = (times % 0.5 < 0.35) & (times < quiet_from_s)
    return (noise * np.where(on, 1.0, 0.001)).astype(np.float32)


def test_a_long_recording_is_cut_at_quiet_places() -> None:
    clips = clips_of([("a.wav", babble(31.0), RATE_HZ)], most=40, seed="ann")
    assert len(clips) >= 5
    for clip in clips:
        assert 2.5 <= len(clip.samples) / RATE_HZ <= 6.0
        assert clip.parts == 1
    assert all(np.abs(clip.samples[:20]).max() < 0.01 for clip in clips[1:])
    assert len({len(clip.samples) for clip in clips}) > 1


def test_short_prompts_are_joined_and_say_so() -> None:
    prompts = [(f"{n:02}.wav", babble(1.0, seed=n), RATE_HZ) for n in range(12)]
    clips = clips_of(prompts, most=40, seed="ann")
    assert clips
    assert all(clip.parts >= 3 and len(clip.samples) >= 2.5 * RATE_HZ for clip in clips)


def test_prompts_of_two_rates_are_never_joined() -> None:
    prompts = [(f"{n}.wav", babble(1.4, seed=n), RATE_HZ if n else 2 * RATE_HZ) for n in range(2)]
    assert clips_of(prompts, most=40, seed="ann") == []


def test_whole_recordings_come_before_joined_ones() -> None:
    prompts = [(f"{n}.wav", babble(1.0, seed=n), RATE_HZ) for n in range(9)]
    clips = clips_of([*prompts, ("z.wav", babble(3.0), RATE_HZ)], most=1, seed="ann")
    assert [clip.name for clip in clips] == ["z.wav"]


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(4 * RATE_HZ, np.float32),
        np.sign(babble(4.0)),
        np.full(4 * RATE_HZ, np.nan, np.float32),
        babble(4.0) * 0.01,
        np.ones(1, np.float32),
        np.zeros(0, np.float32),
    ],
    ids=["silence", "clipped", "nan", "faint", "one sample", "nothing"],
)
def test_what_is_no_recording_gives_no_clip(samples: np.ndarray) -> None:
    assert clips_of([("a.wav", samples, RATE_HZ)], most=40, seed="ann") == []


def test_mostly_pause_is_not_usable() -> None:
    samples = np.concatenate([babble(0.5), np.zeros(5 * RATE_HZ, np.float32)])
    assert usable(Clip(babble(5.0), RATE_HZ, "a", 1))
    assert not usable(Clip(samples, RATE_HZ, "a", 1))


def test_flac_keeps_the_samples(tmp_path: Path) -> None:
    clip = Clip(babble(3.0), RATE_HZ, "a", 1)
    data = write_flac(tmp_path / "voice" / "a.flac", clip)
    samples, rate_hz = decode(data, "a.flac")
    assert data.startswith(b"fLaC")
    assert rate_hz == RATE_HZ
    assert np.abs(samples - clip.samples).max() <= 1 / 32768


def test_evenly_spreads() -> None:
    assert evenly([1, 2, 3, 4, 5], 3) == [1, 3, 5]
    assert evenly([1, 2], 3) == [1, 2]
    assert evenly([1, 2], 0) == []
