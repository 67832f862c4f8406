"""Sound that a page can play: a small mono MP3, which every browser knows."""

from __future__ import annotations

import io
import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.types import Waveform

RATE_HZ = 24_000
BITS_PER_S = 48_000
PIECE = 48_000
log = logging.getLogger(__name__)


def as_mp3(waveform: Waveform) -> bytes | None:
    """The sound as MP3, mono, 24 kHz, 48 kbit/s: a minute is 360 kB; None where none can be made.

    It is a copy for listening: nothing was measured on it.
    """
    try:
        return _encoded(waveform)
    except Exception as error:  # an FFmpeg without this encoder costs the player, not the report
        log.debug("no sound to play", exc_info=error)
        return None


def _encoded(waveform: Waveform) -> bytes:
    import av
    import numpy as np

    out = io.BytesIO()
    samples = np.nan_to_num(waveform.samples, nan=0.0, posinf=1.0, neginf=-1.0)
    with av.open(out, "w", format="mp3") as container:
        stream = container.add_stream("libmp3lame", rate=RATE_HZ, layout="mono")
        stream.bit_rate = BITS_PER_S
        resampler = av.AudioResampler(format="s16p", layout="mono", rate=RATE_HZ)
        for first in range(0, len(samples), PIECE):
            piece = np.clip(samples[first : first + PIECE], -1.0, 1.0) * 32767
            frame = av.AudioFrame.from_ndarray(
                np.rint(piece).astype(np.int16)[None], format="s16p", layout="mono"
            )
            frame.sample_rate = waveform.sample_rate_hz
            frame.pts = first
            for resampled in resampler.resample(frame):
                container.mux(stream.encode(resampled))
        for resampled in resampler.resample(None):
            container.mux(stream.encode(resampled))
        container.mux(stream.encode(None))
    return out.getvalue()
