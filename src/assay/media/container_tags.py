"""Read the tags of video and sound files, and what the encoders wrote into the streams."""

from __future__ import annotations

import re
from typing import Any, BinaryIO

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
    with av.open(
        file, mode="r", options=OPTIONS, metadata_errors="replace", timeout=10
    ) as container:
        _add_all("container", container.metadata, tags)
        for stream in list(container.streams)[:16]:
            _add_all("stream", stream.metadata, tags)
        if container.streams.video:
            _add_settings(container, tags)


def _add_all(place: str, metadata: Any, tags: Tags) -> None:
    for name, text in list(dict(metadata).items())[:500]:
        if name == "xmp":
            tags.attempt("XMP", lambda text=text: read_xmp(str(text).encode(), tags))  # type: ignore[misc]
        else:
            tags.add(place, str(name), str(text))


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
