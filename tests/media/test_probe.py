from __future__ import annotations

import hashlib
import os
import socket
import zipfile
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from assay.errors import (
    DamagedMediaError,
    EmptyFileError,
    EncryptedMediaError,
    MissingFileError,
    NotAFileError,
    UnreadableError,
    UnsupportedMediaError,
)
from assay.media import files
from assay.media.image import read_image
from assay.media.probe import probe
from tests.media.makers import numbered, picture


def save(path: Path, **options) -> Path:
    picture().save(path, **options)
    return path


def test_hash_size_and_name(tmp_path):
    path = save(tmp_path / "a.png")
    media = probe(path)
    assert media.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (media.n_bytes, media.name, media.path) == (path.stat().st_size, "a.png", str(path))
    assert probe(str(path)) == media


def test_missing(tmp_path):
    with pytest.raises(MissingFileError, match=r"gone\.jpg"):
        probe(tmp_path / "gone.jpg")
    with pytest.raises(MissingFileError):
        probe(tmp_path / "x" / "y.jpg")
    with pytest.raises(MissingFileError):
        probe(tmp_path / ("n" * 300))
    with pytest.raises(MissingFileError):
        probe("a\0b.jpg")
    with pytest.raises(MissingFileError):
        probe(save(tmp_path / "f.png") / "inside.png")


def test_a_link_into_nothing_and_a_ring_of_links(tmp_path):
    (tmp_path / "dangling").symlink_to(tmp_path / "nothing")
    (tmp_path / "ring").symlink_to(tmp_path / "ring")
    for name in ("dangling", "ring"):
        with pytest.raises(MissingFileError):
            probe(tmp_path / name)


def test_directory(tmp_path):
    with pytest.raises(NotAFileError, match="a directory"):
        probe(tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes are a thing of Unix")
def test_a_pipe_without_a_writer_does_not_hang(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(NotAFileError, match="a named pipe"):
        probe(tmp_path / "pipe.mp4")


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="needs Unix sockets")
def test_socket(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s.jpg")
        with pytest.raises(NotAFileError, match="a socket"):
            probe("s.jpg")


@pytest.mark.skipif(not os.path.exists("/dev/null"), reason="needs /dev/null")
def test_device():
    with pytest.raises(NotAFileError, match="a device"):
        probe("/dev/null")


def test_a_pipe_put_in_the_place_of_a_file_is_seen(tmp_path, monkeypatch):
    """Between looking and opening the path may change: what was opened is looked at again."""
    os.mkfifo(tmp_path / "a.png")
    save(tmp_path / "b.png")
    regular = os.stat(tmp_path / "b.png")
    monkeypatch.setattr(files.os, "stat", lambda path: regular)
    with pytest.raises(NotAFileError):
        probe(tmp_path / "a.png")


def test_unreadable(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png")
    if os.geteuid() == 0:  # root may read everything: the system's answer is put in by hand

        def refuse(*_: object) -> int:
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(files.os, "open", refuse)
    path.chmod(0)
    with pytest.raises(UnreadableError, match="may not be read"):
        probe(path)


def test_empty(tmp_path):
    (tmp_path / "a.mp4").touch()
    with pytest.raises(EmptyFileError):
        probe(tmp_path / "a.mp4")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"just words\n" * 500, "no picture"),
        (b"\0" * 5000, "no picture"),
        (b"x", "no picture"),
        (b"%PDF-1.7\n1 0 obj /Encrypt", "PDF"),
        (b"#EXTM3U\n#EXTINF:1,\nhttp://192.0.2.1/a.ts\n", "playlist"),
        (b"ffconcat version 1.0\nfile /etc/passwd\n", "no picture"),
        (b"<?xml version='1.0'?><MPD></MPD>", "no picture"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no picture"),
    ],
)
def test_unsupported(tmp_path, content, said):
    for name in ("a.mp4", "a.jpg", "a"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UnsupportedMediaError, match=said):
            probe(tmp_path / name)


def test_an_archive(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.txt", "text")
    with pytest.raises(UnsupportedMediaError, match="zip"):
        probe(tmp_path / "a.zip")


def test_random_bytes_never_raise_anything_else(tmp_path):
    rng = np.random.default_rng(0)
    for number in range(60):
        (tmp_path / "a").write_bytes(rng.integers(0, 255, 3000, dtype=np.uint8).tobytes())
        with pytest.raises((UnsupportedMediaError, DamagedMediaError)):
            probe(tmp_path / "a")
        assert number >= 0


_HEADS = {
    "jpeg": b"\xff\xd8\xff\xe0", "png": b"\x89PNG\r\n\x1a\n", "gif": b"GIF89a", "tiff": b"II*\0",
    "webp": b"RIFF\xff\0\0\0WEBP", "bmp": b"BM" + bytes(12) + b"\x28\0\0\0",
    "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "avif": b"\0\0\0\x18ftypavif\0\0\0\0mif1avif",
    "mp4": b"\0\0\0\x18ftypisom\0\0\0\0isommp42", "mov": b"\0\0\0\x08wide",
    "matroska": b"\x1aE\xdf\xa3\x84\x42\x86\x81\x01", "avi": b"RIFF\xff\0\0\0AVI ",
    "wav": b"RIFF\xff\0\0\0WAVE", "flac": b"fLaC", "ogg": b"OggS", "mpeg": b"\0\0\x01\xba",
    "mpegvideo": b"\0\0\x01\xb3", "mp3": b"\xff\xfb\x90\x00", "id3": b"ID3\4\0\0\0\0\0\0",
    "aac": b"\xff\xf1\x50\x80", "flv": b"FLV\x01", "ts": b"G" + bytes(187) + b"G" + bytes(187),
    "asf": b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "aiff": b"FORM\0\0\1\0AIFF",
}  # fmt: skip


@pytest.mark.parametrize("kind", _HEADS)
@pytest.mark.parametrize("tail", [b"", b"\0" * 3000, b"\xff" * 3000])
def test_a_known_head_on_rubbish_is_refused(tmp_path, capfd, kind, tail):
    (tmp_path / "a").write_bytes(_HEADS[kind] + tail)
    with pytest.raises((DamagedMediaError, UnsupportedMediaError)):
        read_image(probe(tmp_path / "a"), 10.0)
    assert capfd.readouterr() == ("", "")


def test_mislabelled(tmp_path, make_video):
    save(tmp_path / "a.png").rename(tmp_path / "a.jpg")
    media = probe(tmp_path / "a.jpg")
    assert (media.media_type, media.notes) == ("image/png", ("extension_mismatch",))
    make_video().rename(tmp_path / "b.JPG")
    media = probe(tmp_path / "b.JPG")
    assert (media.kind, "extension_mismatch" in media.notes) == ("video", True)
    for name in ("c.JPEG", "c", "c.orig"):
        picture().save(tmp_path / name, "JPEG")
        assert probe(tmp_path / name).notes == ()


def test_encrypted(make_video):
    options = {
        "encryption_scheme": "cenc-aes-ctr",
        "encryption_key": "00112233445566778899aabbccddeeff",
        "encryption_kid": "00112233445566778899aabbccddee00",
    }
    with pytest.raises(EncryptedMediaError):
        probe(make_video(container_options=options))


def test_an_mp4_that_lost_its_index(make_video):
    path = make_video(n=50)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(DamagedMediaError):
        probe(path)


def test_zero_frames(tmp_path):
    """Containers that declare a track and hold nothing in it."""
    for name, codec in (("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.avi", "mpeg4")):
        path = tmp_path / name
        with av.open(str(path), "w") as container:
            stream = container.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
            container.start_encoding()
        with pytest.raises(DamagedMediaError):
            probe(path)


def test_a_container_with_sound_only_is_sound(make_sound):
    media = probe(make_sound("a.mp4", "aac"))
    assert (media.kind, media.media_type, media.codec) == ("audio", "audio/mp4", "aac")
    assert probe(make_sound("a.webm", "libopus")).media_type == "audio/webm"


def test_sound_with_cover_art_is_sound(tmp_path):
    from tests.media.makers import encode_tone

    for name, codec, muxer in (("a.mp3", "libmp3lame", "mp3"), ("a.m4a", "aac", "mp4")):
        path = tmp_path / name
        with av.open(str(path), "w", format=muxer) as container:
            sound = container.add_stream(codec, rate=48000)
            cover = container.add_stream("mjpeg", rate=1)
            cover.width, cover.height, cover.pix_fmt = 192, 128, "yuvj420p"
            cover.disposition = av.stream.Disposition.attached_pic
            frame = av.VideoFrame.from_ndarray(numbered(1), format="rgb24")
            container.mux(cover.encode(frame.reformat(format="yuvj420p")))
            encode_tone(container, sound, 1.0, 48000)
        media = probe(path)
        assert (media.kind, media.sample_rate_hz) == ("audio", 48000)
        assert media.duration_s == pytest.approx(1.0, abs=0.1)


def test_a_gif_of_one_and_of_several_pictures(tmp_path):
    pictures = [Image.fromarray(numbered(i)) for i in range(4)]
    pictures[0].save(tmp_path / "one.gif")
    pictures[0].save(
        tmp_path / "four.gif", save_all=True, append_images=pictures[1:], duration=[40, 40, 40, 400]
    )
    one, four = probe(tmp_path / "one.gif"), probe(tmp_path / "four.gif")
    assert (one.kind, one.n_frames) == ("image", 1)
    assert (four.kind, four.n_frames, four.size_px) == ("video", 4, (192, 128))
    assert four.duration_s == pytest.approx(0.52)
    assert {"animated", "no_audio", "variable_frame_rate"} <= set(four.notes)


@pytest.mark.parametrize(
    "name", ["été 写真 🙂.png", "line\nbreak.png", "n" * 251 + ".png", "-rf.png", "http:x.png", " "]
)
def test_odd_names(tmp_path, name):
    save(tmp_path / "plain.png").rename(tmp_path / name)
    media = probe(tmp_path / name)
    assert media.name == name
    assert read_image(media, 1.0).rgb.shape == (120, 160, 3)


@pytest.mark.skipif(os.name == "nt", reason="names are bytes on Unix only")
def test_a_name_that_is_not_unicode(tmp_path):
    odd = os.path.join(os.fsencode(tmp_path), b"\xff\xfe.png")
    save(tmp_path / "plain.png").rename(os.fsdecode(odd))
    media = probe(os.fsdecode(odd))
    assert os.fsencode(media.name) == b"\xff\xfe.png"
    assert read_image(media, 1.0).rgb.shape == (120, 160, 3)
    os.unlink(odd)
    with pytest.raises(MissingFileError) as error:
        probe(os.fsdecode(odd))
    str(error.value).encode("utf-8")


def test_a_video_with_an_odd_name(make_video, tmp_path):
    path = make_video().rename(tmp_path / "concat:a\n|\udcff.mp4")
    assert probe(path).kind == "video"


def test_a_movie_that_refers_to_another_file_opens_none(make_video, tmp_path):
    """A data reference (dref) to a path is no way to read that path."""
    path = make_video()
    data = path.read_bytes()
    at = data.index(b"url ") + 4
    assert data[at : at + 4] == b"\0\0\0\1"
    path.write_bytes(data[:at] + b"\0\0\0\0" + data[at + 4 :])
    try:
        media = probe(path)
    except DamagedMediaError:
        return
    assert media.n_bytes == len(data)
