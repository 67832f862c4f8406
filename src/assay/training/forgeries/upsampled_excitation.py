"""The traces that a network's up-sampling leaves in sound, without a network.

HiFi-GAN and MelGAN raise a slow signal to the sampling rate in stages, by transposed convolutions
or by repeating samples. The filters behind are learned and imperfect: images of the low band stay
in the high one, and the stages' period leaves faint tones (Pons et al., ICASSP 2021; Shang et al.,
2023). Here a clip is brought down to a slow rate and raised again in just that way; then it gets
the envelope of the genuine one back, as a network would give it.
"""

from __future__ import annotations

import numpy as np

from assay.training.forgeries.sound_forgery import SoundForger, SoundForgery, checked, finished, rms
from assay.training.forgeries.spectrogram import frames_for, smooth_envelope
from assay.types import FloatArray

WAYS = ("zeros", "nearest", "linear")


def raised(sound: FloatArray, factor: int, way: str, taps: FloatArray) -> FloatArray:
    """(n,) to (n * factor,): zeros between, repeated, or straight lines; then the FIR `taps`."""
    n = sound.size * factor
    if way == "zeros":
        out = np.zeros(n, np.float32)
        out[::factor] = sound * factor
    elif way == "nearest":
        out = np.repeat(sound, factor)
    else:
        at = np.arange(n) / factor
        out = np.interp(at, np.arange(sound.size), sound).astype(np.float32)
    return np.convolve(out, taps, "same").astype(np.float32)


def imperfect_taps(rng: np.random.Generator, factor: int) -> FloatArray:
    """A short low-pass near the old rate's band, cut at the wrong place and a little random."""
    n = 2 * int(rng.integers(1, 3 * factor + 2)) + 1
    at = np.arange(n) - n // 2
    cut = float(rng.uniform(0.8, 1.6)) / factor
    taps = np.sinc(at * cut) * np.hamming(n)
    taps = taps * (1 + float(rng.uniform(0, 0.3)) * rng.standard_normal(n))
    return (taps / max(abs(float(taps.sum())), 0.1)).astype(np.float32)


def rebuilt(
    sound: FloatArray, factors: tuple[int, ...], way: str, rng: np.random.Generator
) -> FloatArray:
    """The clip brought down by the product of the factors and raised again, one by one."""
    n, step = sound.size, int(np.prod(factors))
    padded = np.pad(sound, (0, -n % step))
    spectrum = np.fft.rfft(padded)[: padded.size // step // 2 + 1]
    slow = (np.fft.irfft(spectrum, padded.size // step) / step).astype(np.float32)
    bend, offset = float(rng.uniform(0, 0.6)), float(rng.uniform(0, 0.01))
    for factor in factors:
        slow = raised(slow, factor, way, imperfect_taps(rng, factor))
        # A leaky rectifier, and a bias that the stages' period turns into a tone.
        slow = np.where(slow > 0, slow, (1 - bend) * slow) + np.float32(offset * rms(slow))
    return slow[:n] - np.float32(slow[:n].mean())


def forge(
    samples: FloatArray,
    sample_rate_hz: int,
    rng: np.random.Generator,
    donor: FloatArray | None = None,
) -> SoundForgery:
    """The whole clip raised from a slow rate, with its own envelope put on the images."""
    genuine = checked(samples, sample_rate_hz)
    choices = ((2,), (4,), (2, 2), (3,), (5,), (8,), (2, 4), (4, 2), (2, 2, 2), (5, 2), (3, 3))
    factors = choices[int(rng.integers(len(choices)))]
    way = str(rng.choice(WAYS))
    fake = rebuilt(genuine, factors, way, rng)
    fake = _with_envelope(fake, genuine, sample_rate_hz, float(rng.uniform(250, 1200)))
    stages = "x".join(map(str, factors))
    return finished(fake, genuine, sample_rate_hz, f"upsampled_excitation/{way}_{stages}")


def _with_envelope(
    fake: FloatArray, genuine: FloatArray, sample_rate_hz: int, width_hz: float
) -> FloatArray:
    frames = frames_for(512, 4, sample_rate_hz)
    spectra = frames.spectra(fake)
    wanted = smooth_envelope(np.abs(frames.spectra(genuine)), width_hz, sample_rate_hz)
    found = smooth_envelope(np.abs(spectra), width_hz, sample_rate_hz)
    gain = np.minimum(wanted / np.maximum(found, 1e-7), 1e3)
    return frames.sound(spectra * gain, genuine.size)


SOUND_FORGER = SoundForger(
    name="upsampled_excitation",
    title="The whole clip raised from a slow rate by imperfect up-sampling, as vocoder networks do",
    kind="voice_generated",
    needs="voice",
    source="after Pons et al., ICASSP 2021 (arXiv 2010.14356); our own code",
    make=forge,
)
