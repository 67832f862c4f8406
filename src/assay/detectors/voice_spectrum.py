"""Phases, noise and mean spectrum of a voice: what vocoders and up-sampling leave in them."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from assay.bundles import Card, Network, load_card, open_network
from assay.case import Case
from assay.detectors.voice_prosody import (
    evidence_of,
    told_cues,
    weighed,
    what_stands_out,
    why_no_voice,
)
from assay.inputs.sound_spectrum import (
    BandEdge,
    MeanSpectrum,
    find_band_edge,
    mean_spectrum,
    share_of_digital_silence,
)
from assay.inputs.spectrum_cues import (
    CUES,
    NAMES,
    SpectrumCueInput,
    VoiceSpectrum,
    measure_voice,
)
from assay.inputs.voice_stretches import VoiceStretches, parts_at_own_rate, stretches_of
from assay.types import Evidence, Finding, FloatArray, MediaKind

MAX_POINTS = 400
MIN_SILENCE = 0.01
# Without it no voice was followed.
NEEDED = "pulse_sharpness"
# Half the rates at which sound is commonly stored, sent or made.
KNOWN_RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000)
NEAR = 0.06
SAME_EDGE = 0.1


class VoiceSpectrumDetector:
    """Named cues of phase, noise and mean spectrum per voice; a score only where the card allows.

    Looks at: whether harmonics start together and stay so, sharpness of the voice's pulses, depth
    and pulsing of high harmonics, grain of the noise, lines at even distances; apart from these,
    and never weighed, where the file's band ends and whether silence is digital. Abstains when:
    nobody speaks, or every segment of a voice is too short, noisy, clipped, band-limited or under
    music. Fails on: vocoders that model the waveform itself, and rooms, which blur phases as
    vocoders do. Licences: the weights are Apache-2.0 and were fitted here; its card names the
    sets.
    """

    name = "voice_spectrum"
    version = "1"
    family = "voice_spectrum"
    needs = "sound"
    kinds: tuple[MediaKind, ...] = ("audio", "video")
    looks_at = "phases, pulses, noise and even lines in the spectrum of each voice; band edges"
    fails_on = "vocoders that model the waveform itself; rooms and codecs blur phases too"
    licence = "Apache-2.0"
    bundle: str | None = "voice_spectrum"
    input = SpectrumCueInput()

    def examine(self, case: Case) -> list[Evidence]:
        """One Evidence a voice, one span a segment of it."""
        speech = case.speech
        if speech is None or not speech.segments:
            return [evidence_of(self, None, status="abstained", reason=why_no_voice(speech))]
        card = load_card(self.name)
        network = open_network(self.name, self.input.fingerprint)
        edges: list[float] = []
        return [
            self._examine_voice(case, voice, network, card, edges)
            for voice in stretches_of(speech, self.input.most_s)
        ]

    def _examine_voice(
        self, case: Case, voice: VoiceStretches, network: Network, card: Card, edges: list[float]
    ) -> Evidence:
        started = time.monotonic()
        if not voice.segments:
            return evidence_of(self, voice, status="abstained", reason=voice.why_none)
        parts = [segment.waveform for segment in voice.segments]
        rate_hz = voice.segments[0].sample_rate_hz
        measured = measure_voice(parts, rate_hz, self.input, case.deadline.check)
        if not np.isfinite(measured.values[NAMES.index(NEEDED)]):
            text = "too_short: Too little of the voice is voiced sound that could be measured."
            return evidence_of(self, voice, status="abstained", reason=text)
        outputs = network.run(np.concatenate([measured.values[None], measured.by_segment]))
        at_own_rate = _own_spectrum(case, voice)
        return evidence_of(
            self,
            voice,
            findings=tuple(_findings(voice, measured, at_own_rate, card, edges)),
            details=_details(voice, measured, outputs["evidence"][0], at_own_rate, card),
            seconds_taken=time.monotonic() - started,
            **weighed(voice, outputs["logit"], card),
        )


class _Own:
    """What is told of the file's own sound around one voice, at its own rate."""

    def __init__(
        self, rate_hz: int, spectrum: MeanSpectrum | None, edge: BandEdge | None, silence: float
    ) -> None:
        self.rate_hz = rate_hz
        self.spectrum = spectrum
        self.edge = edge
        self.silence = silence


def _own_spectrum(case: Case, voice: VoiceStretches) -> _Own | None:
    sound = case.waveform
    if sound is None:
        return None
    parts = parts_at_own_rate(sound.samples, sound.sample_rate_hz, sound.start_s, voice)
    spectrum = mean_spectrum(parts, sound.sample_rate_hz)
    edge = None if spectrum is None else find_band_edge(spectrum)
    length = sum(len(part) for part in parts)
    silence = sum(len(p) * share_of_digital_silence(p, sound.sample_rate_hz) for p in parts)
    return _Own(sound.sample_rate_hz, spectrum, edge, silence / max(length, 1))


def _findings(
    voice: VoiceStretches,
    measured: VoiceSpectrum,
    own: _Own | None,
    card: Card,
    edges: list[float],
) -> list[Finding]:
    """What was measured; the band's edge where no voice before had it (`edges`, which grows)."""
    values = {
        name: round(float(value), 4)
        for name, value in zip(NAMES, measured.values, strict=True)
        if np.isfinite(value)
    }
    why = str(card.raw.get("why_no_score", ""))
    found = [
        Finding(
            code="voice_spectrum_measured",
            title=f"Phases and spectrum of voice {voice.speaker_id} were measured",
            meaning=f"{what_stands_out(CUES, measured.values, card)} {why}".strip(),
            values=values,
        )
    ]
    if own is not None and own.edge is not None and not own.edge.whole:
        at = own.edge.edge_hz
        if all(abs(at - told) > SAME_EDGE * told for told in edges):
            edges.append(at)
            found.append(_edge_finding(voice, own.rate_hz, own.edge))
    if own is not None and own.silence >= MIN_SILENCE:
        found.append(_silence_finding(voice, own.silence))
    return found


def _edge_finding(voice: VoiceStretches, rate_hz: int, edge: BandEdge) -> Finding:
    known = [r for r in KNOWN_RATES_HZ if abs(edge.edge_hz - r / 2) <= NEAR * r / 2]
    nearest = min(known, key=lambda r: abs(edge.edge_hz - r / 2), default=None)
    like = f", as sound once stored or made at {nearest:,} Hz does" if nearest else ""
    cut = "is cut off" if edge.sharp else "fades out"
    return Finding(
        code="band_ends_early",
        title=f"The sound of voice {voice.speaker_id} ends at about {edge.edge_hz:,.0f} Hz",
        meaning=(
            f"The file could hold sound up to {rate_hz / 2:,.0f} Hz, but it {cut} there{like}. "
            "Telephones, codecs, microphones and speech generators all do this; by itself it says "
            "nothing about whether the voice is genuine, and it has no weight."
        ),
        values={
            "band_edge_hz": round(edge.edge_hz),
            "drop_db": round(edge.drop_db, 1),
            "file_rate_hz": rate_hz,
        },
    )


def _silence_finding(voice: VoiceStretches, share: float) -> Finding:
    return Finding(
        code="digital_silence",
        title=f"Pauses of voice {voice.speaker_id} are digitally silent",
        meaning=(
            f"{share:.1%} of the sound within the speech is exactly zero. No room is; noise gates, "
            "editing, codecs and speech generators leave it. It has no weight."
        ),
        values={"share": round(share, 4)},
    )


def _details(
    voice: VoiceStretches,
    measured: VoiceSpectrum,
    parts: FloatArray,
    own: _Own | None,
    card: Card,
) -> dict[str, Any]:
    lines = measured.lines
    told: dict[str, Any] = {
        "n_segments_measured": len(voice.segments),
        "n_segments": voice.n_segments,
        "seconds_measured": round(voice.seconds, 2),
        "line_spacing_hz": None if lines.spacing_hz is None else round(lines.spacing_hz, 2),
        "cues": told_cues(CUES, measured.values, parts, card),
    }
    if own is None:
        return told
    told["file_rate_hz"] = own.rate_hz
    told["digital_silence"] = round(own.silence, 4)
    if own.edge is not None and own.spectrum is not None:
        told["band"] = {
            "edge_hz": round(own.edge.edge_hz),
            "drop_db": round(own.edge.drop_db, 1),
            "sharp": own.edge.sharp,
            "whole": own.edge.whole,
        }
        told["plot"] = spectrum_plot(own.spectrum, own.edge, lines.peaks_hz)
    return told


def spectrum_plot(
    spectrum: MeanSpectrum, edge: BandEdge, peaks_hz: tuple[float, ...]
) -> dict[str, Any]:
    """The mean level over frequency at the file's own rate, in at most 400 points."""
    step = max(1, -(-len(spectrum.frequencies_hz) // MAX_POINTS))
    starts = np.arange(0, len(spectrum.frequencies_hz), step)
    counts = np.diff(np.append(starts, len(spectrum.frequencies_hz)))
    levels = np.add.reduceat(spectrum.level_db, starts) / counts
    return {
        "frequencies_hz": [round(float(v), 1) for v in spectrum.frequencies_hz[starts]],
        "level_db": [round(float(v), 1) for v in levels],
        "peaks_hz": list(peaks_hz),
        "band_edge_hz": round(edge.edge_hz, 1),
    }


DETECTOR = VoiceSpectrumDetector
