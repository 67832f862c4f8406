"""The same degradation for a genuine clip and its forgery: one draw, applied to both.

Rooms, noises, microphones, telephones, codecs. All keep the number of samples, and all but a small
change of speed keep every sound where it was.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from assay.training.sound_codecs import CODECS, RATE_HZ, resampled, round_trip
from assay.training.sound_rooms import in_room, noise_of, room_response
from assay.types import FloatArray

Step = Callable[[FloatArray], FloatArray]

NOISES = {"white": 0.2, "pink": 0.3, "brown": 0.15, "babble": 0.25, "hum": 0.1}
"""How often each kind is drawn, once there is noise at all."""
RATES_HZ = (8_000, 11_025, 12_000, 22_050, 24_000)


@dataclass(frozen=True, slots=True)
class SoundDegradation:
    """A drawn list of steps; call it on each clip (n,) float32 at 16 kHz of a pair.

    `names` says what was drawn, in order; `speed` above 1 is faster: what was at second `t` is at
    `t / speed` afterwards.
    """

    steps: tuple[tuple[str, Step], ...]
    speed: float = 1.0

    @property
    def names(self) -> tuple[str, ...]:
        """What was drawn, in order."""
        return tuple(name for name, _ in self.steps)

    def __call__(self, samples: FloatArray) -> FloatArray:
        """The degraded copy: same shape, float32, finite and within [-1, 1]."""
        sound = np.nan_to_num(np.asarray(samples, np.float32), posinf=1, neginf=-1)
        if sound.size < 2:
            return np.clip(sound, -1, 1)
        for _, step in self.steps:
            sound = np.asarray(step(sound), np.float32)
        return np.clip(sound, -1, 1)


@dataclass(frozen=True, slots=True)
class SoundOdds:
    """How often each step is drawn, 0 to 1, and the range of the signal-to-noise ratio."""

    room: float = 0.25
    noise: float = 0.4
    noise_db: tuple[float, float] = (5.0, 40.0)
    speed: float = 0.1
    band: float = 0.2
    loudness: float = 0.2
    resampling: float = 0.2
    telephone: float = 0.08
    codec: float = 0.5
    second_codec: float = 0.1
    gain: float = 0.6
    polarity: float = 0.5
    microphone: float = 0.4


def draw_sound_degradation(
    rng: np.random.Generator, odds: SoundOdds | None = None, voices: Sequence[FloatArray] = ()
) -> SoundDegradation:
    """Draw the steps for one pair of clips at 16 kHz, in the order in which sound meets them.

    `voices`: other clips (m,) at 16 kHz for a babble behind the voice; without them babble is
    noise with the spectrum and the swell of speech.
    """
    odds = odds or SoundOdds()
    steps: list[tuple[str, Step]] = []
    speed = float(rng.uniform(0.95, 1.05)) if rng.random() < odds.speed else 1.0
    if speed != 1.0:
        steps.append(("speed", _speed(speed)))
    if rng.random() < odds.room:
        steps.append(("room", _room(rng)))
    if rng.random() < odds.noise:
        steps.append(_noise(rng, odds.noise_db, voices))
    if rng.random() < odds.microphone:
        steps.append(("microphone", _microphone(rng)))
    if rng.random() < odds.band:
        steps.append(("band", _band(rng)))
    if rng.random() < odds.loudness:
        steps.append(("loudness", _loudness(rng)))
    if rng.random() < odds.gain:
        steps.append(("gain", _gain(float(rng.uniform(-18, 6)))))
    if rng.random() < odds.resampling:
        steps.append(_resampling(rng))
    steps += _transport(rng, odds)
    if rng.random() < odds.polarity:
        steps.append(("polarity", np.negative))
    return SoundDegradation(tuple(steps), speed)


def _transport(rng: np.random.Generator, odds: SoundOdds) -> list[tuple[str, Step]]:
    steps = []
    if rng.random() < odds.telephone:
        steps.append(_telephone(rng))
    if rng.random() < odds.codec:
        steps.append(_codec(rng, ("mp3", "aac", "opus", "opus", "g722")))
        if rng.random() < odds.second_codec / max(odds.codec, 1e-9):
            steps.append(_codec(rng, ("mp3", "aac", "opus")))
    return steps


def _speed(speed: float) -> Step:
    def apply(sound: FloatArray) -> FloatArray:
        other = resampled(sound, max(1, round(sound.size / speed)))[: sound.size]
        # A clip that became too short goes on backwards: silence would be new to it.
        return np.pad(other, (0, sound.size - other.size), mode="symmetric")

    return apply


def _room(rng: np.random.Generator) -> Step:
    response = room_response(rng, float(rng.uniform(0.1, 0.8)))
    return lambda sound: in_room(sound, response)


def _noise(
    rng: np.random.Generator, range_db: tuple[float, float], voices: Sequence[FloatArray]
) -> tuple[str, Step]:
    kind = str(rng.choice(list(NOISES), p=list(NOISES.values())))
    ratio_db, seed = float(rng.uniform(*range_db)), int(rng.integers(1 << 31))

    def apply(sound: FloatArray) -> FloatArray:
        # The same noise under both clips of the pair.
        noise = noise_of(kind, sound.size, np.random.default_rng(seed), voices)
        level = _rms(sound) * 10 ** (-ratio_db / 20)
        return sound + noise * np.float32(level / max(_rms(noise), 1e-9))

    return f"noise_{kind}", apply


def _microphone(rng: np.random.Generator) -> Step:
    """A smooth gain of up to 9 dB either way over the octaves, as microphones colour a voice."""
    gains_db = rng.normal(0, 3, 9).clip(-9, 9)

    def apply(sound: FloatArray) -> FloatArray:
        size = sound.size + 2 * min(sound.size, 800)
        octaves = np.log2(np.maximum(np.fft.rfftfreq(size, 1 / RATE_HZ), 30) / 30)
        gain = 10 ** (np.interp(octaves, np.linspace(0, 8.1, 9), gains_db) / 20)
        coloured = np.fft.irfft(np.fft.rfft(sound, size) * gain, size)[: sound.size]
        loudest = float(np.abs(coloured).max())
        return np.asarray(coloured * min(1.0, 0.99 / max(loudest, 1e-9)), np.float32)

    return apply


def _band(rng: np.random.Generator) -> Step:
    """A low-pass, a high-pass or both, as microphones and old codecs have them."""
    which = rng.random()
    low_hz = float(rng.uniform(40, 350)) if which < 0.6 else 0.0
    high_hz = float(rng.uniform(3000, 8000)) if which > 0.3 else RATE_HZ / 2
    order = int(rng.integers(2, 24))
    return lambda sound: band_passed(sound, low_hz, high_hz, order)


def band_passed(sound: FloatArray, low_hz: float, high_hz: float, order: int) -> FloatArray:
    """`sound` (n,) at 16 kHz between two edges in hertz, Butterworth slopes, without phase."""
    size = sound.size + 2 * min(sound.size, 800)
    hz = np.fft.rfftfreq(size, 1 / RATE_HZ)
    gain = np.ones_like(hz)
    if high_hz < RATE_HZ / 2:
        gain /= np.sqrt(1 + (hz / high_hz) ** (2 * order))
    if low_hz > 0:
        gain /= np.sqrt(1 + (low_hz / np.maximum(hz, 1e-3)) ** (2 * min(order, 6)))
    return np.fft.irfft(np.fft.rfft(sound, size) * gain, size)[: sound.size].astype(np.float32)


def _loudness(rng: np.random.Generator) -> Step:
    amount = float(rng.uniform(0.2, 0.9))
    if rng.random() < 0.5:
        drive = float(rng.uniform(1.5, 8))
        return lambda sound: _soft_clipped(sound, drive)
    return lambda sound: _compressed(sound, amount)


def _soft_clipped(sound: FloatArray, drive: float) -> FloatArray:
    peak = float(np.abs(sound).max()) or 1.0
    return np.tanh(sound / peak * drive) / np.tanh(drive) * peak


def _compressed(sound: FloatArray, amount: float) -> FloatArray:
    """Quiet passages raised towards the loudest one: level to the power of 1 - `amount`."""
    block = 320
    blocks = np.pad(sound, (0, -sound.size % block)).reshape(-1, block)
    level = np.sqrt((blocks**2).mean(axis=1))
    smooth = np.convolve(np.pad(level, 3, mode="edge"), np.ones(7) / 7, "valid")
    loudest = max(float(smooth.max()), 1e-6)
    gain = (np.maximum(smooth, 0.01 * loudest) / loudest) ** -amount
    centres = (np.arange(len(level)) + 0.5) * block
    out = sound * np.interp(np.arange(sound.size), centres, gain)
    return out * (np.abs(sound).max() / max(float(np.abs(out).max()), 1e-9))


def _gain(decibels: float) -> Step:
    factor = float(10 ** (decibels / 20))

    def apply(sound: FloatArray) -> FloatArray:
        # Louder only as far as there is room: clipping has its own step.
        return sound * np.float32(min(factor, 0.99 / max(float(np.abs(sound).max()), 1e-6)))

    return apply


def _resampling(rng: np.random.Generator) -> tuple[str, Step]:
    """Through another rate and back, by a clean filter or by straight lines between samples."""
    rate_hz, clean = int(rng.choice(RATES_HZ)), rng.random() < 0.7

    def apply(sound: FloatArray) -> FloatArray:
        n = max(2, round(sound.size * rate_hz / RATE_HZ))
        other = resampled(sound, n) if clean or rate_hz < RATE_HZ else _lines(sound, n)
        return resampled(other, sound.size) if clean else _lines(other, sound.size)

    return f"rate_{rate_hz}", apply


def _lines(sound: FloatArray, n: int) -> FloatArray:
    at = np.arange(n) * (sound.size / n)
    return np.interp(at, np.arange(sound.size), sound).astype(np.float32)


def _telephone(rng: np.random.Generator) -> tuple[str, Step]:
    """300 to 3400 Hz at 8 kHz: mu-law, A-law, or a mobile phone's AMR."""
    way = str(rng.choice(["mu_law", "a_law", "amr_nb"]))
    rate_bit_s = int(rng.choice(CODECS["amr_nb"].rates_bit_s))

    def apply(sound: FloatArray) -> FloatArray:
        narrow = band_passed(sound, 300, 3400, 8)
        if way == "amr_nb":
            return round_trip(narrow, way, rate_bit_s)
        law = mu_law if way == "mu_law" else a_law
        return resampled(law(resampled(narrow, max(2, sound.size // 2))), sound.size)

    return f"telephone_{way}", apply


def mu_law(sound: FloatArray) -> FloatArray:
    """Eight bits a sample after ITU-T G.711's mu-law and back; same shape."""
    size = np.log1p(255 * np.minimum(np.abs(sound), 1)) / np.log(256)
    return (np.sign(sound) * np.expm1(np.round(size * 127) / 127 * np.log(256)) / 255).astype(
        np.float32
    )


def a_law(sound: FloatArray) -> FloatArray:
    """Eight bits a sample after ITU-T G.711's A-law and back; same shape."""
    a, whole = 87.6, 1 + np.log(87.6)
    size = np.minimum(np.abs(sound), 1)
    curve = np.where(size < 1 / a, a * size, 1 + np.log(np.maximum(a * size, 1))) / whole
    curve = np.round(curve * 127) / 127 * whole
    back = np.where(curve < 1, curve / a, np.exp(curve - 1) / a)
    return (np.sign(sound) * back).astype(np.float32)


def _codec(rng: np.random.Generator, among: Sequence[str]) -> tuple[str, Step]:
    name = str(rng.choice(list(among)))
    rate_bit_s = int(rng.choice(CODECS[name].rates_bit_s))
    return f"{name}_{rate_bit_s // 1000}k", lambda sound: round_trip(sound, name, rate_bit_s)


def _rms(sound: FloatArray) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)))) if sound.size else 0.0
