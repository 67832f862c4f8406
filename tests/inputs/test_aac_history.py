from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.aac_history import FRAME, PIECE, confirmed, find_aac_grid, transformed
from tests.inputs.made_history import lossy, music


def test_the_transform_keeps_energy_and_finds_a_tone() -> None:
    noise = np.random.default_rng(0).standard_normal((50, 2 * FRAME)).astype(np.float32)
    for window in ("kaiser", "sine", "vorbis"):
        assert float(np.square(transformed(noise, window)).mean()) == pytest.approx(1.0, rel=0.1)
    tone = np.sin(np.pi * (300.5) / FRAME * np.arange(2 * FRAME))[None].astype(np.float32)
    assert abs(int(np.abs(transformed(tone, "sine")).argmax()) - 300) <= 1


def test_the_transform_is_the_one_of_the_definition() -> None:
    frame = np.random.default_rng(1).standard_normal((1, 2 * FRAME)).astype(np.float32)
    at = np.arange(2 * FRAME)
    window = np.sin(np.pi / (2 * FRAME) * (at + 0.5))
    lines = [0, 1, 77, 1023]
    expected = [
        np.sqrt(2 / FRAME)
        * (frame[0] * window * np.cos(np.pi / FRAME * (at + 0.5 + FRAME / 2) * (k + 0.5))).sum()
        for k in lines
    ]
    assert transformed(frame, "sine")[0, lines] == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("shift", [0, 413])
def test_the_grid_of_an_aac_is_found_wherever_it_was_cut(shift: int) -> None:
    sound = lossy(music(2.0), 44_100, "aac", 48_000, "ipod")[1]
    first, other = find_aac_grid(sound[30_000:]), find_aac_grid(sound[30_000 + shift :])
    assert first is not None
    assert other is not None
    assert min(first.score, other.score) > 10
    assert (first.offset - other.offset - shift) % FRAME == 0
    assert first.window in ("kaiser", "sine")


def test_sound_that_was_never_an_aac_has_no_grid() -> None:
    plain = (np.round(music(1.0) * 32767) / 32768).astype(np.float32)
    mp3 = lossy(music(1.0), 44_100, "libmp3lame", 64_000, "mp3")[1]
    for sound in (plain, mp3):
        grid = find_aac_grid(sound[9000:])
        assert grid is not None
        assert grid.score < 6
    assert find_aac_grid(np.zeros(PIECE, np.float32)) is None
    assert find_aac_grid(plain[:100]) is None


def test_a_grid_is_confirmed_at_other_places_only_where_it_is() -> None:
    sound = lossy(music(4.0), 44_100, "aac", 48_000, "ipod")[1]
    grid = find_aac_grid(sound[30_000:])
    assert grid is not None
    offset = (grid.offset + 30_000) % FRAME
    assert confirmed(sound, offset, 30_000)
    assert not confirmed(sound, offset + 500, 30_000)
    assert not confirmed(music(4.0), offset, 30_000)
    assert not confirmed(sound[:PIECE], 0, 0)
