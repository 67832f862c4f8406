"""The pitch, the cycles and the rhythm of a voice: does it speak as a person's body lets it?"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from assay.bundles import Card, Network, load_card, open_network
from assay.case import Case
from assay.detectors import Detector
from assay.inputs.voice_cues import (
    ALLOWED,
    CUES,
    NAMES,
    Cue,
    VoiceCueInput,
    VoiceProsody,
    measure_voice,
)
from assay.inputs.voice_stretches import VoiceStretches, stretches_of
from assay.subjects.speech import Speech
from assay.types import Evidence, Finding, FloatArray, MediaKind, Span

MAX_POINTS = 400
MAX_TOLD = 4
# Without one of these no voice was followed.
NEEDED = ("pitch_range", "jitter")


class VoiceProsodyDetector:
    """Named cues of pitch, cycles and rhythm per voice; a score only where the card allows one.

    Looks at: range, slope, speed and tremble of the pitch, jitter, shimmer, harmonics to noise,
    rate and evenness of syllables, short pauses, breaths. Abstains when: nobody speaks, every
    segment of a voice is too short, noisy, clipped or under music, or too little of it is voiced.
    Fails on: speech of modern generators, whose prosody is learnt from people, and on copies of a
    genuine sentence, which keep its prosody. Licences: the weights are Apache-2.0 and were fitted
    here; its card names the sets.
    """

    name = "voice_prosody"
    version = "1"
    family = "voice_prosody"
    needs = "sound"
    kinds: tuple[MediaKind, ...] = ("audio", "video")
    looks_at = "pitch, the evenness of its cycles, syllables, pauses and breaths of each voice"
    fails_on = (
        "generators whose prosody is learnt from people, and vocoded copies of a genuine sentence"
    )
    licence = "Apache-2.0"
    bundle: str | None = "voice_prosody"
    input = VoiceCueInput()

    def examine(self, case: Case) -> list[Evidence]:
        """One Evidence a voice, one span a segment of it."""
        speech = case.speech
        if speech is None or not speech.segments:
            return [evidence_of(self, None, status="abstained", reason=why_no_voice(speech))]
        card = load_card(self.name)
        network = open_network(self.name, self.input.fingerprint)
        voices = stretches_of(speech, self.input.most_s, ALLOWED)
        return [self._examine_voice(case, speech, voice, network, card) for voice in voices]

    def _examine_voice(
        self, case: Case, speech: Speech, voice: VoiceStretches, network: Network, card: Card
    ) -> Evidence:
        started = time.monotonic()
        if not voice.segments:
            return evidence_of(self, voice, status="abstained", reason=voice.why_none)
        measured = measure_voice(voice, speech, self.input, case.deadline.check)
        if not np.isfinite(measured.values[[NAMES.index(name) for name in NEEDED]]).any():
            text = "too_short: Too little of the voice is voiced sound that could be followed."
            return evidence_of(self, voice, status="abstained", reason=text)
        rows = np.stack([measured.values, *(one.values for one in measured.segments)])
        outputs = network.run(rows)
        parts = outputs["evidence"][0]
        return evidence_of(
            self,
            voice,
            findings=(_finding(voice, measured, card),),
            details=_details(voice, measured, parts, card),
            seconds_taken=time.monotonic() - started,
            **weighed(voice, outputs["logit"], card),
        )


def evidence_of(detector: Detector, voice: VoiceStretches | None, **more: Any) -> Evidence:
    """What a detector says of one voice, or of the sound where there is none."""
    return Evidence(
        detector=detector.name,
        version=detector.version,
        family=detector.family,
        subject="sound" if voice is None else f"voice {voice.speaker_id}",
        speaker_id=None if voice is None else voice.speaker_id,
        **more,
    )


def weighed(voice: VoiceStretches, logits: FloatArray, card: Card) -> dict[str, Any]:
    """The evidence's status and, where the card allows a score, that: `logits` are the voice's and
    then its segments'."""
    told = {"status": "reported", "bundle_sha256": card.network_sha256, "licence": card.licence}
    if not card.raw.get("scores"):
        return told
    score = {"logit": float(logits[0]), "spans": spans_of(voice, logits[1:])}
    return {**told, "status": "scored", "kind": "voice_generated", **score}


def why_no_voice(speech: Speech | None) -> str:
    """Why there is no voice to measure, as code and sentence."""
    if speech is None:
        return "no_sound: The file has no sound."
    if not speech.reasons:
        return "no_speech: Nobody speaks in the sound."
    return f"{speech.reasons[0].code}: {speech.reasons[0].text}"


def spans_of(voice: VoiceStretches, logits: Sequence[float] | FloatArray) -> tuple[Span, ...]:
    """One span a segment with its logit."""
    pairs = zip(voice.segments, logits, strict=True)
    return tuple(Span(one.start_s, one.end_s, float(logit)) for one, logit in pairs)


def told_cues(
    cues: Sequence[Cue], values: FloatArray, parts: FloatArray, card: Card
) -> dict[str, Any]:
    """Each cue for a reader: its value, how genuine voices stand, what it adds to the logit."""
    known: Mapping[str, Any] = card.raw.get("cues", {})
    told = {}
    for cue, value, part in zip(cues, values.tolist(), parts.tolist(), strict=True):
        usual = known.get(cue.name, {})
        if not np.isfinite(value):
            told[cue.name] = {"value": None, "unit": cue.unit}
            continue
        told[cue.name] = {
            "value": round(value, 4),
            "unit": cue.unit,
            "genuine_middle": usual.get("genuine_median"),
            "genuine_range": usual.get("genuine_range"),
            "part_of_logit": round(part, 4),
            "text": f"The higher, the more {cue.meaning}.",
        }
    return told


def what_stands_out(cues: Sequence[Cue], values: FloatArray, card: Card) -> str:
    """Of the cues outside the range of 98 of 100 genuine voices the farthest, as a sentence."""
    known: Mapping[str, Any] = card.raw.get("cues", {})
    off: list[tuple[float, str]] = []
    for cue, value in zip(cues, values.tolist(), strict=True):
        usual = known.get(cue.name, {}).get("genuine_range")
        if not np.isfinite(value) or not usual or usual[0] <= value <= usual[1]:
            continue
        low, high = usual
        how_far = max(low - value, value - high) / max(high - low, 1e-6)
        side = f"below {low:.3g}" if value < low else f"above {high:.3g}"
        name = cue.name.replace("_", " ")
        off.append((how_far, f"{name} {value:.3g} ({side}; {cue.unit})"))
    if not off:
        return "All lie where 98 of 100 genuine voices measured lie."
    said = "; ".join(text for _, text in sorted(off, reverse=True)[:MAX_TOLD])
    return f"Outside the range of 98 of 100 genuine voices measured: {said}."


def _finding(voice: VoiceStretches, measured: VoiceProsody, card: Card) -> Finding:
    values = {
        name: round(float(value), 4)
        for name, value in zip(NAMES, measured.values, strict=True)
        if np.isfinite(value)
    }
    said = _in_words(values, measured)
    why = str(card.raw.get("why_no_score", ""))
    stands_out = what_stands_out(CUES, measured.values, card)
    return Finding(
        code="voice_prosody_measured",
        title=f"Pitch and rhythm of voice {voice.speaker_id} were measured",
        meaning=f"{said} {stands_out} {why}".strip(),
        values={**values, **_facts(measured)},
    )


def _in_words(values: Mapping[str, float], measured: VoiceProsody) -> str:
    facts = _facts(measured)
    said = []
    if facts["pitch_hz"] is not None:
        moves = (
            f", moving over {values['pitch_range']:.1f} semitones"
            if _has(values, "pitch_range")
            else ""
        )
        said.append(f"pitch about {facts['pitch_hz']:.0f} Hz{moves}")
    if _has(values, "jitter", "shimmer"):
        said.append(
            f"from cycle to cycle {values['jitter']:.1f} % change of length (jitter) and "
            f"{values['shimmer']:.1f} % of height (shimmer)"
        )
    if _has(values, "harmonics_to_noise"):
        said.append(f"harmonics {values['harmonics_to_noise']:.1f} dB above noise")
    if _has(values, "syllable_rate"):
        said.append(f"{values['syllable_rate']:.1f} syllables a second")
    n_pauses, n_breaths = facts["n_pauses"], facts["n_breaths"]
    said.append(f"{n_pauses} short pauses, breaths heard in them: {n_breaths}")
    text = "; ".join(said)
    return f"{text[0].upper()}{text[1:]}."


def _has(values: Mapping[str, float], *names: str) -> bool:
    return all(name in values for name in names)


def _facts(measured: VoiceProsody) -> dict[str, Any]:
    pitch = np.concatenate([one.pitch.f0_hz for one in measured.segments])
    voiced = pitch[np.isfinite(pitch)]
    return {
        "pitch_hz": round(float(np.median(voiced)), 1) if len(voiced) else None,
        "n_cycles": sum(one.n_cycles for one in measured.segments),
        "n_pauses": sum(len(run.pauses_s) for _, run in measured.runs),
        "n_breaths": sum(len(run.breaths_s) for _, run in measured.runs),
    }


def _details(
    voice: VoiceStretches, measured: VoiceProsody, parts: FloatArray, card: Card
) -> dict[str, Any]:
    return {
        "n_segments_measured": len(voice.segments),
        "n_segments": voice.n_segments,
        "seconds_measured": round(voice.seconds, 2),
        **_facts(measured),
        "breaths_s": [
            [round(start_s + a, 2), round(start_s + b, 2)]
            for start_s, run in measured.runs
            for a, b in run.breaths_s
        ][:MAX_POINTS],
        "cues": told_cues(CUES, measured.values, parts, card),
        "plot": pitch_plot(voice, measured),
    }


def pitch_plot(voice: VoiceStretches, measured: VoiceProsody) -> dict[str, list[Any]]:
    """The pitch over the file's time, None where unvoiced and between segments: `times_s` and
    `f0_hz` of at most 400 points."""
    times: list[float] = []
    pitch: list[float | None] = []
    n_frames = sum(len(one.pitch.times_s) + 1 for one in measured.segments)
    step = max(1, -(-n_frames // MAX_POINTS))
    for segment, one in zip(voice.segments, measured.segments, strict=True):
        inside = one.pitch.times_s <= segment.end_s - segment.start_s
        for at, hz in zip(
            one.pitch.times_s[inside][::step].tolist(),
            one.pitch.f0_hz[inside][::step].tolist(),
            strict=True,
        ):
            times.append(round(segment.start_s + at, 3))
            pitch.append(round(hz, 1) if np.isfinite(hz) else None)
        if pitch:
            pitch[-1] = None
    return {"times_s": times[:MAX_POINTS], "f0_hz": pitch[:MAX_POINTS]}


DETECTOR = VoiceProsodyDetector
