from __future__ import annotations

import io
import time
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from assay.media.container_tags import MAX_READ_BYTES, _BoundedFile, read_container_tags
from assay.media.tags import Tags


def tags_of(path: Path) -> Tags:
    tags = Tags()
    with path.open("rb") as file:
        read_container_tags(file, tags)
    return tags


def film(path: Path) -> Path:
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "A title"
        stream = container.add_stream("libx264", rate=10)
        stream.width = stream.height = 64
        picture = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        for packet in [*stream.encode(picture), *stream.encode()]:
            container.mux(packet)
    return path


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.mov"])
def test_tags_and_encoder_settings(tmp_path: Path, name: str) -> None:
    tags = tags_of(film(tmp_path / name))
    assert tags.texts("title") == ["A title"]
    (settings,) = tags.texts("encoder_settings")
    assert settings.startswith("x264 - core")
    assert "cabac" in settings


def test_a_tag_that_is_no_utf_8_is_read_as_latin_1(tmp_path: Path) -> None:
    path = film(tmp_path / "a.avi")
    raw = path.read_bytes()
    assert raw.count(b"A title") == 1
    path.write_bytes(raw.replace(b"A title", b"Caf\xe9 \xff!"))
    (title,) = tags_of(path).texts("title")
    assert title == "Café ÿ!"
    title.encode()  # no lone surrogate is left that could not be written


def test_sound_without_tags(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16_000)
        sound.writeframes(bytes(3200))
    assert tags_of(path).found == []


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:9/a.ts\n",
        "ffconcat version 1.0\nfile 'other.mp4'\n",
    ],
)
def test_playlists_that_open_other_files_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a.mp4"
    path.write_text(text)
    with pytest.raises((av.FFmpegError, ValueError)):
        tags_of(path)


def test_gigabytes_of_padding_end(tmp_path: Path) -> None:
    path = film(tmp_path / "a.avi")
    with path.open("r+b") as file:
        file.truncate(3 * 2**30)  # sparse: takes no room on disk
    started = time.monotonic()
    assert tags_of(path).texts("title") == ["A title"]
    assert time.monotonic() - started < 15


def test_the_bounded_file_ends() -> None:
    class Endless(io.RawIOBase):
        def read(self, n_bytes: int = -1) -> bytes:
            return bytes(n_bytes)

    file = _BoundedFile(Endless())  # type: ignore[arg-type]
    n_read = sum(len(file.read(2**20)) for _ in range(200))
    assert n_read == MAX_READ_BYTES
