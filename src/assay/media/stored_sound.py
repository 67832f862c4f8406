"""Samples as a lossless file stores them, whole numbers, to count the bits that are really used."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from assay.media.container import choose_audio, only, open_container, require_decoder
from assay.media.files import reopen
from assay.media.sniff import FORMATS
from assay.types import Media

MAX_SAMPLES = 4_000_000
_BITS = {"u8": 8, "s16": 16, "s32": 32}
LOSSLESS = ("pcm_", "flac", "alac", "wavpack", "tta", "ape")


def is_lossless(codec: str | None) -> bool:
    """Whether a codec keeps each sample (companded telephone codecs do not)."""
    return (
        codec is not None
        and codec.startswith(LOSSLESS)
        and codec not in ("pcm_alaw", "pcm_mulaw", "pcm_vidc")
    )


@dataclass(frozen=True, slots=True)
class StoredBits:
    """`stored` bits a sample, of which `used` are not zero in every sample looked at."""

    stored: int
    used: int
    n_samples: int


def read_bits(media: Media, check: Callable[[], None] = lambda: None) -> StoredBits | None:
    """Count the bits of the first four million samples; None for a lossy or floating format.

    Raises InputError where the file cannot be opened.
    """
    import av
    import numpy as np

    with reopen(media) as file, open_container(file, FORMATS[media.container]) as container:
        stream = choose_audio(container)
        if stream is None or stream.codec_context is None:
            return None
        if not is_lossless(stream.codec_context.name):
            return None
        require_decoder(stream)
        only(container, stream)
        name = stream.codec_context.format.name.rstrip("p") if stream.codec_context.format else ""
        width = _BITS.get(name)
        if width is None:
            return None
        union, n_samples = 0, 0
        try:
            for frame in container.decode(stream):
                check()
                values = frame.to_ndarray().astype(np.int64)
                values = values - 128 if width == 8 else values
                union |= int(np.bitwise_or.reduce(np.abs(values).ravel(), initial=0))
                n_samples += frame.samples
                if n_samples >= MAX_SAMPLES:
                    break
        except (av.error.FFmpegError, ValueError):
            pass
        codec = stream.codec_context.name
    if not union:
        return None
    stored = 24 if width == 32 and ("24" in codec or not codec.startswith("pcm")) else width
    lowest = (union & -union).bit_length() - 1
    return StoredBits(stored, min(stored, width - lowest), n_samples)
