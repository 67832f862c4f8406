from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.case import PICTURE_MAX_PX, Case, Deadline, _kept_whole
from assay.errors import TimeLimitError
from assay.media.probe import probe
from assay.options import Options
from assay.types import Frame, PictureView
from tests.real_faces import portrait_path


def still(tmp_path: Path, size: tuple[int, int] = (64, 48)) -> Case:
    path = tmp_path / "grey.png"
    Image.new("RGB", size, (90, 90, 90)).save(path)
    return Case(probe(path))


def test_a_picture_is_one_frame_at_zero(tmp_path: Path) -> None:
    case = still(tmp_path)
    assert case.frame_times_s == (0.0,)
    (frame,) = case.frames()
    assert frame.rgb.shape == (48, 64, 3)
    assert case.waveform is None


def test_nobody_in_it(tmp_path: Path) -> None:
    case = still(tmp_path)
    assert case.tracks == ()
    assert case.n_frames_examined == 1
    assert len(case.pictures) == 1


def test_large_pictures_are_kept_shrunk_for_the_report(tmp_path: Path) -> None:
    (picture,) = still(tmp_path, (3000, 1000)).pictures
    assert max(picture.rgb.shape) == PICTURE_MAX_PX
    assert picture.scale == pytest.approx(PICTURE_MAX_PX / 3000)


def test_frames_are_decoded_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    case = still(tmp_path)
    calls: list[int] = []
    original = Case.frames

    def counted(self: Case) -> Iterator[Frame]:
        calls.append(1)
        return original(self)

    monkeypatch.setattr(Case, "frames", counted)
    assert (case.tracks, case.pictures, case.tracks) == ((), case.pictures, ())
    assert calls == [1]


def test_progress_is_told(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    case = still(tmp_path)
    case.progress = lambda *step: told.append(step)
    assert case.tracks == ()
    assert told == [("faces", 1, 1)]


def test_a_varied_case_changes_views_and_decodes_nothing() -> None:
    case = Case(probe(portrait_path("grace_hopper")))
    (track,) = case.tracks
    varied = case.varied(lambda view: replace(view, rgb=np.zeros_like(view.rgb)))
    (view,) = varied.face_views(track.track_id)
    assert view.rgb.max() == 0
    assert case.face_views(track.track_id)[0].rgb.max() > 0
    assert varied.tracks is case.tracks


def test_a_deadline_passes() -> None:
    deadline = Deadline.after(0.01)
    time.sleep(0.02)
    with pytest.raises(TimeLimitError, match=r"0\.01 s"):
        deadline.check()
    Deadline.after(60).check()


def test_no_time_at_all_is_an_error(tmp_path: Path) -> None:
    case = still(tmp_path)
    late = Case(case.media, Options(), deadline=Deadline(1.0, time.monotonic() - 5))
    with pytest.raises(TimeLimitError):
        _ = late.tracks


def test_a_picture_is_kept_whole_for_those_who_read_all_of_it(tmp_path: Path) -> None:
    (view,) = still(tmp_path, (3000, 1000)).picture_views
    assert view.rgb.shape == (1000, 3000, 3)
    assert view.focus_px is None


@pytest.mark.parametrize(("n_frames", "n_px", "n_kept"), [(1, 10, 1), (4, 10, 4), (32, 10, 6)])
def test_of_a_video_a_few_frames_are_kept_evenly_spread(
    n_frames: int, n_px: int, n_kept: int
) -> None:
    kept = sorted(_kept_whole(n_frames, n_px))
    assert len(kept) == n_kept
    steps = {b - a for a, b in pairwise(kept)}
    assert not steps or max(steps) - min(steps) <= 1


def test_of_huge_frames_only_as_many_are_kept_as_memory_allows() -> None:
    assert len(_kept_whole(32, 33_000_000)) == 1
    assert len(_kept_whole(32, 10**9)) == 1
    assert len(_kept_whole(32, 20_000_000)) == 3


def test_a_varied_case_changes_picture_views_only_where_told_how(tmp_path: Path) -> None:
    case = still(tmp_path)
    darker = case.varied(lambda face: face, lambda view: replace(view, rgb=np.zeros_like(view.rgb)))
    assert darker.picture_views[0].rgb.max() == 0
    assert case.varied(lambda face: face).picture_views[0].rgb.max() == 90


def test_a_narrowed_case_has_the_given_parts_and_no_others(tmp_path: Path) -> None:
    case = still(tmp_path)
    part = PictureView(0, 0.0, case.picture_views[0].rgb[:10, :10], (5.0, 5.0))
    assert case.narrowed({}, [part]).picture_views == (part,)
    assert case.narrowed({}).picture_views == ()
