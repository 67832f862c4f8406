"""Find the faces or the speech of one item as an examination does, and store them in one folder."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from assay.bundles import use_threads
from assay.case import Case
from assay.detectors.voice_synthesis import by_speaker, segments_read
from assay.errors import InputError, TimeLimitError
from assay.media.probe import probe
from assay.options import Options
from assay.subjects.speech import Speech
from assay.subjects.views import VIEW_MAX_PX, VIEW_SCALE
from assay.training.cache import fill
from assay.training.datasets.opening import Opened, opened
from assay.training.datasets.records import Bytes, Modality
from assay.types import FaceView, SpeechSegment

PIXELS, FACTS, SAMPLES = "pixels.npy", "facts.npy", "voice.npy"
TIME_LIMIT_S = 600.0
STALE_S = 24 * 3600.0
N_LANDMARKS = 468
# A row of FACTS: track, frame, time, scale, score, height, width, first byte; boxes; landmarks.
_HEAD = 8
_BOXES = _HEAD + 8


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for in an item, and how closely."""

    kind: Literal["faces", "voices"]
    n_frames: int = 0
    max_faces: int = 0

    def __post_init__(self) -> None:
        if self.kind == "faces":
            Options(frames=self.n_frames, max_faces=self.max_faces)  # refuses what it cannot use

    @property
    def key(self) -> str:
        """What the stored answer depends on apart from the item."""
        if self.kind == "voices":
            return "voices"
        return f"faces {VIEW_SCALE} {VIEW_MAX_PX} {self.n_frames} {self.max_faces}"

    def unfit(self, modality: Modality) -> str:
        """Why nothing is looked for in items of this kind; "" where something is."""
        if self.kind == "faces" and modality == "audio":
            return "wrong_kind: A recording of sound shows no face."
        if self.kind == "voices" and modality in ("image", "frames"):
            return "wrong_kind: Pictures have no sound."
        return ""


@dataclass(frozen=True, slots=True)
class Job:
    """One item to prepare, for a process of its own; `workers` share the machine."""

    path: Path
    modality: Modality
    part: Bytes | None
    place: Path
    wanted: Wanted
    workers: int = 0


def prepare(job: Job) -> None:
    """Fill the job's place. What is wrong with the item itself is stored as its reason; raises
    what may be otherwise another time: an item that is not there, the time limit."""
    if job.workers:
        use_threads(1)
    job.place.parent.mkdir(parents=True, exist_ok=True)
    fill(job.place, lambda folder: _write(job, folder))


def _write(job: Job, folder: Path) -> dict[str, Any]:
    store = _store_faces if job.wanted.kind == "faces" else _store_voice
    try:
        n_frames = job.wanted.n_frames or 1
        with opened(job.path, job.modality, job.part, n_frames) as item:
            return store(item, job.wanted, folder)
    except (TimeLimitError, FileNotFoundError):
        raise
    except InputError as error:
        if error.code in ("file_missing", "file_unreadable"):
            raise
        return {"n": 0, "reason": f"{error.code}: {error}", "parts": []}


def _store_faces(item: Opened, wanted: Wanted, folder: Path) -> dict[str, Any]:
    options = Options(frames=wanted.n_frames, max_faces=wanted.max_faces, time_limit_s=TIME_LIMIT_S)
    case = Case(probe(item.path), options)
    if case.media.kind == "audio":
        return {"n": 0, "reason": "wrong_kind: A recording of sound shows no face."}
    views = [view for track in case.tracks for view in case.face_views(track.track_id)]
    if case.notes:
        raise TimeLimitError(f"The faces were not found within {TIME_LIMIT_S:g} s.")
    if not views:
        return {"n": 0, "reason": "no_face: No face was found."}
    facts, first = [], 0
    for view in views:
        facts.append(_row(view, item, first))
        first += view.rgb.size
    np.save(folder / PIXELS, np.concatenate([view.rgb.ravel() for view in views]))
    np.save(folder / FACTS, np.stack(facts))
    return {"n": len(views), "reason": ""}


def _row(view: FaceView, item: Opened, first: int) -> Any:
    index, time_s = item.moment(view.frame_index, view.time_s)
    head = [view.track_id, index, time_s, view.scale, view.score, *view.rgb.shape[:2], first]
    boxes = [*view.box_px, *view.frame_box_px]
    return np.array([*head, *boxes, *view.landmarks_px.ravel()], np.float64)


class ViewFile:
    """The stored views of one item."""

    def __init__(self, place: Path) -> None:
        self._pixels = np.load(place / PIXELS, mmap_mode="r")
        self._facts = np.load(place / FACTS)

    def view(self, i: int) -> FaceView:
        """The view of that number; its pixels stay on disk until they are read."""
        row = self._facts[i]
        track, index, time_s, scale, score, height, width, first = row[:_HEAD].tolist()
        shape = (int(height), int(width), 3)
        first = int(first)
        return FaceView(
            track_id=int(track),
            frame_index=int(index),
            time_s=time_s,
            rgb=self._pixels[first : first + shape[0] * shape[1] * 3].reshape(shape),
            box_px=row[_HEAD : _HEAD + 4].astype(np.float32),
            landmarks_px=row[_BOXES:].reshape(N_LANDMARKS, 2).astype(np.float32),
            frame_box_px=row[_HEAD + 4 : _BOXES].astype(np.float32),
            scale=scale,
            score=score,
        )


def _store_voice(item: Opened, wanted: Wanted, folder: Path) -> dict[str, Any]:
    case = Case(probe(item.path), Options(time_limit_s=TIME_LIMIT_S))
    if case.media.sample_rate_hz is None:
        return {"reason": "no_sound: The file has no sound.", "parts": []}
    speech = case.speech
    if speech is None or not speech.segments:
        return {"reason": _why_none(speech), "parts": []}
    chosen: list[SpeechSegment] = []
    reason = ""
    for own in by_speaker(speech.segments).values():
        read, why = segments_read(own)
        chosen, reason = [*chosen, *read], reason or why
    if not chosen:
        return {"reason": reason, "parts": []}
    chosen.sort(key=lambda segment: (segment.start_s, segment.speaker_id))
    ends = np.cumsum([len(segment.waveform) for segment in chosen]).tolist()
    np.save(folder / SAMPLES, np.concatenate([s.waveform for s in chosen]).astype(np.float32))
    parts = [
        [last - len(segment.waveform), last, segment.start_s, segment.speaker_id]
        for segment, last in zip(chosen, ends, strict=True)
    ]
    return {"reason": "", "parts": parts}


def _why_none(speech: Speech | None) -> str:
    if speech is None or not speech.reasons:
        return "no_speech: No speech was found in the sound."
    return f"{speech.reasons[0].code}: {speech.reasons[0].text}"


def sweep(cache: Path) -> None:
    """Take away what runs that were killed left unfinished more than a day ago."""
    for folder in cache.glob("*/*/.*-*"):
        try:
            if time.time() - folder.stat().st_mtime > STALE_S:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue
