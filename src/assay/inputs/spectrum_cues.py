"""What a voice's phases, its noise and its mean spectrum amount to: named numbers at 16 kHz.

All is measured at one rate and below 7.2 kHz, so that no number reads the rate at which a file
happens to be stored: that is told, and never weighed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from assay.inputs import sound_spectrum as spectrum
from assay.inputs import voice_phase as phase
from assay.inputs.pitch import PitchInput, track_pitch
from assay.inputs.recipe import fingerprint_of
from assay.inputs.voice_cues import Cue, levelled
from assay.types import FloatArray

Numbers = NDArray[Any]

CUES = (
    Cue("phase_coherence", "0 to 1", "the harmonics below 2 kHz start together"),
    Cue("phase_coherence_high", "0 to 1", "the harmonics above 2.5 kHz start together"),
    Cue("phase_steadiness", "-1 to 1", "steady the phases stay from moment to moment"),
    Cue("pulse_sharpness", "log kurtosis", "sharp the pulses of the voice are"),
    Cue("pulse_sharpness_spread", "log kurtosis", "that sharpness differs within the voice"),
    Cue("pulse_one_sidedness", "skewness", "the pulses of the voice point to one side"),
    Cue("harmonic_depth_low", "dB", "harmonics below 2 kHz stand out of what lies between"),
    Cue("harmonic_depth_high", "dB", "harmonics above 2.5 kHz stand out of what lies between"),
    Cue("high_band_pulsing", "-1 to 1", "the sound above 3 kHz pulses with the pitch"),
    Cue("high_band_steps", "dB", "restless the sound above 3 kHz is from moment to moment"),
    Cue("grain_of_noise", "dB", "the finest detail of the spectrum varies"),
    Cue("quiet_flatness", "log share", "white the quietest moments are"),
    Cue("fine_ripple", "dB", "ripples stand still in the mean spectrum"),
    Cue("line_strength", "standard errors", "lines at even distances stand still in it"),
)
NAMES = tuple(cue.name for cue in CUES)
OF_VOICE = ("fine_ripple", "line_strength")
FRAME_S, HOP_S = 0.032, 0.01
BANDS_HZ = np.geomspace(300, 7000, 21)
MIN_FRAMES = 30
# The mean spectrum of less than this is not yet mean.
MIN_MEAN_FRAMES = 20


@dataclass(frozen=True, slots=True)
class SpectrumCueInput:
    """How voices are measured: the pitch recipe and the most of a voice (s) that is read."""

    pitch: PitchInput = field(default_factory=PitchInput)
    most_s: float = 15.0
    cues: tuple[str, ...] = NAMES

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with any field."""
        return fingerprint_of(self, 16)


@dataclass(frozen=True, slots=True)
class VoiceSpectrum:
    """One voice: `values` (k,) in the order of CUES, NaN where not measured; per segment the same
    (m, k); the lines of its mean spectrum."""

    values: FloatArray
    by_segment: FloatArray
    lines: spectrum.Lines


def measure_voice(
    segments: Sequence[FloatArray],
    rate_hz: int,
    recipe: SpectrumCueInput,
    check: Callable[[], None] = lambda: None,
) -> VoiceSpectrum:
    """The cues of one voice from its segments (n,) mono; `check()` is called between them and may
    raise, no sound does."""
    clean, found = [levelled(s) for s in segments], []
    for one in clean:
        check()
        found.append(_row(_of_segment(one, rate_hz, recipe)))
    rows = np.array(found).reshape(-1, len(CUES))
    weights = np.isfinite(rows) * np.array([len(s) for s in clean], np.float64)[:, None]
    total = weights.sum(axis=0)
    means = np.nan_to_num(rows * weights).sum(axis=0) / np.where(total > 0, total, np.nan)
    lines, of_voice = _of_mean(clean, rate_hz)
    whole = _row(of_voice)
    values = np.where(np.isfinite(whole), whole, means).astype(np.float32)
    return VoiceSpectrum(values, rows.astype(np.float32), lines)


def _row(found: dict[str, float]) -> FloatArray:
    values = np.array([found.get(name, np.nan) for name in NAMES], np.float32)
    return np.where(np.isfinite(values), values, np.nan).astype(np.float32)


def _of_segment(samples: FloatArray, rate_hz: int, recipe: SpectrumCueInput) -> dict[str, float]:
    found = _of_noise(samples, rate_hz)
    pitch = track_pitch(samples, rate_hz, recipe.pitch)
    voiced = phase.cut_voiced(samples, rate_hz, pitch)
    if voiced is None:
        return found
    found["high_band_pulsing"] = phase.high_band_pulsing(voiced)
    return {**found, **phase.phase_cues(voiced), **phase.excitation_cues(voiced)}


def _of_noise(samples: FloatArray, rate_hz: int) -> dict[str, float]:
    """Cues of frames of 32 ms: how restless high bands are, how grainy, how white when quiet."""
    n, hop = round(FRAME_S * rate_hz), round(HOP_S * rate_hz)
    if len(samples) < n + hop * MIN_FRAMES:
        return {}
    window = np.hanning(n).astype(np.float32)
    power = np.abs(np.fft.rfft(sliding_window_view(samples, n)[::hop] * window, axis=1)) ** 2
    hz = np.fft.rfftfreq(n, 1 / rate_hz)
    level = 10 * np.log10(power[:, (hz > 100) & (hz < 7000)].sum(axis=1) + 1e-10)
    loud = level > np.quantile(level, 0.95) - 30
    if loud.sum() < MIN_FRAMES:
        return {}
    edges = np.searchsorted(hz, BANDS_HZ)
    bands = 10 * np.log10(np.add.reduceat(power, edges[:-1], axis=1)[:, :-1] + 1e-10)
    high = BANDS_HZ[:-2] > 3000
    both = loud[1:] & loud[:-1]
    steps = np.abs(np.diff(bands, axis=0))[both][:, high]
    fine = 10 * np.log10(power[loud][:, (hz > 3000) & (hz < 7000)] + 1e-12)
    quiet = power[level <= np.quantile(level, 0.1)][:, (hz > 500) & (hz < 7000)] + 1e-12
    white = np.log(quiet).mean(axis=1) - np.log(quiet.mean(axis=1))
    return {
        "high_band_steps": float(np.median(steps)) if steps.size else float("nan"),
        "grain_of_noise": float(np.median(np.abs(np.diff(fine, n=2, axis=1)))),
        "quiet_flatness": float(np.median(white)),
    }


def _of_mean(
    segments: Sequence[FloatArray], rate_hz: int
) -> tuple[spectrum.Lines, dict[str, float]]:
    mean = spectrum.mean_spectrum(segments, rate_hz)
    if mean is None or mean.n_frames < MIN_MEAN_FRAMES:
        return spectrum.Lines(float("nan"), None, ()), {}
    lines = spectrum.find_lines(mean)
    hz = mean.frequencies_hz
    above = spectrum.above_neighbours(mean)[(hz > 2000) & (hz < 7000)]
    # The ripple of chance falls with the square root of the frames; what stands still does not.
    ripple = float(np.sqrt(np.mean(np.clip(above, -6, 6) ** 2) * mean.n_frames))
    return lines, {"fine_ripple": ripple, "line_strength": lines.strength}
