"""Follow people through sampled frames: by place within a shot, by identity across shots."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from assay.subjects.faces import Face, find_faces, overlap
from assay.subjects.identity import embed_face
from assay.subjects.landmarks import Mesh, find_landmarks
from assay.subjects.views import cut_view
from assay.types import Array, FaceTrack, FaceView, FloatArray, Frame

MIN_MESH_SCORE = 0.5
MIN_SAME_PERSON = 0.45
MIN_SAME_PLACE = 0.3
# A place alone is trusted only where the identity does not speak clearly against it.
MIN_NOT_ANOTHER = 0.2
CUT_DISTANCE = 0.45
THOROUGH_EVERY = 8


@dataclass(slots=True)
class _Person:
    track_id: int
    embedding: FloatArray
    last_box: FloatArray
    views: list[FaceView] = field(default_factory=list)
    frame_landmarks: list[FloatArray] = field(default_factory=list)


class TrackBuilder:
    """Feed frames in order with `add`; `finish` gives the tracks and their views.

    At most `max_faces` people are followed; of more, the largest at first sight.
    `n_faces_left_out` is the most that were left out in one frame.
    """

    def __init__(self, max_faces: int = 16) -> None:
        self.max_faces = max_faces
        self.n_faces_left_out = 0
        self.cuts_s: list[float] = []
        self._people: list[_Person] = []
        self._histogram: FloatArray | None = None
        self._n_frames = self._n_found = 0

    def add(self, frame: Frame) -> None:
        """Find the faces of one frame and give each to the person it belongs to."""
        cut = self._is_cut(frame)
        thorough = cut or self._n_frames % THOROUGH_EVERY == 0
        self._n_frames += 1
        seen = self._meshes(frame.rgb, find_faces(frame.rgb, thorough=thorough))
        pairs = self._assign(frame.rgb, seen, after_cut=cut)
        left_out = max(0, self._n_found - self.max_faces)
        for mesh, embedding, person in pairs:
            person = person or self._new_person(mesh, embedding)
            if person is None:
                left_out += 1
                continue
            person.views.append(cut_view(frame, mesh, person.track_id))
            person.frame_landmarks.append(mesh.landmarks_px)
            person.last_box = mesh.box_px
            person.embedding = _blend(person.embedding, embedding)
        self.n_faces_left_out = max(self.n_faces_left_out, left_out)

    def finish(self) -> tuple[tuple[FaceTrack, ...], dict[int, tuple[FaceView, ...]]]:
        """Tracks, the most prominent (area times frames) first, and each one's views."""
        people = sorted(self._people, key=lambda p: -_prominence(p))
        tracks = tuple(_track(person) for person in people)
        return tracks, {person.track_id: tuple(person.views) for person in people}

    def _meshes(self, rgb: Array, faces: list[Face]) -> list[Mesh]:
        self._n_found = len(faces)
        meshes: list[Mesh] = []
        for face in faces[: self.max_faces]:
            mesh = find_landmarks(rgb, face)
            inside = _in_frame(mesh.box_px, rgb.shape[1], rgb.shape[0])
            known = any(overlap(mesh.box_px, other.box_px) > 0.5 for other in meshes)
            if mesh.score >= MIN_MESH_SCORE and inside and not known:
                meshes.append(mesh)
        return meshes

    def _assign(
        self, rgb: Array, meshes: list[Mesh], *, after_cut: bool
    ) -> list[tuple[Mesh, FloatArray, _Person | None]]:
        embeddings = [embed_face(rgb, mesh.landmarks_px) for mesh in meshes]
        scored = []
        for i, (mesh, embedding) in enumerate(zip(meshes, embeddings, strict=True)):
            for j, person in enumerate(self._people):
                likeness = _likeness(mesh, embedding, person, after_cut)
                if likeness > 0:
                    scored.append((likeness, i, j))
        owner: dict[int, int] = {}
        for _, i, j in sorted(scored, reverse=True):
            if i not in owner and j not in owner.values():
                owner[i] = j
        return [
            (mesh, embeddings[i], self._people[owner[i]] if i in owner else None)
            for i, mesh in enumerate(meshes)
        ]

    def _new_person(self, mesh: Mesh, embedding: FloatArray) -> _Person | None:
        if len(self._people) >= self.max_faces:
            return None
        person = _Person(len(self._people) + 1, embedding, mesh.box_px)
        self._people.append(person)
        return person

    def _is_cut(self, frame: Frame) -> bool:
        histogram = colour_histogram(frame.rgb)
        previous, self._histogram = self._histogram, histogram
        if previous is None:
            return False
        cut = float(np.abs(histogram - previous).sum()) / 2 > CUT_DISTANCE
        if cut:
            self.cuts_s.append(frame.time_s)
        return cut


def colour_histogram(rgb: Array) -> FloatArray:
    """A colour histogram (512,) that sums to one, for telling shots apart."""
    step = max(1, max(rgb.shape[:2]) // 160)
    small = rgb[::step, ::step].reshape(-1, 3) >> 5
    codes = small[:, 0].astype(np.int32) * 64 + small[:, 1] * 8 + small[:, 2]
    counts = np.bincount(codes, minlength=512).astype(np.float32)
    return np.asarray(counts / counts.sum(), np.float32)


def _likeness(mesh: Mesh, embedding: FloatArray, person: _Person, after_cut: bool) -> float:
    same_person = float(embedding @ person.embedding)
    same_place = 0.0 if after_cut else overlap(mesh.box_px, person.last_box)
    if same_person >= MIN_SAME_PERSON:
        return same_person + same_place
    if same_place >= MIN_SAME_PLACE and same_person >= MIN_NOT_ANOTHER:
        return same_person + same_place
    return 0.0


def _blend(old: FloatArray, new: FloatArray) -> FloatArray:
    mixed = 0.8 * old + 0.2 * new
    return np.asarray(mixed / max(float(np.linalg.norm(mixed)), 1e-9), np.float32)


def _in_frame(box: FloatArray, width: int, height: int) -> bool:
    centre_x, centre_y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    has_area = box[2] - box[0] >= 2 and box[3] - box[1] >= 2
    return bool(has_area and 0 <= centre_x < width and 0 <= centre_y < height)


def _prominence(person: _Person) -> float:
    boxes = np.stack([view.frame_box_px for view in person.views])
    return float(((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])).sum())


def _track(person: _Person) -> FaceTrack:
    views = person.views
    return FaceTrack(
        track_id=person.track_id,
        times_s=np.array([view.time_s for view in views], np.float32),
        boxes_px=np.stack([view.frame_box_px for view in views]).astype(np.float32),
        landmarks_px=np.stack(person.frame_landmarks).astype(np.float32),
        scores=np.array([view.score for view in views], np.float32),
    )
