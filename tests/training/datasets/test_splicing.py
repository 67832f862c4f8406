from __future__ import annotations

import pytest

pytest.importorskip("torch", reason="the train extra is not installed")
pytest.importorskip("cv2", reason="the train extra is not installed")
pytest.importorskip("pyarrow", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from dataclasses import replace  # noqa: E402
from pathlib import Path  # noqa: E402

import numpy as np  # noqa: E402

from assay.errors import InputError, NoFaceError  # noqa: E402
from assay.training.datasets import splicing  # noqa: E402
from assay.training.datasets.spliced_clips_plan import Config, Source  # noqa: E402
from assay.training.datasets.splicing import (  # noqa: E402
    Stretch,
    another_sound,
    moved_sound,
    read_stretch,
    replaced_mouth,
    replaced_sound,
)
from assay.training.forgeries.video_forgery import FaceSequence  # noqa: E402
from tests.training.clip_makers import write_clip  # noqa: E402
from tests.training.moving_faces import face_sequence, moving_landmarks  # noqa: E402
from tests.training.sound_makers import voiced  # noqa: E402

CONFIG = Config(
    seed=1, folders=(), methods=(), test=(), draws={}, seconds=1.0, margin_s=0.3, size_px=64,
    least_face_px=20.0, least_rms=0.001, span_s=(0.2, 0.4), shift_s=(0.1, 0.3),
)  # fmt: skip


def stretch(seed: int = 0) -> Stretch:
    return Stretch(face_sequence(25, seed), voiced(1.6, seed), 4800)


def test_moved_sound_is_the_true_continuation() -> None:
    one = stretch()
    for seed in range(5):
        sound, note = moved_sound(one, CONFIG, np.random.default_rng(seed))
        shift = round(float(note.split()[3]) * 16000)
        assert 1600 <= abs(shift) <= 4800
        assert any(
            np.array_equal(sound, one.wide[4800 + at :][: len(sound)])
            for at in range(shift - 100, shift + 100)
        )


def test_another_persons_sound_is_as_loud() -> None:
    one, other = stretch(), stretch(5)
    sound, _ = another_sound(one, other, CONFIG, np.random.default_rng(0))
    assert sound.shape == one.sound.shape
    assert np.std(sound) == pytest.approx(np.std(one.sound), rel=0.05)
    assert abs(np.corrcoef(sound, one.sound)[0, 1]) < 0.5


@pytest.mark.parametrize("seed", range(4))
def test_sound_is_replaced_in_the_spans_and_nowhere_else(seed: int) -> None:
    one, other = stretch(), stretch(5)
    spans = [(0.2, 0.4), (0.7, 0.9)]
    sound, note = replaced_sound(one, other, spans, CONFIG, np.random.default_rng(seed))
    changed = np.flatnonzero(sound != one.sound) / 16000
    assert note
    assert len(changed) > 3000
    inside = [(changed >= a - 0.001) & (changed <= b + 0.001) for a, b in spans]
    assert (inside[0] | inside[1]).all()
    assert all(part.any() for part in inside)


def test_a_mouth_is_replaced_in_the_spans_and_nowhere_else() -> None:
    one = stretch()
    fake, note = replaced_mouth(one.frames, [(0.2, 0.6)], CONFIG, np.random.default_rng(2))
    apart = np.abs(fake.rgb.astype(int) - one.frames.rgb).sum(axis=(1, 2, 3)) > 0
    assert not apart[:5].any()
    assert not apart[15:].any()
    assert apart[5:15].mean() > 0.6
    assert note.startswith("mouth_in_time")


def source(tmp_path: Path) -> Source:
    write_clip(tmp_path / "a.mp4", 1.7, seed=1, fake=False)
    return Source(tmp_path / "a.mp4", "a.mp4", "a", "train", "", "0123456789", 0.3)


def test_a_stretch_is_cut_around_the_face_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def follow(rgb: np.ndarray, times_s: np.ndarray) -> FaceSequence:
        return FaceSequence(rgb, moving_landmarks(len(rgb), 0.12), times_s)

    monkeypatch.setattr(splicing, "follow_face", follow)
    one = read_stretch(source(tmp_path), CONFIG, tmp_path / "kept")
    assert one.frames.rgb.shape == (25, 64, 64, 3)
    assert len(one.sound) == 16000
    assert len(one.wide) == 16000 + 2 * 4800
    middle = np.nanmean(one.frames.landmarks_px, axis=(0, 1))
    assert np.abs(middle - 32).max() < 12
    with pytest.raises(InputError, match="quiet"):
        read_stretch(source(tmp_path), replace(CONFIG, least_rms=0.9), tmp_path / "kept")
    monkeypatch.setattr(splicing, "_faces", lambda *_: pytest.fail("read again"))
    again = read_stretch(source(tmp_path), CONFIG, tmp_path / "kept")
    assert np.array_equal(one.frames.rgb, again.frames.rgb)


def test_a_small_face_and_none_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(NoFaceError):
        read_stretch(source(tmp_path), CONFIG, tmp_path / "kept")
    monkeypatch.setattr(
        splicing,
        "follow_face",
        lambda rgb, times_s: FaceSequence(rgb, moving_landmarks(len(rgb), 0.05), times_s),
    )
    with pytest.raises(InputError, match="px high only"):
        read_stretch(source(tmp_path), CONFIG, tmp_path / "kept")
