from pathlib import Path

import numpy as np
import pytest

from assay.subjects.speakers import N_BANDS, mel_power, tell_apart, voice_prints
from tests.subjects.voices import spoken, voiced

GOLDEN = Path(__file__).parents[1] / "golden" / "mel_power.npy"


def unit(*rows) -> np.ndarray:
    vectors = np.array(rows, np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_mel_power_is_what_librosa_gives():
    librosa = pytest.importorskip("librosa")
    sound = np.random.default_rng(0).standard_normal(20001).astype(np.float32) * 0.1
    theirs = librosa.feature.melspectrogram(y=sound, sr=16000, n_fft=400, hop_length=160, n_mels=40)
    assert np.abs(mel_power(sound) - theirs.T).max() < 1e-5 * theirs.max()


def test_mel_power_stays_as_it_was():
    found = mel_power(spoken())[::40]
    assert np.abs(found - np.load(GOLDEN)).max() < 1e-5 * found.max()


@pytest.mark.parametrize("n", [0, 1, 159, 160, 399])
def test_mel_power_of_next_to_nothing(n):
    assert mel_power(np.ones(n, np.float32)).shape == (1 + n // 160, N_BANDS)


def test_a_voice_is_like_itself_and_unlike_another():
    sound = spoken()
    middle = len(sound) // 2
    first, second, other = (
        voice.vector for voice in voice_prints([sound[:middle], sound[middle:], voiced(95.0, 2.0)])
    )
    assert first @ second > 0.75
    assert first @ other < 0.6
    assert np.linalg.norm(first) == pytest.approx(1.0, abs=1e-5)


def test_two_voices_in_one_stretch_show_at_its_ends():
    sound = spoken()[: 2 * 16000]
    both = np.concatenate([sound, voiced(95.0, 2.0)])
    alone, shared = voice_prints([spoken(), both])
    assert alone.ends_alike > 0.6 > shared.ends_alike


def test_prints_do_not_depend_on_level_or_company():
    sound = spoken()
    alone = voice_prints([sound])[0].vector
    quiet, _ = voice_prints([sound * np.float32(1e-2), voiced(200.0, 5.0)])
    assert np.abs(voice_prints([sound, voiced(200.0, 5.0)])[0].vector - alone).max() < 1e-5
    assert quiet.vector @ alone > 0.999


def test_nothing_and_silence_give_no_nan():
    for voice in voice_prints([np.zeros(0, np.float32), np.zeros(16000, np.float32)]):
        assert np.isfinite(voice.vector).all()
    assert voice_prints([]) == []


def test_speakers_are_numbered_by_speaking_time():
    vectors = unit([1, 0.1, 0], [0, 1, 0.1], [0.1, 1, 0], [1, 0, 0.1], [0, 1, 0])
    lengths_s = np.array([2, 3, 3, 2, 2], np.float32)
    assert tell_apart(vectors, lengths_s).tolist() == [1, 0, 0, 1, 0]


def test_short_voices_make_no_speaker_of_their_own():
    vectors = unit([1, 0, 0], [0.2, 0, 1], [0, 1, 0])
    assert tell_apart(vectors, np.array([4, 1, 2], np.float32)).tolist() == [0, 0, 1]
    assert tell_apart(vectors[:1], np.array([0.5], np.float32)).tolist() == [0]
    assert tell_apart(vectors[:0], np.zeros(0, np.float32)).tolist() == []


def test_clusters_agree_with_another_library():
    hierarchy = pytest.importorskip("scipy.cluster.hierarchy")
    rng = np.random.default_rng(0)
    middles = rng.standard_normal((4, 16))
    vectors = unit(*(middles[rng.integers(4, size=60)] + 0.6 * rng.standard_normal((60, 16))))
    ours = tell_apart(vectors, np.full(60, 3.0, np.float32))
    linked = hierarchy.linkage(vectors, "average", metric="cosine")
    theirs = hierarchy.fcluster(linked, 1 - 0.68, "distance")
    assert len(set(theirs)) > 2
    assert len(set(zip(ours.tolist(), theirs.tolist(), strict=True))) == len(set(theirs))
    assert len(set(ours.tolist())) == len(set(theirs))
