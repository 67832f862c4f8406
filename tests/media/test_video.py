from __future__ import annotations

import os
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from assay.errors import DamagedMediaError, TimeLimitError, TooLargeError
from assay.media import video
from assay.media.probe import probe
from assay.media.sampling import frame_times
from assay.media.video import as_rgb, read_frames
from assay.types import Frame, Media
from tests.media.makers import number_of, numbered, rotated_mp4


def no_limit() -> None:
    """A check that never ends the time."""


def read(media: Media, n: int = 1000) -> list[Frame]:
    return list(read_frames(media, frame_times(media, n, None), no_limit))


def numbers(frames: list[Frame]) -> list[int]:
    return [number_of(frame.rgb) for frame in frames]


CONTAINERS = [
    ("a.mp4", "libx264", {}, "video/mp4"),
    ("a.mov", "libx264", {}, "video/quicktime"),
    ("h.mp4", "libx265", {"options": {"x265-params": "log-level=none"}}, "video/mp4"),
    ("f.mp4", "libx264", {"container_options": {"movflags": "frag_keyframe+empty_moov"}},
     "video/mp4"),
    ("a.webm", "libvpx", {"options": {"deadline": "realtime"}}, "video/webm"),
    ("9.webm", "libvpx-vp9", {"options": {"deadline": "realtime", "cpu-used": "8"}}, "video/webm"),
    ("a.mkv", "libx264", {}, "video/x-matroska"),
    ("j.mkv", "mjpeg", {"pixels": "yuvj420p"}, "video/x-matroska"),
    ("a.avi", "mpeg4", {}, "video/x-msvideo"),
    ("x.avi", "libx264", {}, "video/x-msvideo"),
    ("a.mpg", "mpeg2video", {}, "video/mpeg"),
    ("1.mpg", "mpeg1video", {}, "video/mpeg"),
    ("a.m2v", "mpeg2video", {"muxer": "mpeg2video"}, "video/mpeg"),
    ("a.ts", "libx264", {}, "video/mp2t"),
    ("a.flv", "libx264", {}, "video/x-flv"),
    ("a.wmv", "wmv2", {}, "video/x-ms-wmv"),
    ("a.gif", "gif", {"pixels": "rgb8"}, "image/gif"),
    ("a.apng", "apng", {"pixels": "rgb24"}, "image/png"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "codec", "how", "media_type"), CONTAINERS)
def test_each_container_by_content(make_video, tmp_path, name, codec, how, media_type):
    """Every frame is found, in order, once, at its own time, whatever the file is called."""
    path = make_video(name, codec, 30, **how).rename(tmp_path / "unnamed")
    media = probe(path)
    assert (media.kind, media.media_type) == ("video", media_type)
    assert media.size_px == (192, 128)
    assert media.n_frames == 30
    assert media.duration_s == pytest.approx(1.2, abs=0.03)
    assert media.fps == pytest.approx(25, abs=0.3)
    assert "no_audio" in media.notes
    assert not {"truncated", "variable_frame_rate", "extension_mismatch"} & set(media.notes)
    frames = read(media)
    assert numbers(frames) == list(range(30))
    assert [f.index for f in frames] == list(range(30))
    assert [f.time_s for f in frames] == pytest.approx([i / 25 for i in range(30)], abs=0.03)


@pytest.mark.parametrize(("name", "codec", "how", "media_type"), CONTAINERS)
def test_wanted_frames_only(make_video, name, codec, how, media_type):
    media = probe(make_video(name, codec, 30, **how))
    assert numbers(list(read_frames(media, (0.2, 0.48, 1.0), no_limit))) == [5, 12, 25]


def test_animated_webp_and_avif(tmp_path):
    from PIL import Image

    pictures = [Image.fromarray(numbered(i)) for i in range(6)]
    for name in ("a.webp", "a.avif"):
        path = tmp_path / name
        pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=50)
        media = probe(path)
        assert (media.kind, media.n_frames) == ("video", 6)
        assert media.duration_s == pytest.approx(0.3)
        assert numbers(read(media)) == list(range(6))


def test_one_frame_is_still_a_video(make_video):
    media = probe(make_video(n=1))
    assert (media.kind, media.n_frames) == ("video", 1)
    frames = read(media, 32)
    assert numbers(frames) == [0]
    assert frames[0].time_s == 0.0


@pytest.mark.parametrize("key_every", [1, 25, 1000])
@pytest.mark.parametrize(
    ("name", "codec", "how"),
    [
        ("a.mp4", "libx264", {"bf": "2"}),
        ("open.mp4", "libx264", {"x264-params": "open-gop=1:bframes=3"}),
        ("a.mkv", "libx264", {}),
        ("a.mpg", "mpeg2video", {"bf": "2"}),
        ("a.ts", "libx264", {}),
        ("a.avi", "mpeg4", {"bf": "2"}),
        ("f.mp4", "libx264", {}),
    ],
)
def test_jumping_finds_the_same_frames(make_video, monkeypatch, name, codec, how, key_every):
    """Frames reached by key frames equal, byte for byte, those of decoding everything."""
    extra = {"movflags": "frag_keyframe+empty_moov"} if name == "f.mp4" else {}
    path = make_video(
        name, codec, 400, options=how | {"g": str(key_every)}, container_options=extra
    )
    media = probe(path)
    times = (0.4, 4.0, 9.0, 9.04, 15.2)
    jumped = list(read_frames(media, times, no_limit))
    slack = 1 if name == "a.mpg" else 0  # which times its packets, not its frames
    assert np.abs(np.subtract(numbers(jumped), [10, 100, 225, 226, 380])).max() <= slack
    monkeypatch.setattr(video, "_DROPPABLE", set())
    monkeypatch.setattr(video._Reading, "_is_worth_a_jump", lambda self, wanted_s: False)
    plain = list(read_frames(media, times, no_limit))
    assert all(np.array_equal(a.rgb, b.rgb) for a, b in zip(jumped, plain, strict=True))


def test_a_jump_leaves_the_rest_undecoded(make_video, monkeypatch):
    """With key frames every second, five moments of a minute cost far fewer packets than all."""
    media = probe(make_video(n=1500, options={"g": "25"}, size_px=(96, 64)))
    checks: list[int] = []
    list(read_frames(media, (5.0, 20.0, 35.0, 50.0), lambda: checks.append(1)))
    assert len(checks) < 4 * 40


def test_variable_frame_rate_goes_by_time(make_video):
    ticks = [i if i < 10 else 10 + (i - 10) * 4 for i in range(20)]
    media = probe(make_video(n=20, ticks=ticks, rate=25))
    assert "variable_frame_rate" in media.notes
    assert media.n_frames == 20
    frames = list(read_frames(media, (0.2, 0.5, 1.0), no_limit))
    assert numbers(frames) == [5, 11, 14]
    assert [f.time_s for f in frames] == pytest.approx([0.2, 0.56, 1.04], abs=0.01)


@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_rotation_is_applied(make_video, tmp_path, quarter_turns):
    upright = read(probe(make_video(n=3)), 1)[0].rgb
    path = tmp_path / "turned.mp4"
    path.write_bytes(rotated_mp4((tmp_path / "clip.mp4").read_bytes(), quarter_turns))
    media = probe(path)
    assert media.rotation_deg == 90 * quarter_turns
    assert "rotated" in media.notes
    rgb = read(media, 1)[0].rgb
    assert np.array_equal(rgb, np.rot90(upright, -quarter_turns))
    assert media.size_px == (rgb.shape[1], rgb.shape[0])


def test_ten_bits_and_colour(make_video):
    """The matrix that the file names is used; ten bits come out as eight."""
    path = make_video(
        "ten.mp4",
        "libx265",
        3,
        pixels="yuv420p10le",
        options={"x265-params": "log-level=none:qp=4"},
    )
    frame = read(probe(path), 1)[0].rgb
    assert np.abs(frame[40:].astype(int) - numbered(0)[40:]).mean() < 3


@pytest.mark.parametrize(("code", "matrix"), [(1, "ITU709"), (5, "ITU601")])
def test_the_matrix_a_frame_names_is_undone(code, matrix):
    rgb = np.full((64, 64, 3), (200, 60, 30), np.uint8)
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
    frame = frame.reformat(format="yuv444p", dst_colorspace=matrix)
    frame.colorspace = code
    assert np.abs(as_rgb(frame).astype(int) - rgb).max() <= 3


def test_alpha_over_white():
    rgba = np.zeros((16, 16, 4), np.uint8)
    rgba[:, :8, 3] = 255
    rgb = as_rgb(av.VideoFrame.from_ndarray(rgba, format="rgba"))
    assert rgb[0, 0].tolist() == [0, 0, 0]
    assert rgb[0, 12].tolist() == [255, 255, 255]


def test_pictures_begin_at_the_files_start_together_with_the_sound(make_video):
    media = probe(make_video("a.ts", sound="aac"))
    assert media.audio_codec == "aac"
    assert "no_audio" not in media.notes
    assert read(media, 1)[0].time_s == pytest.approx(0.6, abs=0.05)
    found = numbers(read(media))
    assert sorted(set(found)) == found
    assert len(found) >= 28


def damage(path: Path, start: float, stop: float) -> None:
    data = bytearray(path.read_bytes())
    rng = np.random.default_rng(0)
    at, end = int(len(data) * start), int(len(data) * stop)
    data[at:end] = rng.integers(0, 255, end - at, dtype=np.uint8).tobytes()
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts", "a.avi"])
def test_a_damaged_middle_is_passed_over(make_video, name):
    path = make_video(name, "libx264" if name != "a.avi" else "mpeg4", 200, options={"g": "20"})
    damage(path, 0.4, 0.5)
    found = numbers(list(read_frames(probe(path), (0.2, 0.6, 7.0, 7.6), no_limit)))
    assert found == [5, 15, 175, 190]


def test_all_damaged(make_video):
    path = make_video(n=60)
    data = path.read_bytes()
    start, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    path.write_bytes(data[:start] + bytes(end - start) + data[end:])
    media = probe(path)
    assert "damaged_start" in media.notes
    with pytest.raises(DamagedMediaError, match="No frame"):
        read(media, 4)


def test_truncated_with_its_index_in_front(make_video):
    """The header promises eight seconds; what is left is sampled evenly."""
    path = make_video(n=200, options={"g": "20"}, container_options={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])
    media = probe(path)
    assert "truncated" in media.notes
    assert 80 < (media.n_frames or 0) < 150
    assert media.duration_s == pytest.approx((media.n_frames or 0) / 25, abs=0.1)
    assert len(read(media, 16)) == 16


@pytest.mark.parametrize("name", ["a.mkv", "a.avi", "a.mpg"])
def test_truncated_others(make_video, name):
    codec = {"a.mkv": "libx264", "a.avi": "mpeg4", "a.mpg": "mpeg2video"}[name]
    path = make_video(name, codec, 200, options={"g": "20"})
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * 0.6)])
    media = probe(path)
    assert ("truncated" in media.notes) == (name != "a.mpg")
    assert len(read(media, 16)) == 16


def test_a_header_that_lies_about_the_duration(make_video):
    media = probe(make_video("a.mkv", n=50))
    long = Media(**{f: getattr(media, f) for f in media.__slots__} | {"duration_s": 7200.0})
    assert numbers(list(read_frames(long, (600.0, 3600.0), no_limit))) == [49]


def test_unknown_duration(make_video):
    media = probe(make_video("a.mkv", n=100))
    fields = {f: getattr(media, f) for f in media.__slots__}
    unknown = Media(**fields | {"duration_s": None, "n_frames": None, "fps": None})
    assert numbers(read(unknown, 3)) == [0, 25, 50]


def test_the_time_limit_is_looked_at(make_video):
    def late() -> None:
        raise TimeLimitError("late")

    with pytest.raises(TimeLimitError):
        list(read_frames(probe(make_video()), (0.5,), late))


def test_a_video_bomb(make_video):
    """A key frame of VP8 that states 16383 x 16383 pixels."""
    path = make_video("a.webm", "libvpx", 2)
    data = path.read_bytes()
    at = data.index(b"\x9d\x01\x2a") + 3
    path.write_bytes(data[:at] + b"\xff\x3f\xff\x3f" + data[at + 4 :])
    with pytest.raises((TooLargeError, DamagedMediaError)):
        read(probe(path), 1)


def test_frames_are_decoded_as_they_are_asked_for(make_video):
    frames = read_frames(probe(make_video(n=200, options={"g": "10"})), (0.0, 7.0), no_limit)
    assert number_of(next(frames).rgb) == 0
    frames.close()  # type: ignore[attr-defined]


def test_nothing_is_printed(make_video, capfd):
    path = make_video(n=60, options={"x264-params": "log-level=none"})
    damage(path, 0.3, 0.5)
    capfd.readouterr()
    read(probe(path), 8)
    assert capfd.readouterr() == ("", "")


# ru_maxrss would do as well, were it not handed down from the process that starts this one.
_MEASURE = r"""
import re, sys, time
from assay.media.probe import probe
from assay.media.sampling import frame_times
from assay.media.video import read_frames
began = time.monotonic()
media = probe(sys.argv[1])
probed = time.monotonic()
n = sum(1 for _ in read_frames(media, frame_times(media, 32, None), lambda: None))
peak_mb = int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1]) / 1024
print(n, round(media.duration_s), round(peak_mb), probed - began, time.monotonic() - probed)
"""


def long_video(path: Path, size_px: tuple[int, int], seconds: int, key_every: int, rate: int = 24):
    """Hours in seconds: one group of pictures is encoded once and its packets are repeated."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = *size_px, "yuv420p"
        stream.options = {"g": str(key_every), "preset": "ultrafast", "bf": "0"}
        rgb = numbered(5, size_px)  # smooth, so that a key frame has a few kilobytes
        packets = []
        for number in range(key_every):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, rate)
            packets += stream.encode(frame)
        packets += stream.encode(None)
        steps = [(bytes(p), p.is_keyframe) for p in packets]
        for number in range(seconds * rate):
            data, is_key = steps[number % key_every]
            packet = av.Packet(data)
            packet.stream, packet.pts, packet.dts = stream, number, number
            packet.time_base, packet.is_keyframe = Fraction(1, rate), is_key
            container.mux(packet)
    return path


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")
@pytest.mark.parametrize(
    ("name", "seconds", "key_every"),
    [("long.mp4", 7200, 120), ("long.mkv", 7200, 120), ("keys.mp4", 600, 1)],
)
def test_a_long_4k_video_stays_under_one_gigabyte(tmp_path, name, seconds, key_every):
    path = long_video(tmp_path / name, (3840, 2160), seconds, key_every)
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    began = time.monotonic()
    run = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(path)],
        capture_output=True, text=True, env=environment, check=True, timeout=300,
    )  # fmt: skip
    n, duration_s, peak_mb, probe_s, read_s = (float(v) for v in run.stdout.split())
    print(f"{name}: {path.stat().st_size >> 20} MiB, {peak_mb:.0f} MB at most, probe {probe_s:.1f}",
          f"s, 32 frames {read_s:.1f} s, all {time.monotonic() - began:.1f} s")  # fmt: skip
    assert (n, duration_s) == (32, seconds)
    assert peak_mb < 1000
