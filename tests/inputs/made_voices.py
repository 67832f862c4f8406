"""Voices made on the spot: a row of pulses through formants, with known pitch and known faults."""

from __future__ import annotations

import numpy as np

RATE_HZ = 16_000


def pulse_times(
    f0_hz: float, seconds: float, jitter: float = 0.0, seed: int = 0, glide: float = 0.0
) -> np.ndarray:
    """Times (s) of pulses; `jitter` is the spread of each period, `glide` octaves a second."""
    rng, times, now = np.random.default_rng(seed), [0.02], 0.02
    while now < seconds - 0.02:
        period = 1 / (f0_hz * 2 ** (glide * now))
        now += period * (1 + jitter * rng.standard_normal())
        times.append(now)
    return np.array(times)


def voice(
    f0_hz: float = 120.0,
    seconds: float = 2.0,
    jitter: float = 0.0,
    shimmer: float = 0.0,
    noise_db: float | None = None,
    seed: int = 0,
    glide: float = 0.0,
    rate_hz: int = RATE_HZ,
) -> np.ndarray:
    """(n,) float32: band-limited pulses through three resonances; `noise_db` below the voice."""
    rng = np.random.default_rng([seed, 1])
    n = round(seconds * rate_hz)
    x = np.zeros(n)
    times = pulse_times(f0_hz, seconds, jitter, seed, glide)
    heights = 1 + shimmer * rng.standard_normal(len(times))
    reach = np.arange(-24, 25)
    for time_s, height in zip(times, heights, strict=True):
        at = round(time_s * rate_hz)
        places = at + reach
        ok = (places >= 0) & (places < n)
        x[places[ok]] += height * np.sinc(places[ok] - time_s * rate_hz) * np.hanning(49)[ok]
    hz = np.fft.rfftfreq(2 * n, 1 / rate_hz)
    response = sum(1 / (1 - (hz / f) ** 2 + 1j * hz / (8 * f)) for f in (600.0, 1500.0, 2600.0))
    y = np.fft.irfft(np.fft.rfft(x, 2 * n) * response, 2 * n)[:n]
    if noise_db is not None:
        y = y + rng.standard_normal(n) * y.std() * 10 ** (-noise_db / 20)
    return np.asarray(0.3 * y / np.abs(y).max(), np.float32)


def syllables(rate: float = 4.0, seconds: float = 3.0, f0_hz: float = 120.0) -> np.ndarray:
    """A voice that swells `rate` times a second, (n,) float32."""
    y = voice(f0_hz, seconds)
    t = np.arange(len(y)) / RATE_HZ
    return np.asarray(y * (0.02 + np.sin(np.pi * rate * t) ** 2), np.float32)


def hostile_sounds() -> dict[str, np.ndarray]:
    """Sounds that no measurement may stumble over."""
    random = np.random.default_rng(3)
    ramp = np.arange(48_000) / RATE_HZ
    sounds = {
        "empty": np.zeros(0),
        "one_sample": np.ones(1),
        "silence": np.zeros(32_000),
        "constant": np.full(32_000, 0.7),
        "not_a_number": np.full(32_000, np.nan),
        "some_not_a_number": np.where(np.arange(32_000) % 7, 0.1, np.inf),
        "clipped": np.sign(np.sin(2 * np.pi * 130 * ramp)),
        "huge": random.normal(size=32_000) * 1e30,
        "tiny": random.normal(size=32_000) * 1e-30,
        "noise": random.normal(size=32_000) * 0.1,
        "sine": np.sin(2 * np.pi * 200 * ramp),
        "one_click": np.eye(1, 32_000, 16_000)[0],
        "too_short": random.normal(size=500) * 0.1,
    }
    return {name: sound.astype(np.float32) for name, sound in sounds.items()}
