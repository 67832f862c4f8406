"""What a network is trained on and scored on: rows of prepared items, cut as at inference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from assay.errors import ConfigError
from assay.inputs.face import FaceInput, prepare
from assay.inputs.waveform import WaveformInput, cut_window, cut_windows
from assay.training.augment import chain_named
from assay.training.datasets.prepared import PreparedFaces, PreparedVoice
from assay.training.datasets.records import FakeSpan, Record
from assay.training.nets.spec import Fit, NetSpec
from assay.training.sound_degrade import draw_sound_degradation
from assay.types import FaceView

Prepared = PreparedFaces | PreparedVoice


@dataclass(frozen=True, slots=True)
class Row:
    """One frame of one face, or one window of one voice. `item` is the place of what it belongs
    to, `track` whose face or voice it is, `place` the view's number, or (segment, window). `sure`
    is False where the item is forged only here and there and this moment is outside of it."""

    item: int
    track: int
    time_s: float
    place: tuple[int, int]
    fake: bool
    sure: bool = True


class Cutter(Protocol):
    """Gives the network's input of one row; with a generator as training sees it."""

    def __call__(self, row: Row, rng: np.random.Generator | None) -> NDArray[Any]:
        """uint8 (s, s, 3) or float32 (m,)."""
        ...


@dataclass(frozen=True, slots=True)
class FaceCutter:
    """Faces: the chain changes the loose view, then `inputs.face.prepare` cuts it."""

    items: Sequence[PreparedFaces]
    recipe: FaceInput
    augment: str = "none"

    def __call__(self, row: Row, rng: np.random.Generator | None) -> NDArray[Any]:
        """See Cutter."""
        view: FaceView = self.items[row.item].views[row.place[0]]
        if rng is not None:
            view = chain_named(self.augment)(view, rng)
        return prepare(view, self.recipe)


@dataclass(frozen=True, slots=True)
class VoiceCutter:
    """Voices: training hears a window from anywhere in the segment, degraded where asked."""

    items: Sequence[PreparedVoice]
    recipe: WaveformInput
    augment: str = "none"

    def __call__(self, row: Row, rng: np.random.Generator | None) -> NDArray[Any]:
        """See Cutter."""
        segment = np.asarray(self.items[row.item].segments[row.place[0]])
        if rng is None:
            return cut_windows(segment, self.recipe)[row.place[1]]
        if self.augment == "sound":
            segment = draw_sound_degradation(rng)(segment)
        most = max(0, len(segment) - self.recipe.n_samples)
        return cut_window(segment, int(rng.integers(most + 1)), self.recipe)


def cutter_for(spec: NetSpec, items: Sequence[Prepared], augment: str) -> Cutter:
    """What cuts for this network. Raises ConfigError where the chain is not for its kind."""
    require_fitting(spec, augment)
    if isinstance(spec.recipe, WaveformInput):
        return VoiceCutter([i for i in items if isinstance(i, PreparedVoice)], spec.recipe, augment)
    assert isinstance(spec.recipe, FaceInput)
    return FaceCutter([i for i in items if isinstance(i, PreparedFaces)], spec.recipe, augment)


def require_fitting(spec: NetSpec, augment: str) -> None:
    """Raise ConfigError where the network is of a kind that is not trained here, or its chain of
    augmentation is for another one."""
    known = {"face": FaceInput, "voice": WaveformInput}
    if spec.kind not in known or not isinstance(spec.recipe, known[spec.kind]):
        raise ConfigError(
            f"{spec.name} looks at a {spec.kind}; `assay train NET` trains networks of faces and "
            "of voices.",
            remedy="Its own way of training is told by `assay nets " + spec.name + "`.",
        )
    if (spec.kind == "voice") != (augment == "sound") and augment != "none":
        raise ConfigError(f"The augmentation {augment!r} is not for networks of a {spec.kind}.")


def rows_of(
    items: Sequence[Prepared], spec: NetSpec, n_frames: int, training: Fit | None = None
) -> list[Row]:
    """The rows of these items, up to `n_frames` a person, evenly spread.

    With `training` those to learn from: of each picture the most prominent person alone (in a
    forged one nobody says who else was changed), fewer of a fake by `fakes_per_real`, and of what
    is forged here and there only the moments that are. Else all that the network looks at.
    """
    rows: list[Row] = []
    for number, item in enumerate(items):
        n = n_frames
        if training is not None and item.fake:
            n = max(1, round(n * training.fakes_per_real))
        found = _moments(item, number, spec)
        tracks = sorted({row.track for row in found})
        if spec.kind == "face":
            tracks = tracks[: 1 if training else spec.max_faces]
        for track in tracks:
            own = [row for row in found if row.track == track]
            rows += _evenly([row for row in own if row.sure or not training], n)
    return rows


def _moments(item: Prepared, number: int, spec: NetSpec) -> list[Row]:
    fake, spans = item.fake, _spans(item.record, "visual" if spec.kind == "face" else "audio")
    if isinstance(item, PreparedFaces):
        return [
            Row(number, v.track_id, v.time_s, (i, 0), fake, _inside(fake, spans, v.time_s))
            for i, v in enumerate(item.views)
        ]
    assert isinstance(spec.recipe, WaveformInput)
    rows, rate = [], spec.recipe.sample_rate_hz
    for k, part in enumerate(item.parts):
        n = len(cut_windows(np.zeros(part.last - part.first, np.float32), spec.recipe))
        last = max(0.0, (part.last - part.first) / rate - spec.recipe.length_s)
        for w, start in enumerate(np.linspace(0, last, n)):
            at = part.start_s + float(start)
            sure = _inside(fake, spans, at, at + spec.recipe.length_s)
            rows.append(Row(number, part.speaker_id, at, (k, w), fake, sure))
    return rows


def _spans(record: Record, side: str) -> tuple[FakeSpan, ...] | None:
    if record.spans is None:
        return None
    return tuple(span for span in record.spans if span.what in ("both", side))


def _inside(
    fake: bool, spans: tuple[FakeSpan, ...] | None, start_s: float, end_s: float | None = None
) -> bool:
    if not fake or spans is None:
        return True
    end = start_s if end_s is None else end_s
    return any(span.start_s <= end and start_s <= span.end_s for span in spans)


def _evenly(rows: Sequence[Row], n: int) -> list[Row]:
    if len(rows) <= n:
        return list(rows)
    return [rows[(2 * i + 1) * len(rows) // (2 * n)] for i in range(n)]


@dataclass(frozen=True)
class Draws:
    """Which rows a round of training sees, in which order: the same for the same seed and round,
    so that a run that was stopped goes on as if it had not been."""

    rows: Sequence[Row]
    batch: int
    seed: int
    balanced: bool = True
    by_label: dict[bool, list[int]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        places = {fake: [i for i, r in enumerate(self.rows) if r.fake == fake] for fake in (0, 1)}
        object.__setattr__(self, "by_label", {bool(k): v for k, v in places.items()})

    def round(self, number: int, n_steps: int) -> list[int]:
        """Places in `rows`, `n_steps` batches of them; balanced, every other one is a fake."""
        n = n_steps * self.batch
        if not self.balanced:
            return self._stream(range(len(self.rows)), n, number, 2)
        parts = [self._stream(self.by_label[f], -(-n // 2), number, int(f)) for f in (False, True)]
        return [place for pair in zip(*parts, strict=True) for place in pair][:n]

    def _stream(self, places: Sequence[int], n: int, number: int, salt: int) -> list[int]:
        """Every place once before any comes again."""
        rng = np.random.default_rng([self.seed, number, salt])
        found: list[int] = []
        while len(found) < n:
            found += [places[int(i)] for i in rng.permutation(len(places))]
        return found[:n]


class Examples(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Inputs and labels of the chosen rows; with `seed` as training sees them.

    The generator of an example knows the seed, the round and its place in the round, never the
    label.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        cut: Cutter,
        chosen: Sequence[int] | None = None,
        seed: tuple[int, int] | None = None,
    ) -> None:
        self.rows, self.cut, self.seed = rows, cut, seed
        self.chosen = range(len(rows)) if chosen is None else chosen

    def __len__(self) -> int:
        return len(self.chosen)

    def __getitem__(self, i: int) -> tuple[torch.Tensor, torch.Tensor]:
        row = self.rows[self.chosen[i]]
        rng = None if self.seed is None else np.random.default_rng([*self.seed, i])
        # Copied: a crop may be a read-only view of what lies on disk.
        return torch.tensor(self.cut(row, rng)), torch.tensor(float(row.fake))
