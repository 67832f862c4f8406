from dataclasses import replace

from assay import types as t
from assay.report import voices


def test_lanes_hold_what_was_scored_and_what_was_not(make: dict) -> None:
    first, second, third = voices.lanes(make["voices"]())
    assert [span.p_fake for span in first.scored] == [0.93, 0.71]
    assert first.unjudged == ()
    assert [one.why for one in second.unjudged] == ["too short"]
    assert (third.title, third.scored) == ("voice 3", ())
    assert third.unjudged[0].why == "music"


def test_a_voice_that_a_detector_declined_says_its_reason(make: dict) -> None:
    declined = t.Evidence(
        "voice_synthesis", "1", "v", "voice 1", "abstained", reason="too_short", speaker_id=1
    )
    verdict = make["voices"](evidence=(declined,))
    held = {lane.title: lane for lane in voices.lanes(verdict)}
    assert held["voice 1"].unjudged[0].why == "There is too little of it to be assessed."
    assert held["voice 2"].unjudged[0].why == voices.NOT_SCORED
    assert held["voice 2"].unjudged[1].why == "too short"


def test_without_a_cut_nothing_reaches_it(make: dict) -> None:
    verdict = make["voices"]()
    (voice, *rest) = verdict.evidence
    lane = voices.lanes(replace(verdict, evidence=(replace(voice, threshold=1.0), *rest)))[0]
    assert lane.cut is None
    assert voices.summary(lane) == "Highest 0.93 at 0:00.5–0:03.0; 2\xa0segments, no threshold."


def test_marks_are_told_in_time_order_and_the_grave_ones_stay(make: dict) -> None:
    held, n_left_out = voices.marks(make["voices"]())
    assert [(mark.start_s, mark.severity) for mark in held] == [
        (3.5, "notable"), (6.1, "strong"), (8.05, "strong")
    ]  # fmt: skip
    assert n_left_out == 0
    many = t.Finding("c", "Many", "m", "info", {"times_s": [float(i) for i in range(150)]})
    grave = t.Finding("c", "Grave", "m", "strong", {"start_s": 140.0, "end_s": 141.0})
    one = t.Evidence("voice_splice", "1", "s", "sound", "reported", findings=(many, grave))
    held, n_left_out = voices.marks(make["voices"](evidence=(one,)))
    assert len(held) == voices.MAX_MARKS
    assert n_left_out == 151 - voices.MAX_MARKS
    assert held[-1].title == "Grave"


def test_a_picture_has_no_voices(make: dict) -> None:
    assert voices.lines(make["image"]()) == []
