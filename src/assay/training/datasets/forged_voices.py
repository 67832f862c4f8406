"""Make a folder of artificial speech: sentences said by many generators, and vocoded copies.

`python -m assay.training.datasets.forged_voices configs/forged_voices.toml --out FOLDER`

A generator that is not installed is left out, with the reason. A broken-off run goes on where it
stopped, and runs for other families (`--only`) may write to the same folder at the same time: the
manifest always lists what is there. Splits, packages and limits: docs/training-data.md.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from assay.errors import AssayError, InputError
from assay.media.audio import read_waveform
from assay.media.probe import probe
from assay.training.datasets.forged_voices_plan import (
    Config,
    Copy,
    Family,
    Job,
    Reading,
    copier_of,
    plan,
    read_config,
    reader_of,
)
from assay.training.datasets.speech_makers import Sound, discover
from assay.training.datasets.web_photos import COLUMNS
from assay.types import FloatArray

VERSION = 1
"""Goes up when the same configuration gives other sound; what was made before is made anew."""
JOURNAL = "made.jsonl"
MANIFEST_EVERY_S = 20.0
LOUDEST, QUIETEST_DBFS, LEAST_ACTIVE, MOST_CLIPPED = 0.95, -45.0, 0.3, 0.002
FRAME_S, ACTIVE_BELOW_LOUDEST_DB = 0.02, 35.0
Row = dict[str, str]


def make(config: Config, out: Path, only: Collection[str] = ()) -> list[Row]:
    """Write the clips of all families, or of those in `only`; the rows of the whole folder.

    What `out` holds already, made by the same settings, is kept. Prints why a family or a clip
    is left out.
    """
    out.mkdir(parents=True, exist_ok=True)
    for family in [*config.voices, *config.vocoders]:
        if only and family.name not in only:
            continue
        if reason := discover()[family.name].missing():
            print(f"{family.name} is left out: {reason} is not installed", file=sys.stderr)
            continue
        _make_family(config, family, out)
    return write_manifest(out)


def _make_family(config: Config, family: Family, out: Path) -> None:
    known, written = _journal(out), time.monotonic()
    for job in plan(config, family):
        key = _key(job)
        if key in known and _whole(known[key], out):
            continue
        try:
            entry = _made(job, config, out)
        except InputError as error:
            print(f"{_stem(job)} is left out: {error}", file=sys.stderr)
            continue
        with (out / JOURNAL).open("a", encoding="utf-8") as journal:
            # One write of one line: other runs may add to the same file.
            journal.write(json.dumps({"key": key, "row": entry}) + "\n")
        if time.monotonic() - written > MANIFEST_EVERY_S:
            write_manifest(out)
            written = time.monotonic()
    write_manifest(out)


def _key(job: Job) -> str:
    """Changes with all that this clip is made from, but not with how many there are."""
    facts: dict[str, Any] = asdict(job)
    facts["family"] = facts["family"]["name"]
    if isinstance(job, Copy):
        facts["item"] = job.item.sha256
    text = json.dumps([VERSION, facts], default=str, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def _journal(out: Path) -> dict[str, Row]:
    """The rows of what was made before, by key; a line that was cut off is passed over."""
    found: dict[str, Row] = {}
    path = out / JOURNAL
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            entry = json.loads(line)
            found[entry["key"]] = {name: str(entry["row"][name]) for name in COLUMNS}
        except (ValueError, LookupError, TypeError):
            continue
    return found


def _whole(row: Row, out: Path) -> bool:
    path = out / row["path"]
    return path.is_file() and _digest(path.read_bytes()) == row["sha256"]


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _stem(job: Job) -> str:
    name = job.family.name
    if isinstance(job, Reading):
        voice = re.sub(r"[^A-Za-z0-9._]+", "-", job.voice.name)
        return f"{name}/{voice}-{job.number:03d}"
    return f"{name}/{Path(job.path).stem[:80]}-{job.item.sha256[:6]}"


def _made(job: Job, config: Config, out: Path) -> Row:
    """One clip, written; its row. Raises InputError where none is good."""
    if isinstance(job, Reading):
        sound, note = _said(job, config)
        identity, source = f"{job.family.name}-{job.voice.name}", f": {job.voice.name}"
        licence = ""
    else:
        sound = checked(copier_of(job).copy(_opening(job), job.seed), config)
        note, identity, licence = f"copy of {job.path}", job.item.group, f"{job.item.licence}; "
        source = ""
    maker = discover()[job.family.name]
    path = out / f"{_stem(job)}.flac"
    path.parent.mkdir(exist_ok=True)
    write_flac(sound, path)
    values = {
        "path": f"{_stem(job)}.flac",
        "modality": "audio",
        "label": "fake",
        "method": job.family.name,
        "identity": identity,
        "split": job.split,
        "source": maker.source() + source,
        "licence": licence + maker.licence,
        "note": note,
        "sha256": _digest(path.read_bytes()),
    }
    return {name: values.get(name, "") for name in COLUMNS}


def _said(job: Reading, config: Config) -> tuple[Sound, str]:
    """The first of the job's sentences that comes out well, and the note about it."""
    reason = "there are no sentences"
    for number, text in job.tries:
        try:
            sound = checked(reader_of(job).say(text, job.voice, job.manner), config)
        except InputError as error:
            reason = error.as_text()
            continue
        manner, language = job.manner, job.voice.language
        note = f"sentence {language}-{number}; speed {manner.speed:g}; pitch {manner.pitch:g}"
        return sound, note
    raise InputError(reason)


def _opening(job: Copy) -> Sound:
    """The first seconds of a genuine recording, at its own rate."""
    wave = read_waveform(probe(job.item.path), None, job.seconds, lambda: None)
    return Sound(np.asarray(wave.samples, np.float32), wave.sample_rate_hz)


def checked(sound: Sound, config: Config) -> Sound:
    """The sound, no louder than `LOUDEST`. Raises InputError for one that is broken: not finite,
    too short or too long, nearly silent, clipped, or with little but silence in it."""
    samples = np.asarray(sound.samples, np.float32).reshape(-1)
    if not (samples.size and np.isfinite(samples).all()):
        raise InputError("there is no sound, or it is not finite")
    seconds = samples.size / sound.rate_hz
    if not config.shortest_s <= seconds <= config.longest_s + 0.05:
        raise InputError(f"{seconds:.1f} s long")
    peak = float(np.abs(samples).max())
    clipped = float((np.abs(samples) >= 0.999 * peak).mean())
    if peak and clipped > MOST_CLIPPED:
        raise InputError(f"{clipped:.1%} of it is at the limit")
    level, active = activity(samples, sound.rate_hz)
    if level < QUIETEST_DBFS or active < LEAST_ACTIVE:
        raise InputError(f"{level:.0f} dBFS, {active:.0%} of it active")
    return replace(sound, samples=samples * np.float32(min(1.0, LOUDEST / peak)))


def activity(samples: FloatArray, rate_hz: int) -> tuple[float, float]:
    """The level in dBFS of the frames that are active, and their share: those of 20 ms within
    35 dB of the loudest one."""
    frame = max(1, int(FRAME_S * rate_hz))
    whole = samples[: max(1, samples.size // frame) * frame].astype(np.float64)
    power = (whole.reshape(-1, min(frame, whole.size)) ** 2).mean(axis=1) + 1e-12
    loud = power >= power.max() * 10 ** (-ACTIVE_BELOW_LOUDEST_DB / 10)
    return 10 * float(np.log10(power[loud].mean())), float(loud.mean())


def write_flac(sound: Sound, path: Path) -> None:
    """Write 16-bit mono FLAC at the sound's own rate, in one step."""
    import av

    part = path.with_suffix(f".{os.getpid()}.part")
    pcm = np.clip(np.round(sound.samples * 32768.0), -32768, 32767).astype(np.int16)
    with av.open(str(part), "w", format="flac") as file:
        stream = file.add_stream("flac", rate=sound.rate_hz)
        stream.codec_context.format = "s16"
        stream.codec_context.layout = "mono"
        frame = av.AudioFrame.from_ndarray(pcm[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = sound.rate_hz, 0
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            file.mux(packet)
    os.replace(part, path)


def write_manifest(out: Path) -> list[Row]:
    """Write manifest.csv from the journal: the last row of each file that is there."""
    rows = {row["path"]: row for row in _journal(out).values()}
    kept = [rows[path] for path in sorted(rows) if (out / path).is_file()]
    part = out / f"manifest.{os.getpid()}.part"
    with part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
    os.replace(part, out / "manifest.csv")
    return kept


def _summary(rows: Iterable[Row]) -> Iterator[str]:
    counts = Counter((row["split"], row["method"]) for row in rows)
    for (split, method), n in sorted(counts.items()):
        yield f"{n:6d}  {split:5s}  {method}"


def main(arguments: list[str] | None = None) -> int:
    """The command line; the exit code of the error where there is one."""
    parser = argparse.ArgumentParser(prog="assay.training.datasets.forged_voices")
    parser.add_argument("config", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", default="", help="families, divided by commas")
    given = parser.parse_args(arguments)
    try:
        only = [name for name in given.only.split(",") if name]
        rows = make(read_config(given.config), given.out, only)
    except AssayError as error:
        print(error.as_text(), file=sys.stderr)
        return error.exit_code
    print("\n".join(_summary(rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
