"""The faces and voices of a manifest, found once by the code that examines a file, and kept.

One cache serves every network: what is stored are the loose face views and the stretches of speech
that detectors cut their inputs from. It is keyed by content, so a moved folder or another manifest
of the same files costs nothing, and each item appears in it in one step: a run that was killed goes
on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, overload

import numpy as np

from assay.errors import AssayError, ConfigError, InputError
from assay.evaluation.pool import each
from assay.training.cache import INDEX
from assay.training.datasets import preparing
from assay.training.datasets.manifest_file import Manifest
from assay.training.datasets.opening import fingerprint
from assay.training.datasets.records import Record, groups_of
from assay.training.progress import told
from assay.types import FaceView, FloatArray

CACHE_VERSION = 1


@dataclass(frozen=True, slots=True)
class PreparedFaces:
    """The faces of one item, all people of it together, by person and time.

    `group` is what must not be divided between splits. `views` are opened when they are asked
    for, their `rgb` memory-mapped. `reason` is "" or, as `code: text`, why there are none.
    """

    record: Record
    group: str
    path: Path
    views: Sequence[FaceView] = ()
    reason: str = ""

    @property
    def fake(self) -> bool:
        """Whether the picture was changed: of a genuine picture with a forged voice it was not."""
        told = self.record.visual_fake
        return self.record.label == "fake" if told is None else told

    @property
    def tracks(self) -> dict[int, list[FaceView]]:
        """The views of each person, in time order."""
        found: dict[int, list[FaceView]] = {}
        for view in self.views:
            found.setdefault(view.track_id, []).append(view)
        return found


@dataclass(frozen=True, slots=True)
class SpeechPart:
    """One segment of speech: samples `first` to `last` of the prepared voice, from `start_s` on
    in the file."""

    first: int
    last: int
    start_s: float
    speaker_id: int


@dataclass(frozen=True, eq=False)
class PreparedVoice:
    """The speech of one item: its segments one after another, as the detector of voices reads
    them.

    `samples` is (n,) float32 at 16 kHz, memory-mapped; `parts` says which segment lies where.
    `reason` is "" or, as `code: text`, why there are none.
    """

    record: Record
    group: str
    path: Path
    samples: FloatArray = field(repr=False)
    reason: str = ""
    parts: tuple[SpeechPart, ...] = ()

    @property
    def fake(self) -> bool:
        """Whether the sound was changed: of a genuine voice in a forged picture it was not."""
        told = self.record.audio_fake
        return self.record.label == "fake" if told is None else told

    @property
    def segments(self) -> list[FloatArray]:
        """The samples of each segment, what `inputs.waveform.cut_windows` is given."""
        samples = self.samples
        return [samples[part.first : part.last] for part in self.parts]


class StoredViews(Sequence[FaceView]):
    """Face views in the cache; each is opened when it is asked for, so that a hundred thousand
    pictures cost neither memory nor open maps, and passes to another process as a path."""

    def __init__(self, place: Path, n: int) -> None:
        self.place = place
        self._n = n

    def __len__(self) -> int:
        return self._n

    @overload
    def __getitem__(self, index: int) -> FaceView: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[FaceView]: ...
    def __getitem__(self, index: int | slice) -> FaceView | Sequence[FaceView]:
        read = preparing.ViewFile(self.place)
        if isinstance(index, slice):
            return tuple(read.view(i) for i in range(*index.indices(self._n)))
        return read.view(range(self._n)[index])

    def __iter__(self) -> Iterator[FaceView]:
        read = preparing.ViewFile(self.place)
        return (read.view(i) for i in range(self._n))


class _StoredVoice(PreparedVoice):
    """One whose samples are mapped when they are asked for."""

    def __init__(self, record: Record, group: str, path: Path, place: Path) -> None:
        parts = tuple(SpeechPart(*row) for row in _index(place)["parts"])
        values = {"record": record, "group": group, "path": path, "reason": "", "parts": parts}
        for name, value in (*values.items(), ("place", place)):
            object.__setattr__(self, name, value)

    @property
    def samples(self) -> FloatArray:  # type: ignore[override]
        place: Path = self.__dict__["place"]
        return np.load(place / preparing.SAMPLES, mmap_mode="r")


def prepare_faces(
    manifest: Manifest,
    cache: Path,
    *,
    n_frames: int = 32,
    max_faces: int = 3,
    workers: int = 0,
    with_donor: bool = True,
) -> list[PreparedFaces]:
    """The faces of every item, in the manifest's order, from the cache where it has them.

    `workers` processes search for the others; 0 works in this one. An item that cannot be read is
    given with a reason; none stops the rest. `with_donor`: see `groups_of`.
    """
    what = preparing.Wanted("faces", n_frames, max_faces)
    found = _filled(manifest, cache, what, workers)
    groups = groups_of(manifest.records, with_donor=with_donor)
    return [
        _faces(record, group, manifest.path_of(record), place)
        for record, group, place in zip(manifest.records, groups, found, strict=True)
    ]


def prepare_voices(
    manifest: Manifest, cache: Path, *, workers: int = 0, with_donor: bool = True
) -> list[PreparedVoice]:
    """The speech of every item, in the manifest's order, from the cache where it has it.

    See `prepare_faces`; videos are heard too.
    """
    found = _filled(manifest, cache, preparing.Wanted("voices"), workers)
    groups = groups_of(manifest.records, with_donor=with_donor)
    return [
        _voice(record, group, manifest.path_of(record), place)
        for record, group, place in zip(manifest.records, groups, found, strict=True)
    ]


def _faces(record: Record, group: str, path: Path, place: Path | str) -> PreparedFaces:
    if isinstance(place, str):
        return PreparedFaces(record, group, path, (), place)
    index = _index(place)
    views = StoredViews(place, index["n"]) if index["n"] else ()
    return PreparedFaces(record, group, path, views, index["reason"])


def _voice(record: Record, group: str, path: Path, place: Path | str) -> PreparedVoice:
    reason = place if isinstance(place, str) else str(_index(place)["reason"])
    if isinstance(place, Path) and not reason:
        return _StoredVoice(record, group, path, place)
    return PreparedVoice(record, group, path, np.zeros(0, np.float32), reason)


def _index(place: Path) -> dict[str, Any]:
    index: dict[str, Any] = json.loads((place / INDEX).read_text())
    return index


def _filled(
    manifest: Manifest, cache: Path, what: preparing.Wanted, workers: int
) -> list[Path | str]:
    """For each record the folder of its cache, or why there is none."""
    cache.mkdir(parents=True, exist_ok=True)
    preparing.sweep(cache)
    places = [_place(manifest, record, cache, what) for record in manifest.records]
    jobs: dict[Path, preparing.Job] = {}
    for record, place in zip(manifest.records, places, strict=True):
        if isinstance(place, Path) and not (place / INDEX).is_file():
            path = manifest.path_of(record)
            jobs.setdefault(
                place, preparing.Job(path, record.modality, record.part, place, what, workers)
            )
    failed = _run(list(jobs.values()), what.kind, workers)
    return [failed.get(place, place) if isinstance(place, Path) else place for place in places]


def _run(jobs: list[preparing.Job], kind: str, workers: int) -> dict[Path, str]:
    """Fill all places; those that could not be, and why."""
    failed = {}
    done = each(preparing.prepare, jobs, min(workers, len(jobs)))
    for index, answer in told(done, len(jobs), kind):
        if isinstance(answer, Exception):
            failed[jobs[index].place] = reason_of(answer)
    return failed


def _place(manifest: Manifest, record: Record, cache: Path, what: preparing.Wanted) -> Path | str:
    path = manifest.path_of(record)
    unfit = what.unfit(record.modality)
    if unfit:
        return unfit
    try:
        content = fingerprint(path, record.modality, record.part)
    except InputError as error:
        return reason_of(error)
    except (OSError, ValueError) as error:
        return f"file_unreadable: {error}"
    key = f"{CACHE_VERSION} {what.key} {record.modality} {record.sha256 or content}"
    digest = hashlib.sha256(key.encode()).hexdigest()[:32]
    return cache / what.kind / digest[:2] / digest


def reason_of(error: Exception) -> str:
    """`code: text` of whatever went wrong with one item."""
    if isinstance(error, AssayError):
        return f"{error.code}: {error}"
    return f"internal_error: {type(error).__name__}: {error}"


def prepare_all(
    manifest: Manifest,
    cache: Path,
    kind: str,
    *,
    n_frames: int = 32,
    max_faces: int = 3,
    workers: int = 0,
) -> list[dict[str, Any]]:
    """Prepare what fits, and say of how many items: a row for each kind, label and state ("ready"
    or the code of the reason).

    `kind`: "faces", "voices", "both" (of all items), or "fitting" (speech of sound alone, faces of
    the rest). Raises ConfigError for another one.
    """
    if kind not in ("faces", "voices", "both", "fitting"):
        raise ConfigError(f"--kind {kind!r} is none of faces, voices, both, fitting.")
    seen, heard = manifest.records, manifest.records
    if kind == "fitting":
        seen = tuple(one for one in seen if one.modality != "audio")
        heard = tuple(one for one in heard if one.modality == "audio")
    rows: list[dict[str, Any]] = []
    if kind != "voices" and seen:
        part = manifest.with_records(seen, manifest.made_by)
        faces = prepare_faces(part, cache, n_frames=n_frames, max_faces=max_faces, workers=workers)
        rows += _summed("faces", [(one.record, one.reason, len(one.views)) for one in faces])
    if kind != "faces" and heard:
        part = manifest.with_records(heard, manifest.made_by)
        voices = prepare_voices(part, cache, workers=workers)
        rows += _summed("voices", [(one.record, one.reason, len(one.parts)) for one in voices])
    return rows


def _summed(what: str, items: Sequence[tuple[Record, str, int]]) -> list[dict[str, Any]]:
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for record, reason, n in items:
        state = reason.split(":")[0] or "ready"
        start = {"what": what, "label": record.label, "state": state, "items": 0, "views": 0}
        row = rows.setdefault((record.label, state), start)
        row["items"] += 1
        row["views"] += n
        row.setdefault("example", record.path + (f" ({reason})" if reason else ""))
    return [rows[key] for key in sorted(rows)]
