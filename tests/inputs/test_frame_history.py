from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assay.inputs.frame_history import (
    Seen,
    frozen,
    jumps,
    look,
    motion,
    repeats,
    single_repeats,
)
from assay.media.probe import probe
from tests.inputs.made_history import encode, scene


def seen(path: Path, **more: int) -> Seen:
    found = look(probe(str(path)), **more)
    assert found is not None
    return found


def test_an_untouched_video_shows_nothing(tmp_path: Path) -> None:
    found = seen(encode(tmp_path / "a.mp4", scene(80)))
    assert len(found.times_s) == 80
    assert found.whole
    assert found.times_s[40] == pytest.approx(1.6, abs=0.01)
    assert motion(found) > 0.3
    assert (frozen(found), repeats(found), jumps(found)) == ([], [], [])
    assert single_repeats(found) == (0, 0.0)


def test_a_frozen_stretch_is_found(tmp_path: Path) -> None:
    frames = scene(80)
    frames[30:38] = [frames[29]] * 8
    ((first, last),) = frozen(seen(encode(tmp_path / "a.mp4", frames, bf=0)))
    assert (first, last) == (29, 37)


def test_a_converted_rate_is_found_by_its_period(tmp_path: Path) -> None:
    frames = [frame for i, frame in enumerate(scene(80)) for _ in range(1 + (i % 5 == 4))]
    n, period = single_repeats(seen(encode(tmp_path / "a.mp4", frames, bf=0)))
    assert n >= 14
    assert period == 6


def test_a_loop_is_found_with_both_places(tmp_path: Path) -> None:
    frames = scene(90)
    (found,) = repeats(seen(encode(tmp_path / "a.mp4", frames[:60] + frames[20:50])))
    assert abs(found.first - 20) <= 2
    assert found.away == 40
    assert found.last - found.first >= 20


def test_missing_pictures_are_a_jump_within_the_scene(tmp_path: Path) -> None:
    slow = scene(120, width=320, height=256, seed=4)
    found = jumps(seen(encode(tmp_path / "a.mp4", slow[:40] + slow[75:], crf=18)), least=1.5)
    assert any(abs(one.at - 40) <= 1 for one in found)


def test_the_pixels_are_bounded(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", scene(60))
    found = seen(path, budget_px=160 * 128 * 20)
    assert len(found.times_s) == 20
    assert not found.whole


def test_synthetic_stretches_of_one_value_are_answered() -> None:
    flat = Seen(np.arange(40) / 25, np.zeros(40), np.zeros((40, 192), np.float32), True)
    assert (frozen(flat), repeats(flat), jumps(flat), motion(flat)) == ([], [], [], 0.0)
    assert single_repeats(flat) == (0, 0.0)
    one = Seen(np.zeros(1), np.zeros(1), np.zeros((1, 192), np.float32), True)
    assert (frozen(one), repeats(one), jumps(one)) == ([], [], [])
