"""Places where a recording was cut: what lies behind the voice steps, repeats, stops or jumps."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assay.case import Case
from assay.inputs.mains_hum import find_hum
from assay.inputs.splice_cues import SpliceInput, Steps, steps_of
from assay.inputs.splice_repeats import find_repeats, silences
from assay.types import Evidence, Finding, FloatArray, MediaKind, Severity

MIN_S = 2.2
MOST_TOLD = 8
STEP_DB = 10.0
"""From here on a step is told; measured, see docs/models/voice_splice.md."""
NEARLY_DB, MOST_NEARLY = 2.0, 12
JUMP_RAD = 1.0
MOST_SILENCES = 3
"""More digitally silent stretches are a gate or a codec, and not a cut."""
QUIET_DB = -80.0
_SILENT_RMS = 1e-5
LIMIT = "It is told for an examiner to listen to; it does not change the verdict."


@dataclass(frozen=True, slots=True)
class Place:
    """Seconds from the start of the file, and what was found there."""

    code: str
    start_s: float
    end_s: float
    values: dict[str, float]


class VoiceSplice:
    """Steps, repeats, digital silence and jumps of the mains hum, each with its seconds; no score.

    Looks at: levels of twenty bands on both sides of every place, stretches that come back sample
    by sample, stretches of exactly one value, the phase of the hum at 50 and 60 Hz. Abstains when:
    there is no sound, it lasts under 2.2 s or is silent. Fails on: cuts within one recording that
    leave its order, cuts between recordings of the same room and microphone, and copied and muted
    words after compression; a voice-over, a cut film or a change of scene is a splice as well.
    Licences: none, plain arithmetic.
    """

    name = "voice_splice"
    version = "1"
    family = "voice_splice"
    needs = "sound"
    kinds: tuple[MediaKind, ...] = ("audio", "video")
    looks_at = "steps of the background, repeats, digital silence and the mains hum: places of cuts"
    fails_on = "cuts within one room and microphone; copied and muted words after compression"
    licence = "Apache-2.0"
    bundle: str | None = None
    input = SpliceInput()

    def examine(self, case: Case) -> list[Evidence]:
        """One Evidence for the whole sound, its findings in time order."""
        started = time.monotonic()
        sound = case.waveform
        if sound is None:
            return [self._evidence(status="abstained", reason="no_sound: There is no sound.")]
        rate_hz = sound.sample_rate_hz
        samples = np.nan_to_num(sound.samples[: round(self.input.most_s * rate_hz)])
        if samples.size < MIN_S * rate_hz:
            text = f"too_short: The sound lasts under {MIN_S:g} s."
            return [self._evidence(status="abstained", reason=text)]
        if not float(np.abs(samples).max()) > _SILENT_RMS:
            text = "silence: The sound is silent throughout."
            return [self._evidence(status="abstained", reason=text)]
        places, steps = find_places(samples, rate_hz, self.input, case.deadline.check)
        details = _details(places, steps, samples.size / rate_hz, sound.duration_s)
        return [
            self._evidence(
                status="reported",
                findings=tuple(_finding(one, sound.start_s) for one in places),
                details=details,
                seconds_taken=time.monotonic() - started,
            )
        ]

    def _evidence(self, **more: Any) -> Evidence:
        return Evidence(
            detector=self.name,
            version=self.version,
            family=self.family,
            subject="sound",
            licence=self.licence,
            **more,
        )


def find_places(
    samples: FloatArray,
    rate_hz: int,
    recipe: SpliceInput,
    check: Callable[[], None] = lambda: None,
) -> tuple[list[Place], Steps]:
    """All places of a sound (n,) in time order, in seconds from its start, and all its steps."""
    steps = steps_of(samples, rate_hz, recipe, check)
    places = [
        *step_places(steps, recipe.side_s),
        *_repeats(samples, rate_hz, check),
        *_silences(samples, rate_hz),
        *_jumps(samples, rate_hz),
    ]
    return sorted(places, key=lambda one: one.start_s), steps


def step_places(steps: Steps, apart_s: float, least_db: float = STEP_DB) -> list[Place]:
    """The largest steps from `least_db` on, none within `apart_s` of a larger one."""
    found: list[Place] = []
    taken: list[float] = []
    for k in np.argsort(-steps.gap_db):
        gap_db, at_s = float(steps.gap_db[k]), float(steps.times_s[k])
        if gap_db < least_db or len(found) == MOST_TOLD:
            break
        if all(abs(at_s - other) >= apart_s for other in taken):
            taken.append(at_s)
            at_s = _middle_s(steps, int(k))
            values = {"gap_db": round(gap_db, 1), "band_hz": round(float(steps.band_hz[k]))}
            found.append(Place("splice_background_step", at_s - 0.1, at_s + 0.1, values))
    return found


def _middle_s(steps: Steps, k: int) -> float:
    """The middle of the places about the largest where the gap is nearly as wide."""
    low = high = k
    while low > 0 and steps.gap_db[low - 1] >= steps.gap_db[k] - NEARLY_DB:
        low -= 1
    while high + 1 < len(steps.gap_db) and steps.gap_db[high + 1] >= steps.gap_db[k] - NEARLY_DB:
        high += 1
    middle = float(steps.times_s[low] + steps.times_s[high]) / 2
    return middle if high - low <= MOST_NEARLY else float(steps.times_s[k])


def _repeats(samples: FloatArray, rate_hz: int, check: Callable[[], None]) -> list[Place]:
    return [
        Place(
            "splice_repeat",
            one.first / rate_hz,
            one.last / rate_hz,
            {
                "again_start_s": round((one.first + one.away) / rate_hz, 3),
                "again_end_s": round((one.last + one.away) / rate_hz, 3),
            },
        )
        for one in find_repeats(samples, rate_hz, check)[:MOST_TOLD]
    ]


def _silences(samples: FloatArray, rate_hz: int) -> list[Place]:
    """Digital silence in a recording whose other pauses are not silent."""
    found = silences(samples, rate_hz)
    if not found or len(found) > MOST_SILENCES:
        return []
    if _quietest_db(samples, rate_hz, found) < QUIET_DB:
        return []
    return [
        Place("splice_digital_silence", first / rate_hz, last / rate_hz, {})
        for first, last in found
    ]


def _quietest_db(samples: FloatArray, rate_hz: int, apart_from: list[tuple[int, int]]) -> float:
    """The level of the quietest twentieth of the rest, in pieces of 20 ms."""
    size = max(1, round(0.02 * rate_hz))
    n = samples.size // size
    level = np.sqrt((samples[: n * size].reshape(n, size).astype(np.float64) ** 2).mean(axis=1))
    kept = np.ones(n, bool)
    for first, last in apart_from:
        kept[max(0, first // size - 1) : last // size + 2] = False
    if not kept.any():
        return -np.inf
    return float(20 * np.log10(np.quantile(level[kept], 0.05) + 1e-9))


def _jumps(samples: FloatArray, rate_hz: int) -> list[Place]:
    hum = find_hum(samples, rate_hz)
    if hum is None:
        return []
    jump: NDArray[np.float64] = np.nan_to_num(hum.jump_rad)
    found: list[Place] = []
    while len(found) < MOST_TOLD and jump.max(initial=0) >= JUMP_RAD:
        k = int(jump.argmax())
        at_s = float(hum.times_s[k])
        values = {"hum_hz": round(hum.hz, 2), "jump_rad": round(float(jump[k]), 2)}
        found.append(Place("splice_hum_jump", at_s - 0.3, at_s + 0.3, values))
        jump = np.where(np.abs(hum.times_s - at_s) < 1.5, 0, jump)
    return found


_WORDS: dict[str, tuple[str, str, Severity]] = {
    "splice_background_step": (
        "The background changes at {start} s",
        "Around {band_hz:.0f} Hz the sound moves by {gap_db:.0f} dB or more to a level that it did "
        "not have within the second before. Words cut in from another recording do that; so do a "
        "noise gate, a device switched on, a door, and a change of scene in a film.",
        "notable",
    ),
    "splice_repeat": (
        "The same sound is there twice: at {start} s and at {again_start_s:.2f} s",
        "From {start} to {end} s every sample equals that from {again_start_s:.2f} to "
        "{again_end_s:.2f} s. No two utterances, and no two moments of a room, are the same: a "
        "piece was copied, by an editor or by a program that loops sounds.",
        "strong",
    ),
    "splice_digital_silence": (
        "Digital silence from {start} to {end} s",
        "Every sample there is the same, while the other pauses of this recording have noise in "
        "them. A piece was muted or put together; recorders that lose samples do it too.",
        "notable",
    ),
    "splice_hum_jump": (
        "The mains hum jumps at {start} s",
        "The hum at {hum_hz:.2f} Hz goes on with its phase moved by {jump_rad:.1f} rad. The mains "
        "do not jump; a cut does, and so does a recorder that loses samples.",
        "notable",
    ),
}


def _finding(place: Place, file_start_s: float) -> Finding:
    title, meaning, severity = _WORDS[place.code]
    start_s, end_s = place.start_s + file_start_s, place.end_s + file_start_s
    moved = {
        name: value + file_start_s if name.endswith("_s") else value
        for name, value in place.values.items()
    }
    told = {"start": f"{start_s:.2f}", "end": f"{end_s:.2f}", **moved}
    return Finding(
        code=place.code,
        title=title.format(**told),
        meaning=f"{meaning.format(**told)} {LIMIT}",
        severity=severity,
        values={"start_s": round(start_s, 3), "end_s": round(end_s, 3), **moved},
    )


def _details(
    places: list[Place], steps: Steps, searched_s: float, duration_s: float
) -> dict[str, Any]:
    largest = float(steps.gap_db.max()) if len(steps.gap_db) else None
    return {
        "searched_s": round(searched_s, 2),
        "searched_whole": searched_s >= duration_s - 0.01,
        "largest_step_db": None if largest is None else round(largest, 2),
        "n_places": len(places),
    }


DETECTOR = VoiceSplice
