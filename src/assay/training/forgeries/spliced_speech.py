"""Words cut in: of another voice, of another room, of the same clip, or taken out."""

from __future__ import annotations

import numpy as np

from assay.errors import InputError
from assay.training.forgeries.sound_forgery import SoundForger, SoundForgery, checked, finished, rms
from assay.training.sound_codecs import RATE_HZ, resampled
from assay.training.sound_degrade import SoundOdds, draw_sound_degradation
from assay.types import FloatArray

WAYS = ("other", "other", "moved", "silenced", "joined")
OTHER_RECORDING = SoundOdds(
    room=0.5, noise=0.5, noise_db=(10, 35), speed=0, band=0.4, loudness=0.1, resampling=0.2,
    telephone=0.05, codec=0.4, second_codec=0, gain=0, polarity=0.2,
)  # fmt: skip
"""What the words that are cut in went through before."""
_BLOCK_S = 0.01
_MIN_S, _MAX_S = 0.2, 1.5


def quiet_places(sound: FloatArray, sample_rate_hz: int) -> FloatArray:
    """Samples (k,) at which an editor would cut: where it is quieter than 50 ms to either side."""
    block = max(1, round(_BLOCK_S * sample_rate_hz))
    blocks = sound[: sound.size // block * block].reshape(-1, block)
    level = np.sqrt((blocks**2).mean(axis=1)) + 1e-9
    smooth = np.convolve(np.pad(level, 2, mode="edge"), np.ones(5) / 5, "valid")
    around = np.lib.stride_tricks.sliding_window_view(np.pad(smooth, 5, constant_values=9), 11)
    found = np.flatnonzero(smooth <= around.min(axis=1) + 1e-12)
    return (found * block + block // 2).astype(np.float32)


def draw_span(sound: FloatArray, sample_rate_hz: int, rng: np.random.Generator) -> tuple[int, int]:
    """Start and end, in samples, of a word or a few: between quiet places where there are some."""
    n = sound.size
    least = min(round(_MIN_S * sample_rate_hz), n // 4)
    most = max(least + 1, min(round(_MAX_S * sample_rate_hz), n * 2 // 5))
    places = quiet_places(sound, sample_rate_hz).astype(int)
    pairs = [(a, b) for a in places for b in places if least <= b - a <= most]
    if pairs:
        return pairs[int(rng.integers(len(pairs)))]
    length = int(rng.integers(least, most))
    start = int(rng.integers(0, n - length))
    return start, start + length


def pasted(
    sound: FloatArray, word: FloatArray, start: int, fade: int
) -> tuple[FloatArray, tuple[int, int]]:
    """The word laid over the sound from `start` on, faded over `fade` samples at either end.

    Also the first and last sample that changed.
    """
    end = min(start + word.size, sound.size)
    word = word[: end - start]
    fade = min(fade, word.size // 2)
    share = np.ones(word.size, np.float32)
    if fade:
        ramp = (0.5 - 0.5 * np.cos(np.pi * (np.arange(fade) + 0.5) / fade)).astype(np.float32)
        share[:fade], share[word.size - fade :] = ramp, ramp[::-1]
    out = sound.copy()
    out[start:end] = share * word + (1 - share) * sound[start:end]
    return out, (start, end)


def forge(
    samples: FloatArray,
    sample_rate_hz: int,
    rng: np.random.Generator,
    donor: FloatArray | None = None,
) -> SoundForgery:
    """One to three places of the clip changed; the rest stays as it was, sample by sample."""
    genuine = checked(samples, sample_rate_hz)
    way = str(rng.choice(WAYS))
    lender = genuine if way == "moved" else _lender(genuine, sample_rate_hz, rng, donor)
    fake = genuine
    spans: list[tuple[int, int]] = []
    for _ in range(1 if way == "joined" else int(rng.integers(1, 4))):
        fade = round(float(rng.choice([0, 0.002, 0.005, 0.01, 0.03])) * sample_rate_hz)
        start, end = draw_span(genuine, sample_rate_hz, rng)
        end = genuine.size if way == "joined" else end
        if any(start < b and a < end for a, b in spans):
            continue
        word = _word(way, genuine, lender, start, end, sample_rate_hz, rng)
        fake, span = pasted(fake, word, start, fade)
        spans.append(span)
    seconds = (np.array(sorted(spans)) / sample_rate_hz).astype(np.float32)
    if np.array_equal(fake, genuine):
        raise InputError("The cut changed nothing: the sound is the same everywhere.")
    return finished(fake, genuine, sample_rate_hz, f"spliced_speech/{way}", seconds)


def _lender(
    genuine: FloatArray, sample_rate_hz: int, rng: np.random.Generator, donor: FloatArray | None
) -> FloatArray:
    """The recording the words come from: the donor's or this one, in another room or codec."""
    source = genuine
    if donor is not None and rng.random() < 0.7:
        source = checked(donor, sample_rate_hz)[: 10 * genuine.size]
        if rng.random() < 0.25:
            return source
    n = source.size
    treat = draw_sound_degradation(rng, OTHER_RECORDING)
    while set(treat.names) <= {"polarity"}:
        treat = draw_sound_degradation(rng, OTHER_RECORDING)
    return resampled(treat(resampled(source, max(2, round(n * RATE_HZ / sample_rate_hz)))), n)


def _word(
    way: str,
    genuine: FloatArray,
    lender: FloatArray,
    start: int,
    end: int,
    sample_rate_hz: int,
    rng: np.random.Generator,
) -> FloatArray:
    n = end - start
    if way == "silenced":
        return _silence(genuine, n, sample_rate_hz, rng)
    if way == "joined" and lender.size == genuine.size:
        return lender[start:end]
    first = quiet_places(lender, sample_rate_hz).astype(int)
    first = first[first + n <= lender.size]
    # A word laid over itself is no forgery.
    elsewhere = first[np.abs(first - start) > n // 2]
    first = elsewhere if way == "moved" and elsewhere.size else first
    at = int(rng.choice(first)) if first.size else int(rng.integers(max(1, lender.size - n)))
    word = np.resize(lender[at : at + n], n)
    change_db = float(rng.normal(0, 1.5)) if way != "moved" else 0.0
    level = rms(genuine[start:end]) / max(rms(word), 1e-6) if way != "moved" else 1.0
    return word * np.float32(min(level, 8.0) * 10 ** (change_db / 20))


def _silence(
    genuine: FloatArray, n: int, sample_rate_hz: int, rng: np.random.Generator
) -> FloatArray:
    """Nothing at all, faint noise, or the quietest tenth of a second over and over."""
    which = rng.random()
    if which < 0.4:
        return np.zeros(n, np.float32)
    if which < 0.7:
        return (rng.standard_normal(n) * 10 ** rng.uniform(-4, -2.5)).astype(np.float32)
    block = min(round(0.1 * sample_rate_hz), genuine.size)
    blocks = genuine[: genuine.size // block * block].reshape(-1, block)
    return np.resize(blocks[(blocks**2).mean(axis=1).argmin()], n)


SOUND_FORGER = SoundForger(
    name="spliced_speech",
    title="Words cut in from another voice, room or place, or taken out",
    kind="edited",
    needs="two_voices",
    source="as PartialSpoof's cuts (Zhang et al., 2021), without its data; our own code",
    make=forge,
)
