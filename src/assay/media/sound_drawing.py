"""A sound's envelope and spectrogram: bounded in size and quick however long it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from assay.types import Array, FloatArray, Waveform

ENVELOPE_COLUMNS = 1000
SPECTROGRAM_COLUMNS = 900
BANDS = 160
TOP_HZ = 8000.0
WINDOW_S = 0.032
RANGE_DB = 80.0
FAINTEST_REFERENCE_DB = -70.0
"""A sound with nothing above this is drawn faint instead of being lifted to full black."""
FRAMES_PER_COLUMN = 6
_SHORTEST_WINDOW, _LONGEST_WINDOW = 16, 8192
_COLUMNS_AT_ONCE = 64


def envelope(waveform: Waveform, columns: int = ENVELOPE_COLUMNS) -> FloatArray:
    """The least and greatest sample of each stretch: (n, 2) float32 in [-1, 1], n <= columns."""
    import numpy as np

    samples = waveform.samples
    n = min(columns, len(samples))
    if not n:
        return np.zeros((1, 2), np.float32)
    starts = np.arange(n) * len(samples) // n
    low, high = np.minimum.reduceat(samples, starts), np.maximum.reduceat(samples, starts)
    both = np.nan_to_num(np.stack([low, high], axis=1), nan=0.0, posinf=1.0, neginf=-1.0)
    bounded: FloatArray = np.clip(both, -1.0, 1.0).astype(np.float32)
    return bounded


def spectrogram(
    waveform: Waveform, columns: int = SPECTROGRAM_COLUMNS, bands: int = BANDS
) -> Array:
    """Level over frequency and time: (bands, n) uint8, lowest band first, 0 to 8 kHz.

    255 is the loudest place, each step 0.31 dB, 0 is 80 dB below it or silent. A column is the
    loudest of up to six Hann windows of 32 ms within it: of a long sound not every sample is
    read, so that half an hour takes no longer than half a minute. Bands above half the sample
    rate stay 0.
    """
    import numpy as np

    rate_hz = waveform.sample_rate_hz
    size = _window_size(rate_hz)
    if not len(waveform.samples):
        return np.zeros((bands, 1), np.uint8)
    n = max(1, min(columns, 2 * len(waveform.samples) // size))
    power = np.zeros((bands, n), np.float32)
    for first in range(0, n, _COLUMNS_AT_ONCE):
        last = min(n, first + _COLUMNS_AT_ONCE)
        power[:, first:last] = _column_powers(waveform, size, (first, last, n), bands)
    level_db = 10 * np.log10(np.maximum(power, 1e-20))
    reference_db = max(float(level_db.max()), FAINTEST_REFERENCE_DB)
    steps = np.clip(1 + (level_db - reference_db) / RANGE_DB, 0.0, 1.0) * 255
    drawn: Array = np.rint(steps).astype(np.uint8)
    return drawn


def _window_size(rate_hz: int) -> int:
    """The next power of two from 32 ms on, within bounds."""
    wanted = max(1, round(rate_hz * WINDOW_S))
    return min(_LONGEST_WINDOW, max(_SHORTEST_WINDOW, 1 << (wanted - 1).bit_length()))


def _column_powers(
    waveform: Waveform, size: int, span: tuple[int, int, int], bands: int
) -> FloatArray:
    """The loudest window's power per band, (bands, columns), for columns first to last of n."""
    import numpy as np

    samples, (first, last, n) = waveform.samples, span
    length = len(samples) / n
    per_column = int(min(FRAMES_PER_COLUMN, max(1, 2 * length // size)))
    middles = (
        np.arange(first, last)[:, None] + (np.arange(per_column) + 0.5) / per_column
    ) * length
    at = np.rint(middles - size / 2).astype(np.int64)[..., None] + np.arange(size)
    inside = (at >= 0) & (at < len(samples))
    frames = np.where(inside, samples[np.clip(at, 0, max(0, len(samples) - 1))], np.float32(0))
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    spectrum = np.fft.rfft(np.nan_to_num(frames) * window, axis=-1)
    power = (np.abs(spectrum) * (2 / window.sum())) ** 2
    return _banded(power.max(axis=1), waveform.sample_rate_hz, bands).T


def _banded(power: FloatArray, rate_hz: int, bands: int) -> FloatArray:
    """The loudest bin of each band; a band narrower than a bin takes the bin it lies in."""
    import numpy as np

    bin_hz = rate_hz / (2 * (power.shape[1] - 1))
    edges = np.arange(bands) * (TOP_HZ / bands) / bin_hz
    first = np.rint(edges).astype(int)
    inside = first < power.shape[1]
    first = np.minimum(first, power.shape[1] - 1)
    above = int(np.ceil(TOP_HZ / bin_hz)) + 1
    banded = np.maximum.reduceat(power[:, : max(above, first[-1] + 1)], first, axis=1)
    kept: FloatArray = (banded * inside).astype(np.float32)
    return kept
