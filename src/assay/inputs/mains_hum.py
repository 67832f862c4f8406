"""The hum of the mains in a recording, and whether its phase goes on.

The mains hum at 50 or 60 Hz and drifts by hundredths of a hertz. Whoever cuts a recording, cuts the
hum too: at the cut its phase jumps (Rodríguez, Apolinário & Biscainho, IEEE TIFS 2010).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.types import FloatArray

MAINS_HZ = (50.0, 60.0)
SLOW_HZ = 40.0
"""The rate at which the phase is looked at."""
SIDE_S, CENTRE_S = 0.6, 0.1
MIN_ABOVE_DB = 15.0
"""The hum stands at least so far above its neighbours on both sides of a place."""
MIN_STEADY = 0.9
"""So much of what is near the frequency keeps its phase throughout a side; speech does not."""
MAX_OFF_HZ = 0.3
"""No mains drift further; what does is a voice or a machine."""
_LOW_RATE_HZ = 800.0
# Where a steady tone, averaged over one side, leaves nothing.
_BESIDE_HZ = (-4 / SIDE_S, -3 / SIDE_S, 3 / SIDE_S, 4 / SIDE_S)


@dataclass(frozen=True, slots=True)
class Hum:
    """Hum near `hz`: at `times_s` (k,) the phase jumps by `jump_rad` (k,), in [0, pi].

    Not a number where the hum is too weak beside what is around it. `above_db` is how far it
    stands above its neighbours in the middle of the recording's places.
    """

    hz: float
    above_db: float
    times_s: NDArray[np.float64]
    jump_rad: NDArray[np.float64]


def find_hum(samples: FloatArray, sample_rate_hz: int) -> Hum | None:
    """The stronger of 50 and 60 Hz, or of twice them; None where none stands out.

    The sound has to last two seconds at least.
    """
    if samples.size < 2 * sample_rate_hz or sample_rate_hz < 1000:
        return None
    low, rate_hz = _low(samples, sample_rate_hz)
    found = [_measured(low, rate_hz, base * order) for base in MAINS_HZ for order in (1, 2)]
    near = [
        hum
        for hum in found
        if min(abs(hum.hz - m * k) for m in MAINS_HZ for k in (1, 2)) < MAX_OFF_HZ
    ]
    best = max(near, key=lambda hum: hum.above_db, default=None)
    return best if best is not None and best.above_db >= MIN_ABOVE_DB else None


def _low(samples: FloatArray, sample_rate_hz: int) -> tuple[NDArray[np.float64], float]:
    """The sound below about 300 Hz at some 800 Hz, and that rate: triangular means of blocks."""
    step = max(1, round(sample_rate_hz / _LOW_RATE_HZ))
    n = samples.size // step
    blocks = samples[: n * step].astype(np.float64).reshape(n, step)
    blocks = blocks - blocks.mean()
    share = (np.arange(step) + 0.5) / step
    rising, falling = blocks @ share, blocks @ (1 - share)
    # Twice a mean, so that what lies near the new rate is 40 dB weaker when it folds down.
    return (rising[:-1] + falling[1:]) / step, sample_rate_hz / step


def _measured(samples: NDArray[np.float64], rate_hz: float, hz: float) -> Hum:
    hum, *beside = (_slow(samples, rate_hz, hz + off) for off in (0.0, *_BESIDE_HZ))
    slow_hz = rate_hz / round(rate_hz / SLOW_HZ)
    side, centre = round(SIDE_S * slow_hz), round(CENTRE_S * slow_hz)
    at = np.arange(side + centre, len(hum) - side - centre)
    if not len(at):
        return Hum(hz, -np.inf, np.zeros(0), np.zeros(0))
    drift = np.angle(np.sum(hum[1:] * np.conj(hum[:-1])))
    steady = hum * np.exp(-1j * drift * np.arange(len(hum)))
    before, after = _mean(steady, at - centre - side, side), _mean(steady, at + centre, side)
    around = np.array(
        [
            np.abs(_mean(one, start, side)) ** 2
            for one in beside
            for start in (at - centre - side, at + centre)
        ]
    )
    level = np.sqrt(around.mean(axis=0))
    weaker = np.minimum(np.abs(before), np.abs(after))
    above_db = 20 * np.log10((weaker + 1e-12) / (level + 1e-9))
    jump = np.abs(np.angle(after * np.conj(before)))
    strength = np.abs(hum)
    steadiness = np.minimum(
        np.abs(before) / (_mean(strength, at - centre - side, side) + 1e-12),
        np.abs(after) / (_mean(strength, at + centre, side) + 1e-12),
    )
    jump = np.where((above_db >= MIN_ABOVE_DB) & (steadiness >= MIN_STEADY), jump, np.nan)
    found_hz = hz + float(drift) * slow_hz / (2 * np.pi)
    return Hum(found_hz, float(np.median(above_db)), at / slow_hz, jump)


def _mean(values: NDArray[Any], first: NDArray[np.intp], n: int) -> NDArray[Any]:
    sums = np.concatenate([np.zeros(1, values.dtype), np.cumsum(values)])
    return np.asarray((sums[first + n] - sums[first]) / n)


def _slow(samples: NDArray[np.float64], rate_hz: float, hz: float) -> NDArray[np.complex128]:
    """The sound near `hz` moved to 0 Hz, at the slow rate."""
    step = round(rate_hz / SLOW_HZ)
    n = samples.size // step
    time_s = np.arange(n * step) / rate_hz
    turned = samples[: n * step] * np.exp(-2j * np.pi * hz * time_s)
    blocks = turned.reshape(n, step).mean(axis=1)
    return np.asarray(blocks)
