import time
from dataclasses import replace

import numpy as np
from tests.report.conftest import a_sound, a_voice, a_waveform

from assay import types as t
from assay.report.sound_chart import NOT_HELD, sound_chart
from assay.report.sound_chart import player_script as script


def test_a_file_without_sound_has_no_chart(make: dict) -> None:
    assert sound_chart(make["image"]()) is None
    assert sound_chart(make["audio"]()) is None


def test_everything_stands_at_its_second_of_the_file(make: dict) -> None:
    sound = a_sound(a_waveform(start_s=100.0), clips=())
    voice = a_voice(1, (103.0, 106.0, 0.9))
    splice = t.Finding("c", "t", "m", "strong", {"times_s": [109.0, 90.0]})
    marks = t.Evidence("voice_splice", "1", "s", "sound", "reported", findings=(splice,))
    chart = sound_chart(make["voices"](sound=sound, evidence=(voice, marks)))
    assert chart is not None
    (block,) = chart.lanes[0].blocks
    assert (block.x0, block.width, block.state, block.score) == (25.0, 25.0, "above", "0.90")
    assert chart.flagged == ((25.0, 25.0),)
    assert [(flag.x0, flag.number) for flag in chart.flags] == [(75.0, 2)]
    assert chart.ticks[0] == (0.0, "1:40")
    assert block.at_s is None


def test_only_what_the_page_holds_can_be_played(make: dict) -> None:
    whole = a_waveform(12.0)
    part = t.Waveform(whole.samples[:32_000], 16_000, 3.0)
    sound = a_sound(whole, clips=(part,), not_playable="too_long")
    voice = a_voice(1, (3.2, 4.0, 0.9), (8.0, 9.0, 0.8))
    chart = sound_chart(make["voices"](sound=sound, evidence=(voice,)))
    assert chart is not None
    assert [block.at_s for block in chart.lanes[0].blocks] == [3.2, None]
    assert [(player.start_s, player.title) for player in chart.players] == [(3.0, "0:03.0–0:05.0")]
    assert "what surrounds them" in chart.held


def test_why_nothing_can_be_played(make: dict) -> None:
    for why in ("not_wanted", "nothing_flagged"):
        chart = sound_chart(make["voices"](sound=a_sound(clips=(), not_playable=why)))
        assert chart is not None
        assert chart.held == NOT_HELD[why]


def test_flags_near_each_other_share_a_button(make: dict) -> None:
    chart = sound_chart(make["voices"]())
    assert chart is not None
    assert [button.label for button in chart.buttons] == ["1", "2", "3"]
    near = t.Finding("c", "t", "m", "info", {"times_s": [6.1, 6.2, 6.3, 9.0]})
    one = t.Evidence("voice_splice", "1", "s", "sound", "reported", findings=(near,))
    chart = sound_chart(make["voices"](evidence=(one,)))
    assert chart is not None
    assert [button.label for button in chart.buttons] == ["1–3", "4"]


def test_rows_are_in_time_order_until_there_are_too_many(make: dict) -> None:
    chart = sound_chart(make["voices"]())
    assert chart is not None
    assert [row.where[:6] for row in chart.rows] == [
        "0:00.5",
        "0:03.2",
        "0:06.2",
        "0:08.1",
        "0:09.0",
    ]
    rng = np.random.default_rng(3)
    many = a_voice(1, *((i / 10, i / 10 + 0.1, float(rng.uniform(0.1, 0.9))) for i in range(100)))
    chart = sound_chart(make["voices"](evidence=(many,), sound=a_sound()))
    assert chart is not None
    assert chart.n_rows_left_out == 60
    scores = [row.score for row in chart.rows]
    assert scores == sorted(scores, reverse=True)


def test_the_chart_of_ten_seconds_is_quick(make: dict) -> None:
    verdict = replace(make["voices"](), sound=a_sound(a_waveform(10.0, 48_000)))
    sound_chart(verdict)
    started = time.process_time()
    sound_chart(verdict)
    assert time.process_time() - started < 1.0


def test_the_script_fetches_nothing_and_writes_no_markup() -> None:
    for word in ("fetch", "XMLHttp", "innerHTML", "eval", "import", "http", "</", "document.write"):
        assert word not in script()
