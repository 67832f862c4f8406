from __future__ import annotations

import pytest

from assay.errors import UsageError
from assay.media.sampling import Wishes, clip_range, frame_times
from assay.types import Media


def medium(kind="video", *, n_frames=250, fps=25.0, duration_s=10.0, notes=()) -> Media:
    return Media(
        path="a", name="a", sha256="0" * 64, n_bytes=1, kind=kind, media_type="x/y", container="z",
        codec="c", n_frames=n_frames, fps=fps, duration_s=duration_s, notes=notes,
    )  # fmt: skip


def test_a_picture_and_a_sound():
    assert frame_times(medium("image", duration_s=None), 32, None) == (0.0,)
    assert frame_times(medium("audio", n_frames=None, fps=None), 32, None) == ()


def test_evenly_in_the_middle_of_each_share():
    assert frame_times(medium(), 5, None) == pytest.approx((1.0, 3.0, 5.0, 7.0, 9.0))


def test_on_the_grid_of_frames():
    times = frame_times(medium(), 32, None)
    assert all(abs(t * 25 - round(t * 25)) < 1e-9 for t in times)
    assert len(set(times)) == 32


def test_not_on_the_grid_where_there_is_none():
    times = frame_times(medium(notes=("variable_frame_rate",)), 4, None)
    assert times == pytest.approx((1.25, 3.75, 6.25, 8.75))


@pytest.mark.parametrize("n", [1, 2, 3, 7, 250])
def test_never_more_than_there_are_and_each_of_them(n):
    times = frame_times(medium(n_frames=n, duration_s=n / 25), 1000, None)
    assert times == pytest.approx([i / 25 for i in range(n)])


def test_a_part():
    times = frame_times(medium(), 4, (2.0, 4.0))
    assert times == pytest.approx((2.24, 2.72, 3.24, 3.72), abs=0.041)
    assert len(frame_times(medium(), 1000, (2.0, 4.0))) == 50


def test_a_part_that_reaches_beyond_the_end():
    assert clip_range(medium(), (8.0, 99.0)) == (8.0, 10.0)
    assert max(frame_times(medium(), 32, (8.0, 99.0))) < 10.0


@pytest.mark.parametrize("kind", ["video", "audio"])
def test_a_part_behind_the_end_is_a_wrong_call(kind):
    with pytest.raises(UsageError, match=r"begins at 12 s, and the file ends at 10\.00 s"):
        frame_times(medium(kind), 32, (12.0, 13.0))


def test_a_shorter_part_than_one_frame():
    assert len(frame_times(medium(), 32, (2.0, 2.001))) == 1


def test_unknown_duration():
    unknown = medium(n_frames=None, fps=None, duration_s=None)
    assert frame_times(unknown, 3, None) == (0.0, 1.0, 2.0)
    assert clip_range(unknown, (5.0, 9.0)) == (5.0, 9.0)


def test_wishes_are_met_once_and_in_order():
    wishes = Wishes((3.0, 1.0, 1.01, 2.0), slack_s=0.02)
    assert wishes.next_s == 1.0
    assert [wishes.met_by(t) for t in (0.5, 0.99, 1.2, 2.5)] == [False, True, False, True]
    assert wishes.next_s == 3.0
    assert wishes.met_by(9.0)
    assert wishes.next_s is None
