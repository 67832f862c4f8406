"""Voices, speech and sound detectors made on the spot, so that no file and no net is needed."""

from __future__ import annotations

from typing import Any

import numpy as np

from assay.case import Case, _Seen
from assay.options import Options
from assay.subjects.speech import SPEECH_RATE_HZ, Speech
from assay.types import Evidence, FaceView, FloatArray, Media, Reason, Span, SpeechSegment, Waveform
from tests.verdict.doubles import FaceDetector, MadeCase, make_evidence, make_media

NOISY = Reason("noisy", "Noise lies under it.")
TOO_SHORT = Reason("too_short", "It is shorter than a second.")


def make_voice(
    seconds: float = 2.0, rate_hz: int = SPEECH_RATE_HZ, pitch_hz: float = 120.0, seed: int = 0
) -> FloatArray:
    """A vowel: glottal pulses of a wavering pitch through three formants, a little breath in it.

    Source and filter (Fant, 1960), the formants as resonators in the frequency domain.
    """
    n = max(1, round(seconds * rate_hz))
    random = np.random.default_rng(seed)
    time_s = np.arange(n) / rate_hz
    pitch = pitch_hz * (1 + 0.05 * np.sin(2 * np.pi * 4.5 * time_s) + 0.01 * random.normal())
    phase = np.cumsum(pitch) / rate_hz
    pulses = np.diff(np.floor(phase), prepend=0.0)
    breath = 0.02 * random.normal(size=n)
    hz = np.fft.rfftfreq(2 * n, 1 / rate_hz)
    response = np.ones(len(hz), complex)
    for formant_hz, width_hz in ((620, 80), (1200, 110), (2500, 160)):
        response *= formant_hz**2 / (formant_hz**2 - hz**2 + 1j * width_hz * hz)
    spectrum = np.fft.rfft(pulses + breath, 2 * n) * response
    voice = np.fft.irfft(spectrum, 2 * n)[:n]
    return np.asarray(0.5 * voice / max(1e-9, np.abs(voice).max()), np.float32)


def make_segment(
    start_s: float = 0.0, end_s: float = 2.0, speaker_id: int = 1, **changes: Any
) -> SpeechSegment:
    samples = make_voice(end_s - start_s, pitch_hz=100.0 + 20 * speaker_id, seed=round(start_s))
    values: dict[str, Any] = {"quality": {"snr_db": 20.0}, **changes}
    return SpeechSegment(start_s, end_s, samples, SPEECH_RATE_HZ, speaker_id, **values)


def make_speech(*segments: SpeechSegment, **changes: Any) -> Speech:
    """Speech of these segments, each its own region, in a sound that ends with the last."""
    end_s = max((segment.end_s for segment in segments), default=1.0)
    samples = np.zeros(round(end_s * SPEECH_RATE_HZ), np.float32)
    for one in segments:
        first = round(one.start_s * SPEECH_RATE_HZ)
        samples[first : first + len(one.waveform)] = one.waveform[: len(samples) - first]
    regions = np.array([(s.start_s, s.end_s) for s in segments], np.float32).reshape(-1, 2)
    values: dict[str, Any] = {
        "waveform": Waveform(samples, SPEECH_RATE_HZ),
        "segments": segments,
        "regions_s": regions,
        "n_speakers": len({segment.speaker_id for segment in segments}),
        "reasons": () if segments else (Reason("silence", "The sound is silent."),),
    }
    return Speech(**{**values, **changes})


class VoiceCase(Case):
    """A case whose speech is given instead of found; with views it is a video."""

    def __init__(
        self,
        *segments: SpeechSegment,
        speech: Speech | None = None,
        options: Options | None = None,
        media: Media | None = None,
        views: dict[int, tuple[FaceView, ...]] | None = None,
    ) -> None:
        found = make_speech(*segments) if speech is None else speech
        kind = "audio" if views is None else "video"
        made = make_media(kind, duration_s=found.waveform.duration_s, sample_rate_hz=SPEECH_RATE_HZ)
        super().__init__(media or made, options)
        self.__dict__["speech"] = found
        self.__dict__["waveform"] = found.waveform
        faces = MadeCase(views or {}, options, self.media)
        self.__dict__["frame_times_s"] = faces.frame_times_s if views else ()
        self.__dict__["_seen"] = faces._seen if views else _Seen((), {}, (), 0, 0, ())


def make_voice_evidence(logit: float | None = 0.0, speaker_id: int = 1, **changes: Any) -> Evidence:
    values: dict[str, Any] = {
        "detector": "voice_detector",
        "family": "voice_test",
        "subject": f"voice {speaker_id}",
        "speaker_id": speaker_id,
        "kind": "voice_generated",
    }
    return make_evidence(logit, None, **{**values, **changes})


def make_sound_evidence(logit: float | None = 0.0, **changes: Any) -> Evidence:
    values: dict[str, Any] = {
        "detector": "sound_detector",
        "family": "sound_test",
        "subject": "sound",
        "kind": "edited",
    }
    return make_evidence(logit, None, **{**values, **changes})


class VoiceDetector(FaceDetector):
    """Scores each unlimited segment by `score_segment`, a voice by the mean of its segments."""

    name = "voice_detector"
    family = "voice_test"
    needs = "sound"
    kinds = ("audio", "video")
    looks_at = "The loudness."
    fails_on = "Everything but loudness."

    def score_segment(self, segment: SpeechSegment) -> float:
        return float(np.abs(segment.waveform).mean())

    def examine(self, case: Case) -> list[Evidence]:
        speech = case.speech
        if speech is None or not speech.segments:
            reason = speech.reasons[0] if speech else Reason("no_sound", "There is no sound.")
            text = f"{reason.code}: {reason.text}"
            return [make_sound_evidence(None, **self._signed(), **_silent(text))]
        speakers = dict.fromkeys(segment.speaker_id for segment in speech.segments)
        return [self._of_voice(speech, speaker_id) for speaker_id in speakers]

    def _of_voice(self, speech: Speech, speaker_id: int) -> Evidence:
        own = [segment for segment in speech.segments if segment.speaker_id == speaker_id]
        good = [segment for segment in own if self.judges(segment)]
        if not good:
            reason = own[0].reasons[0]
            silent = _silent(f"{reason.code}: {reason.text}")
            return make_voice_evidence(None, speaker_id, **self._signed(), **silent)
        spans = tuple(Span(s.start_s, s.end_s, self.score_segment(s)) for s in good)
        mean = sum(span.logit for span in spans) / len(spans)
        return make_voice_evidence(mean, speaker_id, **self._signed(), spans=spans)

    def judges(self, segment: SpeechSegment) -> bool:
        return not segment.reasons

    def _signed(self) -> dict[str, Any]:
        return {"detector": self.name, "family": self.family}


class SoundDetector(FaceDetector):
    """Scores the recording as a whole by `score_sound`."""

    name = "sound_detector"
    family = "sound_test"
    needs = "sound"
    kinds = ("audio", "video")
    looks_at = "The whole."
    fails_on = "The parts."

    def score_sound(self, sound: Waveform) -> float:
        return float(np.abs(sound.samples).mean())

    def examine(self, case: Case) -> list[Evidence]:
        assert case.waveform is not None
        logit = self.score_sound(case.waveform)
        return [make_sound_evidence(logit, detector=self.name, family=self.family)]


def _silent(reason: str) -> dict[str, Any]:
    return {"status": "abstained", "reason": reason, "kind": None}
