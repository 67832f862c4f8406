from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from dataclasses import replace  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402

from assay.errors import ConfigError  # noqa: E402
from assay.inputs.clip import ClipInput, prepare_clip, read_clip  # noqa: E402
from assay.inputs.lip_clip import LipClipInput  # noqa: E402
from assay.media.probe import probe  # noqa: E402
from assay.training import clip_data  # noqa: E402
from assay.training.clip_data import (  # noqa: E402
    chosen_records,
    require_apart,
    stored_clips,
    stored_lips,
    trained_on,
)
from assay.training.forgeries.video_forgery import FaceSequence  # noqa: E402
from tests.training.clip_makers import clip_files  # noqa: E402
from tests.training.moving_faces import moving_landmarks  # noqa: E402

RECIPE = ClipInput(size_px=24, n_frames=24)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return clip_files(tmp_path_factory.mktemp("clips"), people=2)


def test_what_is_stored_gives_what_an_examination_cuts(path: Path, tmp_path: Path) -> None:
    manifest = chosen_records(path, "", ())
    clips = stored_clips(manifest, RECIPE, tmp_path)
    assert len(clips) == 8
    clip = clips[2]
    now = read_clip(probe(manifest.path_of(clip.record)), RECIPE, lambda: None)
    then = prepare_clip(list(clip.frames), clip.samples, RECIPE)
    assert np.array_equal(now.frames, then.frames)
    assert np.array_equal(now.mel, then.mel)
    assert now.n_valid == then.n_valid == 20


def test_it_is_decoded_once(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = chosen_records(path, "", ())
    first = stored_clips(manifest, RECIPE, tmp_path)
    monkeypatch.setattr(clip_data, "probe", lambda _: pytest.fail("decoded again"))
    again = stored_clips(manifest, RECIPE, tmp_path)
    assert all(np.array_equal(a.frames, b.frames) for a, b in zip(first, again, strict=True))


def test_a_file_that_cannot_be_read_is_told_and_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = clip_files(tmp_path / "clips", people=2)
    (tmp_path / "clips" / "p1" / "0.mp4").write_bytes(b"no video")
    clips = stored_clips(chosen_records(path, "", ()), RECIPE, tmp_path / "cache")
    assert len(clips) == 7
    assert "1 clips are left out" in capsys.readouterr().out


def test_spans_are_those_of_the_manifest_or_the_whole(path: Path, tmp_path: Path) -> None:
    by_method = {
        clip.record.method: clip.spans
        for clip in stored_clips(chosen_records(path, "", ()), RECIPE, tmp_path)
    }
    assert by_method[""] == ()
    assert [(s.start_s, s.end_s, s.what) for s in by_method["sound_span"]] == [
        (0.24, 0.48, "audio")
    ]
    assert by_method["swapped_sound"][0].what == "audio"
    assert by_method["swapped_sound"][0].end_s > 1000


def test_methods_are_chosen_and_both_labels_are_needed(path: Path) -> None:
    kept = chosen_records(path, "", ("sound_span",)).records
    assert {r.method for r in kept} == {"", "sound_span"}
    assert {r["method"] for r in trained_on(chosen_records(path, "", ()))} >= {"", "swapped_sound"}
    with pytest.raises(ConfigError, match="no forged"):
        chosen_records(path, "", ("nothing",))


def test_a_person_on_both_sides_is_refused(path: Path) -> None:
    manifest = chosen_records(path, "", ())
    require_apart(manifest)
    moved = [replace(r, split="test") if r.path == "p0/1.mp4" else r for r in manifest.records]
    with pytest.raises(ConfigError, match="more than one split"):
        require_apart(manifest.with_records(moved, ""))
    alone = [r for r in manifest.records if r.split == "train"]
    with pytest.raises(ConfigError, match="nothing in its split test"):
        require_apart(manifest.with_records(alone, ""))


def test_mouths_are_stored_of_clips_that_show_a_face(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def follow(rgb: np.ndarray, times_s: np.ndarray) -> FaceSequence:
        mesh = moving_landmarks(len(rgb), 0.12) if rgb[:, 0, 0, 0].std() < 50 else None
        return FaceSequence(rgb, mesh, times_s)

    monkeypatch.setattr(clip_data, "follow_face", follow)
    recipe = LipClipInput(size_px=16, n_frames=16)
    clips = stored_lips(chosen_records(path, "", ()), recipe, tmp_path, most=2)
    assert len(clips) == 8
    assert clips[0].starts == (0, 4)
    assert [m.shape for m in clips[0].mouths] == [(16, 16, 16, 3)] * 2
    assert abs(len(clips[0].samples) - 12800) < 1100
