"""Containers opened through PyAV (FFmpeg): one named demuxer, one file, no network, no log."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO

from assay.errors import DamagedMediaError, TooLargeError, UnsupportedMediaError
from assay.media.sniff import Format

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream

MAX_FRAME_PIXELS = 40_000_000
"""8K and a little more; a decoder holds up to twenty frames."""

_LARGEST_LAG_S = 1.0


@contextmanager
def open_container(file: BinaryIO, form: Format) -> Iterator[InputContainer]:
    """Open a container whose demuxer is known.

    The bytes come from our own file object: FFmpeg sees no path, so a name such as `http:` or
    `concat:` means nothing to it. Raises DamagedMediaError, UnsupportedMediaError.
    """
    import av
    from av.container import InputContainer

    file.seek(0)
    try:
        container = av.open(
            file,
            format=form.plugin,
            container_options={"protocol_whitelist": "none"},
            options={"max_pixels": str(MAX_FRAME_PIXELS)},
            buffer_size=1 << 18,
            **undecodable_text(),
        )
    except MemoryError as error:
        raise TooLargeError("The container does not fit into memory.") from error
    except (av.error.FFmpegError, OSError, ValueError, IndexError) as error:
        raise DamagedMediaError(f"The {form.container} container cannot be opened.") from error
    with container:
        assert isinstance(container, InputContainer)
        yield container


def undecodable_text() -> dict[str, Any]:
    """Arguments for `av.open`: bytes in a tag that are no UTF-8 come as lone surrogates.

    PyAV 19 always does so and takes no such argument; before, it raised unless told.
    """
    import av

    return {"metadata_errors": "surrogateescape"} if int(av.__version__.split(".")[0]) < 19 else {}


def choose_video(container: InputContainer) -> VideoStream | None:
    """The moving pictures: no cover art, the default track, else the largest."""
    skipped = {"attached_pic", "timed_thumbnails", "still_image"}
    streams = [s for s in container.streams.video if not _is_any(s, skipped)]
    return max(streams, key=lambda s: (_is_any(s, {"default"}), _area(s)), default=None)


def choose_audio(container: InputContainer) -> AudioStream | None:
    """The default sound track, else the first."""
    streams = list(container.streams.audio)
    return next((s for s in streams if _is_any(s, {"default"})), streams[0] if streams else None)


def _is_any(stream: VideoStream | AudioStream, names: set[str]) -> bool:
    from av.stream import Disposition

    return any(bool(stream.disposition & Disposition[name]) for name in names)


def _area(stream: VideoStream) -> int:
    context = stream.codec_context
    return context.width * context.height if context else 0


def require_decoder(stream: VideoStream | AudioStream) -> None:
    """Raise UnsupportedMediaError where no decoder for the stream is built in."""
    if stream.codec_context is None:
        raise UnsupportedMediaError(f"The {stream.type} codec of this file is not known here.")


def start_s(container: InputContainer) -> float:
    """The instant that counts as 0 s for pictures and sound alike, in the file's own clock.

    It is the container's start, unless the pictures begin much later, as in a file that was made
    to push all of them behind the sampled times.
    """
    start = (container.start_time or 0) / 1e6
    video = choose_video(container)
    if video is None or video.start_time is None or video.time_base is None:
        return start
    pictures = float(video.start_time * video.time_base)
    return pictures if pictures - start > _LARGEST_LAG_S else min(start, pictures)


def only(container: InputContainer, stream: VideoStream | AudioStream) -> None:
    """Read the packets of one stream; the others are skipped inside the demuxer."""
    from av.stream import Discard

    for other in container.streams:
        if other.index != stream.index:
            other.discard = Discard.all
