"""Measure `voice_splice`: `assay train configs/voice_splice.toml`. Nothing is fitted.

Genuine recordings as found, with words cut in by the forger `spliced_speech`, and both after
codecs: how often is a place told where there is none, and how often at the cut where there is one?
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assay.detectors.voice_splice import MIN_S, VoiceSplice, find_places
from assay.errors import AssayError, ConfigError
from assay.media.audio import read_waveform
from assay.media.probe import probe
from assay.training.datasets.manifest import Item, read_manifest
from assay.training.forgeries.spliced_speech import forge
from assay.training.shared import shared_folder
from assay.training.sound_codecs import RATE_HZ, resampled, round_trip
from assay.types import FloatArray, Waveform

NEAR_S = 0.3
"""A place this near to the edge of a cut is found at it."""
AS_FOUND = "as found"
FALSE_ALARMS = 0.01


@dataclass(frozen=True, slots=True)
class Row:
    """What was found in one sound. `way` is "" of a genuine one, else how it was cut.

    `codes` are those of all places, `at_cut` of those at an edge of a cut; `step_db` the largest
    step, `step_at_cut` whether it is at one.
    """

    method: str
    split: str
    way: str
    treatment: str
    seconds: float
    codes: tuple[str, ...]
    at_cut: tuple[str, ...]
    step_db: float
    step_at_cut: bool


def run(path: Path) -> Path:
    """Measure by a configuration; gives the folder with `measured.json`. Raises ConfigError."""
    raw = read_config(path)
    clips = read_clips(_items(raw), float(raw["data"]["most_s"]))
    if not clips:
        raise ConfigError("None of the folders holds genuine recordings.")
    rows = list(measure(clips, raw.get("treatments", {}), int(raw["splices"]["per_clip"]), raw))
    folder = Path("runs") / str(raw["name"])
    folder.mkdir(parents=True, exist_ok=True)
    told = summary(rows)
    out = folder / "measured.json"
    out.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(told, indent=1))
    return folder


def read_config(path: Path) -> dict[str, Any]:
    """The configuration as it stands. Raises ConfigError where something is missing."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        _ = raw["data"]["most_s"], raw["data"]["folders"], raw["splices"]["per_clip"], raw["name"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path} is no usable configuration: {error!r}.") from error
    return raw


def _items(raw: Mapping[str, Any]) -> list[Item]:
    """At most so many genuine recordings of each set and split, drawn by hash."""
    data = raw["data"]
    folders = [Path(name) if name else shared_folder() / "data" for name in data["folders"]]
    items = [i for f in folders if (f / "manifest.csv").is_file() for i in read_manifest(f)]
    items = [i for i in items if i.modality in ("audio", "video") and i.label == "real"]
    items = [i for i in items if not i.not_speech and i.method not in data.get("leave_out", [])]
    taken: dict[tuple[str, str], int] = defaultdict(int)
    chosen = []
    for item in sorted(items, key=_draw):
        taken[item.method, item.split] += 1
        if taken[item.method, item.split] <= int(data["most_per_set"]):
            chosen.append(item)
    return chosen


def _draw(item: Item) -> str:
    return hashlib.sha256(f"splice:{item.path.name}{item.sha256}".encode()).hexdigest()


def read_clips(items: Sequence[Item], most_s: float) -> list[tuple[Item, Waveform]]:
    """Their sound; those without one, or with too little of it, are left out."""
    clips = []
    for item in items:
        try:
            sound = read_waveform(probe(str(item.path)), None, most_s, lambda: None)
        except AssayError:
            continue
        if sound.duration_s >= MIN_S and float(np.abs(sound.samples).max()) > 1e-4:
            clips.append((item, sound))
    return clips


def measure(
    clips: Sequence[tuple[Item, Waveform]],
    treatments: Mapping[str, int],
    per_clip: int,
    raw: Mapping[str, Any],
) -> Iterator[Row]:
    """One row for every sound, genuine and cut, as found and treated."""
    seed = int(raw.get("seed", 0))
    for n, (item, sound) in enumerate(clips):
        donors = [
            other.samples
            for one, other in clips
            if one.group != item.group
            and one.split == item.split
            and other.sample_rate_hz == sound.sample_rate_hz
        ]
        rng = np.random.default_rng((seed, n))
        made = [("", sound.samples, np.zeros((0, 2), np.float32))]
        for _ in range(per_clip):
            donor = donors[int(rng.integers(len(donors)))] if donors else None
            try:
                cut = forge(sound.samples, sound.sample_rate_hz, rng, donor)
            except AssayError:
                continue
            made.append((cut.name.split("/")[1], _as_stored(cut.fake), cut.spans_s))
        for way, samples, spans_s in made:
            yield _row(item, way, AS_FOUND, samples, sound.sample_rate_hz, spans_s)
            for codec, rate_bit_s in treatments.items():
                heard = round_trip(_at_codec_rate(samples, sound.sample_rate_hz), codec, rate_bit_s)
                yield _row(item, way, codec, heard, RATE_HZ, spans_s)


def _as_stored(samples: FloatArray) -> FloatArray:
    return (np.rint(samples * 32767) / 32768).astype(np.float32)


def _at_codec_rate(samples: FloatArray, rate_hz: int) -> FloatArray:
    return resampled(samples, max(1, round(samples.size * RATE_HZ / rate_hz)))


def _row(
    item: Item, way: str, treatment: str, samples: FloatArray, rate_hz: int, spans_s: FloatArray
) -> Row:
    places, steps = find_places(samples, rate_hz, VoiceSplice.input)
    edges = spans_s.ravel()
    at_cut = [
        p.code for p in places if any(p.start_s - NEAR_S <= e <= p.end_s + NEAR_S for e in edges)
    ]
    best = int(steps.gap_db.argmax()) if len(steps.gap_db) else None
    step_s = -1e9 if best is None else float(steps.times_s[best])
    return Row(
        item.method,
        item.split,
        way,
        treatment,
        samples.size / rate_hz,
        tuple(p.code for p in places),
        tuple(at_cut),
        -1e9 if best is None else float(steps.gap_db[best]),
        bool((np.abs(edges - step_s) <= NEAR_S).any()) if edges.size else False,
    )


def summary(rows: Sequence[Row]) -> dict[str, Any]:
    """The tables of the model card: places told in genuine sound, cuts found, and at what cost."""
    treatments = sorted({row.treatment for row in rows})
    return {
        "genuine": {t: _alarms(_chosen(rows, t, "")) for t in treatments},
        "genuine_by_set": _by_set([r for r in rows if not r.way and r.treatment == AS_FOUND]),
        "found": {
            t: {way: _found(_chosen(rows, t, way)) for way in sorted({r.way for r in rows} - {""})}
            for t in treatments
        },
        "at_one_percent": {t: at_one_percent(rows, t) for t in treatments},
    }


def _chosen(rows: Sequence[Row], treatment: str, way: str) -> list[Row]:
    return [row for row in rows if row.treatment == treatment and row.way == way]


def _alarms(rows: Sequence[Row]) -> dict[str, Any]:
    if not rows:
        return {"n": 0}
    hours = sum(row.seconds for row in rows) / 3600
    codes = sorted({code for row in rows for code in row.codes})
    return {
        "n": len(rows),
        "hours": round(hours, 3),
        "per_hour": {
            code: round(sum(row.codes.count(code) for row in rows) / max(hours, 1e-9), 2)
            for code in codes
        },
        "share_of_recordings": round(float(np.mean([bool(row.codes) for row in rows])), 4),
    }


def _by_set(rows: Sequence[Row]) -> dict[str, list[float]]:
    """Of each set with any alarm: recordings, those with an alarm, minutes."""
    sets: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        sets[row.method].append(row)
    return {
        name: [len(of), sum(bool(r.codes) for r in of), round(sum(r.seconds for r in of) / 60, 1)]
        for name, of in sorted(sets.items())
        if any(r.codes for r in of)
    }


def _found(rows: Sequence[Row]) -> dict[str, Any]:
    if not rows:
        return {"n": 0}
    codes = sorted({code for row in rows for code in row.at_cut})
    return {
        "n": len(rows),
        "any_place_at_the_cut": round(float(np.mean([bool(row.at_cut) for row in rows])), 3),
        **{code: round(float(np.mean([code in row.at_cut for row in rows])), 3) for code in codes},
    }


def at_one_percent(rows: Sequence[Row], treatment: str) -> dict[str, Any]:
    """The step's cut at 1 % of the genuine of `train`, and what it does on the sets of `val`.

    `found` counts cuts of all ways whose largest step is at the cut and above.
    """
    genuine = [r for r in rows if r.treatment == treatment and not r.way]
    known = [r.step_db for r in genuine if r.split == "train"]
    unknown = [r for r in genuine if r.split == "val"]
    cuts = [r for r in rows if r.treatment == treatment and r.way and r.split == "val"]
    if not (known and unknown and cuts):
        return {}
    least_db = float(np.quantile(known, 1 - FALSE_ALARMS))
    found = [r.step_at_cut and r.step_db > least_db for r in cuts]
    return {
        "step_db": round(least_db, 2),
        "false_alarms": round(float(np.mean([r.step_db > least_db for r in unknown])), 4),
        "found": round(float(np.mean(found)), 4),
        "n_genuine": len(unknown),
        "n_cut": len(cuts),
    }
