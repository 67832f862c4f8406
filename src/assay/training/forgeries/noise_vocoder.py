"""The loudness of a few bands put on noise or on tones (Dudley, 1939; Shannon et al., 1995)."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from assay.training.forgeries.pitch import pitch_of, pulses
from assay.training.forgeries.sound_forgery import SoundForger, SoundForgery, checked, finished
from assay.types import FloatArray


def through_bands(
    sound: FloatArray,
    carrier: FloatArray | None,
    sample_rate_hz: int,
    n_bands: int,
    smooth_hz: float,
) -> FloatArray:
    """Each band's envelope, slower than `smooth_hz`, on the same band of `carrier`; same shape.

    Without a carrier each band is a tone at its middle.
    """
    n = sound.size
    edges_hz = np.geomspace(70, 0.49 * sample_rate_hz, n_bands + 1)
    hz = np.fft.rfftfreq(n, 1 / sample_rate_hz)
    spectrum = np.fft.rfft(sound)
    carried = None if carrier is None else np.fft.rfft(carrier)
    slow = 1 / (1 + (hz / smooth_hz) ** 4)
    out = np.zeros(n)
    for low_hz, high_hz in pairwise(edges_hz):
        within = (hz >= low_hz) & (hz < high_hz)
        band = np.abs(np.fft.irfft(spectrum * within, n))
        loud = np.maximum(np.fft.irfft(np.fft.rfft(band) * slow, n), 0)
        if carried is None:
            wave = np.sin(2 * np.pi * np.sqrt(low_hz * high_hz) * np.arange(n) / sample_rate_hz)
        else:
            wave = np.fft.irfft(carried * within, n)
        out += loud * wave / max(float(wave.std()), 1e-9)
    return out.astype(np.float32)


def forge(
    samples: FloatArray,
    sample_rate_hz: int,
    rng: np.random.Generator,
    donor: FloatArray | None = None,
) -> SoundForgery:
    """The whole clip as the envelopes of 8 to 40 bands on noise, tones or pulses."""
    genuine = checked(samples, sample_rate_hz)
    n_bands, smooth_hz = int(rng.integers(8, 41)), float(rng.uniform(20, 200))
    kind = str(rng.choice(["noise", "tone", "pulse"]))
    carrier = rng.standard_normal(genuine.size, np.float32) if kind != "tone" else None
    if kind == "pulse" and carrier is not None:
        hop = max(1, sample_rate_hz // 200)
        hz, _ = pitch_of(genuine, sample_rate_hz, hop)
        carrier = 0.3 * carrier + pulses(hz, hop, genuine.size, sample_rate_hz)
    fake = through_bands(genuine, carrier, sample_rate_hz, n_bands, smooth_hz)
    return finished(fake, genuine, sample_rate_hz, f"noise_vocoder/{kind}_{n_bands}")


SOUND_FORGER = SoundForger(
    name="noise_vocoder",
    title="The loudness of a few bands put on noise, tones or pulses",
    kind="voice_generated",
    needs="voice",
    source="Dudley, 1939; Shannon et al., Science 1995; our own code",
    make=forge,
)
