"""Say in a forged sound that assay forged it: tags of the container, plain text, XMP in MP3.

FLAC and MP3 carry the IPTC source type under its own name; WAV knows a fixed list of tags, so there
it stands in the comment.
"""

from __future__ import annotations

import io
from pathlib import PurePath
from typing import Any

import numpy as np

from assay.errors import TooLargeError, UsageError
from assay.training.forgeries.sound_forgery import SoundForger, SoundForgery
from assay.training.marks import Mark
from assay.types import FloatArray

_FORMATS = {".wav": "wav", ".flac": "flac", ".mp3": "mp3"}
_CODECS = {"wav": ("pcm_s16le", "s16"), "flac": ("flac", "s16"), "mp3": ("libmp3lame", "s16p")}
_MEDIA_TYPES = {"wav": "audio/wav", "flac": "audio/flac", "mp3": "audio/mpeg"}
# Where each container keeps the name of the program that wrote it.
_PROGRAM = {"wav": "ISFT", "flac": "Software", "mp3": "TSSE"}
_MP3_RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_MP3_BIT_S = 192_000
_MAX_RATE_HZ = 192_000


def sound_mark_of(forger: SoundForger, forgery: SoundForgery, seed: int) -> Mark:
    """The mark of one forged clip: compositeSynthetic, a genuine recording with synthetic parts.

    No forger of sounds generates one out of nothing.
    """
    name = forgery.name or forger.name
    return Mark(name, forger.title, seed, "compositeSynthetic", "recording")


def sound_format(path: str) -> str:
    """ "wav", "flac" or "mp3" by the name's suffix. Raises UsageError for any other."""
    suffix = PurePath(path).suffix.lower()
    if suffix not in _FORMATS:
        given = f"{suffix!r} is none of them" if suffix else "the name has no suffix"
        raise UsageError(f"Sounds are written as .wav, .flac or .mp3; {given}.")
    return _FORMATS[suffix]


def sound_media_type(form: str) -> str:
    """The media type of a format, such as "audio/flac"."""
    return _MEDIA_TYPES[form]


def encode_marked_sound(samples: FloatArray, sample_rate_hz: int, form: str, mark: Mark) -> bytes:
    """The file's bytes with the mark in them: mono, 16 bits, MP3 at 192 kbit/s.

    `samples` is (n,) float32 in [-1, 1]. No tag of the original is carried over. Raises
    TooLargeError where the format does not hold that rate.
    """
    import av

    if sample_rate_hz > _MAX_RATE_HZ or (form == "mp3" and sample_rate_hz not in _MP3_RATES_HZ):
        raise TooLargeError(f"A .{form} file holds no sound at {sample_rate_hz:,} Hz.")
    codec, sample_format = _CODECS[form]
    out = io.BytesIO()
    with av.open(out, "w", format=form) as container:
        container.metadata.update(_tags(form, mark))
        # Bit-exact: or the library puts its own name where the mark's should stand.
        container.flags |= 0x0400
        stream: Any = container.add_stream(codec, rate=sample_rate_hz, layout="mono")
        if form == "mp3":
            stream.bit_rate = _MP3_BIT_S
        whole = np.rint(np.clip(samples, -1, 1) * 32767).astype(np.int16)
        size = stream.codec_context.frame_size or 4096
        for start in range(0, whole.size, size):
            part = np.ascontiguousarray(whole[None, start : start + size])
            frame = av.AudioFrame.from_ndarray(part, sample_format, "mono")
            frame.sample_rate, frame.pts = sample_rate_hz, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return out.getvalue()


def _tags(form: str, mark: Mark) -> dict[str, str]:
    comment = f"{mark.sentence} {mark.source_type}" if form == "wav" else mark.sentence
    tags = {"comment": comment, "title": mark.software, _PROGRAM[form]: mark.software}
    if form != "wav":
        tags["DigitalSourceType"] = mark.source_type
    return tags
