from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("imagehash", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.training.datasets.looking import Look, Seen, as_row, look, of_row  # noqa: E402
from assay.training.datasets.opening import sha256_of_item  # noqa: E402
from assay.training.datasets.records import Bytes  # noqa: E402
from tests.real_faces import textured  # noqa: E402
from tests.training.datasets.media_sets import EXAMPLES, face, write_video  # noqa: E402


def write_wave(path: Path, samples: np.ndarray, rate_hz: int = 16000) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes((samples * 32767).astype("<i2").tobytes())


def test_a_picture_is_read_whole_and_measured(tmp_path: Path) -> None:
    rgb = textured(120, 160)
    Image.fromarray(rgb).save(tmp_path / "a.jpg", quality=75)
    seen = look(Look(tmp_path / "a.jpg", "image"))
    assert (seen.problem, seen.kind, seen.container, seen.jpeg_quality) == ("", "image", "jpeg", 75)
    assert (seen.width_px, seen.height_px) == (160, 120)
    assert seen.sha256 == sha256_of_item(tmp_path / "a.jpg", "image")
    assert len(seen.codes) == 1
    assert seen.bits_per_pixel == pytest.approx(
        (tmp_path / "a.jpg").stat().st_size * 8 / (160 * 120)
    )
    blurred = np.asarray(Image.fromarray(rgb).resize((40, 30)).resize((160, 120)))
    Image.fromarray(blurred).save(tmp_path / "b.png")
    soft = look(Look(tmp_path / "b.png", "image"))
    assert soft.sharpness is not None
    assert seen.sharpness is not None
    assert soft.sharpness < seen.sharpness - 1
    assert soft.jpeg_quality is None


def test_a_picture_that_ends_early_is_a_problem(tmp_path: Path) -> None:
    Image.fromarray(textured(300, 300)).save(tmp_path / "a.jpg", quality=90)
    whole = (tmp_path / "a.jpg").read_bytes()
    (tmp_path / "a.jpg").write_bytes(whole[: len(whole) * 3 // 4])
    assert look(Look(tmp_path / "a.jpg", "image")).problem.startswith("media_damaged")


def test_a_video_that_ends_early_is_a_problem(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", [textured(64, 64, seed) for seed in range(20)])
    seen = look(Look(tmp_path / "a.mp4", "video"))
    assert (seen.problem, seen.kind, len(seen.codes)) == ("", "video", 3)
    assert seen.duration_s == pytest.approx(4.0)
    whole = (tmp_path / "a.mp4").read_bytes()
    (tmp_path / "b.mp4").write_bytes(whole[: len(whole) // 2])
    assert look(Look(tmp_path / "b.mp4", "video")).problem


def test_sound_is_measured(tmp_path: Path) -> None:
    times_s = np.arange(16000) / 16000
    tone = 0.5 * np.sin(2 * np.pi * 1000 * times_s)
    write_wave(tmp_path / "a.wav", np.r_[np.zeros(8000), tone])
    seen = look(Look(tmp_path / "a.wav", "audio"))
    assert (seen.problem, seen.kind, seen.sample_rate_hz) == ("", "audio", 16000)
    assert seen.leading_silence_s == pytest.approx(0.5, abs=0.03)
    assert seen.loudness_db == pytest.approx(10 * np.log10(0.125 * 2 / 3), abs=0.1)
    assert seen.bandwidth_hz is not None
    assert 900 < seen.bandwidth_hz < 2000
    write_wave(tmp_path / "b.wav", np.zeros(16000))
    silent = look(Look(tmp_path / "b.wav", "audio"))
    assert silent.leading_silence_s is None
    assert silent.sound_code == ""


def test_the_manifest_and_the_bytes_may_differ() -> None:
    seen = look(Look(EXAMPLES / "kennedy.flac", "image"))
    assert seen.problem.startswith("wrong_kind")
    assert seen.sha256


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    seen = look(Look(tmp_path / "gone.png", "image"))
    assert seen.missing
    assert seen.sha256 == ""
    assert look(Look(tmp_path, "image")).problem


def test_folders_of_pictures_are_one_item(tmp_path: Path) -> None:
    (tmp_path / "clip").mkdir()
    for k in range(5):
        Image.fromarray(textured(64, 64, k)).save(tmp_path / "clip" / f"{k}.png")
    seen = look(Look(tmp_path / "clip", "frames"))
    assert (seen.problem, seen.container, seen.duration_s) == ("", "png", 0.2)
    (tmp_path / "clip" / "4.png").write_bytes((tmp_path / "clip" / "4.png").read_bytes()[:200])
    assert look(Look(tmp_path / "clip", "frames")).problem.startswith("media_damaged")


def test_parts_of_packed_files_are_items(tmp_path: Path) -> None:
    Image.fromarray(face()).save(tmp_path / "a.png")
    inside = (tmp_path / "a.png").read_bytes()
    (tmp_path / "all.rec").write_bytes(b"x" * 7 + inside)
    seen = look(Look(tmp_path / "all.rec", "image", Bytes(7, len(inside))))
    assert seen == look(Look(tmp_path / "a.png", "image"))


def test_what_was_seen_comes_back_from_json() -> None:
    seen = look(Look(EXAMPLES / "astronaut.jpg", "image"))
    assert of_row(as_row(seen)) == seen
    assert of_row(as_row(Seen(problem="file_missing: gone"))).missing
    with pytest.raises(TypeError):
        of_row({"what": 1})
