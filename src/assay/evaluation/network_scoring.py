"""Scores of a bundle in a folder: its network over prepared faces or voices, pictures or clips."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.bundles import Card, Network, load_bundle_folder, reading_of
from assay.bundles.aggregation import Aggregation
from assay.bundles.familiarity import familiarity
from assay.errors import AssayError, ConfigError
from assay.evaluation.items import Item
from assay.evaluation.models import (
    KINDS,
    About,
    Work,
    entries,
    one_sided,
    reason_of_kind,
    require_fitting,
    row_of,
    silent_row,
)
from assay.evaluation.predictions import FRAME, PROPOSAL, Prediction
from assay.inputs.bundle_scores import chosen_views, read_crops, recipe_of, require_input
from assay.inputs.clip import ClipInput
from assay.inputs.clip_scores import best_proposals, clip_windows, logit_of, read_clips
from assay.inputs.face import FaceInput
from assay.inputs.lip_clip import LipClipInput
from assay.inputs.patch import PatchInput
from assay.inputs.waveform import WaveformInput, cut_windows
from assay.subjects.quality import QualityLimits, why_unusable
from assay.training.datasets.manifest_file import Manifest
from assay.training.datasets.prepared import PreparedFaces, PreparedVoice
from assay.training.datasets.records import Notice
from assay.types import FaceView

Recipe = FaceInput | PatchInput | WaveformInput | ClipInput | LipClipInput
Logits = NDArray[np.float64]
PROPOSAL_EDGE = 1e-12
"""Suppressed scores are tiny; only their order counts, so none is cut off above this."""
Found = PreparedFaces | PreparedVoice | None


@dataclass(frozen=True, slots=True)
class Read:
    """What the network said of one track: times_s (n,) and logits (n,)."""

    times_s: list[float]
    logits: Logits


Tracks = dict[int, Read]


@dataclass(frozen=True)
class BundleModel:
    """A network with its card. `recipe` cuts its input, `aggregation` joins its answers."""

    about: About
    card: Card
    network: Network
    recipe: Recipe
    aggregation: Aggregation

    def notices(self, items: Sequence[Item]) -> Iterator[Notice]:
        """See Model."""
        if not isinstance(self.recipe, ClipInput | LipClipInput):  # those see and hear
            yield from one_sided(self.about, items)
        if self.card.calibration is None:
            yield Notice(
                "not_calibrated",
                f"{self.about.name} has no calibration: its cut is the logit 0, and ECE, Brier "
                "score and log loss are those of the sigmoid of its raw logit",
            )

    def score(self, items: Sequence[Item], work: Work) -> Iterator[Prediction]:
        """See Model."""
        require_fitting(self.about, items)
        left: list[Item] = []
        for item in items:
            reason = reason_of_kind(self.about, item)
            if reason:
                yield silent_row(self.about, item, reason)
            else:
                left.append(item)
        for n, (item, found) in enumerate(self._prepared(left, work), 1):
            yield from self._rows(item, found)
            work.progress("score", n, len(left))

    def _prepared(self, items: Sequence[Item], work: Work) -> Iterator[tuple[Item, Found]]:
        from assay.training.datasets.prepared import prepare_faces, prepare_voices

        if isinstance(self.recipe, PatchInput | ClipInput | LipClipInput):
            yield from ((item, None) for item in items)
            return
        reading = reading_of(self.card)
        for root in dict.fromkeys(item.root for item in items):
            here = [item for item in items if item.root == root]
            manifest = Manifest(root, tuple(item.record for item in here))
            found: Sequence[PreparedFaces | PreparedVoice]
            if isinstance(self.recipe, WaveformInput):
                found = prepare_voices(manifest, work.cache, workers=work.workers)
            else:
                found = prepare_faces(
                    manifest,
                    work.cache,
                    n_frames=reading.n_frames,
                    max_faces=reading.max_faces,
                    workers=work.workers,
                )
            yield from zip(here, found, strict=True)

    def _rows(self, item: Item, found: Found) -> Iterator[Prediction]:
        if found is not None and found.reason:
            yield silent_row(self.about, item, found.reason)
            return
        proposals = np.zeros((0, 3))
        try:
            if isinstance(self.recipe, ClipInput | LipClipInput):
                tracks, reason, proposals = self._read_clip(item)
            else:
                tracks, reason = self._read(item, found)
        except (AssayError, OSError, ValueError) as error:
            code = error.code if isinstance(error, AssayError) else type(error).__name__
            yield silent_row(self.about, item, f"{code}: {error}", "failed")
            return
        if not tracks:
            yield silent_row(self.about, item, reason)
            return
        for track, read in tracks.items():
            for time_s, logit in zip(_apart(read.times_s), read.logits, strict=True):
                place = {"level": FRAME, "track_id": track, "time_s": time_s}
                yield row_of(self.about, item, **place, **self._numbers(float(logit)))
        for score, start_s, end_s in proposals.tolist():
            place = {"level": PROPOSAL, "time_s": start_s, "end_s": end_s}
            yield row_of(self.about, item, **place, logit=logit_of(score, PROPOSAL_EDGE))
        joined = self.aggregation.file({track: read.logits for track, read in tracks.items()})
        yield row_of(self.about, item, **self._numbers(joined))

    def _numbers(self, logit: float) -> dict[str, float | None]:
        fit = self.card.calibration
        if fit is None:
            return {"logit": logit, "p_fake": None, "threshold": 0.0}
        points = {point.name: point for point in self.card.operating_points}
        point = points.get("far_1") or next(iter(points.values()), None)
        cut = 0.5 if point is None else fit.p_fake(point.threshold)
        return {"logit": logit, "p_fake": fit.p_fake(logit), "threshold": cut}

    def _read(self, item: Item, found: Found) -> tuple[Tracks, str]:
        """What the network said by track; where it was shown nothing, why."""
        if isinstance(found, PreparedFaces):
            return self._read_faces(found.views)
        if isinstance(found, PreparedVoice):
            return self._read_voice(found)
        return self._read_picture(item)

    def _read_faces(self, views: Sequence[FaceView]) -> tuple[Tracks, str]:
        assert isinstance(self.recipe, FaceInput)
        inside, refused = self._judgeable(views)
        kept = chosen_views(self.card, self.recipe, inside)
        if not kept:
            return {}, refused or "no_face: No face was found."
        crops = [crop for pairs in kept.values() for _, crop in pairs]
        owners = [track for track, pairs in kept.items() for _ in pairs]
        times = {track: [view.time_s for view, _ in pairs] for track, pairs in kept.items()}
        return self._by_track(crops, owners, times)

    def _judgeable(self, views: Sequence[FaceView]) -> tuple[list[FaceView], str]:
        """Where the card states a domain, only the views inside it."""
        if not self.card.in_domain:
            return list(views), ""
        limits = QualityLimits.from_card(self.card.in_domain)
        reasons = [(view, why_unusable(view, limits)) for view in views]
        first = next((why for _, why in reasons if why), None)
        text = f"{first.code}: {first.text}" if first else ""
        return [view for view, why in reasons if why is None], text

    def _read_voice(self, found: PreparedVoice) -> tuple[Tracks, str]:
        assert isinstance(self.recipe, WaveformInput)
        windows: list[NDArray[np.float32]] = []
        owners: list[int] = []
        times: dict[int, list[float]] = {}
        for part, samples in zip(found.parts, found.segments, strict=True):
            cut = cut_windows(np.asarray(samples), self.recipe)
            room = max(0, len(samples) - self.recipe.n_samples) / self.recipe.sample_rate_hz
            starts = part.start_s + np.linspace(0, room, len(cut))
            windows += list(cut)
            owners += [part.speaker_id] * len(cut)
            times.setdefault(part.speaker_id, []).extend(float(start) for start in starts)
        if not windows:
            return {}, "no_speech: No speech was found in the sound."
        return self._by_track(windows, owners, times)

    def _read_picture(self, item: Item) -> tuple[Tracks, str]:
        from assay.case import Case
        from assay.detectors.synthetic_picture import cut_windows as cut_pictures
        from assay.media.probe import probe
        from assay.options import Options
        from assay.training.datasets.opening import opened

        assert isinstance(self.recipe, PatchInput)
        n_frames = reading_of(self.card).n_frames
        with opened(item.path, item.record.modality, item.record.part, n_frames) as file:
            case = Case(probe(file.path), Options(frames=n_frames))
            is_video = case.media.kind == "video"
            windows = cut_pictures(case.picture_views, self.recipe, is_video)
        if not len(windows.pictures):
            return {}, "no_texture: The picture is too small or flat."
        times = [place.time_s for place in windows.places]
        return self._by_track(list(windows.pictures), [0] * len(times), {0: times})

    def _read_clip(self, item: Item) -> tuple[Tracks, str, Logits]:
        """What was said of the windows, or why nothing, and the file's proposals (m, 3)."""
        from assay.case import Case
        from assay.media.probe import probe
        from assay.training.datasets.opening import opened

        assert isinstance(self.recipe, ClipInput | LipClipInput)
        with opened(item.path, item.record.modality, item.record.part) as file:
            case = Case(probe(file.path))
            windows, reason = clip_windows(case, self.recipe, reading_of(self.card).max_faces)
        if not windows:
            return {}, reason, np.zeros((0, 3))
        answers = read_clips(self.network, self.card, self.recipe, windows, case)
        tracks: Tracks = {}
        for who in dict.fromkeys(one.track_id or 0 for one in answers):
            own = [one for one in answers if (one.track_id or 0) == who]
            logits = np.array([one.logit for one in own])
            tracks[who] = Read([one.start_s for one in own], logits)
        return tracks, "", best_proposals(self.card, answers)

    def _by_track(
        self, cut: Sequence[NDArray[Any]], owners: Sequence[int], times: dict[int, list[float]]
    ) -> tuple[Tracks, str]:
        outputs = read_crops(self.network, self.recipe, cut)
        strange = familiarity(outputs.get("features"), self.card)
        if strange is not None and strange.abstains:
            return {}, strange.reason
        logits, who = outputs["logit"].astype(np.float64), np.array(owners)
        return {track: Read(times[track], logits[who == track]) for track in times}, ""


def open_bundle(folder: Path) -> BundleModel:
    """The bundle in a folder: hash, recipe and input checked.

    Raises BundleMissingError, BundleMismatchError, ConfigError where the folder is no bundle.
    """
    if not (folder / "card.json").is_file():
        raise ConfigError(
            f"{folder} holds no card.json, so it is no bundle.",
            remedy="Train one (assay train NET) or import one (assay models import NET FILE).",
        )
    card, network = load_bundle_folder(folder)
    reading, recipe = reading_of(card), recipe_of(card)
    require_input(network, recipe)
    about = About(
        name=card.name,
        sha256=card.network_sha256,
        source=str(folder),
        scale="logit" if card.calibration is None else "probability",
        hears_or_sees=KINDS[reading.kind],
        net=str(card.raw.get("net") or card.name),
        trained_on=entries(card.raw.get("trained_on")),
        bibtex=str(card.raw.get("bibtex") or ""),
        aggregation=reading.aggregation.as_card(),
    )
    return BundleModel(about, card, network, recipe, reading.aggregation)


def _apart(times_s: Sequence[float]) -> list[float]:
    """The times, each its own: two frames of one time would be one row."""
    found: list[float] = []
    seen: set[float] = set()
    for time_s in times_s:
        own = float(time_s)
        while own in seen:
            own = math.nextafter(own, math.inf)
        seen.add(own)
        found.append(own)
    return found
