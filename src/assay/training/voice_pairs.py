"""Draw training pairs of voices: windows of genuine and of synthetic speech, degraded alike. Half
of the pairs are aligned: the synthetic one says the very sentence of the genuine one again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from assay.inputs.waveform import WaveformInput, cut_window
from assay.training.balance import Balanced, grouped
from assay.training.pairs import Pair
from assay.training.sound_degrade import SoundOdds, draw_sound_degradation
from assay.training.voices import CachedVoice, as_float
from assay.types import FloatArray

SHORTEST_S = 1.2
SHORTER_SHARE = 0.25
N_BABBLE = 3
# What most recordings have gone through, and little: strong degradation covers every trace.
LITTLE_SHARE = 0.4
LITTLE_ODDS = SoundOdds(
    room=0.1,
    noise=0.2,
    noise_db=(20.0, 45.0),
    speed=0.05,
    band=0.1,
    loudness=0.1,
    resampling=0.1,
    telephone=0.0,
    codec=0.2,
)
ALIGNED_ODDS = SoundOdds(room=0.2, noise_db=(8.0, 40.0), telephone=0.05, codec=0.45)
# Free pairs differ in what was done to them before; one more codec hides the most of it.
FREE_ODDS = SoundOdds(room=0.2, noise_db=(8.0, 40.0), telephone=0.05, codec=0.6, resampling=0.3)


class VoicePairSource:
    """All pairs of one training or validation set; `draw(seed)` always gives the same one.

    Aligned forgeries (those with a twin) are drawn as often as the others; each method by the
    square root of the number of its groups (voices, speakers), so that neither a large method
    nor one with a single voice drowns the others; genuine sources by the fourth root of their
    size.
    """

    def __init__(
        self, voices: Sequence[CachedVoice], recipe: WaveformInput, aligned: float = 0.5
    ) -> None:
        self.recipe = recipe
        genuine = [v for v in voices if not v.fake]
        fakes = [v for v in voices if v.fake]
        self._genuine = Balanced(genuine, lambda v: v.method)
        self._aligned = Methods([v for v in fakes if v.twin is not None], lambda v: v.source)
        self._free = Methods([v for v in fakes if v.twin is None], lambda v: v.group)
        both = self._free.names and self._aligned.names
        self.aligned = aligned if both else float(bool(self._aligned.names))
        self.tags = tuple(sorted({tag for v in voices for tag in (v.method, v.source)}))

    def draw(self, seed: int) -> Pair:
        """The pair of that seed."""
        rng = np.random.default_rng(seed)
        if rng.random() < self.aligned:
            fake = self._aligned.draw(rng)
            return self._aligned_pair(fake, rng)
        fake, genuine = self._free.draw(rng), self._genuine.draw(rng)
        n = self._length(rng)
        sounds = [self._cut(v.samples, _start(v.samples, n, rng), n) for v in (genuine, fake)]
        return self._finish(sounds, rng, (fake.method, genuine.method), FREE_ODDS, False)

    def _aligned_pair(self, fake: CachedVoice, rng: np.random.Generator) -> Pair:
        twin = fake.samples if fake.twin is None else fake.twin
        n = self._length(rng)
        start = _start(fake.samples, n, rng)
        sounds = [self._cut(samples, start, n) for samples in (twin, fake.samples)]
        return self._finish(sounds, rng, (fake.method, fake.source), ALIGNED_ODDS, True)

    def _length(self, rng: np.random.Generator) -> int:
        """Samples of speech in the window; of less than a window the rest repeats."""
        n = self.recipe.n_samples
        if rng.random() >= SHORTER_SHARE:
            return n
        return int(rng.uniform(SHORTEST_S * self.recipe.sample_rate_hz, n))

    def _cut(self, samples: object, start: int, n: int) -> FloatArray:
        return as_float(np.asarray(samples)[start : start + n])

    def _finish(
        self,
        sounds: Sequence[FloatArray],
        rng: np.random.Generator,
        tags: tuple[str, str],
        odds: SoundOdds,
        aligned: bool,
    ) -> Pair:
        if rng.random() < LITTLE_SHARE:
            odds = LITTLE_ODDS
        voices = [as_float(self._genuine.draw(rng).samples) for _ in range(N_BABBLE)]
        degrade = draw_sound_degradation(rng, odds, voices)
        genuine, fake = (cut_window(degrade(sound), 0, self.recipe) for sound in sounds)
        return Pair(genuine, fake, *tags, None, aligned)


def _start(samples: object, n: int, rng: np.random.Generator) -> int:
    return int(rng.integers(max(1, len(samples) - n + 1)))  # type: ignore[arg-type]


class Methods:
    """Forgeries by method, and each method's by `key`."""

    def __init__(self, voices: Sequence[CachedVoice], key: Callable[[CachedVoice], str]) -> None:
        by_method = grouped(voices, lambda v: v.method)
        self.names = list(by_method)
        self.parts = [Balanced(part, key) for part in by_method.values()]
        sizes = [len({v.group for v in part}) for part in by_method.values()]
        odds = np.sqrt(np.minimum(sizes, 40))
        self.odds = odds / max(odds.sum(), 1e-9)

    def draw(self, rng: np.random.Generator) -> CachedVoice:
        """One forgery."""
        return self.parts[int(rng.choice(len(self.parts), p=self.odds))].draw(rng)
