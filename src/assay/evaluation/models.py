"""What is evaluated: a bundle folder, a shipped detector, the whole program, others' scores."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, Protocol

from assay.case import Progress, silent
from assay.errors import ConfigError
from assay.evaluation.items import Item
from assay.evaluation.predictions import Prediction
from assay.training.datasets.records import Modality, Notice

PROGRAM = "assay"
Scale = Literal["probability", "logit", "score"]
KINDS: dict[str, tuple[Modality, ...]] = {
    "face": ("image", "video", "frames"),
    "picture": ("image", "video", "frames"),
    "voice": ("audio", "video"),
    "clip": ("video",),
}
EVERY: tuple[Modality, ...] = ("image", "video", "audio", "frames")


@dataclass(frozen=True, slots=True)
class About:
    """What is known of a model beside its scores.

    `scale` says what its numbers are: "probability" (calibrated, or in [0, 1]), "logit" (a
    network's raw output, 0 = even odds), "score" (any scale, higher = fake). `trained_on` holds
    its card's entries, None where nobody says what it was trained on.
    """

    name: str
    sha256: str
    source: str
    scale: Scale
    hears_or_sees: tuple[Modality, ...] = EVERY
    net: str = ""
    trained_on: tuple[Mapping[str, Any], ...] | None = None
    bibtex: str = ""
    aggregation: Mapping[str, Any] = field(default_factory=dict)

    def as_result(self) -> dict[str, Any]:
        """The model's entry in result.json."""
        return {
            "name": self.name,
            "bundle_sha256": self.sha256,
            "net": self.net,
            "source": self.source,
            "scale": self.scale,
            "trained_on": None if self.trained_on is None else [dict(e) for e in self.trained_on],
        }


@dataclass(frozen=True, slots=True)
class Work:
    """Where and how scores are made. `cache` keeps faces and voices, `parts` unfinished work."""

    cache: Path
    parts: Path
    workers: int = 0
    operating_point: str = "far_1"
    progress: Progress = silent


class Model(Protocol):
    """Something that gives scores."""

    @property
    def about(self) -> About:
        """What is known of it."""
        ...

    def score(self, items: Sequence[Item], work: Work) -> Iterator[Prediction]:
        """Rows for every item: one at level "file", with frames below it where it has them."""
        ...

    def notices(self, items: Sequence[Item]) -> Iterator[Notice]:
        """What a reader should know before its numbers are read."""
        ...


def load_models(named: Sequence[str]) -> list[Model]:
    """The models that these words name, each under a name of its own.

    A word is `assay`, a shipped detector, a bundle's folder, or a file of scores (.csv, .parquet).
    Raises ConfigError on a word that names none, on one model named twice, and what opening a
    bundle raises.
    """
    found: list[Model] = [model for word in named for model in _models_of(word)]
    if not found:
        raise ConfigError("No model is named.", remedy="Name one with --model.")
    shared = {name for name, n in Counter(m.about.name for m in found).items() if n > 1}
    for place, model in enumerate(found):
        if model.about.name in shared:
            found[place] = _renamed(model, f"{model.about.name} ({_place(model.about.source)})")
    names = Counter(model.about.name for model in found)
    twice = next((name for name, n in names.items() if n > 1), None)
    if twice is not None:
        raise ConfigError(f"The model {twice!r} is named twice.")
    return found


def _place(source: str) -> str:
    """What tells a folder from others: `runs/mine/bundle` is called mine."""
    path = Path(source)
    return path.parent.name if path.name == "bundle" and path.parent.name else path.name


def _renamed(model: Model, name: str) -> Model:
    return replace(model, about=replace(model.about, name=name))  # type: ignore[type-var]


def _models_of(word: str) -> Sequence[Model]:
    from assay.evaluation.file_scoring import DetectorModel, ProgramModel
    from assay.evaluation.foreign_scores import stored_models
    from assay.evaluation.network_scoring import open_bundle

    path = Path(word)
    if path.is_dir():
        return [open_bundle(path)]
    if path.suffix.lower() in (".csv", ".parquet"):
        return stored_models(path)
    if word == PROGRAM:
        return [ProgramModel.current()]
    if word in _scoring_detectors():
        return [DetectorModel.named(word)]
    raise ConfigError(f"There is no model {word!r}.", remedy=_near(word))


def _scoring_detectors() -> tuple[str, ...]:
    """The shipped detectors that give scores: those with a calibrated bundle of a network."""
    from assay.bundles import load_card
    from assay.detectors import discover
    from assay.errors import AssayError

    found = []
    for name, detector in discover().items():
        try:
            card = load_card(detector.bundle) if detector.bundle else None
        except AssayError:
            continue
        if card is not None and card.calibration is not None and card.operating_points:
            found.append(name)
    return tuple(found)


def _near(word: str) -> str:
    from difflib import get_close_matches

    known = (PROGRAM, *_scoring_detectors())
    near = get_close_matches(word, known, n=1)
    if near:
        return f"Did you mean {near[0]!r}?"
    return f"A bundle's folder, a file of scores (.csv, .parquet), or one of: {', '.join(known)}."


def reason_of_kind(about: About, item: Item) -> str:
    """Why this model has nothing to say of the item, whatever it holds; "" where it has."""
    if item.reason:
        return item.reason
    if item.record.modality not in about.hears_or_sees:
        there = ", ".join(about.hears_or_sees)
        return f"wrong_kind: {about.name} reads {there}, this is {item.record.modality}."
    return ""


def require_fitting(about: About, items: Sequence[Item]) -> None:
    """Raise ConfigError where not one of the items is of a kind that the model reads."""
    if not any(item.record.modality in about.hears_or_sees for item in items):
        there = ", ".join(sorted({item.record.modality for item in items}))
        raise ConfigError(
            f"{about.name} reads {', '.join(about.hears_or_sees)}; the data hold {there} only."
        )


def row_of(about: About, item: Item, **more: Any) -> Prediction:
    """A row about an item; `more` are what was found of it."""
    record = item.record
    return Prediction(
        model=about.name,
        model_sha256=about.sha256,
        dataset=record.dataset,
        path=item.name,
        label=record.label,
        method=record.method,
        group=item.group,
        split=record.split,
        subset=record.subset,
        modality=record.modality,
        variant=item.variant,
        **more,
    )


def silent_row(about: About, item: Item, reason: str, status: str = "abstained") -> Prediction:
    """The row of an item that got no score."""
    from assay.report.sanitise import shortened, visible

    return row_of(about, item, status=status, reason=shortened(visible(reason), 300))


def one_sided(about: About, items: Sequence[Item]) -> Iterator[Notice]:
    """How many fakes are fake on a side that the model does not examine."""
    kinds = set(about.hears_or_sees)
    unheard = "audio" not in kinds
    unseen = not kinds & {"image", "frames"}
    records = [item.record for item in items if item.record.label == "fake"]
    if unheard and (n := sum(r.visual_fake is False for r in records)):
        yield Notice(
            "fake_in_sound_only", f"fakes have a genuine picture; {about.name} sees only", n
        )
    if unseen and (n := sum(r.audio_fake is False for r in records)):
        yield Notice(
            "fake_in_picture_only", f"fakes have a genuine voice; {about.name} hears only", n
        )


def entries(raw: Any) -> tuple[Mapping[str, Any], ...] | None:
    """A card's `trained_on` as entries; None where it is missing. Words become entries as well."""
    if raw is None:
        return None
    listed = raw if isinstance(raw, list | tuple) else [raw]
    return tuple(
        dict(one) if isinstance(one, Mapping) else {"set": str(one)}
        for one in json.loads(json.dumps(listed, default=str))
    )
