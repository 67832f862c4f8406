"""What a voice's pitch, cycles and rhythm amount to: named numbers, each with its abstention."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from assay.inputs import speech_rhythm as rhythm
from assay.inputs import voice_pulses as pulses
from assay.inputs.pitch import Pitch, PitchInput, track_pitch
from assay.inputs.recipe import fingerprint_of
from assay.inputs.voice_stretches import VoiceStretches, runs_of
from assay.subjects.speech import Speech
from assay.types import FloatArray

Numbers = NDArray[Any]


class Cue(NamedTuple):
    """One number: `meaning` continues "The higher, the more ..."."""

    name: str
    unit: str
    meaning: str


CUES = (
    Cue("pitch_range", "semitones", "the pitch ranges between high and low"),
    Cue("pitch_slope", "semitones per s", "the pitch rises along a phrase"),
    Cue("pitch_speed", "semitones per s", "quickly the pitch moves"),
    Cue("pitch_ripple", "cents", "the pitch trembles from frame to frame"),
    Cue("voiced_share", "share of the speech", "of the speech is voiced"),
    Cue("jitter", "%", "neighbouring cycles differ in length"),
    Cue("jitter_of_three", "%", "a cycle differs in length from the mean of three"),
    Cue("shimmer", "%", "neighbouring cycles differ in height"),
    Cue("harmonics_to_noise", "dB", "of the voice repeats from cycle to cycle"),
    Cue("harmonics_spread", "dB", "that share differs within the voice"),
    Cue("syllable_rate", "per s", "syllables there are in a second"),
    Cue("syllable_variability", "share of the mean", "the time between syllables varies"),
    Cue("syllable_levels", "dB", "syllables differ in loudness"),
    Cue("pause_rate", "per s", "short pauses there are in a second"),
    Cue("pause_length", "s", "time the pauses between words last"),
    Cue("pause_variability", "share of the mean", "the pauses differ in length"),
    Cue("breath_share", "share of the pauses", "of the longer pauses hold a breath"),
)
NAMES = tuple(cue.name for cue in CUES)
# A telephone takes the high band and leaves pitch and rhythm.
ALLOWED = ("band_limited",)
# Measured over a run of segments with the gaps between them, not segment by segment.
OF_RUNS = ("pause_rate", "pause_length", "pause_variability", "breath_share")
LEVEL = 0.05
QUIETEST = 2.0**-15
MIN_VOICED_FRAMES = 30
MIN_SYLLABLES = 4
MIN_PAUSES = 3
# A breath needs room: shorter pauses are those within words.
BREATH_ROOM_S = 0.15


@dataclass(frozen=True, slots=True)
class VoiceCueInput:
    """How voices are measured: the pitch recipe and the most of a voice (s) that is read."""

    pitch: PitchInput = field(default_factory=PitchInput)
    most_s: float = 30.0
    cues: tuple[str, ...] = NAMES

    @property
    def fingerprint(self) -> str:
        """Sixteen hexadecimal digits that change with any field."""
        return fingerprint_of(self, 16)


@dataclass(frozen=True, slots=True)
class SegmentCues:
    """One segment: `values` (k,) in the order of CUES, NaN where not measured, and its pitch."""

    values: FloatArray
    pitch: Pitch
    n_cycles: int


@dataclass(frozen=True, slots=True)
class RunCues:
    """One run of speech: `values` as `SegmentCues`; pauses and breaths (start s, end s) in it."""

    values: FloatArray
    pauses_s: tuple[tuple[float, float], ...]
    breaths_s: tuple[tuple[float, float], ...]


def levelled(samples: FloatArray) -> FloatArray:
    """The sound (n,) without its constant part, not-a-number as silence, its strength brought to
    one level; what is quieter than 16 bits can hold stays silence."""
    values = np.nan_to_num(np.asarray(samples, np.float64), nan=0.0, posinf=0.0, neginf=0.0)
    values = values - (values.mean() if len(values) else 0.0)
    peak = float(np.abs(values).max(initial=0.0))
    if peak < QUIETEST:
        return np.zeros(len(values), np.float32)
    values = values / peak
    return np.asarray(values * (LEVEL / np.sqrt(np.mean(values**2))), np.float32)


def measure_segment(samples: FloatArray, rate_hz: int, recipe: VoiceCueInput) -> SegmentCues:
    """The cues of one segment of one voice, (n,) mono; never raises for any finite sound."""
    samples = levelled(samples)
    pitch = track_pitch(samples, rate_hz, recipe.pitch)
    cycles = pulses.find_cycles(samples, rate_hz, pitch)
    found = {**_of_pitch(pitch), **_of_cycles(cycles)}
    levels = rhythm.measure_levels(samples, rate_hz)
    found |= _of_syllables(levels, np.isfinite(pitch.f0_hz))
    return SegmentCues(_row(found), pitch, len(cycles))


def measure_run(samples: FloatArray, rate_hz: int) -> RunCues:
    """Pauses and breaths in a run of speech, the gaps between its segments included."""
    levels = rhythm.measure_levels(levelled(samples), rate_hz)
    pauses = rhythm.find_pauses(levels)
    breaths = rhythm.find_breaths(levels, pauses)
    lengths = np.array([b - a for a, b in pauses], np.float64) * rhythm.HOP_S
    seconds = len(levels.level_db) * rhythm.HOP_S
    found = {}
    if seconds >= 1:
        found["pause_rate"] = len(pauses) / seconds
    if len(pauses):
        found["pause_length"] = float(lengths.mean())
    if len(pauses) >= MIN_PAUSES:
        found["pause_variability"] = float(lengths.std() / lengths.mean())
    roomy = int((lengths >= BREATH_ROOM_S).sum())
    if roomy:
        found["breath_share"] = min(1.0, len(breaths) / roomy)
    return RunCues(_row(found), _seconds(pauses), _seconds(breaths))


def _seconds(stretches: list[tuple[int, int]]) -> tuple[tuple[float, float], ...]:
    return tuple((round(a * rhythm.HOP_S, 3), round(b * rhythm.HOP_S, 3)) for a, b in stretches)


@dataclass(frozen=True, slots=True)
class VoiceProsody:
    """One voice: `values` (k,) in the order of CUES, NaN where not measured; its segments in
    order; its runs, each with its first moment (s)."""

    values: FloatArray
    segments: tuple[SegmentCues, ...]
    runs: tuple[tuple[float, RunCues], ...]


def measure_voice(
    voice: VoiceStretches,
    speech: Speech,
    recipe: VoiceCueInput,
    check: Callable[[], None] = lambda: None,
) -> VoiceProsody:
    """The cues of one person in a file; `check()` is called between segments and may raise."""
    segments = []
    for one in voice.segments:
        check()
        segments.append(measure_segment(one.waveform, one.sample_rate_hz, recipe))
    rate_hz = speech.waveform.sample_rate_hz
    runs = [(start_s, measure_run(run, rate_hz)) for start_s, run in runs_of(voice, speech)]
    seconds = [one.end_s - one.start_s for one in voice.segments]
    values = of_voice(segments, [run for _, run in runs], seconds)
    return VoiceProsody(values, tuple(segments), tuple(runs))


def of_voice(
    segments: Sequence[SegmentCues], runs: Sequence[RunCues], seconds: Sequence[float]
) -> FloatArray:
    """One voice's cues (k,): means over its segments, each by its length, and over its runs."""
    rows = np.array([segment.values for segment in segments], np.float64).reshape(-1, len(CUES))
    weights = np.where(np.isfinite(rows), np.asarray(seconds, np.float64)[:, None], 0)
    total = weights.sum(axis=0)
    means = np.nan_to_num(rows * weights).sum(axis=0) / np.where(total > 0, total, np.nan)
    of_runs = np.array([run.values for run in runs], np.float64).reshape(-1, len(CUES))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        run_means = np.nanmean(of_runs, axis=0) if len(of_runs) else np.full(len(CUES), np.nan)
    return np.where(np.isfinite(means), means, run_means).astype(np.float32)


def _row(found: dict[str, float]) -> FloatArray:
    values = np.array([found.get(name, np.nan) for name in NAMES], np.float32)
    return np.where(np.isfinite(values), values, np.nan).astype(np.float32)


def _of_pitch(pitch: Pitch) -> dict[str, float]:
    voiced = np.isfinite(pitch.f0_hz)
    if not len(voiced):
        return {}
    found = {"voiced_share": float(voiced.mean())}
    if voiced.sum() < MIN_VOICED_FRAMES:
        return found
    semitones = 12 * np.log2(pitch.f0_hz[voiced].astype(np.float64))
    low, high = np.quantile(semitones, [0.05, 0.95])
    times = pitch.times_s[voiced].astype(np.float64)
    found["pitch_range"] = float(high - low)
    if np.ptp(times) >= 1:
        found["pitch_slope"] = _robust_slope(times, semitones)
    moves, ripples = [], []
    for a, b in pulses.voiced_stretches(pitch.f0_hz, 7):
        part = 12 * np.log2(pitch.f0_hz[a:b].astype(np.float64))
        calm = rhythm.smoothed(part, 5)
        moves.append(np.abs(np.diff(calm))[2:-2])
        ripples.append((part - calm)[2:-2])
    if sum(map(len, ripples)) >= MIN_VOICED_FRAMES:
        hop_s = float(pitch.times_s[1] - pitch.times_s[0])
        found["pitch_speed"] = float(np.median(np.concatenate(moves))) / hop_s
        found["pitch_ripple"] = 100 * float(np.median(np.abs(np.concatenate(ripples))))
    return found


def _robust_slope(times_s: Numbers, values: Numbers) -> float:
    """A line through what lies within half an octave of the median: octave errors do not tilt."""
    near = np.abs(values - np.median(values)) < 6
    t = times_s[near] - times_s[near].mean()
    spread = float((t * t).sum())
    return float((t * values[near]).sum() / spread) if spread > 0 else float("nan")


def _of_cycles(cycles: pulses.Cycles) -> dict[str, float]:
    if len(cycles) < pulses.MIN_CYCLES:
        return {}
    hnr = pulses.harmonics_to_noise_db(cycles)
    low, middle, high = np.quantile(hnr, [0.25, 0.5, 0.75])
    return {
        "jitter": 100 * pulses.jitter(cycles),
        "jitter_of_three": 100 * pulses.jitter_of_three(cycles),
        "shimmer": 100 * pulses.shimmer(cycles),
        "harmonics_to_noise": float(middle),
        "harmonics_spread": float(high - low),
    }


def _of_syllables(levels: rhythm.Levels, voiced: NDArray[np.bool_]) -> dict[str, float]:
    seconds = len(levels.level_db) * rhythm.HOP_S
    syllables = rhythm.find_syllables(levels, voiced)
    if seconds < 1 or len(syllables) < MIN_SYLLABLES:
        return {}
    between = np.diff(syllables)
    return {
        "syllable_rate": len(syllables) / seconds,
        "syllable_variability": float(between.std() / between.mean()),
        "syllable_levels": float(rhythm.smoothed(levels.level_db)[syllables].std()),
    }
