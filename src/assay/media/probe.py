"""What a file is, read from its content: kind, format, size, time, and what is odd about it.

Codes in `Media.notes`. Of the file: truncated, damaged (a wrong checksum), damaged_start (the
first frames of a video cannot be decoded), extension_mismatch. Of how it is shown: rotated,
mirrored, alpha (laid over white), deep_colour (more than eight bits a channel), cmyk, hdr (not
tone-mapped), non_square_pixels (not stretched), several_pages (the first is examined),
several_video_streams (the default or largest is examined). Of time: animated, no_audio,
variable_frame_rate, duration_unknown.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO

from assay.errors import (
    DamagedMediaError,
    EmptyFileError,
    EncryptedMediaError,
    UnsupportedMediaError,
)
from assay.media.animation import picture_delays_s
from assay.media.container import choose_audio, choose_video, open_container, require_decoder
from assay.media.files import open_file, printable, sha256_of
from assay.media.image import decoding, has_alpha, is_deep, open_picture, orientation, turn_deg
from assay.media.sniff import Format, sniff, suffix_contradicts
from assay.media.structure import is_damaged, is_encrypted, is_truncated
from assay.media.tag_floods import refuse_tag_flood
from assay.media.timing import sound_duration_s, video_timing
from assay.types import Media

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.stream import VideoStream
    from PIL.Image import Image as Picture

_FIRST_PACKETS = 300
_HDR_TRANSFERS = {16, 18}  # SMPTE ST 2084 (PQ), ARIB STD-B67 (HLG)


def probe(path: str | os.PathLike[str]) -> Media:
    """Read what a file is, by content and never by name; hash it on the way.

    No picture is decoded, of a video only its first frame. Raises MissingFileError,
    NotAFileError, UnreadableError, EmptyFileError, UnsupportedMediaError, DamagedMediaError,
    EncryptedMediaError, TooLargeError (more tags than can be read).
    """
    shown = os.fsdecode(path)
    with open_file(shown) as file:
        n_bytes = os.fstat(file.fileno()).st_size
        if n_bytes == 0:
            raise EmptyFileError(f"{printable(shown)} has no bytes.")
        sha256 = sha256_of(file)
        form = sniff(file)
        if is_encrypted(file, form.container, n_bytes):
            raise EncryptedMediaError(f"{printable(shown)} is encrypted.")
        name = os.path.basename(shown)
        notes = _notes_on_file(file, form, name, n_bytes)
        if form.reader == "av":
            refuse_tag_flood(file, form.container, n_bytes)
        read = _probe_stream if form.reader == "av" else _probe_picture
        facts = read(file, form, n_bytes, notes)
    return Media(
        path=shown,
        name=name,
        sha256=sha256,
        n_bytes=n_bytes,
        container=form.container,
        notes=tuple(notes),
        **facts,
    )


def _notes_on_file(file: BinaryIO, form: Format, name: str, n_bytes: int) -> list[str]:
    notes = []
    if is_truncated(file, form.container, n_bytes):
        notes.append("truncated")
    if is_damaged(file, form.container, n_bytes):
        notes.append("damaged")
    if suffix_contradicts(form, name):
        notes.append("extension_mismatch")
    return notes


def _probe_picture(file: BinaryIO, form: Format, n_bytes: int, notes: list[str]) -> dict[str, Any]:
    picture = open_picture(file, form)
    turn = orientation(picture)
    facts: dict[str, Any] = {
        "kind": "image",
        "media_type": form.media_type("image"),
        "codec": form.container,
        "size_px": picture.size if turn < 5 else picture.size[::-1],
        "rotation_deg": turn_deg(turn),
        "n_frames": 1,
    }
    notes += _notes_on_picture(picture, turn)
    if form.container in ("gif", "png", "webp", "avif"):
        facts |= _animation(file, form, n_bytes, picture, notes)
    return facts


def _notes_on_picture(picture: Picture, turn: int) -> list[str]:
    pages = getattr(picture, "n_frames", 1) if picture.format in ("TIFF", "MPO") else 1
    found = {
        "rotated": turn_deg(turn) != 0,
        "mirrored": turn in (2, 4, 5, 7),
        "alpha": has_alpha(picture),
        "deep_colour": is_deep(picture),
        "cmyk": picture.mode == "CMYK",
        "several_pages": pages > 1,
    }
    return [code for code, holds in found.items() if holds]


def _animation(
    file: BinaryIO, form: Format, n_bytes: int, picture: Picture, notes: list[str]
) -> dict[str, Any]:
    """The facts of a moving picture; none where it holds a single one."""
    with decoding("The animation's header"):
        is_animated = bool(getattr(picture, "is_animated", False))
    delays = picture_delays_s(file, form.container, n_bytes) if is_animated else []
    if len(delays) < 2:
        return {}
    notes += ["animated", "no_audio"]
    if max(delays) - min(delays) > 0.2 * min(delays):
        notes.append("variable_frame_rate")
    duration_s = sum(delays)
    return {
        "kind": "video",
        "n_frames": len(delays),
        "duration_s": duration_s,
        "fps": len(delays) / duration_s,
    }


def _probe_stream(file: BinaryIO, form: Format, n_bytes: int, notes: list[str]) -> dict[str, Any]:
    with open_container(file, form) as container:
        video, audio = choose_video(container), choose_audio(container)
        if video is None and audio is None:
            raise DamagedMediaError(f"The {form.container} container holds no pictures or sound.")
        if video is None:
            facts = _sound_facts(container, form, n_bytes, notes)
        else:
            facts = _video_facts(container, video, form, n_bytes, notes)
    with open_container(file, form) as container:  # from the first packet again
        return facts | _first_decoded_facts(container, notes)


def _video_facts(
    container: InputContainer, video: VideoStream, form: Format, n_bytes: int, notes: list[str]
) -> dict[str, Any]:
    require_decoder(video)
    audio = choose_audio(container)
    facts = _channel_facts(audio)
    timing = video_timing(container, video, n_bytes)
    if timing.n_frames == 0 or (timing.n_frames is None and not timing.duration_s):
        raise DamagedMediaError("The video holds no frames.")
    found = {
        "no_audio": not facts,
        "variable_frame_rate": timing.is_variable,
        "several_video_streams": len(container.streams.video) > 1,
        "non_square_pixels": (video.sample_aspect_ratio or 1) != 1,
        "duration_unknown": timing.duration_s is None,
    }
    notes += [code for code, holds in found.items() if holds]
    return facts | {
        "kind": "video",
        "media_type": form.media_type("video"),
        "codec": video.codec_context.name,
        "size_px": (video.width, video.height),
        "n_frames": timing.n_frames,
        "duration_s": timing.duration_s,
        "fps": timing.fps,
    }


def _channel_facts(audio: AudioStream | None) -> dict[str, Any]:
    if audio is None or audio.codec_context is None or not audio.rate:
        return {}
    return {
        "audio_codec": audio.codec_context.name,
        "sample_rate_hz": audio.rate,
        "n_channels": audio.channels,
    }


def _first_decoded_facts(container: InputContainer, notes: list[str]) -> dict[str, Any]:
    """Size and rotation as shown, which a decoded frame tells; of sound, that it decodes."""
    video, audio = choose_video(container), choose_audio(container)
    if video is None:
        if audio is None or _first_decoded(container, audio) is None:
            raise DamagedMediaError("No sound can be decoded.")
        return {}
    video.codec_context.thread_count = 1
    frame = _first_decoded(container, video)
    if frame is None:
        notes.append("damaged_start")
        return {}
    rotation_deg = -round(frame.rotation / 90) * 90 % 360
    size_px = (frame.width, frame.height)
    if rotation_deg:
        notes.append("rotated")
    if int(frame.color_trc) in _HDR_TRANSFERS:
        notes.append("hdr")
    if any(c.is_alpha for c in frame.format.components):
        notes.append("alpha")
    return {
        "size_px": size_px[::-1] if rotation_deg in (90, 270) else size_px,
        "rotation_deg": rotation_deg,
    }


def _first_decoded(container: InputContainer, stream: VideoStream | AudioStream) -> Any:
    """The first frame or piece of sound among the first packets; None where all are damaged."""
    import av

    decode: Callable[[Any], list[Any]] = stream.codec_context.decode
    try:
        for number, packet in enumerate(container.demux(stream)):
            try:
                frames = decode(packet)
            except (av.error.FFmpegError, ValueError):
                frames = []
            if frames:
                return frames[0]
            if number > _FIRST_PACKETS:
                return None
    except (av.error.FFmpegError, OSError):
        return None
    return None


def _sound_facts(
    container: InputContainer, form: Format, n_bytes: int, notes: list[str]
) -> dict[str, Any]:
    audio = choose_audio(container)
    assert audio is not None, "asked only where there is sound"
    require_decoder(audio)
    facts = _channel_facts(audio)
    if not facts:
        raise UnsupportedMediaError("The sound names no sample rate.")
    distrust = "truncated" in notes or form.container == "aac"
    return facts | {
        "kind": "audio",
        "media_type": form.media_type("audio"),
        "codec": audio.codec_context.name,
        "duration_s": sound_duration_s(container, audio, n_bytes, distrust),
    }
