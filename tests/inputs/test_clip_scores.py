from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="the train extra is not installed")
pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.bundles import load_bundle_folder  # noqa: E402
from assay.case import Case  # noqa: E402
from assay.errors import BundleMismatchError, InputError  # noqa: E402
from assay.inputs.bundle_scores import recipe_of  # noqa: E402
from assay.inputs.clip import ClipInput, read_clip, shrunk_frames  # noqa: E402
from assay.inputs.clip_scores import (  # noqa: E402
    ClipAnswer,
    best_proposals,
    clip_windows,
    logit_of,
    read_clips,
    require_clip_input,
    suppression_of,
)
from assay.inputs.proposals import proposals_of  # noqa: E402
from assay.media.probe import probe  # noqa: E402
from assay.options import Options  # noqa: E402
from assay.subjects.clips import FaceClip, Motion  # noqa: E402
from assay.training.video_marks import Encoding, encode_video  # noqa: E402
from assay.types import Waveform  # noqa: E402
from tests.bundles.made_clip import CLIP, LIPS, clip_graph, make_clip_folder  # noqa: E402
from tests.training.clip_makers import speaking_frames  # noqa: E402
from tests.training.sound_makers import voiced  # noqa: E402


def write(path: Path, seconds: float = 2.0, sound: Any = "voice", lit: slice = slice(0)) -> Path:
    """A dark clip at 25 fps whose frames of `lit` are light."""
    n = max(1, round(seconds * 25))
    heard = voiced(max(0.2, seconds), 1) if isinstance(sound, str) else sound
    frames = np.full((n, 64, 64, 3), 20, np.uint8)
    frames[lit] = 230
    times_s = (np.arange(n) / 25).astype(np.float32)
    wave = None if heard is None else Waveform(np.asarray(heard, np.float32), 16_000)
    path.write_bytes(encode_video(frames, times_s, wave, Encoding(preset="ultrafast")))
    return path


def case_of(path: Path, **options: Any) -> Case:
    return Case(probe(path), Options(**options))


def test_frames_shrunk_as_they_come_are_those_of_training(tmp_path: Path) -> None:
    sound = voiced(2.0, 3)
    path = tmp_path / "a.mp4"
    times_s = (np.arange(50) / 25).astype(np.float32)
    content = encode_video(speaking_frames(sound, 50), times_s, Waveform(sound, 16_000), Encoding())
    path.write_bytes(content)
    windows, reason = clip_windows(case_of(path), CLIP)
    assert (reason, [round(w.start_s, 2) for w in windows]) == ("", [0.0, 0.72])
    for window in windows:
        slow = read_clip(probe(path), CLIP, lambda: None, window.start_s)
        assert window.n_valid == slow.n_valid
        assert np.array_equal(window.pictures, slow.frames)
        # The case's sound is resampled from the whole stretch: its ends differ by a ringing.
        assert np.abs(window.mel[:, 8:-8] - slow.mel[:, 8:-8]).max() < 0.05


def test_the_light_seconds_are_proposed_in_seconds_of_the_file(tmp_path: Path) -> None:
    folder = make_clip_folder(tmp_path / "b")
    card, network = load_bundle_folder(folder)
    case = case_of(write(tmp_path / "a.mp4", 2.56, lit=slice(40, 41)))
    windows, _ = clip_windows(case, CLIP)
    assert [(w.start_s, round(w.end_s, 2)) for w in windows] == [(0.0, 1.28), (1.28, 2.56)]
    answers = read_clips(network, card, CLIP, windows, case)
    best = best_proposals(card, answers)
    assert best[0, 1] == pytest.approx(40 / 25, abs=0.041)
    assert best[0, 0] > 0.7
    assert answers[1].logit == pytest.approx(logit_of(best[0, 0]), abs=1e-6)
    assert answers[0].logit < -1
    assert (best[:, 2] <= 2.56 + 1e-6).all()


def test_one_window_is_suppressed_as_training_does(tmp_path: Path) -> None:
    folder = make_clip_folder(tmp_path / "b")
    card, network = load_bundle_folder(folder)
    case = case_of(write(tmp_path / "a.mp4", 0.8, lit=slice(9, 12)))
    windows, _ = clip_windows(case, CLIP)
    assert [w.n_valid for w in windows] == [20]
    found = best_proposals(card, read_clips(network, card, CLIP, windows, case))
    given = {"frames": windows[0].pictures[None], "mel": windows[0].mel[None]}
    wanted = proposals_of(network.run_all(given)["boundary_map"][0], 20, 25.0)
    assert np.allclose(found, wanted)
    assert found[:, 2].max() <= 0.8 + 1e-9


@pytest.mark.parametrize(
    ("make", "code"),
    [
        (lambda p: write(p, 1.0, sound=None), "no_sound"),
        (lambda p: write(p, 1.0, sound=np.zeros(16_000)), "silence"),
        (lambda p: write(p, 0.04), "too_short"),
        (lambda p: write(p, 2.0, sound=voiced(0.2, 1)), "too_short"),
    ],
    ids=["no sound", "silent", "one frame", "sound for a moment"],
)
def test_what_cannot_be_compared_is_not_read(tmp_path: Path, make: Any, code: str) -> None:
    recipe = replace(CLIP, n_frames=64)
    windows, reason = clip_windows(case_of(make(tmp_path / "a.mp4")), recipe)
    assert (windows, reason.split(":")[0]) == ([], code)


def test_a_sound_alone_has_no_picture(tmp_path: Path) -> None:
    import wave

    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes((voiced(1.0, 1) * 20_000).astype("<i2").tobytes())
    windows, reason = clip_windows(case_of(path), CLIP)
    assert (windows, reason.split(":")[0]) == ([], "no_picture")


def test_of_a_truncated_clip_only_what_is_there_counts(tmp_path: Path) -> None:
    whole = write(tmp_path / "a.mkv", 4.0).read_bytes()
    part = tmp_path / "part.mkv"
    for share in (0.9, 0.5, 0.2):
        part.write_bytes(whole[: int(len(whole) * share)])
        try:
            windows, reason = clip_windows(case_of(part), replace(CLIP, n_frames=96))
        except InputError:
            continue
        assert bool(windows) != bool(reason)
        assert all(w.n_valid <= 96 and w.end_s <= 4.01 for w in windows)


def test_frames_end_where_the_file_ends_whatever_it_states(tmp_path: Path) -> None:
    media = replace(probe(write(tmp_path / "a.mp4", 1.0)), duration_s=30.0)
    recipe = ClipInput(size_px=16, n_frames=100)
    assert 25 <= len(shrunk_frames(media, recipe, lambda: None)) <= 27


def test_a_range_is_kept(tmp_path: Path) -> None:
    case = case_of(write(tmp_path / "a.mp4", 2.0), time_range_s=(0.8, 1.6))
    windows, _ = clip_windows(case, CLIP)
    assert [(w.start_s, w.n_valid) for w in windows] == [(0.8, 20)]


def talking(tmp_path: Path, n: int, lost: slice = slice(0)) -> Case:
    """A case in which somebody is followed through `n` frames at 30 fps."""
    path = write(tmp_path / "a.mp4", n / 30)
    mesh = np.random.default_rng(0).uniform(10, 50, (1, 468, 2)).repeat(n, 0).astype(np.float32)
    boxes = np.tile(np.array([10, 10, 50, 50], np.float32), (n, 1))
    mesh[lost], boxes[lost] = np.nan, np.nan
    rgb = np.arange(n, dtype=np.uint8)[:, None, None, None].repeat(64, 1).repeat(64, 2).repeat(3, 3)
    followed = FaceClip(
        1, (np.arange(n) / 30).astype(np.float32), np.arange(n), rgb, mesh, boxes,
        np.ones(n, np.float32), np.tile(np.array([0, 0, 64], np.float32), (n, 1)),
    )  # fmt: skip
    case = case_of(path)
    case.__dict__["motion"] = Motion((followed,))
    case.__dict__["_seen"] = type("Seen", (), {"tracks": (type("T", (), {"track_id": 1})(),)})()
    return case


def test_mouths_come_from_who_is_followed_at_the_recipes_rate(tmp_path: Path) -> None:
    windows, reason = clip_windows(talking(tmp_path, 60), LIPS)
    assert reason == ""
    assert [(w.track_id, w.pictures.shape) for w in windows] == [(1, (25, 16, 16, 3))] * 2
    first = windows[0].pictures[:, 8, 8, 0].astype(int)
    assert first[:5].tolist() == [0, 1, 2, 3, 5]  # at 30 a second, every sixth is passed over
    assert windows[1].start_s == pytest.approx(1.0)
    assert windows[0].mel.shape == (64, LIPS.n_columns)


@pytest.mark.parametrize("lost", [slice(5, 40), slice(0, 60)])
def test_a_face_that_is_lost_is_not_read(tmp_path: Path, lost: slice) -> None:
    windows, reason = clip_windows(talking(tmp_path, 60, lost), LIPS)
    assert (windows, reason.split(":")[0]) == ([], "too_short")
    short = clip_windows(talking(tmp_path, 20), LIPS)[1]
    assert short.startswith("too_short")


def test_nobody_to_see_is_said(tmp_path: Path) -> None:
    windows, reason = clip_windows(case_of(write(tmp_path / "a.mp4", 1.2)), LIPS)
    assert (windows, reason.split(":")[0]) == ([], "no_face")


@pytest.mark.parametrize(
    "changes",
    [{"n_frames": 4096, "size_px": 1024}, {"n_frames": 8, "n_fft": 4096, "fps": 100.0}, {"x": 1}],
)
def test_a_recipe_of_no_use_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    folder = make_clip_folder(tmp_path / "b")
    card, _ = load_bundle_folder(folder)
    with pytest.raises(BundleMismatchError):
        recipe_of(replace(card, recipe={**card.recipe, **changes}))


def test_a_network_that_takes_or_gives_something_else_is_refused(tmp_path: Path) -> None:
    case = case_of(write(tmp_path / "a.mp4", 1.28))
    windows, _ = clip_windows(case, CLIP)
    for number, model in enumerate((clip_graph(CLIP, 40), clip_graph(CLIP, 6, factor=200.0))):
        card, network = load_bundle_folder(make_clip_folder(tmp_path / str(number), model=model))
        with pytest.raises(BundleMismatchError, match="boundary_map"):
            read_clips(network, card, CLIP, windows, case)
    with pytest.raises(BundleMismatchError, match="its recipe gives"):
        require_clip_input(network, replace(CLIP, n_frames=64))


@pytest.mark.parametrize("stored", [{"alpha": 0}, {"most": 10**9}, {"t1": "x"}, {"speed": 1}, [3]])
def test_a_suppression_of_no_use_is_refused(tmp_path: Path, stored: Any) -> None:
    card, _ = load_bundle_folder(make_clip_folder(tmp_path / "b", proposals=stored))
    with pytest.raises(BundleMismatchError, match="proposals"):
        suppression_of(card)


def test_the_same_seconds_of_two_windows_are_proposed_once(tmp_path: Path) -> None:
    card, _ = load_bundle_folder(make_clip_folder(tmp_path / "b"))
    first, second = np.array([[0.4, 0.2, 0.6], [0.1, 2.0, 2.2]]), np.array([[0.7, 0.2, 0.60000001]])
    best = best_proposals(
        card, [ClipAnswer(0.0, 1.0, 0.5, first), ClipAnswer(0.2, 1.2, 0.5, second)]
    )
    assert best.tolist() == [[0.7, 0.2, 0.6]]  # the last of the list is never taken


def test_without_a_map_nothing_is_proposed(tmp_path: Path) -> None:
    card, _ = load_bundle_folder(make_clip_folder(tmp_path / "b"))
    assert best_proposals(card, [ClipAnswer(0.0, 1.0, 0.5)]).shape == (0, 3)
