"""Save a sound with loss and open it again, in memory: what messengers, calls and sites do to one.

A container carries the codec's delay, so what comes back lies where it lay, sample by sample.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

from assay.types import FloatArray, Waveform


@dataclass(frozen=True, slots=True)
class Saving:
    """A way to save sound: container, encoder, bits a second, and the rates (Hz) it can hold."""

    container: str
    encoder: str
    bit_rate: int
    rates_hz: tuple[int, ...]
    options: tuple[tuple[str, str], ...] = ()


_MP3_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_OPUS_HZ = (8000, 12000, 16000, 24000, 48000)
# Quicker settings of the encoders: a tenth of the time for a hardly audible loss.
_QUICK_MP3 = (("compression_level", "7"),)
_QUICK_OPUS = (("compression_level", "3"),)
LEAST_S = 0.05
"""Less than a codec's frame comes back as nothing: shorter sounds get silence behind them."""


def mp3(kbit_s: int) -> Saving:
    """MP3 of that many kbit/s."""
    return Saving("mp3", "libmp3lame", 1000 * kbit_s, _MP3_HZ, _QUICK_MP3)


def opus(kbit_s: int) -> Saving:
    """Opus of that many kbit/s."""
    return Saving("ogg", "libopus", 1000 * kbit_s, _OPUS_HZ, _QUICK_OPUS)


def mulaw() -> Saving:
    """8 kHz in 8 bits a sample on a logarithmic scale (G.711), as a telephone line carries it."""
    return Saving("wav", "pcm_mulaw", 64_000, (8000,))


def saved(waveform: Waveform, saving: Saving) -> bytes:
    """The file; a rate that the codec cannot hold becomes the next higher, else its highest."""
    import av
    import numpy as np

    rate = _rate_for(waveform.sample_rate_hz, saving)
    samples = np.clip(waveform.samples, -1.0, 1.0)
    least = round(LEAST_S * waveform.sample_rate_hz)
    samples = np.pad(samples, (0, max(0, least - len(samples))))
    scaled = np.rint(samples * 32767).astype(np.int16)[None]
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(scaled), format="s16", layout="mono")
    frame.sample_rate, frame.pts = waveform.sample_rate_hz, 0
    store = io.BytesIO()
    with av.open(store, "w", format=saving.container) as container:
        stream: Any = container.add_stream(saving.encoder, rate=rate, options=dict(saving.options))
        stream.layout = "mono"
        if saving.encoder != "pcm_mulaw":
            stream.bit_rate = saving.bit_rate
        _encode(container, stream, frame)
    return store.getvalue()


def _encode(container: Any, stream: Any, frame: Any) -> None:
    import av

    size = stream.codec_context.frame_size or 0
    resampler = av.AudioResampler(stream.format, "mono", stream.rate, frame_size=size)
    for piece in (*resampler.resample(frame), *resampler.resample(None)):
        container.mux(stream.encode(piece))
    container.mux(stream.encode(None))


def reopened(content: bytes, rate_hz: int) -> FloatArray:
    """The sound of a file in memory: (n,) float32 mono at `rate_hz`."""
    import av
    import numpy as np

    pieces = []
    with av.open(io.BytesIO(content), "r") as container:
        resampler = av.AudioResampler("flt", "mono", rate_hz)
        for frame in container.decode(audio=0):
            pieces += [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
        pieces += [piece.to_ndarray()[0] for piece in resampler.resample(None)]
    return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)


def resaved(waveform: Waveform, saving: Saving) -> Waveform:
    """Saved so and opened again: as long as before, at the same rate, without delay."""
    import numpy as np

    n = len(waveform.samples)
    if not n:
        return waveform
    heard = reopened(saved(waveform, saving), waveform.sample_rate_hz)[:n]
    samples = np.pad(np.nan_to_num(heard), (0, n - len(heard))).astype(np.float32)
    return Waveform(np.clip(samples, -1.0, 1.0), waveform.sample_rate_hz, waveform.start_s)


def _rate_for(rate_hz: int, saving: Saving) -> int:
    return min((rate for rate in saving.rates_hz if rate >= rate_hz), default=saving.rates_hz[-1])
