from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from assay.errors import BundleMismatchError, InputError
from assay.inputs.clip import (
    ClipInput,
    clip_starts,
    frames_at,
    mel_of,
    prepare_clip,
    read_clip,
    samples_at,
)
from assay.inputs.log_mel import log_mel
from assay.media.probe import probe
from assay.types import Waveform

SMALL = ClipInput(size_px=24, n_frames=16)


def pictures(n: int, side: int = 48) -> list[np.ndarray]:
    return [np.full((side, side, 3), 10 * k, np.uint8) for k in range(n)]


@pytest.fixture
def video(tmp_path: Path) -> Path:
    encode = pytest.importorskip("assay.training.video_marks")
    frames = np.stack([np.full((48, 48, 3), 8 * k, np.uint8) for k in range(30)])
    sound = (0.3 * np.sin(np.arange(24000) / 7)).astype(np.float32)
    times_s = (np.arange(30) / 25).astype(np.float32)
    data = encode.encode_video(frames, times_s, Waveform(sound, 16000, 0.0), encode.Encoding())
    (tmp_path / "a.mp4").write_bytes(data)
    return tmp_path / "a.mp4"


def test_the_papers_clip_is_its_default() -> None:
    recipe = ClipInput()
    assert (recipe.n_samples, recipe.n_columns) == (327_680, 2048)
    assert recipe.length_s == 20.48


def test_a_short_clip_is_filled_with_black_and_silence() -> None:
    clip = prepare_clip(pictures(5), np.full(100, 0.5, np.float32), SMALL)
    assert clip.frames.shape == (16, 24, 24, 3)
    assert clip.mel.shape == (64, SMALL.n_columns) == (64, 64)
    assert clip.n_valid == 5
    assert [int(frame.mean()) for frame in clip.frames] == [0, 10, 20, 30, 40, *[0] * 11]
    assert np.allclose(clip.mel[:, 10:], np.log(0.01))


def test_what_is_longer_is_cut() -> None:
    assert prepare_clip(pictures(20), np.zeros(0, np.float32), SMALL).n_valid == 16
    sound = np.random.default_rng(0).normal(0, 0.1, 40000).astype(np.float32)
    wanted = log_mel(sound[: SMALL.n_samples])[:, : SMALL.n_columns]
    assert np.array_equal(mel_of(sound, SMALL), wanted)


def test_pictures_shrink_by_area() -> None:
    fine = np.zeros((48, 48, 3), np.uint8)
    fine[::2] = 200
    assert np.unique(prepare_clip([fine], np.zeros(0, np.float32), SMALL).frames[0]) == [100]


def test_without_a_frame_there_is_no_clip() -> None:
    with pytest.raises(InputError):
        prepare_clip([], np.zeros(100, np.float32), SMALL)


def test_sound_that_is_no_number_is_heard_as_none() -> None:
    bad = np.array([np.nan, np.inf, -np.inf, 0.1] * 100, np.float32)
    assert np.isfinite(mel_of(bad, SMALL)).all()


def test_a_file_is_read_by_time(video: Path) -> None:
    media = probe(video)
    clip = read_clip(media, SMALL, lambda: None, start_s=0.4)
    light = clip.frames[:, 10:14, 10:14].mean(axis=(1, 2, 3))
    assert np.abs(light - 8 * np.arange(10, 26)).max() < 8
    assert clip.n_valid == 16
    assert clip.mel[:, :60].max() > 0
    slow = frames_at(media, 12.5, 8, lambda: None)
    assert [round(float(f.mean()) / 8) for f in slow] == list(range(0, 16, 2))
    late = samples_at(media, SMALL, lambda: None, start_s=0.4)
    assert abs(len(late) - SMALL.n_samples) < 100


def test_the_end_of_a_file_gives_fewer_frames(video: Path) -> None:
    clip = read_clip(probe(video), SMALL, lambda: None, start_s=0.8)
    assert 9 <= clip.n_valid <= 11


def test_a_long_file_is_read_in_several_clips() -> None:
    assert clip_starts(0.3, SMALL) == (0.0,)
    starts = clip_starts(1.5, SMALL)
    assert len(starts) == 3
    assert starts[-1] + SMALL.length_s == pytest.approx(1.5)
    assert len(clip_starts(600, SMALL)) == 8


def test_a_card_gives_the_recipe_and_each_field_counts() -> None:
    assert ClipInput.from_card(asdict(SMALL)) == SMALL
    assert len({SMALL.fingerprint, ClipInput().fingerprint, ClipInput(fps=24).fingerprint}) == 3


@pytest.mark.parametrize(
    "stored",
    [
        {"colour": 1},
        {"n_frames": 0},
        {"n_frames": 10**9},
        {"n_frames": 8.5},
        {"size_px": -1},
        {"fps": "fast"},
        {"short": "repeat"},
        {"n_fft": 1},
    ],
)
def test_a_card_of_no_use_is_refused(stored: dict[str, object]) -> None:
    with pytest.raises(BundleMismatchError):
        ClipInput.from_card(stored)
