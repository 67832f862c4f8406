from __future__ import annotations

import numpy as np
import pytest

from assay.training.forgeries import spliced_speech as room
from assay.training.forgeries.spliced_speech import draw_span, forge, pasted, quiet_places
from tests.training.sound_makers import RATE_HZ, voiced

CLIP = voiced(2.5)


def test_outside_the_spans_every_sample_stays_and_inside_most_change() -> None:
    ways = set()
    for seed in range(40):
        forgery = forge(CLIP, RATE_HZ, np.random.default_rng(seed), voiced(2.0, 9, pitch_hz=200))
        ways.add(forgery.name.split("/")[1])
        inside = np.zeros(CLIP.size, bool)
        for start_s, end_s in forgery.spans_s:
            inside[round(float(start_s) * RATE_HZ) : round(float(end_s) * RATE_HZ)] = True
        changed = forgery.fake != forgery.genuine
        assert not changed[~inside].any()
        assert changed[inside].mean() > 0.5
        assert 0.03 < inside.mean() < 1
    assert ways == set(room.WAYS)


def test_cuts_are_made_where_it_is_quiet() -> None:
    places = quiet_places(CLIP, RATE_HZ).astype(int)
    around = [float(np.abs(CLIP[max(0, p - 80) : p + 80]).mean()) for p in places]
    assert float(np.median(around)) < 0.5 * float(np.abs(CLIP).mean())


def test_a_span_is_a_word_or_a_few() -> None:
    for seed in range(30):
        start, end = draw_span(CLIP, RATE_HZ, np.random.default_rng(seed))
        assert 0 <= start < end <= CLIP.size
        assert 0.2 <= (end - start) / RATE_HZ <= 1.5
    start, end = draw_span(np.ones(1600, np.float32), RATE_HZ, np.random.default_rng(0))
    assert 0 <= start < end <= 1600


@pytest.mark.parametrize("fade", [0, 100, 10_000])
def test_a_word_is_laid_over_and_faded(fade: int) -> None:
    sound, word = np.zeros(3000, np.float32), np.ones(1000, np.float32)
    out, span = pasted(sound, word, 500, fade)
    assert span == (500, 1500)
    assert out[:500].max() == out[1500:].max() == 0
    assert out[1000] == pytest.approx(1, abs=1e-4)
    assert np.abs(np.diff(out)).max() == pytest.approx(1.0 if fade == 0 else 0, abs=0.02)
    assert pasted(sound, word, 2500, fade)[1] == (2500, 3000)


def test_moved_words_are_there_twice() -> None:
    seed = next(
        s for s in range(200)
        if np.random.default_rng(s).choice(room.WAYS) == "moved"
    )  # fmt: skip
    forgery = forge(CLIP, RATE_HZ, np.random.default_rng(seed))
    start, end = (round(float(s) * RATE_HZ) for s in forgery.spans_s[0])
    middle = slice((start + end) // 2 - 400, (start + end) // 2 + 400)
    windows = np.lib.stride_tricks.sliding_window_view(forgery.genuine, 800)
    assert np.abs(windows - forgery.fake[middle]).max(axis=1).min() < 1e-6
