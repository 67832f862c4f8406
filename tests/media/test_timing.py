from __future__ import annotations

import pytest

from assay.media import timing
from assay.media.container import choose_audio, choose_video, open_container
from assay.media.sniff import FORMATS


def of(path, container: str, n_bytes: int | None = None):
    with path.open("rb") as file, open_container(file, FORMATS[container]) as opened:
        stream = choose_video(opened)
        return timing.video_timing(opened, stream, n_bytes or path.stat().st_size)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_index_and_packets_agree(make_video, name):
    found = of(make_video(name, n=50), {"a.mp4": "mp4", "a.mkv": "matroska"}[name])
    assert (found.n_frames, found.is_variable) == (50, False)
    assert found.duration_s == pytest.approx(2.0, abs=0.01)
    assert found.fps == pytest.approx(25.0)


def test_only_frames_whose_bytes_are_there_count(make_video):
    path = make_video(n=50)
    assert (of(path, "mp4", path.stat().st_size // 2).n_frames or 0) < 50


def test_a_large_file_is_not_read_through(make_video, monkeypatch):
    path = make_video("a.mkv", n=50)
    monkeypatch.setattr(timing, "SCANNED_BYTES", 10)
    monkeypatch.setattr(timing, "_packets", lambda *_: pytest.fail("packets were read"))
    found = of(path, "matroska")
    assert found.duration_s == pytest.approx(2.0, abs=0.05)
    assert found.n_frames == pytest.approx(50, abs=1)


def test_a_recording_without_a_duration_is_counted(make_video):
    """As browsers write WebM: live, so that nothing is filled in at the end."""
    path = make_video("a.webm", "libvpx", 50, container_options={"live": "1"})
    found = of(path, "webm")
    assert found.n_frames == 50
    assert found.duration_s == pytest.approx(2.0, abs=0.05)


@pytest.mark.parametrize(
    ("ticks", "variable"),
    [
        (list(range(40)), False),
        ([i * 2 for i in range(40)], False),
        ([i + 10 * (i > 20) for i in range(40)], True),
        ([i * (i + 1) // 2 for i in range(40)], True),
    ],
)
def test_variable(make_video, ticks, variable):
    found = of(make_video(n=40, ticks=ticks), "mp4")
    assert found.is_variable == variable
    assert ticks[-1] / 25 <= found.duration_s < ticks[-1] / 25 * 1.1


def test_sound_that_says_nothing_is_counted(make_sound):
    path = make_sound("a.aac", "aac", seconds=3.0)
    with path.open("rb") as file, open_container(file, FORMATS["aac"]) as opened:
        stream = choose_audio(opened)
        seconds = timing.sound_duration_s(opened, stream, path.stat().st_size, distrust=True)
    assert seconds == pytest.approx(3.0, abs=0.1)
