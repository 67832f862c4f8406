from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from assay.inputs.gop_history import (
    excess,
    find_break,
    find_comb,
    find_gaps,
    find_phase,
    off_beat,
    rhythm_of,
)
from assay.media.packets import Packets, read_packets
from assay.media.probe import probe
from tests.inputs.made_history import decode, encode, scene


def packets(
    sizes: np.ndarray, keys: np.ndarray | None = None, times: np.ndarray | None = None
) -> Packets:
    n = len(sizes)
    shown = np.arange(n) / 25 if times is None else times
    is_key = np.arange(n) % 30 == 0 if keys is None else keys
    return Packets("h264", shown, shown, sizes, is_key, (0,), 1e-4, True)


def read(path: Path) -> Packets:
    found = read_packets(probe(str(path)), "video")
    assert found is not None
    return found


def test_the_rhythm_is_read_from_the_packets(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.mp4", scene(100), g=12, bf=0, sc_threshold=0)
    rhythm = rhythm_of(read(path))
    assert rhythm is not None
    assert (rhythm.usual, rhythm.regular, rhythm.n_keys, rhythm.n_b) == (12, 1.0, 9, 0)
    assert off_beat(rhythm) == []
    with_b = rhythm_of(read(encode(tmp_path / "b.mp4", scene(40), bf=2, b_pyramid=0)))
    assert with_b is not None
    assert with_b.n_b >= 10


def test_an_early_key_frame_is_off_the_beat() -> None:
    keys = np.zeros(100, bool)
    keys[[0, 12, 24, 30, 42, 54, 66, 78, 90]] = True
    rhythm = rhythm_of(packets(np.full(100, 500), keys))
    assert rhythm is not None
    assert off_beat(rhythm) == [3]
    assert rhythm_of(packets(np.array([5]))) is None


@pytest.mark.parametrize("period", [10, 12, 25])
def test_the_key_frames_of_an_earlier_file_are_found(tmp_path: Path, period: int) -> None:
    first = encode(tmp_path / "1.mp4", scene(150), g=period, bf=0, sc_threshold=0, crf=24)
    second = encode(tmp_path / "2.mp4", decode(first), g=70, bf=0, crf=24)
    values, _ = excess(read(second))
    comb = find_comb(values, now=70)
    assert comb is not None
    assert comb.period % period == 0 or comb.period == period
    assert comb.phase % period == 0
    assert comb.score > 5
    once = encode(tmp_path / "once.mp4", scene(150), g=70, bf=0, crf=24)
    alone = find_comb(excess(read(once))[0], now=70)
    assert alone is None or alone.score < 5


def comb_with(at: int | None, n: int = 300, period: int = 12) -> np.ndarray:
    rng = np.random.default_rng(3)
    values = rng.standard_normal(n)
    teeth = np.arange(0, n, period)
    if at is not None:
        teeth = np.r_[teeth[teeth < at], np.arange(at + 5, n, period)]
    values[teeth] = 3
    return values


def test_a_comb_that_is_one_has_no_break_and_one_that_jumps_has() -> None:
    whole = find_break(comb_with(None), 12)
    assert whole is None or whole.gain < 5
    broken = find_break(comb_with(156), 12)
    assert broken is not None
    assert broken.gain > 6
    assert abs(broken.at - 156) <= 12
    assert find_phase(comb_with(None), 12) > find_phase(comb_with(156), 12)


def test_pictures_taken_out_between_two_compressions_break_the_comb(tmp_path: Path) -> None:
    first = encode(tmp_path / "1.mp4", scene(200), g=12, bf=0, sc_threshold=0, crf=24)
    frames = decode(first)
    cut = encode(tmp_path / "2.mp4", frames[:97] + frames[104:], g=250, bf=0, crf=24)
    found = find_break(excess(read(cut))[0], 12)
    kept = find_break(excess(read(encode(tmp_path / "3.mp4", frames, g=250, bf=0, crf=24)))[0], 12)
    assert found is not None
    assert found.gain > 5
    assert abs(found.at - 97) <= 14
    assert kept is None or kept.gain < 4


def test_a_gap_is_told_in_an_even_stream_only() -> None:
    times = np.arange(100) / 25
    times[60:] += 0.4
    gaps, is_even = find_gaps(packets(np.full(100, 9), times=times))
    assert is_even
    assert [round(gap.end_s - gap.start_s, 2) for gap in gaps] == [0.44]
    rng = np.random.default_rng(0)
    uneven = np.cumsum(rng.choice([0.03, 0.05, 0.2], 100))
    assert find_gaps(packets(np.full(100, 9), times=uneven)) == ([], False)


def test_hostile_streams_are_answered() -> None:
    nan = np.full(50, np.nan)
    for one in (
        packets(np.zeros(50, np.int64), times=nan),
        packets(np.full(50, 1 << 40), np.ones(50, bool)),
        packets(np.arange(3)),
        packets(np.arange(50), np.zeros(50, bool), np.zeros(50)),
    ):
        values, order = excess(one)
        assert np.isfinite(values).all()
        assert len(order) == len(one)
        comb = find_comb(values)
        if comb is not None:
            find_break(values, comb.period)
        find_gaps(one)
        rhythm_of(one)
