"""Networks that the user trained or imported and names with `--bundle`, beside assay's own."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from assay.bundles import Card, Network, load_bundle_folder, load_card_of, reading_of
from assay.case import Case
from assay.detectors.synthetic_picture import cut_windows as windows_of
from assay.detectors.voice_synthesis import by_speaker, segments_read
from assay.errors import AssayError, BundleMismatchError, UsageError
from assay.findings import Finding
from assay.inputs.bundle_scores import chosen_views, read_crops, recipe_of
from assay.inputs.bundle_words import file_logit, shown, title_of, told, told_seconds
from assay.inputs.clip import ClipInput
from assay.inputs.clip_scores import (
    ClipAnswer,
    best_proposals,
    clip_windows,
    logit_of,
    read_clips,
    suppression_of,
)
from assay.inputs.face import FaceInput, frame_window
from assay.inputs.lip_clip import LipClipInput
from assay.inputs.patch import PatchInput
from assay.inputs.waveform import WaveformInput, cut_windows
from assay.options import Options
from assay.types import (
    Evidence,
    FaceView,
    FloatArray,
    ForgeryKind,
    Heatmap,
    MediaKind,
    Patch,
    Span,
)

LEAST_FRAMES = 3
MAX_HEATMAPS = 4
MOST_TOLD = 10
NO_BUNDLE = "no_bundle: No trained network was given to examine with (--bundle)."
NEEDS = {"face": "faces", "picture": "picture", "voice": "sound", "clip": "file"}
SEEN: tuple[MediaKind, ...] = ("image", "video")
HEARD: tuple[MediaKind, ...] = ("audio", "video")
MOVING: tuple[MediaKind, ...] = ("video",)
KINDS = {"face": SEEN, "picture": SEEN, "voice": HEARD, "clip": MOVING}
FAMILIES = {
    "face": "face_appearance",
    "picture": "picture_traces",
    "voice": "voice_traces",
    "clip": "picture_and_sound",
}
FORGERIES: dict[str, ForgeryKind] = {
    "face": "face_altered",
    "picture": "generated",
    "voice": "voice_generated",
    "clip": "unknown",
}


class NamedBundle:
    """What a network in a folder of the user's says; one detector for each folder named.

    Looks at: what the folder's card says: faces, windows of whole pictures or of speech, or clips
    with their sound, cut as the card's recipe says, in as many frames of as many people, joined
    as the card says. Where a network of clips proposes seconds, those are told.
    Abstains when: no folder is named, card or network is missing, damaged or not what the card
    says, there is no face (no speech, no texture, no sound beside the picture), or a person is
    seen in too few frames, or a clip is too short.
    Fails on: whatever its training did not hold; assay knows of it what the card states.
    Licences: the folder's card names them.
    """

    name = "named_bundle"
    version = "1"
    family = "named"
    needs = "file"
    needs_bundle = True
    kinds: tuple[MediaKind, ...] = ("image", "video", "audio")
    looks_at = "what a network that is named with --bundle was trained to tell apart"
    fails_on = "whatever the network's training did not hold, which only its card can tell"
    licence = "as its card says"
    bundle: str | None = None
    folder: ClassVar[str | None] = None
    counts: ClassVar[bool] = False
    fault: ClassVar[AssayError | None] = None

    @classmethod
    def stand_ins(cls, options: Options, taken: Mapping[str, Any]) -> dict[str, type[NamedBundle]]:
        """One detector for each folder that the options name. Raises UsageError where one is none.

        What is wrong with a folder's content is said by its detector, as an abstention.
        """
        made: dict[str, type[NamedBundle]] = {}
        for folder in options.bundles or ():
            if not Path(folder).is_dir():
                raise UsageError(
                    f"There is no folder {folder!r} to take a network from.",
                    remedy="Give a folder that `assay train` or `assay models import` wrote.",
                )
            one = _detector_of(folder, options.bundle_counts, (*taken, *made))
            made[one.name] = one
        return made

    def examine(self, case: Case) -> list[Evidence]:
        """One Evidence a person, voice or picture. Raises BundleMissingError and
        BundleMismatchError, which are abstentions."""
        if self.folder is None:
            return [self._abstained("file", NO_BUNDLE)]
        if self.fault is not None:
            raise self.fault
        card, network = load_bundle_folder(Path(self.folder))
        recipe = recipe_of(card)
        if isinstance(recipe, FaceInput):
            return self._faces(case, card, network, recipe)
        if isinstance(recipe, PatchInput):
            return self._picture(case, card, network, recipe)
        if isinstance(recipe, ClipInput | LipClipInput):
            return self._clips(case, card, network, recipe)
        return self._voices(case, card, network, recipe)

    def _faces(self, case: Case, card: Card, network: Network, recipe: FaceInput) -> list[Evidence]:
        views = [view for track in case.tracks for view in case.face_views(track.track_id)]
        chosen = chosen_views(card, recipe, views)
        if not chosen:
            return [self._abstained("file", "no_face: No face was found.", card)]
        reading = reading_of(card)
        needed = min(LEAST_FRAMES, reading.n_frames, case.n_frames_examined)
        enough = {k: v for k, v in chosen.items() if len(v) >= needed or not _is_video(case)}
        outputs, seconds = {}, {}
        for track, kept in enough.items():
            started = time.monotonic()
            crops = [crop for _, crop in kept]
            outputs[track] = read_crops(network, recipe, crops, case.deadline.check)
            seconds[track] = time.monotonic() - started
        joined = file_logit(card, {track: found["logit"] for track, found in outputs.items()})
        evidence = []
        for track, kept in chosen.items():
            subject = f"face {track}"
            if track not in outputs:
                seen = f"The face is seen in {len(kept)} frames, {needed} are needed."
                evidence.append(
                    self._abstained(subject, f"too_short: {seen}", card, track_id=track)
                )
                continue
            logits = outputs[track]["logit"]
            seen_views = [view for view, _ in kept]
            evidence.append(
                self._said(
                    case,
                    card,
                    subject,
                    reading.aggregation.person(logits),
                    [(v.time_s, v.time_s, x) for v, x in zip(seen_views, logits, strict=True)],
                    joined,
                    track_id=track,
                    heatmaps=_heatmaps(case, card, seen_views, outputs[track], recipe),
                    seconds_taken=seconds[track],
                )
            )
        return evidence

    def _picture(
        self, case: Case, card: Card, network: Network, recipe: PatchInput
    ) -> list[Evidence]:
        started = time.monotonic()
        check = case.deadline.check
        windows = windows_of(case.picture_views, recipe, _is_video(case), check)
        if not len(windows.pictures):
            reason = "no_texture: The picture is too small or too flat to be read."
            return [self._abstained("picture", reason, card)]
        logits = read_crops(network, recipe, list(windows.pictures), check)["logit"]
        patches = tuple(
            Patch(p.time_s, p.box_px, float(logit), scale=p.scale)
            for p, logit in zip(windows.places, logits, strict=True)
        )
        times = list(dict.fromkeys(patch.time_s for patch in patches))
        rows = [
            (at, at, float(np.mean([p.logit for p in patches if p.time_s == at]))) for at in times
        ]
        logit = reading_of(card).aggregation.person(logits)
        taken = time.monotonic() - started
        return [
            self._said(case, card, "picture", logit, rows, {}, patches=patches, seconds_taken=taken)
        ]

    def _voices(
        self, case: Case, card: Card, network: Network, recipe: WaveformInput
    ) -> list[Evidence]:
        speech = case.speech
        if speech is None or not speech.segments:
            reasons = speech.reasons if speech else ()
            code = f"{reasons[0].code}: {reasons[0].text}" if reasons else ""
            reason = code or "no_speech: No speech was found in the sound."
            return [self._abstained("sound", reason, card)]
        aggregation, evidence = reading_of(card).aggregation, []
        for speaker, segments in by_speaker(speech.segments).items():
            started, subject = time.monotonic(), f"voice {speaker}"
            chosen, reason = segments_read(segments)
            fitting = [s for s in chosen if s.sample_rate_hz == recipe.sample_rate_hz]
            if not fitting:
                why = reason or f"other_rate: The network hears {recipe.sample_rate_hz} Hz only."
                evidence.append(self._abstained(subject, why, card, speaker_id=speaker))
                continue
            cuts = [cut_windows(one.waveform, recipe) for one in fitting]
            crops = list(np.concatenate(cuts))
            logits = read_crops(network, recipe, crops, case.deadline.check)["logit"]
            parts = np.split(logits, np.cumsum([len(cut) for cut in cuts])[:-1])
            rows = [
                (one.start_s, one.end_s, aggregation.person(part))
                for one, part in zip(fitting, parts, strict=True)
            ]
            taken = time.monotonic() - started
            evidence.append(
                self._said(
                    case,
                    card,
                    subject,
                    aggregation.person(logits),
                    rows,
                    {},
                    speaker_id=speaker,
                    seconds_taken=taken,
                )
            )
        return evidence

    def _clips(
        self, case: Case, card: Card, network: Network, recipe: ClipInput | LipClipInput
    ) -> list[Evidence]:
        suppression_of(card)
        reading, started = reading_of(card), time.monotonic()
        windows, reason = clip_windows(case, recipe, reading.max_faces)
        if not windows:
            return [self._abstained("clip", reason, card)]
        answers = read_clips(network, card, recipe, windows, case)
        taken, proposals = time.monotonic() - started, best_proposals(card, answers)
        by_person: dict[int, list[ClipAnswer]] = {}
        for answer in answers:
            by_person.setdefault(answer.track_id or 0, []).append(answer)
        logits = {
            who: np.array([one.logit for one in said], np.float32)
            for who, said in by_person.items()
        }
        joined = file_logit(card, logits)
        seconds: dict[str, Any] = {"seconds_taken": taken / len(by_person)}
        if len(proposals):
            seconds["proposals"] = proposals[:MOST_TOLD]
        return [
            self._said(
                case,
                card,
                f"face {who}" if who else "clip",
                reading.aggregation.person(logits[who]),
                [(one.start_s, one.end_s, one.logit) for one in said],
                joined,
                track_id=who or None,
                **seconds,
            )
            for who, said in by_person.items()
        ]

    def _said(
        self,
        case: Case,
        card: Card,
        subject: str,
        logit: float,
        rows: Sequence[tuple[float, float, float]],
        more: Mapping[str, Any],
        patches: tuple[Patch, ...] = (),
        proposals: FloatArray | None = None,
        **fields: Any,
    ) -> Evidence:
        """A score where the bundle counts and is calibrated, else a report; one finding always,
        and one more of the seconds that it proposes."""
        wanted = case.options.operating_point
        measured = wanted in {point.name for point in card.operating_points}
        counts = self.counts and card.calibration is not None and measured
        frames = [
            {"start_s": round(start, 3), "end_s": round(end, 3), "logit": round(float(value), 4)}
            for start, end, value in rows
        ]
        values = {**more, "n_frames": len(frames), "frames": frames}
        finding = told(card, subject, logit, wanted, _why_not(self.counts, counts, wanted), values)
        findings: tuple[Finding, ...] = (finding,)
        if proposals is not None:
            findings = (finding, told_seconds(card, proposals))
            fields["spans"] = tuple(Span(a, b, logit_of(x)) for x, a, b in proposals.tolist())
        details: dict[str, Any] = {"raw_logit": float(logit), "n_frames_read": len(frames)}
        if fields.get("heatmaps"):
            details["heatmap"] = {"faithful": True}
        if counts:
            spans = tuple(Span(start, end, float(value)) for start, end, value in rows)
            fields |= {"logit": float(logit), "spans": spans, "patches": patches}
            fields["kind"] = FORGERIES[reading_of(card).kind]
            if reading_of(card).kind == "clip" and fields.get("track_id"):
                fields["kind"] = "lip_synced"
        return self._evidence(
            subject,
            "scored" if counts else "reported",
            card,
            findings=findings,
            details=details,
            **fields,
        )

    def _abstained(
        self, subject: str, reason: str, card: Card | None = None, **fields: Any
    ) -> Evidence:
        return self._evidence(subject, "abstained", card, reason=reason, **fields)

    def _evidence(self, subject: str, status: Any, card: Card | None, **fields: Any) -> Evidence:
        return Evidence(
            detector=self.name,
            version=self.version,
            family=self.family,
            subject=subject,
            status=status,
            bundle_sha256=None if card is None else card.network_sha256,
            licence=self.licence,
            **fields,
        )


def _detector_of(folder: str, counts: bool, taken: Sequence[str]) -> type[NamedBundle]:
    """A detector class for one folder, named after its card, or after the folder where that
    cannot be read."""
    fields: dict[str, Any] = {"folder": folder, "counts": counts, "fails_on": ""}
    called = Path(folder).name
    try:
        card = load_card_of(Path(folder))
        called, kind = card.name, reading_of(card).kind
        recipe = recipe_of(card)
        fields |= {
            "bundle": shown(card.name, 60),
            "version": shown(card.version, 40) or "1",
            "licence": shown(card.licence, 120) or NamedBundle.licence,
            "needs": "motion" if isinstance(recipe, LipClipInput) else NEEDS[kind],
            "kinds": KINDS[kind],
            "family": FAMILIES[kind],
            "looks_at": f"what {title_of(card)}, a network that was given, was trained to tell",
        }
    except AssayError as error:
        fields["fault"] = error
    except (TypeError, ValueError) as error:
        fields["fault"] = BundleMismatchError(f"The card of {folder!r} cannot be used: {error!r}.")
    fields["name"] = _free_name(called, taken)
    return type("NamedBundleOf", (NamedBundle,), fields)


def _free_name(called: str, taken: Sequence[str]) -> str:
    plain = re.sub(r"[^a-z0-9]+", "_", called.lower()).strip("_")[:40] or "network"
    names = (f"bundle_{plain}", *(f"bundle_{plain}_{number}" for number in range(2, 1000)))
    return next(name for name in names if name not in taken)


def _why_not(asked: bool, counts: bool, wanted: str) -> str:
    """Why a calibrated network does not count; "" where it does."""
    if counts:
        return ""
    return f"its card has no cut measured for {wanted}" if asked else "--bundle-counts would let it"


def _is_video(case: Case) -> bool:
    return case.media.kind == "video"


def _heatmaps(
    case: Case,
    card: Card,
    views: Sequence[FaceView],
    outputs: Mapping[str, FloatArray],
    recipe: FaceInput,
) -> tuple[Heatmap, ...]:
    """What the network draws, of the highest frames; only where its card says it was tested."""
    maps = outputs.get("mask")
    if not card.heatmap_faithful or not case.options.heatmaps or maps is None or maps.ndim != 3:
        return ()
    highest = sorted(np.argsort(-outputs["logit"])[:MAX_HEATMAPS])
    return tuple(
        Heatmap(
            time_s=views[i].time_s,
            box_px=frame_window(views[i], recipe),
            values=np.clip(np.nan_to_num(maps[i]), 0, 1).astype(np.float32),
            faithful=True,
        )
        for i in highest
    )


DETECTOR = NamedBundle
