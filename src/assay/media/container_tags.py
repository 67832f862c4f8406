"""Read the tags of video and sound files, and what the encoders wrote into the streams."""

from __future__ import annotations

import re
import time
from typing import Any, BinaryIO

from assay.media.container import undecodable_text
from assay.media.tag_text import decode
from assay.media.tags import Tags
from assay.media.xmp import read_xmp

# Demuxers that open other files or addresses (HLS, DASH, concat, image2) are left out on purpose.
FORMATS = (
    "mov,mp4,m4a,matroska,webm,avi,asf,flv,mpeg,mpegts,mpegvideo,mp3,wav,w64,aiff,flac,ogg,aac,"
    "ac3,eac3,amr,au,caf,gif,m4v,h264,hevc,ivf,mjpeg"
)
OPTIONS = {
    "format_whitelist": FORMATS,
    "protocol_whitelist": "file",
    "export_xmp": "1",
    "probesize": str(4 * 2**20),
    "analyzeduration": "2000000",
}
X264 = re.compile(rb"x26[45] ?(?:- core|\(build)[ -~]{0,1000}")
LIBRARY = re.compile(rb"(?:LAME ?3\.[0-9]{2,3}|Lavc[0-9]+\.[0-9]+\.[0-9]+)")
MAX_PACKETS = 64
MAX_READ_BYTES = 64 * 2**20
MAX_READ_S = 3.0
HEAD_BYTES = 2**18


def read_container_tags(file: BinaryIO, tags: Tags) -> None:
    """The tags of the container and of each stream, x264 and x265 settings, MP3 encoders.

    Nothing is decoded. Raises whatever the demuxer raises for bytes it cannot follow.
    """
    import av

    head = file.read(HEAD_BYTES)
    file.seek(0)
    mark = LIBRARY.search(head)
    if mark:
        tags.add("stream", "encoder_mark", decode(mark[0]))
    bounded = _BoundedFile(file)
    with av.open(bounded, mode="r", options=OPTIONS, **undecodable_text()) as container:
        _add_all("container", container.metadata, tags)
        for stream in list(container.streams)[:16]:
            _add_all("stream", stream.metadata, tags)
        if container.streams.video:
            _add_settings(container, tags)


class _BoundedFile:
    """The file for a demuxer, which ends after so many bytes or seconds.

    Some demuxers search gigabytes of padding for the next frame; tags stand near either end.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._room_bytes = file, MAX_READ_BYTES
        self._until = time.monotonic() + MAX_READ_S

    def read(self, n_bytes: int) -> bytes:
        """The next bytes, none once the room is used up."""
        if time.monotonic() > self._until:
            self._room_bytes = 0
        data = self._file.read(max(0, min(n_bytes, self._room_bytes)))
        self._room_bytes -= len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        """As the file's own."""
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        """As the file's own."""
        return self._file.tell()


def _add_all(place: str, metadata: Any, tags: Tags) -> None:
    for name, text in list(dict(metadata).items())[:500]:
        if name == "xmp":
            tags.attempt("XMP", lambda text=text: read_xmp(_raw(text), tags))  # type: ignore[misc]
        else:
            tags.add(place, decode(_raw(name)), decode(_raw(text)))


def _raw(text: object) -> bytes:
    """The bytes of a tag as the file holds them (see `undecodable_text`)."""
    return str(text).encode("utf-8", "surrogateescape")


def _add_settings(container: Any, tags: Tags) -> None:
    # x264 and x265 sign the first key frame with an unregistered SEI message.
    for n_packets, packet in enumerate(container.demux(container.streams.video[0])):
        if n_packets >= MAX_PACKETS or not packet.size:
            return
        mark = X264.search(bytes(packet)[:HEAD_BYTES])
        if mark:
            tags.add("stream", "encoder_settings", decode(mark[0]))
            return
        if packet.is_keyframe:
            return
