from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av", reason="sound needs PyAV")
pytest.importorskip("torch", reason="the train extra is not installed")
pytestmark = pytest.mark.train

from assay.inputs.waveform import WaveformInput  # noqa: E402
from assay.training import voice_pairs  # noqa: E402
from assay.training.sound_degrade import SoundOdds  # noqa: E402
from assay.training.voice_pairs import VoicePairSource  # noqa: E402
from tests.training.makers import make_voice  # noqa: E402

RECIPE = WaveformInput(length_s=1.5)
QUIET = SoundOdds(*[0.0] * 2, (5.0, 40.0), *[0.0] * 9)


@pytest.fixture
def undisturbed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_pairs, "ALIGNED_ODDS", QUIET)
    monkeypatch.setattr(voice_pairs, "FREE_ODDS", QUIET)
    monkeypatch.setattr(voice_pairs, "LITTLE_ODDS", QUIET)
    monkeypatch.setattr(voice_pairs, "SHORTER_SHARE", 0.0)


def voices() -> list:
    genuine = [make_voice(n, method=f"set {n % 2}", source=f"set {n % 2}") for n in range(4)]
    copies = [make_voice(n, twin=True, method="vocoder", source=f"set {n % 2}") for n in range(4)]
    free = [make_voice(9 + n, fake=True, method="speaker", group=f"voice {n}") for n in range(3)]
    return genuine + copies + free


@pytest.mark.usefixtures("undisturbed")
def test_aligned_pairs_say_the_same_sentence() -> None:
    source = VoicePairSource(voices(), RECIPE)
    pairs = [source.draw(seed) for seed in range(60)]
    aligned = [pair for pair in pairs if pair.aligned]
    assert 15 < len(aligned) < 45
    for pair in aligned:
        assert pair.method == "vocoder"
        assert pair.source in ("set 0", "set 1")
        # The test's vocoder halves the sound.
        assert np.abs(pair.fake - pair.genuine / 2).max() < 1e-3
    assert {pair.method for pair in pairs if not pair.aligned} == {"speaker"}


def test_a_pair_is_drawn_by_its_seed_and_has_the_recipes_shape() -> None:
    source = VoicePairSource(voices(), RECIPE)
    for seed in range(12):
        first, again = source.draw(seed), source.draw(seed)
        assert (first.genuine == again.genuine).all()
        assert (first.fake == again.fake).all()
        for part in (first.genuine, first.fake):
            assert part.shape == (RECIPE.n_samples,)
            assert part.dtype == np.float32
            assert np.abs(part).max() <= 1
            assert part.std() > 0


@pytest.mark.usefixtures("undisturbed")
def test_a_method_with_one_voice_does_not_drown_and_is_not_drowned() -> None:
    many = [make_voice(n, fake=True, method="many", group=f"m{n}", length_s=0.3) for n in range(36)]
    one = [make_voice(50 + n, fake=True, method="one", group="x", length_s=0.3) for n in range(40)]
    source = VoicePairSource([make_voice(1), *many, *one], RECIPE)
    drawn = Counter(source.draw(seed).method for seed in range(700))
    assert 50 < drawn["one"] < 160  # one in seven


def test_without_one_kind_all_are_of_the_other() -> None:
    copies = VoicePairSource([v for v in voices() if not v.fake or v.twin is not None], RECIPE)
    assert all(copies.draw(seed).aligned for seed in range(8))
    free = VoicePairSource([v for v in voices() if not v.fake or v.twin is None], RECIPE)
    assert not any(free.draw(seed).aligned for seed in range(8))


def test_tags_are_methods_and_sources() -> None:
    source = VoicePairSource(voices(), RECIPE)
    assert {"vocoder", "speaker", "set 0", "set 1"} <= set(source.tags)
    drawn = [source.draw(seed) for seed in range(20)]
    assert {tag for pair in drawn for tag in (pair.method, pair.source)} <= set(source.tags)


@pytest.mark.usefixtures("undisturbed")
def test_a_clip_shorter_than_the_window_repeats() -> None:
    short = replace(make_voice(1), samples=make_voice(1).samples[:8000])
    fake = make_voice(2, fake=True, length_s=0.5)
    pair = VoicePairSource([short, fake], RECIPE).draw(3)
    assert (pair.genuine[:8000] == pair.genuine[8000:16000]).all()


def test_nothing_shared_is_written(tmp_path: Path) -> None:
    memory = np.memmap(tmp_path / "v", np.int16, "w+", shape=(30_000,))
    memory[:] = make_voice(1, length_s=30_000 / 16_000).samples
    kept = np.array(memory)
    source = VoicePairSource([replace(make_voice(1), samples=memory), *voices()], RECIPE)
    for seed in range(10):
        source.draw(seed)
    assert (memory == kept).all()
