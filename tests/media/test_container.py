from __future__ import annotations

from typing import Any

import av
import pytest

from assay.errors import DamagedMediaError
from assay.media.container import (
    choose_audio,
    choose_video,
    open_container,
    start_s,
    undecodable_text,
)
from assay.media.sniff import FORMATS
from tests.media.makers import encode_tone, numbered


def two_tracks(path, sizes):
    """One frame of each size, each in a track of its own."""
    with av.open(str(path), "w") as container:
        streams = []
        for width, height in sizes:
            stream = container.add_stream("libx264", rate=25)
            stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
            stream.disposition = 0
            streams.append(stream)
        sound = container.add_stream("aac", rate=48000)
        for stream, size in zip(streams, sizes, strict=True):
            frame = av.VideoFrame.from_ndarray(numbered(0, size), format="rgb24")
            frame.pts = 0
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
            container.mux(stream.encode(None))
        encode_tone(container, sound, 0.2, 48000)
    return path


def test_the_largest_of_several_tracks(tmp_path):
    path = two_tracks(tmp_path / "a.mkv", [(96, 64), (192, 128)])
    with path.open("rb") as file, open_container(file, FORMATS["matroska"]) as container:
        assert (choose_video(container).width, choose_audio(container).rate) == (192, 48000)


def test_sound_only(make_sound):
    path = make_sound("a.flac", "flac")
    with path.open("rb") as file, open_container(file, FORMATS["flac"]) as container:
        assert choose_video(container) is None
        assert start_s(container) == 0.0


def test_pictures_far_behind_the_sound_set_the_clock(make_video):
    """Else all sampled times would lie before the first frame."""
    path = make_video("a.mkv", n=10, ticks=[500 + i for i in range(10)], sound="libopus")
    with path.open("rb") as file, open_container(file, FORMATS["matroska"]) as container:
        assert start_s(container) == pytest.approx(20.0, abs=0.05)


def test_a_playlist_is_never_followed(tmp_path):
    """Even when it is handed to the demuxer of a movie."""
    (tmp_path / "secret.mp4").write_bytes(b"secret")
    path = tmp_path / "a.mp4"
    path.write_bytes(b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.mp4\n")
    with (
        path.open("rb") as file,
        pytest.raises(DamagedMediaError),
        open_container(file, FORMATS["mp4"]),
    ):
        raise AssertionError("it was opened")


@pytest.mark.parametrize(
    ("version", "told"), [("14.0.0", True), ("18.1.0", True), ("19.0.2", False)]
)
def test_each_pyav_is_given_only_what_it_takes(
    monkeypatch: pytest.MonkeyPatch, version: str, told: bool
) -> None:
    monkeypatch.setattr(av, "__version__", version)
    assert (undecodable_text() == {"metadata_errors": "surrogateescape"}) is told


def test_a_file_with_a_tag_that_is_no_utf_8_opens(make_sound: Any) -> None:
    path = make_sound("a.wav", "pcm_s16le")
    raw = path.read_bytes()
    chunk = b"INFOINAM" + (6).to_bytes(4, "little") + b"Caf\xe9\xff\x00"
    path.write_bytes(raw + b"LIST" + len(chunk).to_bytes(4, "little") + chunk)
    with path.open("rb") as file, open_container(file, FORMATS["wav"]) as container:
        assert container.metadata["title"].encode("utf-8", "surrogateescape") == b"Caf\xe9\xff"
