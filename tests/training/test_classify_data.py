from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.errors import ConfigError  # noqa: E402
from assay.inputs.face import FaceInput, prepare  # noqa: E402
from assay.inputs.patch import PatchInput  # noqa: E402
from assay.inputs.waveform import WaveformInput, cut_windows  # noqa: E402
from assay.training.classify_data import (  # noqa: E402
    Draws,
    Examples,
    Row,
    cutter_for,
    require_fitting,
    rows_of,
)
from assay.training.datasets.prepared import (  # noqa: E402
    PreparedFaces,
    PreparedVoice,
    SpeechPart,
)
from assay.training.datasets.records import FakeSpan, Label, Record  # noqa: E402
from assay.training.nets.spec import Fit, NetSpec  # noqa: E402
from assay.types import FaceView  # noqa: E402
from tests.real_faces import textured  # noqa: E402
from tests.training.made_classes import TinyNet, made_cut, made_rows  # noqa: E402

FACES = FaceInput(size_px=32, scale=1.2)
VOICES = WaveformInput(length_s=1.0)


def spec(kind: Any = "face", recipe: Any = FACES, **more: Any) -> NetSpec:
    return NetSpec("tiny", "Tiny", "none", kind, recipe, TinyNet, 1, 1, **more)


def record(label: Label = "real", **more: Any) -> Record:
    return Record("made", f"{label}/a.mp4", "video", label, **more)


def faces(label: Label = "real", n: int = 10, tracks: int = 1, **more: Any) -> PreparedFaces:
    box = np.array([20, 20, 60, 60], np.float32)
    landmarks = np.full((468, 2), 40, np.float32)
    views = tuple(
        FaceView(t, k, k / 5, textured(80, 80, k), box, landmarks, box, 1.0, 1.0)
        for t in range(tracks)
        for k in range(n)
    )
    return PreparedFaces(record(label, **more), "g", Path("a.mp4"), views)


def voice(label: Label = "real", **more: Any) -> PreparedVoice:
    rng = np.random.default_rng(0)
    samples = rng.normal(0, 0.1, 4 * 16000).astype(np.float32)
    parts = (SpeechPart(0, 40000, 0.0, 0), SpeechPart(40000, 64000, 5.0, 1))
    return PreparedVoice(record(label, **more), "g", Path("a.wav"), samples, "", parts)


def test_frames_are_spread_evenly() -> None:
    rows = rows_of([faces(n=10), faces("fake", n=3)], spec(), 5)
    assert [row.place[0] for row in rows if row.item == 0] == [1, 3, 5, 7, 9]
    assert [row.place[0] for row in rows if row.item == 1] == [0, 1, 2]
    assert [row.fake for row in rows] == [False] * 5 + [True] * 3


def test_training_takes_the_first_person_and_the_test_those_that_the_network_looks_at() -> None:
    items = [faces("fake", tracks=4)]
    assert {row.track for row in rows_of(items, spec(), 5, Fit())} == {0}
    assert {row.track for row in rows_of(items, spec(max_faces=3), 5)} == {0, 1, 2}


def test_fakes_give_fewer_frames_where_the_recipe_says_so() -> None:
    rows = rows_of([faces(), faces("fake")], spec(), 10, Fit(fakes_per_real=0.3))
    assert Counter(row.fake for row in rows) == {False: 10, True: 3}
    rows = rows_of([faces(), faces("fake")], spec(), 10)
    assert Counter(row.fake for row in rows) == {False: 10, True: 10}


def test_only_forged_moments_of_a_partly_forged_clip_are_learned_as_fake() -> None:
    spans = (FakeSpan(0.4, 0.8, "visual"), FakeSpan(1.2, 1.4, "audio"))
    items = [faces("fake", spans=spans)]
    learned = rows_of(items, spec(), 10, Fit())
    assert [row.time_s for row in learned] == pytest.approx([0.4, 0.6, 0.8])
    assert sum(row.sure for row in rows_of(items, spec(), 10)) == 3
    assert len(rows_of(items, spec(), 10)) == 10


def test_a_genuine_picture_with_a_forged_voice_is_real_to_a_network_of_faces() -> None:
    item = faces("fake", visual_fake=False, audio_fake=True)
    assert not any(row.fake for row in rows_of([item], spec(), 5))


def test_voices_give_a_row_a_window_of_each_speaker() -> None:
    rows = rows_of([voice()], spec("voice", VOICES), 9)
    assert [(row.track, row.place) for row in rows] == [
        (0, (0, 0)), (0, (0, 1)), (0, (0, 2)), (1, (1, 0)), (1, (1, 1)),
    ]  # fmt: skip
    spans = (FakeSpan(5.0, 5.2, "audio"),)
    sure = rows_of([voice("fake", spans=spans)], spec("voice", VOICES), 9, Fit())
    assert [row.place for row in sure] == [(1, 0)]


def test_checks_are_cut_as_at_inference() -> None:
    item = faces()
    cut = cutter_for(spec(), [item], "icpr2020")
    assert np.array_equal(cut(Row(0, 0, 0.0, (3, 0), False), None), prepare(item.views[3], FACES))
    heard = voice()
    cut = cutter_for(spec("voice", VOICES), [heard], "sound")
    window = cut(Row(0, 0, 0.0, (0, 1), False), None)
    assert np.array_equal(window, cut_windows(heard.segments[0], VOICES)[1])


@pytest.mark.parametrize("chain", ["flip", "icpr2020", "coccomini", "deepfakebench"])
def test_both_labels_pass_the_same_code(chain: str) -> None:
    both = [faces("real"), faces("fake")]
    cut = cutter_for(spec(), both, chain)
    rows = [Row(item, 0, 0.0, (2, 0), bool(item)) for item in (0, 1)]
    for place in range(8):
        one, two = (Examples([row], cut, [0] * 8, seed=(7, 1))[place] for row in rows)
        assert np.array_equal(one[0].numpy(), two[0].numpy())
        assert (float(one[1]), float(two[1])) == (0.0, 1.0)


def test_both_labels_are_degraded_alike_in_sound() -> None:
    cut = cutter_for(spec("voice", VOICES), [voice("real"), voice("fake")], "sound")
    rows = [Row(item, 0, 0.0, (0, 0), bool(item)) for item in (0, 1)]
    found = [[Examples([r], cut, [0] * 6, (7, 0))[i][0].numpy() for i in range(6)] for r in rows]
    assert np.array_equal(found[0], found[1])
    assert not np.array_equal(found[0][0], found[0][1])
    assert found[0][0].shape == (16000,)
    assert found[0][0].dtype == np.float32


def test_balanced_draws_take_both_labels_in_turn_and_all_before_any_again() -> None:
    rows = [row for row in made_rows(10) if not row.fake or row.item == 1]
    draws = Draws(rows, 8, seed=1)
    chosen = draws.round(0, 5)
    assert [rows[i].fake for i in chosen] == [False, True] * 20
    assert Counter(i for i in chosen if rows[i].fake) == {
        i: 5 for i, row in enumerate(rows) if row.fake
    }
    assert len(set(chosen[::2])) == 20
    assert draws.round(0, 5) == chosen
    assert draws.round(1, 5) != chosen
    assert Draws(rows, 8, seed=2).round(0, 5) != chosen


def test_unbalanced_draws_take_every_row_once() -> None:
    rows = [row for row in made_rows(10) if not row.fake or row.item == 1]
    chosen = Draws(rows, 8, seed=1, balanced=False).round(0, 3)
    assert sorted(chosen) == list(range(24))


def test_another_round_sees_another_change() -> None:
    rows = made_rows(2)
    one, two = (Examples(rows, made_cut, [0], (7, number))[0][0] for number in (0, 1))
    assert not bool((one == two).all())


def test_what_is_not_trained_here_says_so() -> None:
    with pytest.raises(ConfigError, match="looks at a picture"):
        require_fitting(spec("picture", PatchInput()), "none")
    with pytest.raises(ConfigError, match="not for networks of a face"):
        require_fitting(spec(), "sound")
    with pytest.raises(ConfigError, match="not for networks of a voice"):
        require_fitting(replace(spec(), kind="voice", recipe=VOICES), "flip")
