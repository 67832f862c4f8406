from __future__ import annotations

import numpy as np
import pytest

from assay.inputs.pitch import track_pitch
from assay.inputs.voice_phase import (
    VoicedFrames,
    cut_voiced,
    excitation_cues,
    high_band_pulsing,
    levinson,
    phase_cues,
    prediction_residual,
)
from tests.inputs.made_voices import RATE_HZ, hostile_sounds, voice


def with_random_phases(sound: np.ndarray, seed: int = 0) -> np.ndarray:
    """The same magnitudes, frame by frame, with phases of chance."""
    random, n = np.random.default_rng(seed), 512
    out = np.zeros(len(sound) + n)
    window = np.hanning(n)
    for at in range(0, len(sound) - n, n // 4):
        frame = np.fft.rfft(sound[at : at + n] * window)
        phases = np.exp(2j * np.pi * random.random(len(frame)))
        out[at : at + n] += np.fft.irfft(np.abs(frame) * phases, n) * window
    return (0.3 * out[: len(sound)] / np.abs(out).max()).astype(np.float32)


def voiced(sound: np.ndarray, like: np.ndarray | None = None) -> VoicedFrames:
    pitch = track_pitch(sound if like is None else like, RATE_HZ)
    found = cut_voiced(sound, RATE_HZ, pitch)
    assert found is not None
    return found


def test_harmonics_of_a_throat_start_together_and_guessed_phases_do_not() -> None:
    sound = voice(120.0, 2.0, 0.005, 0.02, 30.0)
    own = phase_cues(voiced(sound))
    guessed = phase_cues(voiced(with_random_phases(sound), sound))
    for name in ("phase_coherence", "phase_coherence_high"):
        assert own[name] > 0.6
        assert guessed[name] < 0.2
    assert own["phase_steadiness"] > guessed["phase_steadiness"] + 0.3


def test_pulses_are_sharp_and_one_sided_and_guessed_phases_are_not() -> None:
    sound = voice(120.0, 2.0, 0.005, 0.02, 30.0)
    own = excitation_cues(voiced(sound))
    guessed = excitation_cues(voiced(with_random_phases(sound), sound))
    assert own["pulse_sharpness"] > guessed["pulse_sharpness"] + 0.5
    assert own["pulse_one_sidedness"] > guessed["pulse_one_sidedness"] + 0.5


def test_turned_over_or_moved_sound_has_the_same_cues() -> None:
    sound = voice(140.0, 2.0, 0.005, 0.02, 30.0)
    own, turned = (voiced(s) for s in (sound, -sound))
    assert phase_cues(own) == pytest.approx(phase_cues(turned))
    assert excitation_cues(own) == pytest.approx(excitation_cues(turned))


def test_harmonics_stand_out_less_in_noise() -> None:
    clean, noisy = (phase_cues(voiced(voice(120.0, 2.0, noise_db=db))) for db in (40.0, 10.0))
    for name in ("harmonic_depth_low", "harmonic_depth_high"):
        assert clean[name] > noisy[name] + 3


def test_the_high_band_of_a_voice_pulses_and_noise_does_not() -> None:
    assert high_band_pulsing(voiced(voice(110.0, 2.0))) > 0.6
    sound = voice(110.0, 2.0)
    noise = np.random.default_rng(0).normal(size=len(sound)).astype(np.float32)
    assert abs(high_band_pulsing(voiced(noise, sound))) < 0.15


def test_levinson_solves_the_normal_equations() -> None:
    acf = np.array([[2.0, 1.0, 0.3, 0.1], [1.0, -0.5, 0.2, 0.0]])
    for row, found in zip(acf, levinson(acf), strict=True):
        matrix = np.array([[row[abs(i - j)] for j in range(3)] for i in range(3)])
        assert found[1:] == pytest.approx(np.linalg.solve(matrix, -row[1:]), abs=1e-9)


def test_prediction_leaves_less_than_there_was() -> None:
    frames = voiced(voice(120.0, 1.0)).frames
    assert prediction_residual(frames).std() < 0.5 * np.diff(frames, axis=1).std()


def test_too_few_voiced_frames_give_nothing() -> None:
    sound = voice(120.0, 0.12)
    assert cut_voiced(sound, RATE_HZ, track_pitch(sound, RATE_HZ)) is None


@pytest.mark.parametrize("name", hostile_sounds())
def test_hostile_sound_gives_numbers(name: str) -> None:
    sound = np.clip(np.nan_to_num(hostile_sounds()[name], posinf=1, neginf=-1), -1, 1)
    found = cut_voiced(sound, RATE_HZ, track_pitch(sound, RATE_HZ))
    if found is None:
        return
    cues = {**phase_cues(found), **excitation_cues(found)}
    assert all(np.isfinite(value) or np.isnan(value) for value in cues.values())
    assert np.isfinite(high_band_pulsing(found))
