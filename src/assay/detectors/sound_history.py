"""How a sound came about: its format now, earlier lossy compressions, places of joining."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from assay.case import Case
from assay.detectors import file_evidence
from assay.errors import InputError, TimeLimitError
from assay.findings import SEVERITIES, Finding
from assay.inputs import aac_history, band_history, mp3_history
from assay.inputs.band_history import Bands
from assay.inputs.file_history import header_findings
from assay.inputs.mp3_history import Look
from assay.inputs.told_history import history_finding
from assay.media.stored_sound import StoredBits, is_lossless, read_bits
from assay.types import Evidence, FloatArray, MediaKind, Waveform

MIN_S = 1.0
MOST_S = 1800.0
AAC_CERTAIN = 10.0
MEAN_STEP_SCORE, MEAN_STEP = 6.0, 1e-3
MOST_PLOTTED_HZ = 400
_FITS = (
    (3100, 4100, "a telephone line, or recording at 8 kHz"),
    (5000, 5600, "recording at 11 kHz"),
    (7000, 8100, "recording at 16 kHz, wide-band telephony and many voice programs"),
    (10300, 11200, "recording at 22 kHz, or MP3 at some 64 kbit/s"),
    (11300, 12100, "recording at 24 kHz, as most speech synthesis gives it"),
    (14500, 16200, "recording at 32 kHz, or MP3 and AAC at 96 to 128 kbit/s"),
    (16200, 17500, "MP3 and AAC at 128 to 160 kbit/s"),
    (17500, 20600, "MP3 and AAC at 160 to 320 kbit/s"),
)


_finding = partial(history_finding, "sound_history")


@dataclass(frozen=True, slots=True)
class _Heard:
    sound: Waveform
    bands: Bands | None
    looks: list[Look]
    aac: aac_history.AacGrid | None
    bits: StoredBits | None


class SoundHistory:
    """Findings about format, earlier compressions and places of joining; never a score.

    Looks at: headers and frames of MP3, pages of Ogg, chunks of WAV, edit lists; the spectrum of
    at most 600 seconds; of lossless sound the transforms of MP3 (at three to twelve places) and of
    AAC and Vorbis (at one), and the bits in use. Abstains when: there is no sound. Fails on: sound
    that was resampled, filtered or compressed again after that; MP3 and AAC at high rates;
    joins between recordings of one bandwidth. Licences: PyAV (BSD-3-Clause, FFmpeg LGPL).
    """

    name = "sound_history"
    version = "1"
    family = "container"
    needs = "file"
    kinds: tuple[MediaKind, ...] = ("audio", "video")
    looks_at = (
        "Headers, bandwidth, bits in use and traces of earlier lossy compression of the sound."
    )
    fails_on = "Sound that was resampled or compressed again; high rates; joins of equal bandwidth."
    licence = "Apache-2.0"
    bundle: str | None = None

    def examine(self, case: Case) -> list[Evidence]:
        """One Evidence for the file."""
        started = time.monotonic()
        media = case.media
        if media.sample_rate_hz is None:
            return [file_evidence(self, status="abstained", reason="no_sound: There is no sound.")]
        found = header_findings(media, case.deadline.check)
        heard, fault = _listen(case)
        if heard is None and not found:
            return [file_evidence(self, status="abstained", reason=fault)]
        if heard is not None:
            found = [*found, *_findings(heard, media.audio_codec or media.codec)]
        return [
            file_evidence(
                self,
                started,
                status="reported",
                findings=tuple(sorted(found, key=lambda one: SEVERITIES.index(one.severity))),
                details={**_details(heard, found), "not_heard": fault or None},
            )
        ]


def _listen(case: Case) -> tuple[_Heard | None, str]:
    """What is in the samples, or why they cannot be looked at."""
    try:
        sound = case.waveform
    except TimeLimitError:
        raise
    except InputError as error:
        return None, f"undecodable: {error}"
    if sound is None:
        return None, "undecodable: The sound cannot be decoded."
    samples = np.nan_to_num(sound.samples[: round(MOST_S * sound.sample_rate_hz)])
    if sound.duration_s < MIN_S:
        return None, f"too_short: The sound lasts under {MIN_S:g} s."
    if not float(np.abs(samples).max()) > 1e-5:
        return None, "silence: The sound is silent throughout."
    bands = band_history.bands_of(samples, sound.sample_rate_hz)
    case.deadline.check()
    looks: list[Look] = []
    aac, bits = None, None
    if is_lossless(case.media.audio_codec or case.media.codec):
        looks = mp3_history.looks_of(samples)
        case.deadline.check()
        aac = _aac(samples)
        try:
            bits = read_bits(case.media, case.deadline.check)
        except TimeLimitError:
            raise
        except InputError:
            bits = None
    return _Heard(
        Waveform(samples, sound.sample_rate_hz, sound.start_s), bands, looks, aac, bits
    ), ""


def _aac(samples: FloatArray) -> aac_history.AacGrid | None:
    """One look, at the loudest place, and two more that must confirm what it finds."""
    n = len(samples) // aac_history.FRAME
    if len(samples) < aac_history.PIECE:
        return None
    blocks = samples[: n * aac_history.FRAME].reshape(n, aac_history.FRAME)
    loudest = int(np.square(blocks).mean(axis=1).argmax())
    at = int(np.clip((loudest - 2) * aac_history.FRAME, 0, len(samples) - aac_history.PIECE))
    grid = aac_history.find_aac_grid(samples[at : at + aac_history.PIECE])
    if grid is None or grid.score < AAC_CERTAIN:
        return grid
    offset = (grid.offset + at) % aac_history.FRAME
    return replace(grid, offset=offset) if aac_history.confirmed(samples, offset, at) else None


def _findings(heard: _Heard, codec: str) -> list[Finding]:
    found = [*_grids(heard), *_bits(heard.bits)]
    if heard.bands is not None:
        found += [*_reach(heard.bands, codec), *_joins(heard), *_mean(heard)]
    return found


def _grids(heard: _Heard) -> list[Finding]:
    rate_hz, start_s = heard.sound.sample_rate_hz, heard.sound.start_s
    sure = [one for one in heard.looks if one.grid.score >= mp3_history.CERTAIN]
    found = []
    if sure:
        best = max(sure, key=lambda one: one.grid.score)
        found.append(_lossy("mp3", "MP3", best.grid.score, best.grid.zeros, len(sure)))
    elif heard.aac is not None and heard.aac.score >= AAC_CERTAIN:
        name = "Vorbis" if heard.aac.window == "vorbis" else "AAC"
        found.append(_lossy(name.lower(), name, heard.aac.score, heard.aac.zeros, 1))
    for one, other in mp3_history.jumps_between(heard.looks)[:4]:
        span_s = (
            start_s + (one.at + mp3_history.PIECE / 2) / rate_hz,
            start_s + (other.at + mp3_history.PIECE / 2) / rate_hz,
        )
        found.append(_finding(
            "mp3_grid_jumps",
            "notable",
            f"The earlier MP3 was cut between {span_s[0]:.1f} and {span_s[1]:.1f} s",
            "The frames of the earlier MP3 begin at another sample behind this place than before "
            "it: something was taken out, put in or joined after that compression.",
            {"before_samples": one.grid.offset, "after_samples": other.grid.offset},
            ("The recording was cut or put together openly after it was an MP3.",
             "A recorder or a network lost samples."),
            span_s=span_s,
        ))  # fmt: skip
    return found


def _lossy(code: str, name: str, score: float, zeros: float, n_looks: int) -> Finding:
    return _finding(
        f"{code}_before",
        "info",
        f"This lossless sound was {name} before",
        f"The transform of {name} finds small values that are exactly zero, at one alignment only. "
        "The file is not the first recording but was made from a compressed copy.",
        {"score": round(score, 1), "share_zero": round(zeros, 3), "n_places": n_looks},
        (f"A download or a message in {name} was converted.",),
    )


def _bits(bits: StoredBits | None) -> list[Finding]:
    if bits is None or bits.used >= bits.stored:
        return []
    return [
        _finding(
            "bits",
            "info",
            f"Of {bits.stored} bits a sample {bits.used} are in use",
            "The lowest bits are zero in every sample: the sound was stored with fewer before.",
            {"stored": bits.stored, "used": bits.used, "n_samples": bits.n_samples},
            ("The recorder or a program works with fewer bits.",),
        )
    ]


def _reach(bands: Bands, codec: str) -> list[Finding]:
    cut = band_history.whole_cut(bands)
    top_hz = float(bands.hz[-1])
    if cut is None:
        return []
    fits = [text for low, high, text in _FITS if low <= cut.hz <= high]
    guess = f" That fits {fits[0]}." if fits else ""
    return [
        _finding(
            "bandwidth",
            "info",
            f"The sound ends at {cut.hz / 1000:.1f} kHz",
            f"The file ({codec}) could hold up to {top_hz / 1000:.1f} kHz, but the sound falls by "
            f"{cut.drop_db:.0f} dB at {cut.hz / 1000:.1f} kHz.{guess} Missing high frequencies are "
            "no sign of manipulation.",
            {"cut_hz": round(cut.hz), "drop_db": round(cut.drop_db, 1), "top_hz": round(top_hz)},
            ("A telephone, a microphone, a codec or a conversion.",),
        )
    ]


def _joins(heard: _Heard) -> list[Finding]:
    assert heard.bands is not None
    start_s, step_s = heard.sound.start_s, heard.bands.step_s
    return [
        _finding(
            "band_joined",
            "notable",
            f"The bandwidth changes at about {start_s + one.at_s:.0f} s",
            f"On one side the sound ends at {one.low_hz / 1000:.1f} kHz even where it is loud, on "
            f"the other it reaches {one.high_hz / 1000:.1f} kHz: parts with different histories.",
            {
                "low_hz": round(one.low_hz),
                "high_hz": round(one.high_hz),
                "gap_db": round(one.gap_db, 1),
            },
            ("A broadcast with calls or clips, or a call that changed its rate.",),
            span_s=(start_s + one.at_s - step_s, start_s + one.at_s + step_s),
        )
        for one in band_history.find_joins(heard.bands)
    ]


def _mean(heard: _Heard) -> list[Finding]:
    assert heard.bands is not None
    step = band_history.find_mean_step(heard.bands)
    if step is None or step.score < MEAN_STEP_SCORE or abs(step.after - step.before) < MEAN_STEP:
        return []
    at_s = heard.sound.start_s + step.at_s
    return [
        _finding(
            "offset_step",
            "notable",
            f"The constant part of the sound changes at about {at_s:.0f} s",
            f"It goes from {step.before:+.4f} to {step.after:+.4f} of full scale and stays there. "
            "Each recorder has its own: parts of two recordings were joined.",
            {"before": round(step.before, 5), "after": round(step.after, 5)},
            ("The microphone or its supply was changed.",),
            span_s=(at_s - heard.bands.step_s, at_s + heard.bands.step_s),
        )
    ]


_WEIGHTS = {"mp3_grid_jumps": 4.0, "band_joined": 3.0, "offset_step": 2.0, "mp3_joined": 3.0,
            "ogg_joined": 2.0, "edit_list": 2.0, "mp3_before": 1.0, "aac_before": 1.0,
            "vorbis_before": 1.0}  # fmt: skip


def _details(heard: _Heard | None, found: list[Finding]) -> dict[str, Any]:
    codes = {one.code.removeprefix("sound_history_") for one in found}
    best = max((one.grid.score for one in heard.looks), default=0.0) if heard else 0.0
    logit = sum(_WEIGHTS.get(code, 0.0) for code in codes) + min(best / mp3_history.CERTAIN, 1.0)
    details: dict[str, Any] = {"raw_logit": round(logit - 3.0, 4)}
    if heard is None:
        return details
    details |= {
        "heard_s": round(heard.sound.duration_s, 2),
        "n_mp3_looks": len(heard.looks),
        "best_mp3_score": round(best, 2),
        "aac_score": None if heard.aac is None else round(heard.aac.score, 2),
    }
    if heard.bands is not None:
        level = np.quantile(heard.bands.levels_db, 0.9, axis=0)
        step = max(1, len(level) // MOST_PLOTTED_HZ)
        details["plot"] = {
            "frequencies_hz": [round(float(one), 1) for one in heard.bands.hz[::step]],
            "level_db": [round(float(one), 2) for one in level[::step]],
        }
    return details


DETECTOR = SoundHistory
