import numpy as np
import pytest

from assay.sound import Sound, SoundSegment


def a_sound(**more: object) -> Sound:
    values: dict = {
        "start_s": 1.0,
        "duration_s": 2.0,
        "sample_rate_hz": 16_000,
        "envelope": np.zeros((4, 2), np.float32),
        "spectrogram": np.zeros((3, 4), np.uint8),
        "top_hz": 8000.0,
    }
    return Sound(**values | more)


def test_a_sound_ends_where_it_ends() -> None:
    assert a_sound().end_s == 3.0


@pytest.mark.parametrize(
    "wrong",
    [
        {"envelope": np.zeros(4, np.float32)},
        {"envelope": np.zeros((5000, 2), np.float32)},
        {"spectrogram": np.zeros((3, 4), np.float32)},
        {"spectrogram": np.zeros((3, 5000), np.uint8)},
        {"duration_s": 0.0},
        {"duration_s": float("inf")},
        {"start_s": float("nan")},
    ],
)
def test_what_cannot_be_drawn_is_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        a_sound(**wrong)


@pytest.mark.parametrize(
    "times", [(1.0, 1.0), (2.0, 1.0), (float("nan"), 1.0), (0.0, float("nan"))]
)
def test_a_segment_ends_after_it_starts(times: tuple[float, float]) -> None:
    with pytest.raises(ValueError, match="ends after"):
        SoundSegment(*times, speaker_id=1)
