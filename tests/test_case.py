from __future__ import annotations

import threading
import time
import wave
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assay.case import PICTURE_MAX_PX, Case, Deadline, _kept_whole, changed_speech
from assay.errors import TimeLimitError
from assay.media.probe import probe
from assay.options import Options
from assay.types import Frame, PictureView, Reason, Waveform
from tests.real_faces import portrait_path
from tests.verdict.sound_doubles import VoiceCase, make_segment, make_speech


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


def heard(tmp_path: Path, seconds: float = 2.0) -> Case:
    path = tmp_path / "ramp.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes(np.linspace(-9000, 9000, round(16_000 * seconds)).astype("<i2").tobytes())
    return Case(probe(path))


def halved(sound: Waveform) -> Waveform:
    return replace(sound, samples=sound.samples / 2)


def late(sound: Waveform) -> Waveform:
    return Waveform(sound.samples[4000:], sound.sample_rate_hz, sound.start_s + 0.25)


def test_the_seconds_of_a_sound_are_known_once_it_was_decoded(tmp_path: Path) -> None:
    case = heard(tmp_path)
    assert case.sound_seconds is None
    assert case.waveform is not None
    assert case.sound_seconds == pytest.approx((0.0, 2.0))
    assert still(tmp_path).sound_seconds is None


def test_a_varied_case_changes_the_sound_only_where_told_how(tmp_path: Path) -> None:
    case = heard(tmp_path)
    assert case.waveform is not None
    loudest = case.waveform.samples.max()
    quieter = case.varied(lambda face: face, None, halved)
    assert quieter.waveform is not None
    assert quieter.waveform.samples.max() == pytest.approx(loudest / 2)
    assert case.waveform.samples.max() == loudest
    assert case.varied(lambda face: face).waveform is case.waveform


def test_segments_are_changed_each_in_its_place() -> None:
    first, second = make_segment(0.0, 2.0), make_segment(3.0, 5.0)
    speech = make_speech(first, second)
    before = speech.waveform.samples.copy()
    changed = changed_speech(speech, halved)
    for old, new in zip(speech.segments, changed.segments, strict=True):
        assert (new.start_s, new.end_s, new.speaker_id) == (old.start_s, old.end_s, 1)
        assert new.waveform == pytest.approx(old.waveform / 2)
    assert changed.waveform.samples == pytest.approx(before / 2)
    assert (speech.waveform.samples == before).all()


def test_a_trimmed_segment_starts_later_and_one_trimmed_away_is_gone() -> None:
    changed = changed_speech(make_speech(make_segment(0.0, 2.0), make_segment(3.0, 3.2)), late)
    (kept,) = changed.segments
    assert (kept.start_s, kept.end_s) == (0.25, 2.0)
    assert len(kept.waveform) == 28_000
    alone = make_speech(make_segment(3.0, 3.2))
    assert changed_speech(alone, late) is alone


def test_a_narrowed_case_has_the_given_segments_only() -> None:
    first, second = make_segment(0.0, 2.0), make_segment(3.0, 5.0)
    case = VoiceCase(first, second)
    narrowed = case.narrowed({}, (), [second])
    assert narrowed.speech is not None
    assert narrowed.speech.segments == (second,)
    assert narrowed.waveform is case.waveform
    assert case.narrowed({}).speech is case.speech
    trimmed = narrowed.varied(lambda view: view, None, late).speech
    assert trimmed is not None
    assert [segment.start_s for segment in trimmed.segments] == [3.25]


def test_a_sound_that_was_given_up_is_not_looked_for_again(tmp_path: Path) -> None:
    case = heard(tmp_path)
    case.give_up_sound(Reason("media_damaged", "It is broken."))
    assert (case.speech, case.waveform, case.sound_seconds) == (None, None, None)
    assert case.sound_fault == Reason("media_damaged", "It is broken.")


def test_one_case_that_hangs_does_not_hold_up_another(tmp_path: Path) -> None:
    released, begun = threading.Event(), threading.Event()

    class Hanging(Case):
        def frames(self) -> Iterator[Frame]:
            begun.set()
            released.wait(10)
            return super().frames()

    case = still(tmp_path)
    hanging = threading.Thread(target=lambda: Hanging(case.media).tracks, daemon=True)
    hanging.start()
    assert begun.wait(5)
    other = threading.Thread(target=lambda: case.tracks, daemon=True)
    other.start()
    other.join(5)
    released.set()
    assert not other.is_alive()
    hanging.join(10)
