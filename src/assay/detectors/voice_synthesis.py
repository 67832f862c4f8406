"""Voices made by a program: the traces that a vocoder leaves in spectrum and phase."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.bundles import Card, Network, load_card, open_network
from assay.bundles.familiarity import familiarity
from assay.case import Case
from assay.errors import BundleMismatchError
from assay.inputs.waveform import WaveformInput, cut_windows
from assay.types import Evidence, FloatArray, MediaKind, Reason, Span, SpeechSegment

BATCH = 8
MAX_SPEAKERS = 4
MAX_SEGMENTS = 64
LEAST_RMS = 1e-4
# Not `music`: the measure calls voices in a reverberant room so too. The gate judges those.
REFUSED = frozenset({"too_short", "silence"})


@dataclass(frozen=True, slots=True)
class Heard:
    """What the network said of n segments: `logits` (n,), and `features` (m, k) of their m
    windows, None where the network gives none."""

    logits: NDArray[np.float64]
    features: NDArray[Any] | None


class VoiceSynthesis:
    """One score for each speaker: the mean logit over the segments of their speech.

    Looks at: segments of 1 to 6 s of each speaker, in windows of 4 s, for what vocoders leave in
    the fine spectrum and in the phase. Abstains when: there is no speech, every segment of a
    speaker is too short or silent, or the voice is unlike all that the network was
    calibrated on. Fails on: vocoders unlike those it was trained with, telephone lines and strong
    compression, which remove the traces, and a few synthetic words within genuine speech, which
    the mean hides. Licences: the network is Apache-2.0 and was trained here; its card names the
    sets it was trained on.
    """

    name = "voice_synthesis"
    version = "1"
    family = "voice_traces"
    needs = "sound"
    kinds: tuple[MediaKind, ...] = ("audio", "video")
    looks_at = "the traces that a vocoder leaves in the fine spectrum and the phase of a voice"
    fails_on = (
        "vocoders unlike those it was trained with, telephone lines, strong compression, singing, "
        "and a few synthetic words within genuine speech"
    )
    licence = "Apache-2.0"
    bundle: str | None = "voice_synthesis"
    input = WaveformInput()

    def examine(self, case: Case) -> list[Evidence]:
        """One Evidence a speaker; raw logits, one span a segment."""
        card = load_card(self.name)
        recipe = WaveformInput.from_card(card.recipe)
        network = open_network(self.name, recipe.fingerprint)
        speech = case.speech
        if speech is None or not speech.segments:
            reason = _why_none(speech.reasons if speech else ())
            return [self._without_score("sound", reason, card)]
        return [
            self._of_speaker(speaker_id, own, (card, recipe, network), case.deadline.check)
            for speaker_id, own in by_speaker(speech.segments).items()
        ]

    def _of_speaker(
        self,
        speaker_id: int,
        segments: Sequence[SpeechSegment],
        bundle: tuple[Card, WaveformInput, Network],
        check: Callable[[], None],
    ) -> Evidence:
        started = time.monotonic()
        card, recipe, network = bundle
        subject = f"voice {speaker_id}"
        chosen, reason = segments_read(segments)
        if not chosen:
            return replace(self._without_score(subject, reason, card), speaker_id=speaker_id)
        heard = hear([segment.waveform for segment in chosen], network, recipe, check)
        empty = replace(self._without_score(subject, "scored", card), speaker_id=speaker_id)
        found = familiarity(heard.features, card)
        details: dict[str, Any] = {} if found is None else found.as_details()
        if found is not None and found.abstains:
            return replace(empty, reason=found.reason, details=details)
        lengths_s = np.array([segment.end_s - segment.start_s for segment in chosen])
        details["segments"] = len(chosen)
        details["segments_not_read"] = len(segments) - len(chosen)
        return replace(
            empty,
            status="scored",
            reason=None,
            logit=float(np.average(heard.logits, weights=lengths_s)),
            kind="voice_generated",
            spans=tuple(
                Span(segment.start_s, segment.end_s, float(logit))
                for segment, logit in zip(chosen, heard.logits, strict=True)
            ),
            details=details,
            seconds_taken=time.monotonic() - started,
        )

    def _without_score(self, subject: str, reason: str, card: Card) -> Evidence:
        return Evidence(
            detector=self.name,
            version=self.version,
            family=self.family,
            subject=subject,
            status="abstained",
            reason=reason,
            bundle_sha256=card.network_sha256,
            licence=card.licence,
        )


def by_speaker(segments: Sequence[SpeechSegment]) -> dict[int, list[SpeechSegment]]:
    """The segments of each speaker that is judged, those who speak longest."""
    speakers = sorted({segment.speaker_id for segment in segments})[:MAX_SPEAKERS]
    return {k: [s for s in segments if s.speaker_id == k] for k in speakers}


def segments_read(segments: Sequence[SpeechSegment]) -> tuple[list[SpeechSegment], str]:
    """Those of one speaker's segments that are read; where none is, why (`code: text`)."""
    refused = [_why_not(segment) for segment in segments]
    usable = [s for s, reasons in zip(segments, refused, strict=True) if not reasons]
    if not usable:
        return [], _why_none([reason for reasons in refused for reason in reasons])
    return _evenly(usable, MAX_SEGMENTS), ""


def hear(
    sounds: Sequence[FloatArray],
    network: Network,
    recipe: WaveformInput,
    check: Callable[[], None] = lambda: None,
) -> Heard:
    """The mean logit over each sound's windows; sounds are (n,) at the recipe's rate, n > 0.

    `check()` is called before each batch. Raises BundleMismatchError where the network gives no
    `logit` a window.
    """
    cuts = [cut_windows(sound, recipe) for sound in sounds]
    windows = np.concatenate(cuts)
    parts = []
    for start in range(0, len(windows), BATCH):
        check()
        parts.append(network.run(windows[start : start + BATCH]))
    outputs = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    logits = outputs.get("logit", np.zeros(0))
    if logits.shape != (len(windows),) or not math.isfinite(float(logits.sum())):
        raise BundleMismatchError("The network gives no output `logit` with a number a window.")
    ends = np.cumsum([len(cut) for cut in cuts])[:-1]
    means = np.array([part.mean() for part in np.split(logits.astype(np.float64), ends)])
    return Heard(means, outputs.get("features"))


def _why_not(segment: SpeechSegment) -> tuple[Reason, ...]:
    """Why a segment is not read; empty where it is. Called speech or not: nothing can be heard in
    a sound that does not move."""
    refused = tuple(reason for reason in segment.reasons if reason.code in REFUSED)
    if not refused and float(segment.waveform.std()) < LEAST_RMS:
        return (Reason("silence", "The sound is silent."),)
    return refused


def _why_none(reasons: Sequence[Reason]) -> str:
    """The commonest of the reasons, `code: text`."""
    if not reasons:
        return "no_speech: No speech was found in the sound."
    codes = [reason.code for reason in reasons]
    commonest = max(reasons, key=lambda reason: codes.count(reason.code))
    return f"{commonest.code}: {commonest.text}"


def _evenly(segments: Sequence[SpeechSegment], n: int) -> list[SpeechSegment]:
    if len(segments) <= n:
        return list(segments)
    return [segments[(2 * i + 1) * len(segments) // (2 * n)] for i in range(n)]


DETECTOR = VoiceSynthesis
