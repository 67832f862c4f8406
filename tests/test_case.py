from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.case import PICTURE_MAX_PX, Case, Deadline
from assay.errors import TimeLimitError
from assay.media.probe import probe
from assay.options import Options
from assay.types import Frame
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
